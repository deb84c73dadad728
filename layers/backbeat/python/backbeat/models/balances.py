"""Commits and credits: money promised, paid ahead or given, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.charges import PointSchedule
from backbeat.models.money import CreditType
from backbeat.models.period import Period


class BalanceType(StrEnum):
    """PREPAID and POSTPAID are commits; a CREDIT is given."""

    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"
    CREDIT = "CREDIT"


class RateChoice(StrEnum):
    """Which of a rate's prices covered units cost."""

    LIST_RATE = "LIST_RATE"
    COMMIT_RATE = "COMMIT_RATE"


class AccessSegment(Model):
    """An amount that may be drawn on `[starting_at, ending_before)`, in the balance's unit."""

    id: str
    amount: Decimal
    starting_at: datetime
    ending_before: datetime

    @property
    def period(self) -> Period:
        """When it may be drawn."""
        return Period(self.starting_at, self.ending_before)


class BalanceSpecifier(Model):
    """Usage a balance may pay: everything that is given must match; of the tags, all."""

    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}
    excluded_tags: tuple[tuple[str, ...], ...] = ()

    @property
    def has_group_values(self) -> bool:
        """Tells whether it is about some groups of a product only."""
        return bool(self.pricing_group_values or self.presentation_group_values)


class ManualEntry(Model):
    """An amount added to (or, negative, taken from) a segment by hand."""

    id: str
    segment_id: str
    amount: Decimal
    timestamp: datetime
    reason: str


class Deduction(Model):
    """What a finalized invoice drew from a segment: one entry per invoice and segment."""

    segment_id: str
    invoice_id: str
    contract_id: str
    amount: Decimal
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of a ledger, derived from facts. Positive amounts add to the balance."""

    type: str
    timestamp: datetime
    amount: Decimal
    segment_id: str | None = None
    invoice_id: str | None = None
    contract_id: str | None = None
    reason: str | None = None


class Balance(Model):
    """A commit or credit with the facts its ledger is derived from.

    Without `contract_id` it is the customer's and serves all contracts, or those of
    `applicable_contract_ids`. Which products it pays is said by ids and tags (either), or by
    specifiers; saying nothing means all. `sequence` counts a customer's balances as they are made.
    """

    id: str
    sequence: int
    customer_id: str
    contract_id: str | None = None
    type: BalanceType
    rate_type: RateChoice = RateChoice.LIST_RATE
    name: str
    description: str | None = None
    priority: Decimal = Decimal(100)
    product_id: str
    credit_type: CreditType
    segments: tuple[AccessSegment, ...]
    invoice_schedule: PointSchedule | None = None
    invoice_contract_id: str | None = None
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()
    applicable_contract_ids: tuple[str, ...] = ()
    rolled_over: bool = False
    manual_entries: tuple[ManualEntry, ...] = ()
    deductions: tuple[Deduction, ...] = ()
    custom_fields: dict[str, str] = {}
    uniqueness_key: str | None = None
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def is_unrestricted(self) -> bool:
        """Tells whether it pays every product."""
        return not (self.applicable_product_ids or self.applicable_product_tags or self.specifiers)

    @property
    def has_cost(self) -> bool:
        """Tells whether anything was or is to be paid for it."""
        schedule = self.invoice_schedule
        return schedule is not None and any(item.amount.total > 0 for item in schedule.items)
