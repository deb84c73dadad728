"""Requests about subscriptions."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Number,
    Schema,
    Timestamp,
    Upper,
    Whole,
)
from backbeat.application.subscription_changes import (
    NewChange,
    NewSubscription,
    SubscriptionEdit,
)
from backbeat.models.schedules import Frequency
from backbeat.models.subscriptions import (
    BillingCycle,
    ChangeKind,
    CollectionSchedule,
    InvoiceBehavior,
    InvoicePlacement,
    Proration,
    ProrationRounding,
    ProrationRoundingMethod,
    QuantityMode,
    Stretch,
)

SubscriptionFrequency = Annotated[
    Literal[Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL, Frequency.WEEKLY], Upper
]
SeatId = Annotated[str, StringConstraints(min_length=1)]
Seats = Annotated[Number, Field(ge=1, multiple_of=1)]


class SubscriptionRateSchema(Schema):
    """What is sold, and how long its periods are."""

    product_id: Id
    billing_frequency: SubscriptionFrequency


class RoundingSchema(Schema):
    """How a prorated unit price is rounded."""

    rounding_method: Annotated[ProrationRoundingMethod, Upper]
    decimal_places: Annotated[Number, Field(ge=-5, le=5, multiple_of=1)]

    def to_rounding(self) -> ProrationRounding:
        """Returns the stored form."""
        return ProrationRounding(
            rounding_method=self.rounding_method, decimal_places=int(self.decimal_places)
        )


class ProrationSchema(Schema):
    """What a part of a period costs, and when it is billed."""

    is_prorated: Flag = True
    invoice_behavior: Annotated[InvoiceBehavior, Upper] = (
        InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    )
    rounding: RoundingSchema | None = None

    def to_proration(self) -> Proration:
        """Returns the stored form."""
        return Proration(
            is_prorated=self.is_prorated,
            invoice_behavior=self.invoice_behavior,
            rounding=None if self.rounding is None else self.rounding.to_rounding(),
        )


class BillingCycleSchema(Schema):
    """A billing cycle of its own."""

    anchor_date: HourTimestamp | None = None
    invoice_placement: Annotated[InvoicePlacement, Upper] = InvoicePlacement.ON_USAGE_INVOICE

    def to_cycle(self) -> BillingCycle:
        """Returns the stored form."""
        return BillingCycle(anchor=self.anchor_date, placement=self.invoice_placement)


class SeatConfigSchema(Schema):
    """The seats a subscription starts with."""

    seat_group_key: Annotated[str, StringConstraints(min_length=1)]
    initial_seat_ids: list[SeatId]
    initial_unassigned_seats: Annotated[Number, Field(ge=0, multiple_of=1)] = Decimal(0)


class SubscriptionSchema(Schema):
    """A recurring quantity of a product."""

    subscription_rate: SubscriptionRateSchema
    collection_schedule: Annotated[CollectionSchedule, Upper]
    proration: ProrationSchema
    name: str | None = None
    description: str | None = None
    initial_quantity: Annotated[Number, Field(ge=0)] | None = None
    starting_at: HourTimestamp | None = None
    ending_before: HourTimestamp | None = None
    billing_cycle_config: BillingCycleSchema | None = None
    quantity_management_mode: Annotated[QuantityMode, Upper] = QuantityMode.QUANTITY_ONLY
    seat_config: SeatConfigSchema | None = None
    temporary_id: str | None = None
    custom_fields: CustomFields = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        in_advance = self.collection_schedule is CollectionSchedule.ADVANCE
        immediately = self.proration.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY
        if immediately and not in_advance:
            raise ValueError("proration.invoice_behavior: BILL_IMMEDIATELY needs ADVANCE")
        if self.billing_cycle_config is not None and not in_advance:
            raise ValueError("billing_cycle_config: needs ADVANCE")
        if self.quantity_management_mode is QuantityMode.SEAT_BASED:
            if self.seat_config is None:
                raise ValueError("seat_config: required with SEAT_BASED")
            if self.initial_quantity is not None:
                raise ValueError("initial_quantity: cannot be given with SEAT_BASED")
        elif self.initial_quantity is None:
            raise ValueError("initial_quantity: required with QUANTITY_ONLY")
        elif self.seat_config is not None:
            raise ValueError("seat_config: needs SEAT_BASED")
        return self

    def to_subscription(self) -> NewSubscription:
        """Returns the subscription asked for."""
        cycle, seats = self.billing_cycle_config, self.seat_config
        none: tuple[str, ...] = ()
        initial = [(ChangeKind.SET, self.initial_quantity or Decimal(0), none)]
        if seats is not None:
            initial = [
                (ChangeKind.ADD_SEATS, Decimal(0), tuple(seats.initial_seat_ids)),
                (ChangeKind.ADD_UNASSIGNED, seats.initial_unassigned_seats, none),
            ]
        return NewSubscription(
            product_id=self.subscription_rate.product_id,
            frequency=Frequency(self.subscription_rate.billing_frequency),
            collection_schedule=self.collection_schedule,
            proration=self.proration.to_proration(),
            initial=tuple(initial),
            name=self.name,
            description=self.description,
            billing_cycle=None if cycle is None else cycle.to_cycle(),
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            quantity_mode=self.quantity_management_mode,
            seat_group_key=None if seats is None else seats.seat_group_key,
            temporary_id=self.temporary_id,
            custom_fields=self.custom_fields,
        )


class QuantityUpdateSchema(Schema):
    """A new quantity, or a difference."""

    starting_at: HourTimestamp
    quantity: Annotated[Number, Field(ge=0)] | None = None
    quantity_delta: Number | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.quantity is None) is (self.quantity_delta is None):
            raise ValueError("quantity: give either it or quantity_delta")
        if self.quantity_delta == 0:
            raise ValueError("quantity_delta: must not be zero")
        return self

    def to_change(self) -> NewChange:
        """Returns the change asked for."""
        if self.quantity is not None:
            return NewChange(self.starting_at, ChangeKind.SET, self.quantity)
        return NewChange(self.starting_at, ChangeKind.ADD, self.quantity_delta or Decimal(0))


class AssignedSeatsSchema(Schema):
    """Seat ids to add or remove."""

    seat_ids: list[SeatId]
    starting_at: HourTimestamp

    def to_change(self, kind: ChangeKind) -> NewChange:
        """Returns the change asked for."""
        return NewChange(self.starting_at, kind, seat_ids=tuple(self.seat_ids))


class UnassignedSeatsSchema(Schema):
    """A number of unassigned seats to add or remove."""

    quantity: Seats
    starting_at: HourTimestamp

    def to_change(self, kind: ChangeKind) -> NewChange:
        """Returns the change asked for."""
        return NewChange(self.starting_at, kind, self.quantity)


class SeatUpdatesSchema(Schema):
    """Changes of seats; those of one instant apply in the order of these fields."""

    add_seat_ids: list[AssignedSeatsSchema] = []
    remove_seat_ids: list[AssignedSeatsSchema] = []
    add_unassigned_seats: list[UnassignedSeatsSchema] = []
    remove_unassigned_seats: list[UnassignedSeatsSchema] = []

    def to_changes(self) -> list[NewChange]:
        """Returns the changes asked for."""
        return [
            *(entry.to_change(ChangeKind.ADD_SEATS) for entry in self.add_seat_ids),
            *(entry.to_change(ChangeKind.REMOVE_SEATS) for entry in self.remove_seat_ids),
            *(entry.to_change(ChangeKind.ADD_UNASSIGNED) for entry in self.add_unassigned_seats),
            *(
                entry.to_change(ChangeKind.REMOVE_UNASSIGNED)
                for entry in self.remove_unassigned_seats
            ),
        ]


class SeatGroupKeySchema(Schema):
    """The property that names seats on usage events."""

    seat_group_key: Annotated[str, StringConstraints(min_length=1)]


class ModeUpdateSchema(Schema):
    """Turns a bare quantity into seats."""

    quantity_management_mode: Annotated[Literal["SEAT_BASED"], Upper]
    seat_config: SeatGroupKeySchema


class SubscriptionEditSchema(Schema):
    """A change of a subscription."""

    subscription_id: Id
    name: str | None = None
    ending_before: HourTimestamp | None = None
    proration_rounding: RoundingSchema | None = None
    quantity_management_mode_update: ModeUpdateSchema | None = None
    quantity_updates: list[QuantityUpdateSchema] = []
    seat_updates: SeatUpdatesSchema = SeatUpdatesSchema()

    def to_edit(self) -> SubscriptionEdit:
        """Returns the change asked for. An end or rounding of null takes it away."""
        given = self.model_fields_set
        mode, rounding = self.quantity_management_mode_update, self.proration_rounding
        return SubscriptionEdit(
            subscription_id=self.subscription_id,
            name=self.name,
            ending_before=self.ending_before,
            removes_ending_before="ending_before" in given and self.ending_before is None,
            rounding=None if rounding is None else rounding.to_rounding(),
            removes_rounding="proration_rounding" in given and rounding is None,
            seat_group_key=None if mode is None else mode.seat_config.seat_group_key,
            changes=(
                *(update.to_change() for update in self.quantity_updates),
                *self.seat_updates.to_changes(),
            ),
        )


def _ten_if_null(value: object) -> object:
    return 10 if value is None else value


class GetSubscriptionQuantityHistory(Schema):
    """Names a subscription."""

    customer_id: Id
    contract_id: Id
    subscription_id: Id


class GetSubscriptionSeatsHistory(GetSubscriptionQuantityHistory):
    """A subscription's seats, all of them or those of a date or a span."""

    limit: Annotated[Whole, Field(ge=1, le=10), BeforeValidator(_ten_if_null)] = 10
    cursor: str | None = None
    covering_date: Timestamp | None = None
    starting_at: Timestamp | None = None
    ending_before: Timestamp | None = None

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        spans = self.starting_at is not None or self.ending_before is not None
        if self.covering_date is not None and spans:
            raise ValueError("covering_date: cannot be combined with starting_at or ending_before")
        return self

    def wants(self, stretch: Stretch) -> bool:
        """Tells whether a stretch is asked for: both ends of a span count in."""
        end = stretch.ending_before
        if self.covering_date is not None:
            return stretch.starting_at <= self.covering_date and (
                end is None or self.covering_date < end
            )
        begun = self.ending_before is None or stretch.starting_at <= self.ending_before
        return begun and (self.starting_at is None or end is None or end > self.starting_at)
