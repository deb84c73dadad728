"""Backfills: usage brought in afterwards, counted page by page by the queue.

Each page's outcome and the place where the next one begins commit together. A page that was
counted before a crash is counted again to no effect: its events bear the backfill's id, so they are
told from a stranger's and reported as accepted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from backbeat.application import tenants, work_items
from backbeat.application.metering import backfill_rows, definitions, events
from backbeat.application.services import Call
from backbeat.models.backfills import (
    Backfill,
    BackfillFormat,
    BackfillOutcomes,
    BackfillRow,
    BackfillRows,
    BackfillStatus,
    RowOutcome,
)
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.counters import Outcome, SentEvent
from backbeat.models.errors import InvalidArgument, NotFound, Unprocessable
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of_models, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.objects import UnreadableObject
from backbeat.ports.store import Absent, Index, IndexKey, Item, Put, Query, Version

MOST_EVENTS: Final = 5000
"""Events of one request."""
MOST_BYTES: Final = 1024 * 1024
"""What may be sent along; more comes from a file."""

_FILE_BYTES: Final = 64 * 1024 * 1024
_ROWS_PER_PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class NewBackfill:
    """A backfill to order: its rows as events, as a text, or as the address of a file."""

    metric: str
    customer_ref: str | None
    period_start: datetime
    period_end: datetime | None
    reason: str
    format: BackfillFormat
    events: Sequence[SentEvent]
    text: str | None
    source_url: str | None


def order(call: Call, wanted: NewBackfill, *, by: str) -> Backfill:
    """Queues a backfill. Rows that were sent along are kept with it.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: there are no rows, or too many, or no header; or the period is none.
    """
    definitions.of(call).counter(wanted.metric)
    until = wanted.period_end or call.now
    if wanted.period_start >= until:
        raise InvalidArgument("period_end: must be after period_start")
    made = Backfill(
        id=call.services.ids.new(),
        metric=wanted.metric,
        customer_ref=wanted.customer_ref,
        period_start=wanted.period_start,
        period_end=until,
        reason=wanted.reason,
        format=wanted.format,
        source_url=wanted.source_url,
        created_at=call.now,
        created_by=by,
    )
    if wanted.source_url is None:
        rows = _sent_along(wanted, made)
        made = _keep_rows(call, made, rows)
        if not made.rows:
            raise InvalidArgument("events, csv_data or jsonl_data: there are no rows")
    key = keys.backfill_work(call.tenant, made.id)
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, made), Absent()), tenants.mark(call))
    work.add(*work_items.put_first(call, key, _due(call, made)))
    # A tick finds it as well, a little later.
    work.afterwards("backfill", lambda: work_items.send_job(call, key))
    work.commit()
    return made


def get(call: Call, backfill_id: str) -> Backfill:
    """Returns a backfill.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(_stored(call, backfill_id), Backfill)


def page(
    call: Call, keep: Callable[[Backfill], bool], *, limit: int, cursor: str | None
) -> tuple[list[Backfill], str | None]:
    """Returns a page of the backfills, the newest first, and the next page's cursor."""
    query = Query(
        keys.backfills(call.tenant), index=Index.GSI1, forward=False, limit=limit, cursor=cursor
    )
    return page_of_models(call.store, query, Backfill, keep)


def outcomes(
    call: Call, backfill_id: str, *, outcome: Outcome | None, after: int, limit: int
) -> list[RowOutcome]:
    """Returns what became of the rows behind a number, of one kind or of all.

    Raises:
        NotFound: there is no such backfill.
    """
    backfill = get(call, backfill_id)
    first = after // _ROWS_PER_PAGE
    found: list[RowOutcome] = []
    for number in range(first, backfill.done_pages):
        item = call.store.get(keys.backfill_outcomes(call.tenant, backfill_id, number))
        if item is None:
            continue
        for one in from_item(item, BackfillOutcomes).outcomes:
            if one.number > after and outcome in (None, one.outcome):
                found.append(one)
        if len(found) >= limit:
            break
    return found[:limit]


def cancel(call: Call, backfill_id: str) -> Backfill:
    """Stops a backfill; what was counted stays. Doing it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it is over.
    """
    item = _stored(call, backfill_id)
    before = from_item(item, Backfill)
    if before.status is BackfillStatus.CANCELLED:
        return before
    if before.is_over:
        raise Unprocessable(f"The backfill is {before.status.value}: it cannot be cancelled")
    after = before.model_copy(update={"status": BackfillStatus.CANCELLED, "finished_at": call.now})
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, after, item.version + 1), Version(item.version)))
    due = call.store.get(keys.backfill_work(call.tenant, backfill_id))
    if due is not None:
        work.add(*work_items.remove(call, due))
    work.commit()
    return after


def step(call: Call, due_item: Item, due: DueItem) -> None:
    """Does the next part of a backfill: reads its file, or counts a page of its rows."""
    item = _stored(call, due.contract_id)
    backfill = from_item(item, Backfill)
    if backfill.is_over:
        after = backfill
    elif backfill.source_url is not None and not backfill.pages:
        after = _read_file(call, backfill)
    else:
        after = _count_page(call, backfill)
    if after.done_pages == after.pages and not after.is_over:
        done = {"status": BackfillStatus.COMPLETED, "finished_at": call.now}
        after = after.model_copy(update=done)
    work = UnitOfWork(call.store)
    if after is not backfill:
        work.add(Put(_item(call, after, item.version + 1), Version(item.version)))
    if after.is_over:
        work.add(*work_items.remove(call, due_item))
    else:
        going_on = due.model_copy(update={"due_at": call.now, "leased_until": None})
        work.add(work_items.replace(call, due_item, going_on))
    work.commit()


