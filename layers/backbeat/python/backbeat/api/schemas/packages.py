"""Requests about packages."""

from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from backbeat.api.schemas.balances import SpecifierSchema
from backbeat.api.schemas.contracts import (
    DeliveryMethod,
    PaymentDays,
    Provider,
)
from backbeat.api.schemas.overrides import OverrideSpecifierSchema, OverrideTermsSchema
from backbeat.api.schemas.rates import BillingFrequency
from backbeat.api.schemas.recurring import InvoiceAmountSchema, RecurringTermsSchema
from backbeat.api.schemas.relative_dates import DurationSchema, OffsetSchema
from backbeat.api.schemas.subscriptions import ProrationSchema, SubscriptionRateSchema
from backbeat.api.schemas.threshold_billing import (
    PrepaidThresholdSchema,
    SpendThresholdSchema,
)
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Limit,
    Name,
    Number,
    Schema,
    Timestamp,
    UniquenessKey,
    Upper,
)
from backbeat.application.catalog import ArchiveFilter
from backbeat.application.package_balances import (
    NewBalanceTemplate,
    NewTemplateSchedule,
    NewTemplateSegment,
)
from backbeat.application.packages import (
    ListedContracts,
    NewChargeTemplate,
    NewOverrideTemplate,
    NewPackage,
    NewRecurringTemplate,
    NewSubscriptionTemplate,
)
from backbeat.application.recurring_terms import NewRecurringTerms
from backbeat.models.balances import BalanceType, RateChoice
from backbeat.models.charges import Amount
from backbeat.models.contracts import ProviderChoice
from backbeat.models.overrides import Prioritization
from backbeat.models.packages import (
    PackageAlias,
    SubscriptionTemplate,
)
from backbeat.models.schedules import Frequency, StatementDay
from backbeat.models.subscriptions import CollectionSchedule, InvoiceBehavior, QuantityMode

_PER_PAGE: Final = 10


class PackageAliasSchema(Schema):
    """A name to choose the package by, and from when to when."""

    name: Name
    starting_at: HourTimestamp | None = None
    ending_before: HourTimestamp | None = None


class StatementScheduleTemplateSchema(Schema):
    """When usage periods begin."""

    frequency: BillingFrequency
    day: Annotated[StatementDay, Upper] = StatementDay.FIRST_OF_MONTH
    invoice_generation_starting_at_offset: OffsetSchema | None = None

    @model_validator(mode="after")
    def _relative(self) -> Self:
        if self.day is StatementDay.CUSTOM_DATE:
            raise ValueError("day: must be FIRST_OF_MONTH or CONTRACT_START")
        return self


class OverrideTemplateSchema(OverrideTermsSchema):
    """An override that begins some time after the contract."""

    override_specifiers: list[OverrideSpecifierSchema]
    starting_at_offset: OffsetSchema
    duration: DurationSchema | None = None

    @model_validator(mode="after")
    def _specified(self) -> Self:
        if self.product_id is not None or self.applicable_product_tags:
            raise ValueError("override_specifiers: packages take nothing else")
        return self

    def to_template(self) -> NewOverrideTemplate:
        """Returns the template asked for."""
        return NewOverrideTemplate(
            self.to_terms(),
            self.starting_at_offset.to_date(),
            None if self.duration is None else self.duration.to_date(),
        )


class TemplateItemSchema(Schema):
    """An amount and when after the contract's start it falls due."""

    unit_price: Number
    quantity: Number
    date_offset: OffsetSchema


class TemplateScheduleSchema(Schema):
    """Amounts in one unit."""

    credit_type_id: Id | None = None
    schedule_items: Annotated[list[TemplateItemSchema], Field(min_length=1)]


class ScheduledChargeTemplateSchema(Schema):
    """A scheduled charge with relative dates."""

    product_id: Id
    name: Name | None = None
    schedule: TemplateScheduleSchema
    custom_fields: CustomFields = {}

    def to_template(self) -> NewChargeTemplate:
        """Returns the template asked for."""
        return NewChargeTemplate(
            product_id=self.product_id,
            name=self.name,
            credit_type_id=self.schedule.credit_type_id,
            items=[
                (
                    item.date_offset.to_date(),
                    Amount(unit_price=item.unit_price, quantity=item.quantity),
                )
                for item in self.schedule.schedule_items
            ],
            custom_fields=self.custom_fields,
        )


class SeatConfigTemplateSchema(Schema):
    """The seats that a contract's subscription starts with."""

    seat_group_key: Name
    initial_unassigned_seats: Annotated[Number, Field(ge=0, multiple_of=1)] = Decimal(0)


