"""Requests about contracts."""

from dataclasses import replace
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.balances import CommitSchema, CreditSchema
from backbeat.api.schemas.charges import ChargesSchema
from backbeat.api.schemas.overrides import OverrideSchema
from backbeat.api.schemas.rates import BillingFrequency, RateSelector
from backbeat.api.schemas.recurring import RecurringCommitSchema, RecurringCreditSchema
from backbeat.api.schemas.subscriptions import SubscriptionSchema
from backbeat.api.schemas.threshold_billing import (
    PrepaidThresholdSchema,
    SpendThresholdSchema,
    SpendTrackerSchema,
)
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Number,
    Schema,
    Timestamp,
    UniquenessKey,
    Upper,
    Whole,
)
from backbeat.application.hierarchies import NewRole
from backbeat.application.new_contracts import NewContract, NewUsageFilter
from backbeat.application.transitions import NewTransition
from backbeat.models.contracts import (
    HierarchyLink,
    InvoiceConsolidation,
    Payer,
    ProviderChoice,
    StatementBehavior,
    TransitionType,
    TrueUpBehavior,
)
from backbeat.models.overrides import Prioritization
from backbeat.models.schedules import Frequency, StatementDay

PaymentDays = Annotated[Whole, Field(ge=0)]

Provider = Literal["aws_marketplace", "azure_marketplace", "gcp_marketplace", "stripe", "netsuite"]
DeliveryMethod = Literal["direct_to_billing_provider", "aws_sqs", "tackle", "aws_sns"]


class StatementScheduleSchema(Schema):
    """When usage periods begin."""

    frequency: BillingFrequency
    day: Annotated[StatementDay, Upper] = StatementDay.FIRST_OF_MONTH
    billing_anchor_date: HourTimestamp | None = None
    invoice_generation_starting_at: HourTimestamp | None = None

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        if self.day is StatementDay.CUSTOM_DATE and self.billing_anchor_date is None:
            raise ValueError("billing_anchor_date: required with day CUSTOM_DATE")
        return self


class UsageFilterSchema(Schema):
    """Which usage a contract rates."""

    group_key: Name
    group_values: Annotated[list[str], Field(min_length=1)]
    starting_at: HourTimestamp | None = None

    def to_filter(self) -> NewUsageFilter:
        """Returns the filter asked for."""
        return NewUsageFilter(self.group_key, tuple(self.group_values), self.starting_at)


class FutureInvoiceBehaviorSchema(Schema):
    """What becomes of invoices the earlier contract would still have."""

    trueup: Annotated[TrueUpBehavior | None, Upper] = None


class TransitionSchema(Schema):
    """The contract this one follows."""

    type: Annotated[TransitionType, Upper]
    from_contract_id: Id
    future_invoice_behavior: FutureInvoiceBehaviorSchema = FutureInvoiceBehaviorSchema()

    def to_transition(self) -> NewTransition:
        """Returns the transition asked for."""
        return NewTransition(self.type, self.from_contract_id, self.future_invoice_behavior.trueup)


class ParentSchema(Schema):
    """The contract above."""

    contract_id: Id
    customer_id: Id


class ParentBehaviorSchema(Schema):
    """How a parent's invoices take in those of its children."""

    invoice_consolidation_type: Annotated[InvoiceConsolidation, Upper] | None = None


class HierarchySchema(Schema):
    """A contract's place: with `parent` it is a child, else a parent."""

    parent: ParentSchema | None = None
    payer: Annotated[Payer, Upper] | None = None
    usage_statement_behavior: Annotated[StatementBehavior, Upper] | None = None
    parent_behavior: ParentBehaviorSchema | None = None

    def to_role(self) -> NewRole:
        """Returns the place asked for."""
        behavior = self.parent_behavior or ParentBehaviorSchema()
        return NewRole(
            parent=None
            if self.parent is None
            else HierarchyLink(
                contract_id=self.parent.contract_id, customer_id=self.parent.customer_id
            ),
            payer=self.payer,
            usage_statement_behavior=self.usage_statement_behavior,
            invoice_consolidation_type=behavior.invoice_consolidation_type,
        )


