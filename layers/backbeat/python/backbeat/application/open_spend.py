"""What customers have spent so far: the drafts of a page of them, added up."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from backbeat.application import customers, invoices
from backbeat.application.services import Call
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus, LineType
from backbeat.models.money import CreditType, add


class Used(NamedTuple):
    """A product in one pricing unit."""

    product_id: str
    name: str
    credit_type: CreditType


@dataclass(slots=True)
class Amount:
    """How much of it, and what that comes to before commits and credits, in its pricing unit."""

    quantity: Decimal = Decimal(0)
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Total:
    """How many drafts there are in a pricing unit, and what is to be paid for them."""

    drafts: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class OpenSpend:
    """Of some customers. Those whose drafts cannot be computed are told apart, with the reason."""

    customers: int = 0
    totals: dict[CreditType, Total] = field(default_factory=dict)
    used: dict[Used, Amount] = field(default_factory=dict)
    failed: list[tuple[Customer, str]] = field(default_factory=list)


def page(call: Call, *, limit: int, cursor: str | None) -> tuple[OpenSpend, str | None]:
    """Returns what a page of the customers has spent, and the next page's cursor."""
    found, next_cursor = customers.page(call, archived=False, limit=limit, cursor=cursor)
    spend = OpenSpend(customers=len(found))
    for customer in found:
        try:
            drafts = invoices.of_customer(call, customer)
        except Retryable:
            raise
        except BackbeatError as error:
            spend.failed.append((customer, str(error)))
            continue
        for invoice in drafts:
            if invoice.status is InvoiceStatus.DRAFT:
                _count(spend, invoice)
    return spend, next_cursor


def _count(spend: OpenSpend, invoice: Invoice) -> None:
    total = spend.totals.setdefault(invoice.credit_type, Total())
    total.drafts += 1
    total.total = add(total.total, invoice.total)
    for line in invoice.line_items:
        if line.type is LineType.USAGE and line.product_id is not None and line.quantity:
            used = Used(line.product_id, line.name, line.credit_type)
            amount = spend.used.setdefault(used, Amount())
            amount.quantity = add(amount.quantity, line.quantity)
            amount.total = add(amount.total, line.total)
