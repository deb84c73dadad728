"""Reconciliation: events, cells, pushes, Stripe's summaries and its invoices, held side by side.

A run only looks, judges and suggests; it changes no usage and sends nothing. What it found of a
period is kept until the next run finds something else, and so is what it suggests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application.metering import corrections, definitions, mappings, pushes, quantities
from backbeat.application.services import Call
from backbeat.domain import counting, reconciling, windows
from backbeat.domain.reconciling import Totals
from backbeat.models.base import Model
from backbeat.models.catalog import BillableMetric
from backbeat.models.errors import BackbeatError, NotFound
from backbeat.models.mappings import MeterMapping, Target
from backbeat.models.period import HOUR, Period, hour_of
from backbeat.models.reconciliation import (
    BilledLine,
    Found,
    ReconciliationRun,
    ReconciliationSettings,
    RunTrigger,
    Verdict,
)
from backbeat.persistence import keys, raw_events
from backbeat.persistence.entities import from_item, page_of_models, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.providers import ProviderError
from backbeat.ports.store import Absent, Index, IndexKey, Put, Query

_ROWS_PER_PAGE: Final = 200
_RECOUNTED: Final = timedelta(hours=3)
"""How far back an hourly run counts events anew: each hour is looked at more than once."""
_KEPT_EVENTS: Final = timedelta(days=39)
"""Events are kept 40 days: older ones cannot be counted anew."""


class _Rows(Model):
    """Some of what a run found."""

    rows: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with everything that it found."""

    run: ReconciliationRun
    rows: tuple[Found, ...]


def run(
    call: Call,
    *,
    trigger: RunTrigger,
    by: str,
    mapping_id: str | None = None,
    whole: bool = True,
) -> Finished:
    """Looks at all open periods, or at those of one mapping, and keeps what it found.

    With `whole`, events of all of a period are counted anew, else those of the last hours.

    Raises:
        NotFound: there is no such mapping.
    """
    chosen = mappings.every(call) if mapping_id is None else iter([mappings.get(call, mapping_id)])
    rows = tuple(row for mapping in chosen for row in _mapping(call, mapping, whole=whole))
    made = ReconciliationRun(
        id=call.services.ids.new(),
        trigger=trigger,
        by=by,
        started_at=call.now,
        checked=len(rows),
        ok=sum(row.verdict in (Verdict.OK, Verdict.RESOLVED) for row in rows),
        investigate=sum(row.verdict is Verdict.INVESTIGATE for row in rows),
        unknown=sum(row.verdict is Verdict.UNKNOWN for row in rows),
        drift=sum((abs(row.drift) for row in rows if row.drift is not None), Decimal(0)),
        pages=-(-len(rows) // _ROWS_PER_PAGE),
    )
    _store(call, made, rows)
    if made.investigate:
        call.services.count("Drift", made.investigate)
    return Finished(made, rows)


def look(
    call: Call, mapping: MeterMapping, target: Target, period: Period, part: Period, *, whole: bool
) -> Found:
    """Returns what each place knows of a period now. Nothing is written."""
    known = definitions.of(call)
    metric = known.metric_of(known.counter(mapping.metric))
    customers = quantities.meant(call, mapping.customer_refs)
    local = quantities.quantity(call, metric, customers, part)
    state = pushes.state_of(call, mapping, target, part)
    settings = settings_of(call)
    recounted = _recounted(call, metric, mapping, part, whole=whole)
    events, cells = (
        (None, None) if recounted is None else _counted(call, metric, mapping, recounted)
    )
    stripe, billed, message = _at_stripe(call, target, period, part)
    found = Found(
        mapping_id=mapping.id,
        metric=mapping.metric,
        customer_refs=mapping.customer_refs,
        lane=target.lane,
        meter_id=target.meter_id,
        stripe_customer_id=target.stripe_customer_id,
        period_start=part.starting_at,
        period_end=part.ending_before,
        at=call.now,
        events=events,
        cells=cells,
        recounted_from=None if recounted is None else recounted.starting_at,
        local=local,
        pushed=state.pushed,
        stripe=stripe,
        billed=billed,
        verdict=Verdict.UNKNOWN,
        message=message if state.failed is None else state.failed.message,
    )
    if stripe is None:
        return found
    totals = Totals(
        local=local,
        pushed=state.pushed,
        stripe=stripe,
        events=events,
        cells=cells,
        last_sent_at=state.last_sent_at,
        sending=state.pending is not None,
        billed=billed,
    )
    lag = timedelta(seconds=settings.lag_seconds)
    differences = tuple(reconciling.differences(totals, now=call.now, lag=lag))
    return found.model_copy(
        update={
            "final": totals.is_final,
            "differences": differences,
            "verdict": reconciling.verdict(totals, differences, epsilon=settings.epsilon),
        }
    )


def get(call: Call, run_id: str) -> Finished:
    """Returns a run with everything that it found.

    Raises:
        NotFound: there is none of that id.
    """
    made = read(call.store, keys.reconciliation(call.tenant, run_id), ReconciliationRun)
    if made is None:
        raise NotFound("reconciliation", run_id)
    pages = [keys.reconciliation_page(call.tenant, run_id, page) for page in range(made.pages)]
    found = call.store.get_many(pages)
    return Finished(made, tuple(row for key in pages for row in from_item(found[key], _Rows).rows))


def page(
    call: Call, *, limit: int, cursor: str | None
) -> tuple[list[ReconciliationRun], str | None]:
    """Returns a page of the runs, the newest first, and the next page's cursor."""
    query = Query(
        keys.reconciliations(call.tenant),
        index=Index.GSI1,
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    return page_of_models(call.store, query, ReconciliationRun)


def latest(call: Call, since: datetime, until: datetime) -> list[Found]:
    """Returns what the last run found of each period that begins in a span of time.

    Each period counts once, however often it was looked at.
    """
    found = []
    for mapping in mappings.every(call):
        for target in mapping.targets:
            for row in latest_of(call, mapping, target):
                if since <= row.period_start < until:
                    found.append(row)
    return found


def latest_of(call: Call, mapping: MeterMapping, target: Target) -> list[Found]:
    """Returns what the last runs found of the periods of a target, the oldest first."""
    pk = keys.pushes(call.tenant, mapping.ledger(target))
    low, high = keys.prefix_range("FOUND#")
    page = call.store.query(Query(pk, low=low, high=high))
    return [from_item(item, Found) for item in page.items]


def last_look(call: Call, mapping: MeterMapping, target: Target, part: Period) -> Found | None:
    """Returns what the last run found of a part of a period; None if none has looked at it."""
    key = keys.reconciled(call.tenant, mapping.ledger(target), part.starting_at)
    return read(call.store, key, Found)


def settings_of(call: Call) -> ReconciliationSettings:
    """Returns how strict the tenant is."""
    kept = read(call.store, keys.metering_settings(call.tenant), ReconciliationSettings)
    return kept or ReconciliationSettings()


def change_settings(call: Call, changes: dict[str, object]) -> ReconciliationSettings:
    """Changes how strict the tenant is. What is not named stays."""
    after = settings_of(call).model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.metering_settings(call.tenant), after)))
    work.commit()
    return after


