"""The log of changes: who changed what, to be read on and on, and to be verified.

Entries are written with the change they tell of (`persistence.audited`), in the order of real
time, but not quite: of two changes made at once the later one may be written first. A reader that
comes back therefore looks a little behind where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from backbeat.application.services import Call
from backbeat.domain import audit_chain
from backbeat.domain.audit_chain import Broken
from backbeat.models.audit import AuditAction, AuditEntry, AuditSeal, PlacedRecord
from backbeat.models.errors import InvalidArgument
from backbeat.persistence import audit_log, keys

_SETTLED_AFTER: Final = timedelta(seconds=10)
"""So long a change may take to be written; a reader looks so far behind where it was."""

_REMEMBERED: Final = 300
"""Entries behind its place that a cursor names as read."""

_DAY: Final = len("2025-01-20")
_HOUR: Final = len("2025-01-20T12")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the log is wanted: entries of `[starting_at, ending_before)`, of one thing.

    The times are those of the sandbox, if there is one. A thing is its type and id.
    """

    starting_at: datetime | None = None
    ending_before: datetime | None = None
    newest_first: bool = False
    thing: tuple[str, str] | None = None

    def includes(self, entry: AuditEntry) -> bool:
        """Tells whether an entry is wanted."""
        return (
            (self.starting_at is None or entry.at >= self.starting_at)
            and (self.ending_before is None or entry.at < self.ending_before)
            and self.thing in (None, (entry.resource_type, entry.resource_id))
        )


class _Cursor(msgspec.Struct, array_like=True):
    """Where a reader is: all up to the position `after` is read, and of the rest the ids `seen`."""

    wanted: tuple[datetime | None, datetime | None, bool, tuple[str, str] | None]
    after: str | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at the whole log found; `broken` is None if all is as it was written.

    `head` is the digest of the last seal, empty without one. Whoever notes it elsewhere can tell
    later whether the chain still contains it.
    """

    seals: int
    sealed_records: int
    unsealed_records: int
    sealed_until: datetime | None
    head: str
    broken: Broken | None


def page(call: Call, wanted: Wanted, *, limit: int) -> tuple[list[AuditEntry], str]:
    """Returns the first entries that are wanted and the cursor behind them: there always is one."""
    return _page(call, wanted, _Cursor((*_fields(wanted),)), limit)


def page_after(call: Call, cursor: str, *, limit: int) -> tuple[list[AuditEntry], str]:
    """Returns what follows behind a cursor, which may be nothing yet, and the next cursor.

    Raises:
        InvalidArgument: it is no such cursor.
    """
    try:
        place = msgspec.json.decode(cursor, type=_Cursor)
    except msgspec.DecodeError as error:
        raise InvalidArgument("next_page: not a page token of this API") from error
    return _page(call, Wanted(*place.wanted), place, limit)


def announce(call: Call, resource_type: str, resource_id: str, action: AuditAction) -> None:
    """Writes down a change that no transaction can contain, such as of a secret, before it is made.

    So the log may tell, as pending, of one that then failed; but no change is ever missing.
    """
    call.store.announce(resource_type, resource_id, action)


def verify(call: Call, *, noted_head: str | None = None) -> Verification:
    """Compares the whole log with its seals, and names the first place where they differ.

    What is not sealed yet is compared with its own digests, which shows accidents but not
    whoever changes both. `noted_head` is a head seen before: a chain written anew lacks it.
    """
    chain = _chain(call)
    marks = {
        mark.key.sk: audit_log.is_unsealed(mark)
        for mark in audit_log.hours(call.store, call.tenant)
    }
    sealed = unsealed = 0
    broken: Broken | None = None
    for hour, records in _records_by_hour(call, {*marks, *chain.by_hour}):
        seals = chain.by_hour.get(hour, [])
        fixed = sum(len(seal.records) for seal in seals)
        # An hour may be sealed by half, or not yet; what is in none that was marked is forged.
        end = fixed if marks.get(hour) else len(records)
        sealed += fixed
        unsealed += len(records[end:])
        broken = (
            broken
            or chain.broken_in(seals)
            or audit_chain.broken_record(seals, records[:end])
            or audit_chain.broken_itself(records[end:])
        )
    if noted_head is not None and noted_head not in chain.digests:
        broken = broken or Broken("the seal that was noted is missing")
    return Verification(
        seals=len(chain.digests),
        sealed_records=sealed,
        unsealed_records=unsealed,
        sealed_until=chain.until,
        head=chain.digests[-1] if chain.digests else "",
        broken=broken,
    )


@dataclass(slots=True)
class _Chain:
    """A tenant's seals by hour, and which of them are not as they were."""

    by_hour: dict[str, list[AuditSeal]] = field(default_factory=dict)
    broken: dict[int, Broken] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    until: datetime | None = None

    def broken_in(self, seals: list[AuditSeal]) -> Broken | None:
        """Returns what is wrong with the first broken one of some seals."""
        return next((self.broken[one.number] for one in seals if one.number in self.broken), None)


