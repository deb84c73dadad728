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


class LineItem(Model):
    """One line. `total` = `quantity` × `unit_price`, unrounded, in the unit of `credit_type`."""

    id: str
    type: str
    name: str
    product_id: str
    product_type: str
    product_tags: tuple[str, ...] = ()
    product_custom_fields: dict[str, str] = {}
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    credit_type: CreditType
    starting_at: datetime
    ending_before: datetime
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}


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
