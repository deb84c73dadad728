"""Invoices and their lines."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType


class InvoiceType(StrEnum):
    """What an invoice bills."""

    USAGE = "USAGE"
    SCHEDULED = "SCHEDULED"


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


class LineTier(Model):
    """The step of a price ladder that a line's units fall on. `size` None has no end."""

    level: int
    starting_at: Decimal
    size: Decimal | None = None


class LineBasis(Model):
    """Where a line's numbers come from, so that they can be shown and computed again.

    The line's units are those between the cumulative quantities `quantity_from` and
    `quantity_to` of the period; the metric's own running totals at its ends are `raw_from` and
    `raw_to`. `rate_sequence` names the card's rate, `override_id` what changed it.
    """

    metric_id: str | None = None
    raw_from: Decimal = Decimal(0)
    raw_to: Decimal = Decimal(0)
    quantity_from: Decimal = Decimal(0)
    quantity_to: Decimal = Decimal(0)
    rate_sequence: int | None = None
    list_price: Decimal | None = None
    override_id: str | None = None


class LineItem(Model):
    """One line. `total` = `quantity` × `unit_price`, unrounded, in the unit of `credit_type`."""

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
    basis: LineBasis | None = None


class Invoice(Model):
    """A bill. `issued_at` of a draft is when it will be finalized."""

    id: str
    customer_id: str
    contract_id: str
    type: InvoiceType
    status: InvoiceStatus
    credit_type: CreditType
    start_timestamp: datetime
    end_timestamp: datetime
    issued_at: datetime
    line_items: tuple[LineItem, ...]
    total: Decimal
    net_payment_terms_days: int | None = None
    customer_custom_fields: dict[str, str] = {}
    contract_custom_fields: dict[str, str] = {}
