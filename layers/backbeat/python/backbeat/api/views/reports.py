"""Reports as JSON and as CSV."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.invoices import invoice_header_view
from backbeat.api.views.times import timestamp
from backbeat.application.every_invoice import EveryInvoice
from backbeat.application.open_spend import OpenSpend
from backbeat.application.reports import Row
from backbeat.models.money import CreditType

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


def open_spend_view(spend: OpenSpend) -> dict[str, object]:
    """Returns what a page of customers has spent so far."""
    return {
        "customers": spend.customers,
        "totals": [
            {"credit_type": credit_type_view(unit), "drafts": one.drafts, "total": one.total}
            for unit, one in spend.totals.items()
        ],
        "products": [
            {
                "product_id": used.product_id,
                "name": used.name,
                "credit_type": credit_type_view(used.credit_type),
                "quantity": amount.quantity,
                "total": amount.total,
            }
            for used, amount in spend.used.items()
        ],
        "failed": [
            {"customer_id": customer.id, "customer_name": customer.name, "message": message}
            for customer, message in spend.failed
        ],
    }


def every_invoice_view(every: EveryInvoice) -> dict[str, object]:
    """Returns the invoices of a page of customers without their lines, and what went wrong."""
    return {
        "data": [
            {"customer_name": customer.name, **invoice_header_view(invoice)}
            for customer, invoice in every.found
        ],
        "failed": [
            {"customer_id": customer.id, "customer_name": customer.name, "message": message}
            for customer, message in every.failed
        ],
    }


def rows_view(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Returns a report's rows."""
    return [{name: _shown(value) for name, value in row.items()} for row in rows]


def rows_csv(rows: Sequence[Row]) -> str:
    """Returns a report's rows with a line of names first; nothing at all without rows.

    Amounts are in the unit of their row, those in USD in cents. A text that a spreadsheet would
    take for a formula begins with an apostrophe.
    """
    if not rows:
        return ""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _told(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _shown(value: object) -> object:
    if isinstance(value, CreditType):
        return credit_type_view(value)
    return timestamp(value) if isinstance(value, datetime) else value


def _told(value: object) -> object:
    if isinstance(value, CreditType):
        return value.name
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
