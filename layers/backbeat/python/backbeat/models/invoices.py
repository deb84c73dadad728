"""Invoices and their lines."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.charges import ResellerRoyalty
from backbeat.models.contracts import HierarchyLink
from backbeat.models.customers import BillableStatus
from backbeat.models.external_invoices import ExternalInvoice
from backbeat.models.money import CreditType
from backbeat.models.period import Period


class InvoiceType(StrEnum):
    """What an invoice bills."""

    USAGE = "USAGE"
    SCHEDULED = "SCHEDULED"
    USAGE_CONSOLIDATED = "USAGE_CONSOLIDATED"


class InvoiceStatus(StrEnum):
    """DRAFT is computed when read; the others are stored."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    VOID = "VOID"


class LineType(StrEnum):
    """What a line stands for."""

    USAGE = "usage"
    SUBSCRIPTION = "subscription"
    SCHEDULED = "scheduled"
    COMMIT_PURCHASE = "commit_purchase"
    APPLIED = "applied_commit_or_credit"
    CPU_CONVERSION = "cpu_conversion"
    PROFESSIONAL_SERVICE = "professional_service"


class LineTier(Model):
    """The step of a price ladder that a line's units fall on. `size` None has no end."""

    level: int
    starting_at: Decimal
    size: Decimal | None = None


class LineBasis(Model):
    """Where a line's numbers come from, so that they can be shown and computed again.

    The line's units are those between the cumulative quantities `quantity_from` and
    `quantity_to` of the period; the metric's own running totals at its ends are `raw_from` and
    `raw_to`. `rate_sequence` names the card's rate, `override_id` what changed it. `minimum` is
    the least that the lines of a composite product come to together.
    """

    metric_id: str | None = None
    raw_from: Decimal = Decimal(0)
    raw_to: Decimal = Decimal(0)
    quantity_from: Decimal = Decimal(0)
    quantity_to: Decimal = Decimal(0)
    rate_sequence: int | None = None
    list_price: Decimal | None = None
    minimum: Decimal | None = None
    override_id: str | None = None


class Constituent(Model):
    """An invoice of a hierarchy whose lines are on a consolidated one."""

    customer_id: str
    contract_id: str
    invoice_id: str


class Origin(Constituent):
    """The line that a line of a consolidated invoice was copied from."""

    line_item_id: str


class LineItem(Model):
    """One line. `total` = `quantity` × `unit_price`, unrounded, in the unit of `credit_type`.

    `term_custom_fields` are those of the contract's term that it bills, `commit_custom_fields`
    those of the balance that pays it, or of the commit that it bills. `applied_seat` is the seat
    whose part of a balance pays, where each seat has its own.
    """

    id: str
    type: LineType
    name: str
    total: Decimal
    credit_type: CreditType
    product_id: str | None = None
    product_type: str | None = None
    product_tags: tuple[str, ...] = ()
    product_custom_fields: dict[str, str] = {}
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    starting_at: datetime | None = None
    ending_before: datetime | None = None
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}
    tier: LineTier | None = None
    is_prorated: bool | None = None
    subscription_id: str | None = None
    scheduled_charge_id: str | None = None
    discount_id: str | None = None
    professional_service_id: str | None = None
    commit_id: str | None = None
    commit_segment_id: str | None = None
    commit_type: str | None = None
    postpaid_commit_id: str | None = None
    applied_id: str | None = None
    applied_type: str | None = None
    applied_seat: str | None = None
    term_custom_fields: dict[str, str] = {}
    commit_custom_fields: dict[str, str] = {}
    metadata: str | None = None
    origin: Origin | None = None
    basis: LineBasis | None = None


class GivenAmount(Model):
    """A quantity that was given for a stretch of time, in the unit that is priced."""

    starting_at: datetime
    ending_before: datetime
    quantity: Decimal


class GivenLine(Model):
    """A line as it was given: one amount for all of it, or one for each of its hours or days."""

    starting_at: datetime
    ending_before: datetime
    amounts: tuple[GivenAmount, ...]


class GivenUsage(Model):
    """What a historical invoice bills of one product and group, instead of counted usage."""

    product_id: str
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}
    lines: tuple[GivenLine, ...]


class RoyaltyRecord(Model):
    """What a reseller keeps of an invoice: `amount` is the fraction of the matching lines."""

    royalty: ResellerRoyalty
    amount: Decimal


class Known(Model):
    """What an invoice was made by: its contract after `edits` edits, its card's first `rates`."""

    edits: int
    rates: int


class Invoice(Model):
    """A bill. `issued_at` of a draft is when it will be finalized.

    `contract_id` is "" where a customer buys something that is of no contract: a credit grant.

    Only usage invoices have a start and an end. A scheduled one has `scheduled_at`, the date of
    what it bills, and `apart` when it is not the one that all of that date and unit shares.
    `generation` counts how often the bill was made
    anew: `regenerated_from_invoice_id` is the void one it replaces, `successor_id` what replaces
    this one. Usage received from `received_before` on is not in it, nor what was received after
    `finalized_at`.
    `known` is what it was made by, however much was added at the same instant.
    `workflow_id` is the charge it bills, of a threshold or a commit that is paid first.
    `payer` is who pays where contracts are in a hierarchy; a consolidated invoice names its
    `constituents`, which are not billed themselves.
    """

    id: str
    customer_id: str
    contract_id: str
    type: InvoiceType
    status: InvoiceStatus
    credit_type: CreditType
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    scheduled_at: datetime | None = None
    apart: str | None = None
    issued_at: datetime
    finalized_at: datetime | None = None
    received_before: datetime | None = None
    known: Known | None = None
    line_items: tuple[LineItem, ...]
    total: Decimal
    net_payment_terms_days: int | None = None
    customer_custom_fields: dict[str, str] = {}
    contract_custom_fields: dict[str, str] = {}
    reseller_royalty: RoyaltyRecord | None = None
    custom_fields: dict[str, str] = {}
    billable_status: BillableStatus = BillableStatus.BILLABLE
    external: ExternalInvoice | None = None
    generation: int = 0
    regenerated_from_invoice_id: str | None = None
    successor_id: str | None = None
    workflow_id: str | None = None
    given_usage: tuple[GivenUsage, ...] = ()
    payer: HierarchyLink | None = None
    constituents: tuple[Constituent, ...] = ()

    @property
    def made_by_hand(self) -> bool:
        """Tells whether its amounts were given: nothing else says what they should be."""
        return self.apart == self.id

    @property
    def period(self) -> Period | None:
        """The usage period; None when the invoice is not about one."""
        if self.start_timestamp is None or self.end_timestamp is None:
            return None
        return Period(self.start_timestamp, self.end_timestamp)