def _sent_along(wanted: NewBackfill, made: Backfill) -> Iterator[BackfillRow]:
    if wanted.text is not None:
        if len(wanted.text.encode()) > MOST_BYTES:
            raise InvalidArgument(
                f"csv_data or jsonl_data: more than {MOST_BYTES} bytes; give a source_url"
            )
        yield from backfill_rows.read(wanted.text, made)
        return
    for number, event in enumerate(wanted.events, start=1):
        yield BackfillRow(
            number=number,
            metric=event.metric,
            customer_ref=event.customer_ref,
            quantity=event.quantity,
            timestamp=event.timestamp,
            key=event.key,
            resource_id=event.resource_id,
            sequence=event.sequence,
            source=event.source,
            meta=dict(event.meta or {}),
        )


def _read_file(call: Call, backfill: Backfill) -> Backfill:
    started = backfill.model_copy(
        update={"status": BackfillStatus.PROCESSING, "started_at": call.now}
    )
    try:
        content = call.services.objects.read(backfill.source_url or "", at_most=_FILE_BYTES)
        return _keep_rows(call, started, backfill_rows.read(content.decode("utf-8-sig"), backfill))
    except (UnreadableObject, UnicodeDecodeError, InvalidArgument) as error:
        return started.model_copy(
            update={
                "status": BackfillStatus.FAILED,
                "error": str(error),
                "finished_at": call.now,
            }
        )


def _keep_rows(call: Call, backfill: Backfill, rows: Iterable[BackfillRow]) -> Backfill:
    """Stores rows in pages. Nothing reaches them until the backfill says how many there are."""
    given, number, count = iter(rows), 0, 0
    while some := tuple(islice(given, _ROWS_PER_PAGE)):
        key = keys.backfill_rows(call.tenant, backfill.id, number)
        call.store.put_many([to_item(key, BackfillRows(rows=some))])
        number, count = number + 1, count + len(some)
    return backfill.model_copy(update={"pages": number, "rows": count})


def _count_page(call: Call, backfill: Backfill) -> Backfill:
    number = backfill.done_pages
    stored = call.store.get(keys.backfill_rows(call.tenant, backfill.id, number))
    if stored is None:
        raise LookupError(f"page {number} of backfill {backfill.id} is gone")
    rows = from_item(stored, BackfillRows).rows
    made = _counted(call, backfill, rows)
    key = keys.backfill_outcomes(call.tenant, backfill.id, number)
    call.store.put_many([to_item(key, BackfillOutcomes(outcomes=tuple(made)))])
    return backfill.model_copy(
        update={
            "status": BackfillStatus.PROCESSING,
            "started_at": backfill.started_at or call.now,
            "done_pages": number + 1,
            "accepted": backfill.accepted + _number(made, Outcome.ACCEPTED),
            "duplicates": backfill.duplicates + _number(made, Outcome.DUPLICATE),
            "failed": backfill.failed + _number(made, Outcome.ERROR),
        }
    )


def _counted(call: Call, backfill: Backfill, rows: Sequence[BackfillRow]) -> list[RowOutcome]:
    """Counts the rows that are the order's, and returns what became of each."""
    found: dict[int, RowOutcome] = {}
    good: list[tuple[int, SentEvent]] = []
    for row in rows:
        problem = row.error or _problem(backfill, row)
        if problem is not None or row.timestamp is None:
            found[row.number] = RowOutcome(
                number=row.number, key=row.key or "", outcome=Outcome.ERROR, error=problem
            )
        else:
            good.append((row.number, row.event(row.timestamp)))
    results = events.take(
        call, [event for _, event in good], operation_id=backfill.id, accepts_late=True
    )
    for (number, _), result in zip(good, results, strict=True):
        found[number] = RowOutcome(
            number=number, key=result.key, outcome=result.outcome, error=result.error
        )
    return [found[row.number] for row in rows]


def _problem(backfill: Backfill, row: BackfillRow) -> str | None:
    if row.metric != backfill.metric:
        return f"metric: the backfill is of {backfill.metric}"
    if backfill.customer_ref not in (None, row.customer_ref):
        return f"customer_ref: the backfill is of {backfill.customer_ref}"
    if row.timestamp is None or not backfill.period.covers(row.timestamp):
        return "ts: lies outside of the backfill's period"
    return None


def _number(made: Sequence[RowOutcome], outcome: Outcome) -> int:
    return sum(one.outcome is outcome for one in made)


def _due(call: Call, backfill: Backfill) -> DueItem:
    return DueItem(
        customer_id="",
        contract_id=backfill.id,
        kind=WorkKind.BACKFILL,
        period_start=call.now,
        due_at=call.now,
    )


def _stored(call: Call, backfill_id: str) -> Item:
    item = call.store.get(keys.backfill(call.tenant, backfill_id))
    if item is None:
        raise NotFound("backfill", backfill_id)
    return item


def _item(call: Call, backfill: Backfill, version: int = 1) -> Item:
    return to_item(
        keys.backfill(call.tenant, backfill.id),
        backfill,
        version=version,
        gsi1=IndexKey(keys.backfills(call.tenant), keys.created(backfill.created_at, backfill.id)),
    )
