"""SQL metrics: queries over a customer's events as they were sent.

They see every stored event, also those received before the metric was created.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby

from backbeat.application.services import Call
from backbeat.domain import sql_metrics, windows
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import HOUR, Period, hour_of
from backbeat.models.usage import StoredEvent, UsageCell, WindowSize
from backbeat.persistence import raw_events
from backbeat.ports.sql import BadQuery, EventRow, SqlQuery, SqlSession


def with_group_keys(call: Call, metric: BillableMetric) -> BillableMetric:
    """Returns a new SQL metric with the group key that its query's columns are.

    Raises:
        InvalidArgument: the query does not run.
    """
    columns = sql_metrics.group_columns(_compiled(call, metric).columns)
    return metric.model_copy(update={"group_keys": (columns,) if columns else ()})


def by_window(
    call: Call, customer: Customer, metric: BillableMetric, span: Period, *, size: WindowSize
) -> list[UsageCell]:
    """Returns what the query answers over each window that has events, at the window's start.

    Raises:
        InvalidArgument: the query fails over these events.
    """
    query = _compiled(call, metric)
    return [
        cell
        for start, inside in groupby(
            _events(call, customer, span),
            key=lambda stored: windows.window_start(span, size, hour_of(stored.event.timestamp)),
        )
        for cell in sql_metrics.cells(start, _answer(metric, query, list(inside)))
    ]


def hourly_growth(
    call: Call,
    customer: Customer,
    metric: BillableMetric,
    span: Period,
    *,
    received_before: datetime | None = None,
) -> list[UsageCell]:
    """Returns by how much the answer over all the span's events so far grew with each hour.

    With `received_before`, events received then or later are left out.

    Raises:
        InvalidArgument: the query fails over these events.
    """
    query = _compiled(call, metric)
    found: list[UsageCell] = []
    before: sql_metrics.Answer = {}
    with _session(metric, query) as session:
        for hour, inside in groupby(
            _events(call, customer, span, received_before),
            key=lambda stored: hour_of(stored.event.timestamp),
        ):
            session.add(_rows(query, list(inside)))
            after = sql_metrics.answer(metric, query.columns, session.rows())
            found += sql_metrics.cells(hour, sql_metrics.growth(before, after))
            before = after
    return found


def at_once(
    call: Call,
    customer: Customer,
    used: Sequence[tuple[BillableMetric, Period]],
    span: Period,
    *,
    received_before: datetime | None = None,
) -> list[UsageCell]:
    """Returns the usage of a span that is evaluated once, in the last hour of its last use.

    `used` are the metrics one after the other, each with the part of the span it is used in: each
    counts for what its answer, taken from the start of the span, grew by in its part. The cells
    are the last metric's. With `received_before`, events received then or later are left out.

    Raises:
        InvalidArgument: a query fails over these events.
    """
    last, (_, end) = used[-1]
    events = _events(call, customer, Period(span.starting_at, end), received_before)
    found: list[UsageCell] = []
    for metric, part in used:
        query = _compiled(call, metric)
        grown = sql_metrics.growth(
            _answer(metric, query, _until(events, part.starting_at)),
            _answer(metric, query, _until(events, part.ending_before)),
        )
        found += sql_metrics.cells(end - HOUR, sql_metrics.regrouped(grown, metric, last))
    return found


def _events(
    call: Call, customer: Customer, span: Period, received_before: datetime | None = None
) -> list[StoredEvent]:
    found = raw_events.events(call.store, call.tenant, customer.usage_keys, span)
    if received_before is None:
        return found
    return [stored for stored in found if stored.received_at < received_before]


def _rows(query: SqlQuery, events: Sequence[StoredEvent]) -> Iterator[EventRow]:
    for stored in events:
        event = stored.event
        yield EventRow(
            event.event_type,
            event.timestamp,
            sql_metrics.properties_of(stored, query.properties),
        )


def _compiled(call: Call, metric: BillableMetric) -> SqlQuery:
    try:
        return call.services.sql.compile(metric.sql or "")
    except BadQuery as bad:
        raise InvalidArgument(f"sql: {bad}") from bad


def _answer(
    metric: BillableMetric, query: SqlQuery, events: Sequence[StoredEvent]
) -> sql_metrics.Answer:
    if not events:
        return {}
    with _session(metric, query) as session:
        session.add(_rows(query, events))
        return sql_metrics.answer(metric, query.columns, session.rows())


def _until(events: Sequence[StoredEvent], end: datetime) -> list[StoredEvent]:
    return [stored for stored in events if stored.event.timestamp < end]


@contextmanager
def _session(metric: BillableMetric, query: SqlQuery) -> Iterator[SqlSession]:
    try:
        with query.session() as session:
            yield session
    except BadQuery as bad:
        raise InvalidArgument(f"sql of billable metric {metric.id}: {bad}") from bad
