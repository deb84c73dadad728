"""What a customer may see of itself: usage and spend of its open periods, and its limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import alerts, invoices
from backbeat.application.services import Call
from backbeat.domain import pace
from backbeat.models.alerts import AlarmStatus, AlertType
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, InvoiceStatus, LineItem, LineType
from backbeat.models.money import USD, CreditType, add
from backbeat.models.period import Period

_CENT: Final = Decimal(1)
_HUNDREDTH: Final = Decimal("0.01")
"""What estimates are rounded to: USD is in cents, other units are whole ones."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """A product's part of an open period: `amount` is before commits and credits."""

    name: str
    groups: dict[str, str]
    quantity: Decimal
    amount: Decimal
    credit_type: CreditType


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A draft, as its customer may see it, in the unit of `credit_type`.

    `spent` is before commits and credits, `covered` what they pay of it, `due` what is left.
    `projected` is `spent` at the period's end at the present pace; None too early to tell.
    """

    period: Period
    credit_type: CreditType
    used: Sequence[Consumption]
    spent: Decimal
    covered: Decimal
    due: Decimal
    projected: Decimal | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that spend is watched against."""

    threshold: Decimal
    credit_type: CreditType
    reached: bool


@dataclass(frozen=True, slots=True)
class OwnUsage:
    """All of it, and as of when."""

    at: datetime
    periods: Sequence[OpenPeriod]
    limits: Sequence[Limit]


def of_customer(call: Call, customer: Customer) -> OwnUsage:
    """Returns what is used now."""
    drafts = [
        invoice
        for invoice in invoices.of_customer(call, customer)
        if invoice.status is InvoiceStatus.DRAFT
    ]
    periods = [_open(invoice, period, call.now) for invoice in drafts if (period := invoice.period)]
    watched = [
        Limit(
            one.alert.threshold, one.alert.credit_type, reached=one.status is AlarmStatus.IN_ALARM
        )
        for one in alerts.of_customer(call, customer.id)
        if one.alert.type is AlertType.SPEND and one.alert.archived_at is None
    ]
    return OwnUsage(call.now, periods, sorted(watched, key=lambda limit: limit.threshold))


def _open(invoice: Invoice, period: Period, now: datetime) -> OpenPeriod:
    unit = invoice.credit_type
    mine = [line for line in invoice.line_items if line.credit_type == unit]
    used = [line for line in mine if line.type is LineType.USAGE]
    # What does not grow by the hour: fees that are charged whatever is used.
    fixed = _sum(line for line in mine if line.type not in (LineType.USAGE, LineType.APPLIED))
    metered = _sum(used)
    estimate = pace.at_the_end(metered, period, now, step=_CENT if unit == USD else _HUNDREDTH)
    covered = _sum(line for line in mine if line.type is LineType.APPLIED)
    return OpenPeriod(
        period,
        unit,
        _consumed(line for line in used if line.quantity),
        spent=add(metered, fixed),
        covered=-covered,
        due=invoice.total,
        projected=None if estimate is None else add(estimate, fixed),
    )


def _consumed(lines: Iterable[LineItem]) -> list[Consumption]:
    """Returns what was used by name and groups: prices, tiers and credits split lines further."""
    found: dict[tuple[object, ...], Consumption] = {}
    for line in lines:
        groups = {**line.presentation_group_values, **line.pricing_group_values}
        key = (line.product_id, line.name, *sorted(groups.items()))
        so_far = found.get(key)
        quantity, amount = line.quantity or Decimal(0), line.total
        if so_far is not None:
            quantity, amount = add(so_far.quantity, quantity), add(so_far.amount, amount)
        found[key] = Consumption(line.name, groups, quantity, amount, line.credit_type)
    return list(found.values())


def _sum(lines: Iterable[LineItem]) -> Decimal:
    return add(*(line.total for line in lines))
