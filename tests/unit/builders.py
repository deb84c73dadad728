"""Short ways to say what a test is given. Whatever a test does not say has a fixed value."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from backbeat.domain.periods import anchor_of
from backbeat.models.catalog import (
    Aggregation,
    BillableMetric,
    PropertyFilter,
)
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.money import USD
from backbeat.models.period import Period
from backbeat.models.rates import Rate, RateType, Tier
from backbeat.models.schedules import Frequency, StatementDay, StatementSchedule
from backbeat.models.usage import UsageEvent

_numbers = count(1)


def utc(text: str) -> datetime:
    """Returns the instant of an ISO date or date and time, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(start: str, end: str) -> Period:
    return Period(utc(start), utc(end))


def event(
    properties: Mapping[str, object] | None = None,
    *,
    at: str = "2025-01-15T10:30:00",
    id_: str | None = None,
    customer: str = "acme",
    type_: str = "call",
) -> UsageEvent:
    return UsageEvent(
        id_ or f"transaction-{next(_numbers)}", customer, type_, utc(at), properties or {}
    )


def metric(
    aggregation: str = "COUNT",
    key: str | None = None,
    *,
    id_: str = "m",
    filters: Sequence[PropertyFilter] = (),
    groups: Sequence[Sequence[str]] = (),
) -> BillableMetric:
    return BillableMetric(
        id=id_,
        name=id_,
        aggregation_type=Aggregation(aggregation),
        aggregation_key=key,
        property_filters=tuple(filters),
        group_keys=tuple(tuple(names) for names in groups),
        created_at=utc("2025-01-01"),
    )


def rate(
    price: str | Iterable[tuple[str | None, str]],
    *,
    sequence: int = 1,
    start: str = "2020-01-01",
    end: str | None = None,
    group: Mapping[str, str] | None = None,
    entitled: bool = True,
    product: str = "p",
) -> Rate:
    """Makes a FLAT rate from a price, a TIERED one from (size, price) pairs."""
    flat = isinstance(price, str)
    return Rate(
        product_id=product,
        starting_at=utc(start),
        ending_before=None if end is None else utc(end),
        entitled=entitled,
        rate_type=RateType.FLAT if flat else RateType.TIERED,
        price=Decimal(price) if isinstance(price, str) else None,
        tiers=()
        if isinstance(price, str)
        else tuple(
            Tier(size=None if size is None else Decimal(size), price=Decimal(cost))
            for size, cost in price
        ),
        credit_type=USD,
        pricing_group_values=dict(group or {}),
        created_at=utc("2025-01-01"),
        sequence=sequence,
    )


def customer(id_: str = "customer-1", **fields: object) -> Customer:
    return Customer.model_validate(
        {
            "id": id_,
            "name": "Acme",
            "created_at": utc("2025-01-01"),
            "updated_at": utc("2025-01-01"),
            **fields,
        }
    )


def contract(
    start: str,
    *,
    end: str | None = None,
    frequency: str = "MONTHLY",
    day: str = "FIRST_OF_MONTH",
    anchor: str | None = None,
    invoices_from: str | None = None,
    id_: str = "contract-1",
) -> Contract:
    """Makes a contract with the anchor that the API would derive from `day`."""
    starting_at = utc(start)
    schedule = StatementSchedule(
        frequency=Frequency(frequency),
        anchor=anchor_of(
            Frequency(frequency),
            StatementDay(day),
            starting_at=starting_at,
            custom=None if anchor is None else utc(anchor),
        ),
    )
    return Contract(
        id=id_,
        customer_id="customer-1",
        starting_at=starting_at,
        ending_before=None if end is None else utc(end),
        usage_statement_schedule=schedule,
        invoice_generation_starting_at=None if invoices_from is None else utc(invoices_from),
        created_at=utc("2025-01-01"),
    )