class BillingProviderSchema(Schema):
    """One of the customer's billing provider configurations, by id or by provider and method."""

    billing_provider_configuration_id: Id | None = None
    billing_provider: Provider | None = None
    delivery_method: DeliveryMethod | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.billing_provider_configuration_id is None and (
            self.billing_provider is None or self.delivery_method is None
        ):
            raise ValueError(
                "needs billing_provider_configuration_id, or billing_provider and delivery_method"
            )
        return self

    def to_choice(self) -> ProviderChoice:
        """Returns the stored form."""
        return ProviderChoice(
            configuration_id=self.billing_provider_configuration_id,
            provider=self.billing_provider,
            delivery_method=self.delivery_method,
        )


class RevenueSystemSchema(Schema):
    """One of the customer's revenue system configurations, by id or by provider and method."""

    revenue_system_configuration_id: Id | None = None
    provider: Literal["netsuite"] | None = None
    delivery_method: DeliveryMethod | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.revenue_system_configuration_id is None and (
            self.provider is None or self.delivery_method is None
        ):
            raise ValueError(
                "needs revenue_system_configuration_id, or provider and delivery_method"
            )
        return self

    def to_choice(self) -> ProviderChoice:
        """Returns the stored form."""
        return ProviderChoice(
            configuration_id=self.revenue_system_configuration_id,
            provider=self.provider,
            delivery_method=self.delivery_method,
        )


class ContractTermsSchema(ChargesSchema):
    """A contract but for its customer and package."""

    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None
    rate_card_id: Id | None = None
    rate_card_alias: Name | None = None
    name: Name | None = None
    uniqueness_key: UniquenessKey | None = None
    usage_statement_schedule: StatementScheduleSchema = StatementScheduleSchema(
        frequency=Frequency.MONTHLY
    )
    multiplier_override_prioritization: Annotated[Prioritization, Upper] = (
        Prioritization.LOWEST_MULTIPLIER
    )
    overrides: list[OverrideSchema] = []
    subscriptions: list[SubscriptionSchema] = []
    commits: list[CommitSchema] = []
    credits: list[CreditSchema] = []
    recurring_commits: list[RecurringCommitSchema] = []
    recurring_credits: list[RecurringCreditSchema] = []
    prepaid_balance_threshold_configuration: PrepaidThresholdSchema | None = None
    spend_threshold_configuration: SpendThresholdSchema | None = None
    spend_trackers: list[SpendTrackerSchema] = []
    scheduled_charges_on_usage_invoices: Annotated[Literal["ALL"], Upper] | None = None
    usage_filter: UsageFilterSchema | None = None
    transition: TransitionSchema | None = None
    hierarchy_configuration: HierarchySchema | None = None
    net_payment_terms_days: PaymentDays | None = None
    total_contract_value: Number | None = None
    salesforce_opportunity_id: str | None = None
    netsuite_sales_order_id: str | None = None
    billing_provider_configuration: BillingProviderSchema | None = None
    revenue_system_configuration: RevenueSystemSchema | None = None
    custom_fields: CustomFields = {}

    @model_validator(mode="after")
    def _one_price_list(self) -> Self:
        if self.rate_card_id is not None and self.rate_card_alias is not None:
            raise ValueError("rate_card_alias: cannot be combined with rate_card_id")
        return self

    def to_terms(self, customer_id: str) -> NewContract:
        """Returns the contract asked for."""
        schedule, asked = self.usage_statement_schedule, self.usage_filter
        transition, place = self.transition, self.hierarchy_configuration
        prepaid = self.prepaid_balance_threshold_configuration
        spend = self.spend_threshold_configuration
        provider, revenue = self.billing_provider_configuration, self.revenue_system_configuration
        return NewContract(
            customer_id=customer_id,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            rate_card_id=self.rate_card_id,
            rate_card_alias=self.rate_card_alias,
            name=self.name,
            uniqueness_key=self.uniqueness_key,
            frequency=schedule.frequency,
            statement_day=schedule.day,
            billing_anchor_date=schedule.billing_anchor_date,
            invoice_generation_starting_at=schedule.invoice_generation_starting_at,
            overrides=[override.to_override() for override in self.overrides],
            charges=self.to_charges(),
            subscriptions=[entry.to_subscription() for entry in self.subscriptions],
            balances=[
                *(commit.to_balance() for commit in self.commits),
                *(credit.to_balance() for credit in self.credits),
            ],
            recurring=[
                *(entry.to_recurring() for entry in self.recurring_commits),
                *(entry.to_recurring() for entry in self.recurring_credits),
            ],
            prepaid_threshold=None if prepaid is None else prepaid.to_prepaid(),
            spend_threshold=None if spend is None else spend.to_spend(),
            spend_trackers=[one.to_tracker() for one in self.spend_trackers],
            prioritization=self.multiplier_override_prioritization,
            scheduled_charges_on_usage_invoices=self.scheduled_charges_on_usage_invoices,
            usage_filter=None if asked is None else asked.to_filter(),
            transition=None if transition is None else transition.to_transition(),
            hierarchy=None if place is None else place.to_role(),
            net_payment_terms_days=self.net_payment_terms_days,
            total_contract_value=self.total_contract_value,
            salesforce_opportunity_id=self.salesforce_opportunity_id,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
            billing_provider=None if provider is None else provider.to_choice(),
            revenue_system=None if revenue is None else revenue.to_choice(),
            custom_fields=self.custom_fields,
        )


