"""Requests about credit grants, plans and billing configurations of the older kind."""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    Id,
    Limit,
    Name,
    Number,
    Schema,
    Timestamp,
    UniquenessKey,
)
from backbeat.application.credit_grants import GrantFilter, NewGrant
from backbeat.models.credit_grants import Rollover, RolloverLimit
from backbeat.models.money import USD
from backbeat.models.provider_configurations import AccountTerms


class _Amount(Schema):
    amount: Annotated[Number, Field(ge=0)]
    credit_type_id: Id


class _RolloverAmount(Schema):
    type: RolloverLimit
    value: Annotated[Number, Field(ge=0)]

    @model_validator(mode="after")
    def _fraction(self) -> Self:
        if self.type is RolloverLimit.MAX_PERCENTAGE and self.value > 1:
            raise ValueError("value: a percentage is a fraction, from 0 to 1")
        return self


class _Rollover(Schema):
    expires_at: Timestamp
    priority: Number
    rollover_amount: _RolloverAmount


class CreateGrant(Schema):
    """A credit grant."""

    customer_id: Id
    name: Name
    grant_amount: _Amount
    paid_amount: _Amount
    expires_at: Timestamp
    priority: Number
    effective_at: Timestamp | None = None
    invoice_date: Timestamp | None = None
    product_ids: Annotated[list[Id], Field(max_length=100)] = []
    reason: str | None = None
    credit_grant_type: str | None = None
    rollover_settings: _Rollover | None = None
    uniqueness_key: UniquenessKey | None = None
    custom_fields: CustomFields = {}

    def to_grant(self) -> NewGrant:
        """Returns the grant asked for."""
        rollover = self.rollover_settings
        return NewGrant(
            customer_id=self.customer_id,
            name=self.name,
            amount=self.grant_amount.amount,
            credit_type_id=self.grant_amount.credit_type_id,
            paid_amount=self.paid_amount.amount,
            paid_credit_type_id=self.paid_amount.credit_type_id,
            priority=self.priority,
            expires_at=self.expires_at,
            effective_at=self.effective_at,
            product_ids=self.product_ids,
            reason=self.reason,
            type=self.credit_grant_type,
            rollover=None
            if rollover is None
            else Rollover(
                expires_at=rollover.expires_at,
                priority=rollover.priority,
                limit=rollover.rollover_amount.type,
                value=rollover.rollover_amount.value,
            ),
            uniqueness_key=self.uniqueness_key,
            invoice_date=self.invoice_date,
            custom_fields=self.custom_fields,
        )


class UsePlan(Schema):
    """What a plan charges a customer for usage."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    amount: Annotated[Number, Field(gt=0)]
    credit_type_id: Id = USD.id
    product_id: Id | None = None
    at: Timestamp | None = None


class EditGrant(Schema):
    """Changes of a grant."""

    id: Id
    name: Name | None = None
    expires_at: Timestamp | None = None
    credit_grant_type: str | None = None


class VoidGrant(Schema):
    """A grant to take back, and with it, if asked for, the invoice it was bought with."""

    id: Id
    release_uniqueness_key: Flag = False
    void_credit_purchase_invoice: Flag = False


class GrantPage(Schema):
    """A page of grants."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class ListGrants(Schema):
    """Filters of grants: by their own ids, or by customers and credit types."""

    credit_grant_ids: list[Id] | None = None
    customer_ids: list[Id] | None = None
    credit_type_ids: list[Id] | None = None
    not_expiring_before: Timestamp | None = None
    effective_before: Timestamp | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        others = (self.customer_ids, self.credit_type_ids)
        if self.credit_grant_ids is not None and any(given is not None for given in others):
            raise ValueError(
                "credit_grant_ids: cannot be combined with customer_ids or credit_type_ids"
            )
        return self

    def to_filter(self) -> GrantFilter:
        """Returns the filter meant."""
        return GrantFilter(
            ids=self.credit_grant_ids,
            customer_ids=self.customer_ids,
            credit_type_ids=self.credit_type_ids,
            not_expiring_before=self.not_expiring_before,
            effective_before=self.effective_before,
        )


class EntryPage(Schema):
    """A page of ledgers."""

    next_page: str | None = None


class ListEntries(Schema):
    """Ledgers of customers and credit types in a window."""

    customer_ids: list[Id] | None = None
    credit_type_ids: list[Id] | None = None
    starting_on: Timestamp | None = None
    ending_before: Timestamp | None = None
    sort: Literal["asc", "desc"] = "asc"

    def to_filter(self) -> GrantFilter:
        """Returns the filter meant."""
        return GrantFilter(customer_ids=self.customer_ids, credit_type_ids=self.credit_type_ids)


class AddPlan(Schema):
    """A plan for a customer."""

    plan_id: Id
    starting_on: Timestamp


class AddCharge(Schema):
    """A charge on a plan's invoice."""

    charge_id: Id
    customer_plan_id: Id
    description: Name
    invoice_start_timestamp: Timestamp
    price: Number
    quantity: Number


class BillingConfig(Schema):
    """A customer's account at a provider, by the provider's id of the customer."""

    billing_provider_customer_id: Name
    aws_product_code: str | None = None
    aws_region: str | None = None
    stripe_collection_method: str | None = None

    def to_configuration(self, provider: str) -> AccountTerms:
        """Returns the account in the words of today."""
        own = self.billing_provider_customer_id
        terms: AccountTerms = {OWN_ID.get(provider, "customer_id"): own}
        given = self.model_dump(exclude={"billing_provider_customer_id"}, exclude_none=True)
        return {**terms, **given}


OWN_ID: Final = {
    "stripe": "stripe_customer_id",
    "aws_marketplace": "aws_customer_id",
    "azure_marketplace": "azure_subscription_id",
    "gcp_marketplace": "gcp_entitlement_id",
    "netsuite": "netsuite_customer_id",
}
"""Under which name each provider's id of the customer is kept."""