class SubscriptionTemplateSchema(Schema):
    """A subscription with relative dates."""

    subscription_rate: SubscriptionRateSchema
    collection_schedule: Annotated[CollectionSchedule, Upper]
    proration: ProrationSchema
    name: str | None = None
    description: str | None = None
    initial_quantity: Annotated[Number, Field(ge=0)] | None = None
    starting_at_offset: OffsetSchema | None = None
    duration: DurationSchema | None = None
    quantity_management_mode: Annotated[QuantityMode, Upper] = QuantityMode.QUANTITY_ONLY
    seat_config: SeatConfigTemplateSchema | None = None
    temporary_id: Name | None = None
    custom_fields: CustomFields = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        seats = self.quantity_management_mode is QuantityMode.SEAT_BASED
        if seats is (self.seat_config is None):
            raise ValueError("seat_config: goes together with SEAT_BASED")
        if seats is (self.initial_quantity is not None):
            raise ValueError("initial_quantity: goes together with QUANTITY_ONLY")
        immediately = self.proration.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY
        if immediately and self.collection_schedule is not CollectionSchedule.ADVANCE:
            raise ValueError("proration.invoice_behavior: BILL_IMMEDIATELY needs ADVANCE")
        return self

    def to_template(self) -> NewSubscriptionTemplate:
        """Returns the template asked for, without its id."""
        offset, seats = self.starting_at_offset, self.seat_config
        quantity = self.initial_quantity if seats is None else seats.initial_unassigned_seats
        template = SubscriptionTemplate(
            id="",
            product_id=self.subscription_rate.product_id,
            frequency=Frequency(self.subscription_rate.billing_frequency),
            name=self.name,
            description=self.description,
            collection_schedule=self.collection_schedule,
            proration=self.proration.to_proration(),
            initial_quantity=quantity or Decimal(0),
            quantity_mode=self.quantity_management_mode,
            seat_group_key=None if seats is None else seats.seat_group_key,
            starting_at_offset=None if offset is None else offset.to_date(),
            duration=None if self.duration is None else self.duration.to_date(),
            custom_fields=self.custom_fields,
        )
        return NewSubscriptionTemplate(template, self.temporary_id)


class RecurringCreditTemplateSchema(RecurringTermsSchema):
    """A recurring credit with relative dates."""

    starting_at_offset: OffsetSchema
    duration: DurationSchema | None = None

    def to_template(self) -> NewRecurringTemplate:
        """Returns the template asked for."""
        return self._template(NewRecurringTerms(type=BalanceType.CREDIT, **self.terms()))

    def _template(self, terms: NewRecurringTerms) -> NewRecurringTemplate:
        return NewRecurringTemplate(
            terms,
            self.starting_at_offset.to_date(),
            None if self.duration is None else self.duration.to_date(),
        )


class RecurringCommitTemplateSchema(RecurringCreditTemplateSchema):
    """A recurring commit with relative dates."""

    invoice_amount: InvoiceAmountSchema | None = None

    def to_template(self) -> NewRecurringTemplate:
        """Returns the template asked for."""
        invoice = None if self.invoice_amount is None else self.invoice_amount.to_amount()
        return self._template(
            NewRecurringTerms(type=BalanceType.PREPAID, invoice=invoice, **self.terms())
        )


class SegmentTemplateSchema(Schema):
    """An access segment that begins some time after the contract."""

    amount: Number
    starting_at_offset: OffsetSchema
    duration: DurationSchema


class AccessTemplateSchema(Schema):
    """When which amounts may be drawn."""

    credit_type_id: Id | None = None
    schedule_items: Annotated[list[SegmentTemplateSchema], Field(min_length=1)]


class PaymentTemplateSchema(TemplateScheduleSchema):
    """What is paid for a commit, and when."""

    do_not_invoice: Flag = False


class CreditTemplateSchema(Schema):
    """A credit with relative dates."""

    product_id: Id
    name: Name | None = None
    description: str | None = None
    priority: Number | None = None
    rate_type: Annotated[RateChoice, Upper] = RateChoice.LIST_RATE
    access_schedule: AccessTemplateSchema
    applicable_product_ids: list[Id] = []
    applicable_product_tags: list[str] = []
    specifiers: list[SpecifierSchema] = []
    temporary_id: Name | None = None
    custom_fields: CustomFields = {}

    def to_template(
        self,
        type_: BalanceType,
        *,
        schedule: NewTemplateSchedule | None = None,
        rollover_fraction: Decimal | None = None,
    ) -> NewBalanceTemplate:
        """Returns the template asked for."""
        return NewBalanceTemplate(
            type=type_,
            product_id=self.product_id,
            credit_type_id=self.access_schedule.credit_type_id,
            segments=[
                NewTemplateSegment(
                    one.amount, one.starting_at_offset.to_date(), one.duration.to_date()
                )
                for one in self.access_schedule.schedule_items
            ],
            rate_type=self.rate_type,
            name=self.name,
            description=self.description,
            priority=self.priority,
            invoice_schedule=schedule,
            rollover_fraction=rollover_fraction,
            applicable_product_ids=self.applicable_product_ids,
            applicable_product_tags=self.applicable_product_tags,
            specifiers=[one.to_specifier() for one in self.specifiers],
            custom_fields=self.custom_fields,
            temporary_id=self.temporary_id,
        )


