"""Credit grants of the older kind, which plans draw and contracts do not."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType


class RolloverLimit(StrEnum):
    """How much of a grant rolls over at most: a fraction of what was granted, or an amount."""

    MAX_PERCENTAGE = "MAX_PERCENTAGE"
    MAX_AMOUNT = "MAX_AMOUNT"


class Rollover(Model):
    """What becomes of what is left when a grant expires."""

    expires_at: datetime
    priority: Decimal
    limit: RolloverLimit
    value: Decimal


class CreditGrant(Model):
    """Credits usable on `[effective_at, expires_at)`; the lowest `priority` is drawn first.

    `rolled_from` names the grant whose rest this one is. What was paid for it, in the unit of
    `paid_credit_type`, was billed by the invoice `invoice_id`, unless that is nothing.
    """

    id: str
    customer_id: str
    name: str
    reason: str | None = None
    type: str | None = None
    priority: Decimal
    amount: Decimal
    credit_type: CreditType
    paid_amount: Decimal = Decimal(0)
    paid_credit_type: CreditType
    invoice_id: str | None = None
    product_ids: tuple[str, ...] = ()
    rollover: Rollover | None = None
    rolled_from: str | None = None
    uniqueness_key: str | None = None
    custom_fields: dict[str, str] = {}
    effective_at: datetime
    expires_at: datetime
    created_at: datetime
    voided_at: datetime | None = None


class PlanUsage(Model):
    """What a plan charges for some usage, in the unit of its credit type, before any grant."""

    id: str
    customer_id: str
    at: datetime
    amount: Decimal
    credit_type: CreditType
    product_id: str | None = None


@dataclass(frozen=True, slots=True)
class GrantDeduction:
    """What the invoice of a month takes from a grant, dated its end or that of the grant."""

    grant_id: str
    effective_at: datetime
    amount: Decimal
    invoice_id: str


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """One line of a credit type's ledger. `running` is the balance behind it."""

    grant_id: str
    effective_at: datetime
    amount: Decimal
    running: Decimal
    reason: str
    invoice_id: str | None = None