class CreateContract(ContractTermsSchema):
    """A contract of a customer, in full or by a package that says all but a few things."""

    customer_id: Id
    package_id: Id | None = None
    package_alias: Name | None = None

    @model_validator(mode="after")
    def _nothing_beside_package(self) -> Self:
        if self.package_id is None and self.package_alias is None:
            return self
        if self.package_id is not None and self.package_alias is not None:
            raise ValueError("package_alias: cannot be combined with package_id")
        known = {*type(self).model_fields}
        given = {*self.model_fields_set}
        beside = sorted((given & known) - _BESIDE_PACKAGE)
        if beside:
            raise ValueError(f"{beside[0]}: not allowed with a package")
        return self

    def to_contract(self) -> NewContract:
        """Returns the contract asked for."""
        wanted = self.to_terms(self.customer_id)
        return replace(wanted, package_id=self.package_id, package_alias=self.package_alias)


_BESIDE_PACKAGE: Final = frozenset(
    {
        "custom_fields",
        "customer_id",
        "package_alias",
        "package_id",
        "starting_at",
        "transition",
        "uniqueness_key",
    }
)


class ContractOfCustomer(Schema):
    """Names a contract of a customer."""

    customer_id: Id
    contract_id: Id


class GetContract(ContractOfCustomer):
    """One contract."""

    include_balance: Flag = False
    include_ledgers: Flag = False


class GetContractAsOf(GetContract):
    """One contract, now or at an earlier time."""

    as_of_date: Timestamp | None = None

    @model_validator(mode="after")
    def _without_ledgers(self) -> Self:
        if self.as_of_date is not None and self.include_ledgers:
            raise ValueError("as_of_date: cannot be combined with include_ledgers")
        return self


class ListContracts(Schema):
    """A customer's contracts."""

    customer_id: Id
    covering_date: Timestamp | None = None
    starting_at: Timestamp | None = None
    include_archived: Flag = False
    include_balance: Flag = False
    include_ledgers: Flag = False

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        if self.covering_date is not None and self.starting_at is not None:
            raise ValueError("covering_date: cannot be combined with starting_at")
        return self


class ArchiveContract(ContractOfCustomer):
    """Whether an archived contract's finalized invoices become void."""

    void_invoices: Flag


class GetContractRateSchedule(ContractOfCustomer):
    """The prices of a contract at an instant, by default now."""

    at: Timestamp | None = None
    selectors: list[RateSelector] = []