class CommitTemplateSchema(CreditTemplateSchema):
    """A commit with relative dates."""

    type: Annotated[
        Literal[BalanceType.PREPAID, BalanceType.POSTPAID],
        Upper,
    ]
    invoice_schedule: PaymentTemplateSchema | None = None
    rollover_fraction: Number | None = None

    def to_commit(self) -> NewBalanceTemplate:
        """Returns the template asked for."""
        paid = self.invoice_schedule
        schedule = None
        if paid is not None:
            items = [
                (
                    item.date_offset.to_date(),
                    Amount(unit_price=item.unit_price, quantity=item.quantity),
                )
                for item in paid.schedule_items
            ]
            schedule = NewTemplateSchedule(paid.credit_type_id, items, paid.do_not_invoice)
        return self.to_template(
            self.type, schedule=schedule, rollover_fraction=self.rollover_fraction
        )


class CreatePackage(Schema):
    """A template of contracts."""

    name: Name
    contract_name: Name | None = None
    uniqueness_key: UniquenessKey | None = None
    net_payment_terms_days: PaymentDays | None = None
    rate_card_id: Id | None = None
    rate_card_alias: Name | None = None
    aliases: list[PackageAliasSchema] = []
    duration: DurationSchema | None = None
    multiplier_override_prioritization: Annotated[Prioritization, Upper] = (
        Prioritization.LOWEST_MULTIPLIER
    )
    overrides: list[OverrideTemplateSchema] = []
    scheduled_charges: list[ScheduledChargeTemplateSchema] = []
    subscriptions: list[SubscriptionTemplateSchema] = []
    recurring_commits: list[RecurringCommitTemplateSchema] = []
    recurring_credits: list[RecurringCreditTemplateSchema] = []
    commits: list[CommitTemplateSchema] = []
    credits: list[CreditTemplateSchema] = []
    prepaid_balance_threshold_configuration: PrepaidThresholdSchema | None = None
    spend_threshold_configuration: SpendThresholdSchema | None = None
    scheduled_charges_on_usage_invoices: Annotated[Literal["ALL"], Upper] | None = None
    usage_statement_schedule: StatementScheduleTemplateSchema = StatementScheduleTemplateSchema(
        frequency=Frequency.MONTHLY
    )
    billing_provider: Provider | None = None
    delivery_method: DeliveryMethod | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.rate_card_id is not None and self.rate_card_alias is not None:
            raise ValueError("rate_card_alias: cannot be combined with rate_card_id")
        if (self.billing_provider is None) != (self.delivery_method is None):
            raise ValueError("billing_provider: goes together with delivery_method")
        return self

    def to_package(self) -> NewPackage:
        """Returns the package asked for."""
        prepaid = self.prepaid_balance_threshold_configuration
        spend = self.spend_threshold_configuration
        schedule = self.usage_statement_schedule
        generation = schedule.invoice_generation_starting_at_offset
        return NewPackage(
            name=self.name,
            uniqueness_key=self.uniqueness_key,
            contract_name=self.contract_name,
            aliases=[PackageAlias(**alias.model_dump()) for alias in self.aliases],
            rate_card_id=self.rate_card_id,
            rate_card_alias=self.rate_card_alias,
            duration=None if self.duration is None else self.duration.to_date(),
            overrides=[override.to_template() for override in self.overrides],
            prioritization=self.multiplier_override_prioritization,
            scheduled_charges=[charge.to_template() for charge in self.scheduled_charges],
            subscriptions=[entry.to_template() for entry in self.subscriptions],
            recurring=[
                *(entry.to_template() for entry in self.recurring_commits),
                *(entry.to_template() for entry in self.recurring_credits),
            ],
            balances=[
                *(entry.to_commit() for entry in self.commits),
                *(entry.to_template(BalanceType.CREDIT) for entry in self.credits),
            ],
            prepaid_threshold=None if prepaid is None else prepaid.to_prepaid(),
            spend_threshold=None if spend is None else spend.to_spend(),
            scheduled_charges_on_usage_invoices=self.scheduled_charges_on_usage_invoices,
            frequency=schedule.frequency,
            statement_day=schedule.day,
            invoice_generation_offset=None if generation is None else generation.to_date(),
            net_payment_terms_days=self.net_payment_terms_days,
            billing_provider=None
            if self.billing_provider is None
            else ProviderChoice(
                provider=self.billing_provider, delivery_method=self.delivery_method
            ),
        )


class GetPackage(Schema):
    """Names a package."""

    package_id: Id


class ArchivePackage(GetPackage):
    """Names a package; the documentation closes this body."""

    model_config = ConfigDict(extra="forbid")


class ListPackages(Schema):
    """Which packages to list; the documentation closes this body."""

    model_config = ConfigDict(extra="forbid")

    archive_filter: Annotated[ArchiveFilter, Upper] = ArchiveFilter.NOT_ARCHIVED


class PackagePage(Schema):
    """A page of the packages."""

    limit: Limit = _PER_PAGE
    next_page: str | None = None


class ListContractsOnPackage(GetPackage):
    """The contracts made from a package."""

    starting_at: Timestamp | None = None
    covering_date: Timestamp | None = None
    include_archived: Flag = False

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        if self.covering_date is not None and self.starting_at is not None:
            raise ValueError("covering_date: cannot be combined with starting_at")
        return self

    def to_filters(self) -> ListedContracts:
        """Returns the filters."""
        return ListedContracts(self.starting_at, self.covering_date, self.include_archived)
