"""What a counter has counted of a customer."""

from collections.abc import Iterable
from decimal import Decimal

from backbeat.application import usage
from backbeat.application.metering import billing_periods
from backbeat.application.services import Call
from backbeat.domain import windows
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.usage import UsageCell


def cells(
    call: Call, metric: BillableMetric, customers: Iterable[Customer], span: Period
) -> list[UsageCell]:
    """Returns the cells of a span of hours, of all the customers."""
    return [
        cell
        for customer in customers
        for cell in usage.cells(call, customer, metric, span, cuts=())
    ]


def quantity(
    call: Call, metric: BillableMetric, customers: Iterable[Customer], span: Period
) -> Decimal:
    """Returns a metric's value over a span of hours: of sums and counts, that of all customers.

    Of nothing counted it is 0.
    """
    return windows.quantity(metric, cells(call, metric, customers, span)) or Decimal(0)


def of_refs(
    call: Call, metric: BillableMetric, customer_refs: Iterable[str], span: Period
) -> Decimal:
    """Returns a metric's value over a span, of the customers that some references mean, once."""
    return quantity(call, metric, meant(call, customer_refs), span)


def meant(call: Call, customer_refs: Iterable[str]) -> list[Customer]:
    """Returns the customers that some references mean, each once."""
    found = (billing_periods.customer_of(call, ref) for ref in customer_refs)
    return list({customer.id: customer for customer in found}.values())