def _chain(call: Call) -> _Chain:
    chain, before = _Chain(), None
    for seal in audit_log.seals(call.store, call.tenant):
        wrong = audit_chain.broken_link(seal, before)
        if wrong is not None:
            chain.broken[seal.number] = wrong
        chain.by_hour.setdefault(keys.time_text(seal.hour)[:_HOUR], []).append(seal)
        chain.digests.append(seal.digest)
        end = seal.hour + timedelta(hours=1)
        chain.until = end if chain.until is None else max(chain.until, end)
        before = seal
    return chain


def _records_by_hour(call: Call, known: set[str]) -> Iterator[tuple[str, list[PlacedRecord]]]:
    """Yields the records of each hour, also of those that are known to have some but have none."""
    for day in sorted({hour[:_DAY] for hour in known}):
        found: dict[str, list[PlacedRecord]] = {hour: [] for hour in known if hour[:_DAY] == day}
        for one in audit_log.of_day(call.store, call.tenant, day):
            found.setdefault(one.position[:_HOUR], []).append(one)
        yield from sorted(found.items())


def _fields(
    wanted: Wanted,
) -> tuple[datetime | None, datetime | None, bool, tuple[str, str] | None]:
    return wanted.starting_at, wanted.ending_before, wanted.newest_first, wanted.thing


def _page(call: Call, wanted: Wanted, place: _Cursor, limit: int) -> tuple[list[AuditEntry], str]:
    chosen: list[AuditEntry] = []
    passed: list[tuple[str, str]] = []
    seen = set(place.seen)
    for position, entry in _entries(call, wanted, place.after):
        if len(chosen) == limit:
            break
        passed.append((position, entry.id))
        if entry.id not in seen and wanted.includes(entry):
            chosen.append(entry)
    return chosen, _behind(call, wanted, place, passed)


def _behind(call: Call, wanted: Wanted, place: _Cursor, passed: list[tuple[str, str]]) -> str:
    """Returns the cursor behind what was passed."""
    after: str | None = place.after
    seen: tuple[str, ...] = ()
    if passed and wanted.newest_first:
        after = passed[-1][0]
    elif passed:
        settled = keys.time_text(call.services.clock.now() - _SETTLED_AFTER)
        after = min(passed[-1][0], max(settled, place.after or ""))
        unsettled = [one for one in passed if one[0] > after]
        for position, _ in unsettled[:-_REMEMBERED]:
            after = position
        seen = tuple(id_ for _, id_ in unsettled[-_REMEMBERED:])
    return msgspec.json.encode(_Cursor(_fields(wanted), after, seen)).decode()


def _entries(call: Call, wanted: Wanted, after: str | None) -> Iterator[tuple[str, AuditEntry]]:
    """Yields entries behind a position, each with its own position, in the direction wanted."""
    since = None if after is None else after.partition("/")[0]
    found = (
        audit_log.records(call.store, call.tenant, since=since, newest_first=wanted.newest_first)
        if wanted.thing is None
        else audit_log.records_about(
            call.store, call.tenant, wanted.thing, since=since, newest_first=wanted.newest_first
        )
    )
    for record in found:
        placed = [
            (f"{record.position}/{number:03}", entry)
            for number, entry in enumerate(record.record.entries)
        ]
        for position, entry in reversed(placed) if wanted.newest_first else placed:
            if after is None or (position < after if wanted.newest_first else position > after):
                yield position, entry
