"""Requests about scheduled charges, discounts, professional services and royalties."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Number,
    Price,
    Schema,
    Timestamp,
    Upper,
)
from backbeat.application.charges import (
    ChargeEdit,
    ItemEdit,
    NewCharge,
    NewItem,
    NewProService,
    NewRoyalty,
    NewSchedule,
    WantedCharges,
    WantedService,
)
from backbeat.models.charges import Amount, AmountDistribution, RecurringSchedule, ResellerType
from backbeat.models.schedules import Frequency

ChargeFrequency = Annotated[
    Literal[Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.SEMI_ANNUAL, Frequency.ANNUAL], Upper
]
EditFrequency = Annotated[
    Literal[
        Frequency.WEEKLY,
        Frequency.MONTHLY,
        Frequency.QUARTERLY,
        Frequency.SEMI_ANNUAL,
        Frequency.ANNUAL,
    ],
    Upper,
]
"""Weekly schedules come with edits only."""


class AmountSchema(Schema):
    """An amount: as such, or as a quantity at a unit price."""

    amount: Number | None = None
    unit_price: Number | None = None
    quantity: Number | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _refuse_mixed(self)
        if self.amount is None and self.unit_price is None:
            raise ValueError("amount: give either it or both unit_price and quantity")
        return self

    def to_amount(self) -> Amount:
        """Returns the amount; given as such, it is one unit."""
        if self.unit_price is not None and self.quantity is not None:
            return Amount(unit_price=self.unit_price, quantity=self.quantity)
        return Amount(unit_price=self.amount or 0)


class ScheduleItemSchema(AmountSchema):
    """An amount on a date."""

    timestamp: HourTimestamp

    def to_item(self) -> NewItem:
        """Returns the dated amount asked for."""
        return NewItem(self.timestamp, self.to_amount())


class RecurringScheduleSchema(AmountSchema):
    """An amount on dates a frequency apart."""

    starting_at: HourTimestamp
    ending_before: HourTimestamp
    frequency: ChargeFrequency
    amount_distribution: Annotated[AmountDistribution, Upper]

    def to_recurring(self) -> RecurringSchedule:
        """Returns the schedule asked for."""
        return RecurringSchedule(
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            frequency=Frequency(self.frequency),
            distribution=self.amount_distribution,
            amount=self.to_amount(),
        )


class EditRecurringScheduleSchema(RecurringScheduleSchema):
    """The same in an edit."""

    frequency: EditFrequency  # type: ignore[assignment]


class ScheduleSchema(Schema):
    """Dated amounts: one by one, or recurring."""

    credit_type_id: Id | None = None
    schedule_items: Annotated[list[ScheduleItemSchema], Field(min_length=1)] | None = None
    recurring_schedule: RecurringScheduleSchema | None = None
    do_not_invoice: Flag = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.schedule_items is None) is (self.recurring_schedule is None):
            raise ValueError("give either schedule_items or recurring_schedule")
        return self

    def to_schedule(self) -> NewSchedule:
        """Returns the schedule asked for."""
        recurring = self.recurring_schedule
        return NewSchedule(
            credit_type_id=self.credit_type_id,
            items=tuple(item.to_item() for item in self.schedule_items or ()),
            recurring=None if recurring is None else recurring.to_recurring(),
            do_not_invoice=self.do_not_invoice,
        )


class EditScheduleSchema(ScheduleSchema):
    """The same in an edit."""

    recurring_schedule: EditRecurringScheduleSchema | None = None


class ChargeSchema(Schema):
    """A scheduled charge or discount."""

    product_id: Id
    name: Name | None = None
    schedule: ScheduleSchema
    netsuite_sales_order_id: str | None = None
    custom_fields: CustomFields = {}

    def to_charge(self) -> NewCharge:
        """Returns the charge asked for."""
        return NewCharge(
            product_id=self.product_id,
            schedule=self.schedule.to_schedule(),
            name=self.name,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
            custom_fields=self.custom_fields,
        )


class EditChargeSchema(ChargeSchema):
    """The same in an edit."""

    schedule: EditScheduleSchema


class ProServiceSchema(Schema):
    """A professional service."""

    product_id: Id
    unit_price: Number
    quantity: Number
    max_amount: Number
    description: str | None = None
    netsuite_sales_order_id: str | None = None
    custom_fields: CustomFields = {}

    def to_service(self) -> NewProService:
        """Returns the service asked for."""
        return NewProService(
            product_id=self.product_id,
            unit_price=self.unit_price,
            quantity=self.quantity,
            max_amount=self.max_amount,
            description=self.description,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
            custom_fields=self.custom_fields,
        )


class AwsOptionsSchema(Schema):
    """Who sells through AWS."""

    aws_account_number: str | None = None
    aws_payer_reference_id: str | None = None
    aws_offer_id: str | None = None


class GcpOptionsSchema(Schema):
    """Who sells through GCP."""

    gcp_account_id: str | None = None
    gcp_offer_id: str | None = None


class RoyaltySchema(Schema):
    """A reseller's royalty. In an edit, what is not given is as in the type's one before."""

    reseller_type: Annotated[ResellerType, Upper]
    fraction: Annotated[Price, Field(le=1)] | None = None
    netsuite_reseller_id: str | None = None
    starting_at: HourTimestamp | None = None
    ending_before: HourTimestamp | None = None
    applicable_product_ids: list[Id] | None = None
    applicable_product_tags: list[str] | None = None
    reseller_contract_value: Number | None = None
    aws_options: AwsOptionsSchema | None = None
    gcp_options: GcpOptionsSchema | None = None

    def to_royalty(self) -> NewRoyalty:
        """Returns the royalty asked for. An end of null takes the end away."""
        given: dict[str, object] = {
            name: value
            for name, value in self
            if name in self.model_fields_set
            and name not in ("reseller_type", "aws_options", "gcp_options")
            and (value is not None or name == "ending_before")
        }
        for options in (self.aws_options, self.gcp_options):
            given |= {} if options is None else options.model_dump(exclude_none=True)
        return NewRoyalty(self.reseller_type, given)


class ItemEditSchema(Schema):
    """New values of a dated amount."""

    id: Id
    timestamp: HourTimestamp | None = None
    amount: Number | None = None
    unit_price: Number | None = None
    quantity: Number | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _refuse_mixed(self)
        return self

    def to_edit(self) -> ItemEdit:
        """Returns the change asked for."""
        if self.unit_price is not None and self.quantity is not None:
            amount = Amount(unit_price=self.unit_price, quantity=self.quantity)
            return ItemEdit(self.id, self.timestamp, amount)
        given = None if self.amount is None else Amount(unit_price=self.amount)
        return ItemEdit(self.id, self.timestamp, given)


class IdSchema(Schema):
    """Names a term or an item."""

    id: Id


class InvoiceScheduleEditSchema(Schema):
    """Changes of dated amounts."""

    add_schedule_items: list[ScheduleItemSchema] = []
    update_schedule_items: list[ItemEditSchema] = []
    remove_schedule_items: list[IdSchema] = []


class ChargeEditSchema(Schema):
    """A change of a scheduled charge."""

    scheduled_charge_id: Id
    netsuite_sales_order_id: str | None = None
    invoice_schedule: InvoiceScheduleEditSchema = InvoiceScheduleEditSchema()

    def to_edit(self) -> ChargeEdit:
        """Returns the change asked for. A sales order of null takes it away."""
        schedule = self.invoice_schedule
        return ChargeEdit(
            scheduled_charge_id=self.scheduled_charge_id,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
            removes_netsuite_sales_order_id="netsuite_sales_order_id" in self.model_fields_set
            and self.netsuite_sales_order_id is None,
            add_items=tuple(item.to_item() for item in schedule.add_schedule_items),
            update_items=tuple(item.to_edit() for item in schedule.update_schedule_items),
            remove_items=tuple(item.id for item in schedule.remove_schedule_items),
        )


class ChargesSchema(Schema):
    """The charges of a new contract or an amendment."""

    scheduled_charges: list[ChargeSchema] = []
    discounts: list[ChargeSchema] = []
    professional_services: list[ProServiceSchema] = []
    reseller_royalties: list[RoyaltySchema] = []

    def to_charges(self) -> WantedCharges:
        """Returns the charges asked for."""
        return WantedCharges(
            scheduled_charges=[charge.to_charge() for charge in self.scheduled_charges],
            discounts=[discount.to_charge() for discount in self.discounts],
            professional_services=[service.to_service() for service in self.professional_services],
            reseller_royalties=[royalty.to_royalty() for royalty in self.reseller_royalties],
        )


class ChargeEditsSchema(Schema):
    """What an edit does to charges."""

    add_scheduled_charges: list[EditChargeSchema] = []
    update_scheduled_charges: list[ChargeEditSchema] = []
    archive_scheduled_charges: list[IdSchema] = []
    add_discounts: list[EditChargeSchema] = []
    add_professional_services: list[ProServiceSchema] = []
    add_reseller_royalties: list[RoyaltySchema] = []

    def to_charges(self) -> WantedCharges:
        """Returns the changes asked for."""
        services = self.add_professional_services
        return WantedCharges(
            scheduled_charges=[charge.to_charge() for charge in self.add_scheduled_charges],
            discounts=[discount.to_charge() for discount in self.add_discounts],
            professional_services=[service.to_service() for service in services],
            reseller_royalties=[royalty.to_royalty() for royalty in self.add_reseller_royalties],
            update_scheduled_charges=[edit.to_edit() for edit in self.update_scheduled_charges],
            archive_scheduled_charges=[entry.id for entry in self.archive_scheduled_charges],
        )


class ProServiceLineSchema(Schema):
    """A part of a professional service to bill."""

    professional_service_id: Id
    amendment_id: Id | None = None
    unit_price: Number | None = None
    quantity: Number | None = None
    amount: Number | None = None
    metadata: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.amount is None) is (self.quantity is None):
            raise ValueError("amount: give either it or quantity")
        if self.unit_price is not None and self.quantity is None:
            raise ValueError("unit_price: needs quantity")
        return self


class ScheduleProServicesInvoice(Schema):
    """An invoice for professional services."""

    customer_id: Id
    contract_id: Id
    issued_at: Timestamp
    line_items: Annotated[list[ProServiceLineSchema], Field(min_length=1)]

    def to_wanted(self) -> list[WantedService]:
        """Returns what is to be billed."""
        return [
            WantedService(
                professional_service_id=line.professional_service_id,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount=line.amount,
                metadata=line.metadata,
            )
            for line in self.line_items
        ]


class UpdateInvoiceIssueDate(Schema):
    """Another issue date for a draft."""

    invoice_id: Id
    issue_date: Timestamp


def _refuse_mixed(given: AmountSchema | ItemEditSchema) -> None:
    if (given.unit_price is None) is not (given.quantity is None):
        raise ValueError("unit_price and quantity: give both or neither")
    if given.amount is not None and given.unit_price is not None:
        raise ValueError("amount: cannot be combined with unit_price and quantity")
