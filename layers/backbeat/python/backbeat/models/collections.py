"""Invoices of Metronome that are collected at Stripe."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.dunning import Overdue


class CollectionState(StrEnum):
    """How far an invoice is collected.

    `PREPARED`: intended, perhaps not all there at Stripe. `OPEN`: nobody has paid yet, and perhaps
    there is nothing to pay with. `UNCOLLECTED`: nobody tries any more. `REFUNDED` once all of it
    was given back. `LEFT`: it is not ours to collect.
    """

    PREPARED = "prepared"
    OPEN = "open"
    PROCESSING = "processing"
    ACTION_REQUIRED = "authentication_required"
    FAILED = "failed"
    PAID = "paid"
    UNCOLLECTED = "uncollected"
    REFUNDED = "refunded"
    LEFT = "left"

    @property
    def is_over(self) -> bool:
        """Whether no payment can change it any more."""
        return self in (
            CollectionState.PAID,
            CollectionState.UNCOLLECTED,
            CollectionState.REFUNDED,
            CollectionState.LEFT,
        )


class CollectedLine(Model):
    """A line in whole units of the currency, for the time `[starting_at, ending_before)`."""

    name: str
    amount: Decimal
    starting_at: datetime
    ending_before: datetime


class Collection(Model):
    """An invoice of Metronome, and the one at Stripe that it is collected by.

    `amount` is in whole units of the currency, rounded to its smallest. `attempts` are those to
    pay it. `workflow_id` is the gated charge that waits for the payment, if one does; `decided`
    says that Metronome was told of it. `overdue` is what is done about it while it is not paid.
    """

    invoice_id: str
    customer_id: str
    entity_id: str
    amount: Decimal
    currency: str
    lines: tuple[CollectedLine, ...]
    attempts: int = 0
    state: CollectionState = CollectionState.PREPARED
    stripe_invoice_id: str | None = None
    payment_intent_id: str | None = None
    workflow_id: str | None = None
    decided: bool = False
    overdue: Overdue | None = None
    error: str | None = None
    created_at: datetime
    updated_at: datetime
