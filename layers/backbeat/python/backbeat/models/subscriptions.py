"""Recurring quantities: so many of a product, billed once a period."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from backbeat.models.base import Model
from backbeat.models.money import EXACT
from backbeat.models.schedules import Frequency


class CollectionSchedule(StrEnum):
    """Whether a period is billed when it begins or when it ends."""

    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class InvoiceBehavior(StrEnum):
    """When an increase in the middle of a period is billed."""

    BILL_IMMEDIATELY = "BILL_IMMEDIATELY"
    BILL_ON_NEXT_COLLECTION_DATE = "BILL_ON_NEXT_COLLECTION_DATE"


class ProrationRoundingMethod(StrEnum):
    """Where a prorated price goes that lies between two steps; a half goes away from zero."""

    HALF_UP = "HALF_UP"
    FLOOR = "FLOOR"
    CEILING = "CEILING"


class ProrationRounding(Model):
    """How a prorated unit price is rounded, in the unit it is stored in (USD: cents)."""

    rounding_method: ProrationRoundingMethod
    decimal_places: int


class Proration(Model):
    """What a part of a period costs, and when it is billed."""

    is_prorated: bool
    invoice_behavior: InvoiceBehavior
    rounding: ProrationRounding | None = None


class QuantityMode(StrEnum):
    """Whether a quantity is given as such or as a list of seats."""

    QUANTITY_ONLY = "QUANTITY_ONLY"
    SEAT_BASED = "SEAT_BASED"


class InvoicePlacement(StrEnum):
    """Which invoices carry a subscription whose billing cycle is its own."""

    ON_SCHEDULED_INVOICE = "ON_SCHEDULED_INVOICE"
    ON_USAGE_INVOICE = "ON_USAGE_INVOICE"


class BillingCycle(Model):
    """A subscription's own billing cycle. Without an anchor it is the contract's."""

    anchor: datetime | None = None
    placement: InvoicePlacement = InvoicePlacement.ON_USAGE_INVOICE


class ChangeKind(StrEnum):
    """What a change does to a quantity or to the seats that make it up."""

    SET = "SET"
    ADD = "ADD"
    ADD_SEATS = "ADD_SEATS"
    REMOVE_SEATS = "REMOVE_SEATS"
    ADD_UNASSIGNED = "ADD_UNASSIGNED"
    REMOVE_UNASSIGNED = "REMOVE_UNASSIGNED"


class QuantityChange(Model):
    """A change from `starting_at` on. Changes of one instant apply in the order of `sequence`.

    `quantity` is the new quantity for SET, the difference for ADD, a number of seats else.
    `apart` names the invoice of an increase billed after that instant's shared one was final.
    """

    sequence: int
    starting_at: datetime
    kind: ChangeKind
    quantity: Decimal = Decimal(0)
    seat_ids: tuple[str, ...] = ()
    apart: str | None = None


class Subscription(Model):
    """A recurring quantity of a product. Without `ending_before` it ends with its contract.

    `changes` hold the quantity it starts with and every change since, in the order they were
    made. `apart` names the invoice of what was due before the subscription was added.
    """

    id: str
    product_id: str
    frequency: Frequency
    name: str | None = None
    description: str | None = None
    collection_schedule: CollectionSchedule
    proration: Proration
    billing_cycle: BillingCycle | None = None
    starting_at: datetime
    ending_before: datetime | None = None
    quantity_mode: QuantityMode = QuantityMode.QUANTITY_ONLY
    seat_group_key: str | None = None
    changes: tuple[QuantityChange, ...]
    custom_fields: dict[str, str] = {}
    created_at: datetime
    apart: str | None = None


class Seats(NamedTuple):
    """What a quantity is made of. Without seats all of it is unassigned."""

    assigned: tuple[str, ...] = ()
    unassigned: Decimal = Decimal(0)

    @property
    def quantity(self) -> Decimal:
        """Assigned and unassigned together."""
        return EXACT.add(Decimal(len(self.assigned)), self.unassigned)


class Stretch(NamedTuple):
    """A stretch of time with one quantity. `ending_before` None is without end."""

    starting_at: datetime
    ending_before: datetime | None
    seats: Seats


class SubscriptionUpdate(Model):
    """A change of a subscription. What is not given stays as it is.

    `seat_group_key` turns a bare quantity into seats, all of them unassigned.
    """

    subscription_id: str
    name: str | None = None
    ending_before: datetime | None = None
    removes_ending_before: bool = False
    rounding: ProrationRounding | None = None
    removes_rounding: bool = False
    seat_group_key: str | None = None
    changes: tuple[QuantityChange, ...] = ()


class SubscriptionChanges(Model):
    """What one change does to a contract's subscriptions."""

    add_subscriptions: tuple[Subscription, ...] = ()
    update_subscriptions: tuple[SubscriptionUpdate, ...] = ()