def _mapping(call: Call, mapping: MeterMapping, *, whole: bool) -> Iterator[Found]:
    for target in mapping.targets:
        for period, part in mappings.open_parts(call, mapping):
            key = keys.reconciled(call.tenant, mapping.ledger(target), part.starting_at)
            before = last_look(call, mapping, target, part)
            row = look(call, mapping, target, period, part, whole=whole)
            if row.verdict is Verdict.OK and before is not None:
                was_wrong = before.verdict is Verdict.INVESTIGATE
                row = row.model_copy(
                    update={"verdict": Verdict.RESOLVED if was_wrong else Verdict.OK}
                )
            call.store.transact([Put(to_item(key, row))])
            if row.verdict is not Verdict.UNKNOWN:
                corrections.suggest(call, mapping, target, row, before)
            yield row


def _recounted(
    call: Call, metric: BillableMetric, mapping: MeterMapping, part: Period, *, whole: bool
) -> Period | None:
    """Returns the stretch of a period whose events are counted anew, of whole hours.

    Values of which the latest or the greatest counts are only whole over the whole period.
    """
    earliest = hour_of(call.now - _KEPT_EVENTS) + HOUR
    if not whole:
        earliest = max(earliest, hour_of(call.now - _RECOUNTED))
    start = max(part.starting_at, earliest)
    return Period(start, part.ending_before) if start < part.ending_before else None


def _counted(
    call: Call, metric: BillableMetric, mapping: MeterMapping, span: Period
) -> tuple[Decimal | None, Decimal | None]:
    """Returns what events of a span come to, and what was counted of them.

    None: usage came between the two readings, so they are not of one state.
    """
    customers = quantities.meant(call, mapping.customer_refs)
    refs = [key for customer in customers for key in customer.usage_keys]
    before = quantities.quantity(call, metric, customers, span)
    events = raw_events.events(call.store, call.tenant, refs, span)
    told = windows.quantity(metric, counting.cells(metric, events)) or Decimal(0)
    after = quantities.quantity(call, metric, customers, span)
    return (told, after) if before == after else (None, None)


def _at_stripe(
    call: Call, target: Target, period: Period, part: Period
) -> tuple[Decimal | None, tuple[BilledLine, ...], str | None]:
    try:
        meters = pushes.meters_of(call, target)
        total = meters.total(target.meter_id, target.stripe_customer_id, part)
        billed: Sequence[BilledLine] = ()
        if period.ending_before <= call.now:
            billed = [
                BilledLine(
                    invoice_id=one.invoice_id,
                    status=one.status,
                    quantity=one.quantity,
                    amount=one.amount,
                    currency=one.currency,
                )
                for one in meters.billed(target.meter_id, target.stripe_customer_id, period)
            ]
    except (ProviderError, BackbeatError) as error:
        return None, (), error.message
    return total, tuple(billed), None


def _store(call: Call, made: ReconciliationRun, rows: Sequence[Found]) -> None:
    """Keeps a run: its rows first, since they are reached through it."""
    pages = [rows[first : first + _ROWS_PER_PAGE] for first in range(0, len(rows), _ROWS_PER_PAGE)]
    call.store.put_many(
        to_item(keys.reconciliation_page(call.tenant, made.id, number), _Rows(rows=tuple(some)))
        for number, some in enumerate(pages)
    )
    item = to_item(
        keys.reconciliation(call.tenant, made.id),
        made,
        gsi1=IndexKey(keys.reconciliations(call.tenant), keys.created(made.started_at, made.id)),
    )
    call.store.transact([Put(item, Absent())])
