"""Commits and credits: money promised, paid ahead or given, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.charges import PointSchedule
from backbeat.models.money import CreditType
from backbeat.models.period import Period
from backbeat.models.seats import SeatGrant
from backbeat.models.sharing import Sharing


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
    by_seat: dict[str, Decimal] = {}


class Rollover(Model):
    """An amount that moved from a segment to a balance of the contract that follows.

    `by_seat` are the seats' parts of it, where each has its own.
    """

    segment_id: str
    new_contract_id: str
    amount: Decimal
    by_seat: dict[str, Decimal] = {}
    timestamp: datetime


class TrueUp(Model):
    """What a true-up invoice billed of a postpaid commit's shortfall; of nothing there is none."""

    invoice_id: str
    contract_id: str
    amount: Decimal
    timestamp: datetime


class Origin(Model):
    """The balance, and its contract, that a rolled-over balance comes from."""

    contract_id: str
    balance_id: str


class Deduction(Model):
    """What a finalized invoice drew from a segment: one entry per invoice and segment.

    `by_seat` says from whose part, where each seat has its own.
    """

    segment_id: str
    invoice_id: str
    contract_id: str
    amount: Decimal
    timestamp: datetime
    by_seat: dict[str, Decimal] = {}


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of a ledger, derived from facts. Positive amounts add to the balance."""

    type: str
    timestamp: datetime
    amount: Decimal
    segment_id: str | None = None
    invoice_id: str | None = None
    contract_id: str | None = None
    new_contract_id: str | None = None
    reason: str | None = None


class Balance(Model):
    """A commit or credit with the facts its ledger is derived from.

    Without `contract_id` it is the customer's and serves all contracts, or those of
    `applicable_contract_ids`. Which products it pays is said by ids and tags (either), or by
    specifiers; saying nothing means all. `sequence` counts the balances that are made together.
    A commit is invoiced by its own contract, or, a customer's one, by `invoice_contract_id`.
    `recurring_id` is the term whose period it was made for.
    `sharing` lets contracts below its own draw it.
    What a rolled-over balance holds is computed from what is left of its origin as long as
    `awaits_rollover`; then it is a fact of both.
    With `counts_as_discounted` spend trackers take what is paid for it as discounted.
    One archived together with its contract keeps its ledger, one archived alone has none.
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
    netsuite_sales_order_id: str | None = None
    recurring_id: str | None = None
    seats: SeatGrant | None = None
    sharing: Sharing | None = None
    rolled_over_from: Origin | None = None
    awaits_rollover: bool = False
    trueup_disabled: bool = False
    counts_as_discounted: bool = False
    manual_entries: tuple[ManualEntry, ...] = ()
    deductions: tuple[Deduction, ...] = ()
    rollovers: tuple[Rollover, ...] = ()
    trueups: tuple[TrueUp, ...] = ()
    custom_fields: dict[str, str] = {}
    uniqueness_key: str | None = None
    created_at: datetime
    archived_at: datetime | None = None
    archived_with_contract: bool = False

    @property
    def rolled_over(self) -> bool:
        """Tells whether it came from another contract: such balances are drawn first."""
        return self.rolled_over_from is not None

    @property
    def is_commit(self) -> bool:
        """Tells commits from credits."""
        return self.type is not BalanceType.CREDIT

    @property
    def invoiced_by(self) -> str | None:
        """The contract that bills what is paid for it, or None when nothing is invoiced."""
        schedule = self.invoice_schedule
        if schedule is None or schedule.do_not_invoice:
            return None
        return self.contract_id or self.invoice_contract_id

    @property
    def has_trueup(self) -> bool:
        """Tells whether what is missing of it at its end is to be billed."""
        return (
            self.type is BalanceType.POSTPAID
            and not self.trueup_disabled
            and self.archived_at is None
            and self.invoiced_by is not None
            and self.invoice_schedule is not None
            and bool(self.invoice_schedule.items)
        )

    def segment(self, segment_id: str) -> AccessSegment | None:
        """Returns the segment of an id, or None."""
        return next((one for one in self.segments if one.id == segment_id), None)

    @property
    def is_unrestricted(self) -> bool:
        """Tells whether it pays every product."""
        return not (self.applicable_product_ids or self.applicable_product_tags or self.specifiers)

    @property
    def has_cost(self) -> bool:
        """Tells whether anything was or is to be paid for it."""
        schedule = self.invoice_schedule
        return schedule is not None and any(item.amount.total > 0 for item in schedule.items)
