"""Requests about recurring commits and credits."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from backbeat.api.schemas.balances import HierarchyAccessSchema, SpecifierSchema
from backbeat.api.schemas.types import Flag, HourTimestamp, Id, Name, Number, Schema, Upper, Whole
from backbeat.application.recurring_terms import NewAmount, NewRecurring
from backbeat.models.balances import BalanceType, RateChoice
from backbeat.models.recurring import (
    AmountUpdate,
    ProratedPeriods,
    RecurringUpdate,
)
from backbeat.models.rounding import RoundedShare, ShareRounding
from backbeat.models.schedules import Frequency
from backbeat.models.seats import Allocation, SeatLink

RecurrenceFrequency = Annotated[
    Literal[
        Frequency.MONTHLY,
        Frequency.QUARTERLY,
        Frequency.ANNUAL,
        Frequency.WEEKLY,
        Frequency.DAILY,
    ],
    Upper,
]


class AccessAmountSchema(Schema):
    """An amount per period; without a quantity it is per seat of the linked subscription."""

    unit_price: Annotated[Number, Field(ge=0)]
    quantity: Annotated[Number, Field(ge=0)] | None = None
    credit_type_id: Id

    def to_amount(self) -> NewAmount:
        """Returns the amount asked for."""
        return NewAmount(self.unit_price, self.quantity, self.credit_type_id)


class InvoiceAmountSchema(AccessAmountSchema):
    """What a period costs."""

    quantity: Annotated[Number, Field(ge=0)]


class CommitDurationSchema(Schema):
    """For how many periods each balance can be drawn."""

    value: Annotated[Number, Field(ge=1, le=1200, multiple_of=1)]
    unit: Annotated[Literal["PERIODS"], Upper] = "PERIODS"


class SeatIncreaseSchema(Schema):
    """What seats added in a period bring."""

    is_prorated: Flag


class SubscriptionConfigSchema(Schema):
    """The subscription whose seats bring the amount."""

    subscription_id: Annotated[str, StringConstraints(min_length=1)]
    apply_seat_increase_config: SeatIncreaseSchema
    allocation: Annotated[Allocation, Upper] = Allocation.POOLED

    def to_link(self) -> SeatLink:
        """Returns the link asked for."""
        return SeatLink(
            subscription_id=self.subscription_id,
            allocation=self.allocation,
            is_prorated=self.apply_seat_increase_config.is_prorated,
        )


class RoundingSchema(Schema):
    """To how many places a part of an amount is rounded, and which way."""

    rounding_method: Annotated[ShareRounding, Upper]
    decimal_places: Annotated[Whole, Field(ge=-5, le=5)]

    def to_rounding(self) -> RoundedShare:
        """Returns the stored form."""
        return RoundedShare(
            rounding_method=self.rounding_method, decimal_places=self.decimal_places
        )


class ProrationRoundingSchema(Schema):
    """How parts of what is granted, and of what is paid, are rounded."""

    access: RoundingSchema | None = None
    invoice: RoundingSchema | None = None


class RecurringTermsSchema(Schema):
    """What recurring commits and credits say, but for their dates."""

    product_id: Id
    access_amount: AccessAmountSchema
    priority: Number
    commit_duration: CommitDurationSchema
    recurrence_frequency: RecurrenceFrequency | None = None
    proration: Annotated[ProratedPeriods, Upper] = ProratedPeriods.FIRST_AND_LAST
    rate_type: Annotated[RateChoice, Upper] = RateChoice.LIST_RATE
    name: Name | None = None
    description: str | None = None
    rollover_fraction: Number | None = None
    applicable_product_ids: list[Id] = []
    applicable_product_tags: list[str] = []
    specifiers: list[SpecifierSchema] = []
    subscription_config: SubscriptionConfigSchema | None = None
    hierarchy_configuration: HierarchyAccessSchema | None = None
    temporary_id: Name | None = None
    proration_rounding: ProrationRoundingSchema | None = None

    def terms(self) -> dict[str, Any]:
        """Returns the terms by the names they have in what is asked for."""
        rounding = self.proration_rounding or ProrationRoundingSchema()
        link, access = self.subscription_config, self.hierarchy_configuration
        return {
            "product_id": self.product_id,
            "access": self.access_amount.to_amount(),
            "priority": self.priority,
            "duration": int(self.commit_duration.value),
            "frequency": self.recurrence_frequency,
            "proration": self.proration,
            "access_rounding": None if rounding.access is None else rounding.access.to_rounding(),
            "invoice_rounding": None
            if rounding.invoice is None
            else rounding.invoice.to_rounding(),
            "rate_type": self.rate_type,
            "name": self.name,
            "description": self.description,
            "rollover_fraction": self.rollover_fraction,
            "applicable_product_ids": tuple(self.applicable_product_ids),
            "applicable_product_tags": tuple(self.applicable_product_tags),
            "specifiers": tuple(one.to_specifier() for one in self.specifiers),
            "link": None if link is None else link.to_link(),
            "sharing": None if access is None else access.to_sharing(),
            "temporary_id": self.temporary_id,
        }


class RecurringCreditSchema(RecurringTermsSchema):
    """A recurring credit."""

    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None

    def to_recurring(self) -> NewRecurring:
        """Returns the recurring credit asked for."""
        return NewRecurring(
            type=BalanceType.CREDIT,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            **self.terms(),
        )


class RecurringCommitSchema(RecurringCreditSchema):
    """A recurring commit; with an invoice amount it is paid for."""

    invoice_amount: InvoiceAmountSchema | None = None

    def to_recurring(self) -> NewRecurring:
        """Returns the recurring commit asked for."""
        return NewRecurring(
            type=BalanceType.PREPAID,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            invoice=None if self.invoice_amount is None else self.invoice_amount.to_amount(),
            **self.terms(),
        )


class AmountUpdateSchema(Schema):
    """New parts of an amount."""

    unit_price: Annotated[Number, Field(ge=0)] | None = None
    quantity: Annotated[Number, Field(ge=0)] | None = None

    def to_update(self) -> AmountUpdate:
        """Returns the change asked for."""
        return AmountUpdate(unit_price=self.unit_price, quantity=self.quantity)


class _RecurringUpdateSchema(Schema):
    """A change of what is yet to begin."""

    access_amount: AmountUpdateSchema | None = None
    ending_before: HourTimestamp | None = None
    rate_type: Annotated[RateChoice, Upper] | None = None

    def _update(
        self, recurring_id: str, type_: BalanceType, invoice: AmountUpdateSchema | None = None
    ) -> RecurringUpdate:
        """Returns the change asked for. An end of null takes it away."""
        given = "ending_before" in self.model_fields_set
        return RecurringUpdate(
            recurring_id=recurring_id,
            type=type_,
            access=None if self.access_amount is None else self.access_amount.to_update(),
            invoice=None if invoice is None else invoice.to_update(),
            ending_before=self.ending_before,
            removes_ending_before=given and self.ending_before is None,
            rate_type=self.rate_type,
        )


class RecurringCommitUpdateSchema(_RecurringUpdateSchema):
    """A change of a recurring commit."""

    recurring_commit_id: Id
    invoice_amount: AmountUpdateSchema | None = None

    def to_update(self) -> RecurringUpdate:
        """Returns the change asked for."""
        return self._update(self.recurring_commit_id, BalanceType.PREPAID, self.invoice_amount)


class RecurringCreditUpdateSchema(_RecurringUpdateSchema):
    """A change of a recurring credit."""

    recurring_credit_id: Id

    def to_update(self) -> RecurringUpdate:
        """Returns the change asked for."""
        return self._update(self.recurring_credit_id, BalanceType.CREDIT)
