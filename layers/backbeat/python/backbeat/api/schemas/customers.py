"""Requests about customers."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    Alias,
    CustomFields,
    Flag,
    Id,
    JsonObject,
    Limit,
    QueryFlag,
    Schema,
    Timestamp,
)
from backbeat.application.provider_configurations import AT_ONCE, NewConfiguration
from backbeat.models.customers import BillableStatus
from backbeat.models.provider_configurations import DeliveryMethod, ProviderKind

_INLINE: Final = 15
"""Accounts of each kind that a new customer may come with."""


class InlineBillingConfiguration(Schema):
    """An account at a billing provider, without its customer."""

    billing_provider: Literal[
        "aws_marketplace",
        "stripe",
        "netsuite",
        "custom",
        "azure_marketplace",
        "quickbooks_online",
        "workday",
        "gcp_marketplace",
        "metronome",
    ]
    delivery_method: DeliveryMethod | None = None
    delivery_method_id: Id | None = None
    configuration: JsonObject = {}
    tax_provider: Literal["anrok", "avalara", "stripe"] | None = None

    def to_configuration(self) -> NewConfiguration:
        """Returns the account asked for."""
        return NewConfiguration(
            ProviderKind.BILLING,
            self.billing_provider,
            self.delivery_method,
            self.delivery_method_id,
            self.configuration,
            self.tax_provider,
        )


class InlineRevenueConfiguration(Schema):
    """An account at a revenue system, without its customer."""

    provider: Literal["netsuite"]
    delivery_method: DeliveryMethod | None = None
    delivery_method_id: Id | None = None
    configuration: JsonObject = {}

    def to_configuration(self) -> NewConfiguration:
        """Returns the account asked for."""
        return NewConfiguration(
            ProviderKind.REVENUE,
            self.provider,
            self.delivery_method,
            self.delivery_method_id,
            self.configuration,
        )


class BillingConfiguration(InlineBillingConfiguration):
    """A customer's account at a billing provider."""

    customer_id: Id


class RevenueConfiguration(InlineRevenueConfiguration):
    """A customer's account at a revenue system."""

    customer_id: Id


class SetBillingConfigurations(Schema):
    """Accounts to add to customers."""

    data: Annotated[list[BillingConfiguration], Field(max_length=AT_ONCE)]


class SetRevenueConfigurations(Schema):
    """Accounts to add to customers."""

    data: Annotated[list[RevenueConfiguration], Field(max_length=AT_ONCE)]


class GetConfigurations(Schema):
    """A customer's accounts. Only revenue systems are filtered by provider."""

    customer_id: Id
    provider: Literal["netsuite"] | None = None
    include_archived: Flag = False


class ArchiveBillingConfigurations(Schema):
    """Accounts to archive."""

    customer_id: Id
    customer_billing_provider_configuration_ids: Annotated[list[Id], Field(max_length=AT_ONCE)]


class ArchiveRevenueConfigurations(Schema):
    """Accounts to archive."""

    customer_id: Id
    customer_revenue_system_configuration_ids: Annotated[list[Id], Field(max_length=AT_ONCE)]


class SetBillableStatus(Schema):
    """Whether a customer's invoices are sent, from a date on."""

    customer_id: Id
    billable_status: BillableStatus
    effective_at: Timestamp


class UpdateConfig(Schema):
    """Settings of a customer. What is left out stays; null takes a value away."""

    salesforce_account_id: str | None = None
    leave_stripe_invoices_in_draft: Flag | None = None

    def changes(self) -> dict[str, object]:
        """Returns the fields that were sent."""
        return self.model_dump(include=self.model_fields_set)


CustomerName = Annotated[str, StringConstraints(min_length=1, max_length=10_000_000)]
"""As long as a request can be: what is too long is cut."""


class CreateCustomer(Schema):
    """`external_id` is an older name for one more alias."""

    name: CustomerName
    ingest_aliases: Annotated[list[Alias], Field(max_length=2000)] = []
    external_id: Alias | None = None
    custom_fields: CustomFields = {}
    customer_billing_provider_configurations: Annotated[
        list[InlineBillingConfiguration], Field(max_length=_INLINE)
    ] = []
    customer_revenue_system_configurations: Annotated[
        list[InlineRevenueConfiguration], Field(max_length=_INLINE)
    ] = []

    @property
    def all_aliases(self) -> list[str]:
        """The aliases under either name."""
        external = [] if self.external_id is None else [self.external_id]
        return [*external, *self.ingest_aliases]

    def to_configurations(self) -> list[NewConfiguration]:
        """Returns the accounts that the customer comes with."""
        billing = [one.to_configuration() for one in self.customer_billing_provider_configurations]
        revenue = [one.to_configuration() for one in self.customer_revenue_system_configurations]
        return [*billing, *revenue]


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


_Texts = Annotated[list[str], BeforeValidator(_split), Field(max_length=100)]
"""A list as it comes in a query: texts with commas between them."""


class ListCustomers(Schema):
    """Filters by alias or ids; lists hold active customers or archived ones."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    ingest_alias: str | None = None
    customer_ids: _Texts | None = None
    salesforce_account_ids: _Texts | None = None
    only_archived: QueryFlag = False


class SearchCustomers(Schema):
    """Beginnings of words, an alias or an id; among active customers or archived ones."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    limit: Limit = 25
    next_page: str | None = None
    only_archived: QueryFlag = False


class SetIngestAliases(Schema):
    """Replaces all aliases."""

    ingest_aliases: Annotated[list[Alias], Field(max_length=2000)]


class SetName(Schema):
    """Renames."""

    name: CustomerName


class ById(Schema):
    """Names one thing by its id."""

    id: Id
