"""Dashboards of one customer: a link that shows one for a while, and what it shows."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from backbeat.application import (
    catalog,
    contracts,
    customers,
    invoices,
    product_balances,
    signed_claims,
    usage,
)
from backbeat.application.balances import ShownBalance
from backbeat.application.services import Call, Services
from backbeat.domain import windows
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.dashboards import Dashboard, DashboardKind
from backbeat.models.errors import Forbidden, InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.models.money import add
from backbeat.models.period import DAY, Period
from backbeat.models.usage import WindowSize

VALID: Final = timedelta(hours=1)
"""How long a link works, by real time: a page asks for a new one whenever it is shown."""

_PURPOSE: Final = "dashboard"
_LONGEST: Final = 4000
"""Characters of a link's signed part. Addresses may have some 8,000 in all."""

_LONGEST_CLAIMS: Final = 256 * 1024
_DAYS: Final = 30
_METRICS: Final = 20
_GROUPS: Final = 10
"""As many groups of a metric have a line of their own; there are so many colors."""
_INVOICES: Final = 100


class _Claims(msgspec.Struct, array_like=True):
    dashboard: str
    until_seconds: int


@dataclass(frozen=True, slots=True)
class GroupSeries:
    """A group's quantity on each day; `values` are those of the metric's group key, by name."""

    values: Mapping[str, str]
    quantities: Sequence[Decimal]

    @property
    def total(self) -> Decimal:
        """The sum over the days, by which groups are put in order."""
        return add(*self.quantities)


@dataclass(frozen=True, slots=True)
class MetricUsage:
    """A metric's quantities by day, of the groups with most of it. Some groups may be left out."""

    name: str
    days: Sequence[Period]
    series: Sequence[GroupSeries]
    left_out: int


def link(call: Call, dashboard: Dashboard) -> str:
    """Returns what shows a dashboard to whoever holds it, for an hour.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: it says too much, or is of a customer whose contracts are in a hierarchy.
    """
    customer = customers.get(call, dashboard.customer_id)
    if dashboard.kind is not DashboardKind.USAGE and any(
        contract.parent_role or contract.child_role
        for contract in contracts.of_customer(call, customer)
    ):
        raise InvalidArgument(
            f"dashboard: {dashboard.kind} does not work for members of a contract hierarchy"
        )
    until = call.services.clock.now() + VALID
    claims = _Claims(dashboard.model_dump_json(exclude_defaults=True), int(until.timestamp()))
    text = signed_claims.sign(call, _PURPOSE, zlib.compress(msgspec.json.encode(claims)))
    if len(text) > _LONGEST:
        raise InvalidArgument("bm_group_key_overrides: too many names for one address")
    return text


def opened(services: Services, text: str) -> tuple[Call, Customer, Dashboard]:
    """Returns the dashboard that a link shows, and a call to read it with.

    Raises:
        Forbidden: nobody signed the link, it has ended, or its customer is no more.
    """
    try:
        call, content = signed_claims.opened(services, _PURPOSE, text)
        claims = msgspec.json.decode(_unpacked(content), type=_Claims)
    except (signed_claims.NotSigned, ValueError, zlib.error) as error:
        raise Forbidden("This is no link to a dashboard") from error
    if services.clock.now().timestamp() >= claims.until_seconds:
        raise Forbidden("The link has expired")
    dashboard = Dashboard.model_validate_json(claims.dashboard)
    try:
        return call, customers.get(call, dashboard.customer_id), dashboard
    except NotFound as error:
        raise Forbidden("The link's customer is no more") from error


def invoices_of(call: Call, customer: Customer, dashboard: Dashboard) -> list[Invoice]:
    """Returns the newest invoices, the newest first."""
    found = invoices.listed(call, customer)
    shown = [
        one
        for one in reversed(found)
        if not (dashboard.hide_voided and one.status is InvoiceStatus.VOID)
    ]
    return shown[:_INVOICES]


def balances_of(call: Call, customer: Customer) -> list[ShownBalance]:
    """Returns all commits and credits with what is left of them, the newest first."""
    return product_balances.spendable(call, customer.id)


def usage_of(call: Call, customer: Customer) -> list[MetricUsage]:
    """Returns the usage of the last 30 days by metric, of the metrics that have some."""
    midnight = call.now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = Period(midnight - (_DAYS - 1) * DAY, midnight + DAY)
    found: list[MetricUsage] = []
    for metric in catalog.metrics(call):
        told = _usage(call, customer, metric, span)
        if told is not None:
            found.append(told)
        if len(found) == _METRICS:
            break
    return found


def _usage(
    call: Call, customer: Customer, metric: BillableMetric, span: Period
) -> MetricUsage | None:
    keys = metric.group_keys[0] if metric.group_keys else ()
    try:
        rows = list(
            usage.group_rows(
                call, customer, metric, span, size=WindowSize.DAY, keys=keys, wanted={}
            )
        )
    except InvalidArgument:
        # The query of a SQL metric fails over some events: that is for its owner to see.
        return None
    days = list(windows.windows(span, WindowSize.DAY))
    by_group: dict[tuple[str, ...], dict[datetime, Decimal]] = {}
    for row in rows:
        if row.value:
            values = tuple(row.group[key] for key in keys)
            by_group.setdefault(values, {})[row.window.starting_at] = row.value
    if not by_group:
        return None
    series = [
        GroupSeries(
            dict(zip(keys, values, strict=True)),
            [quantities.get(day.starting_at, Decimal(0)) for day in days],
        )
        for values, quantities in sorted(by_group.items())
    ]
    most = sorted(series, key=lambda one: one.total, reverse=True)
    return MetricUsage(metric.name, days, most[:_GROUPS], len(most[_GROUPS:]))


def _unpacked(content: bytes) -> bytes:
    # What was signed was packed here, but nobody has to believe that.
    return zlib.decompressobj().decompress(content, _LONGEST_CLAIMS)
