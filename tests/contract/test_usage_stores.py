"""Tracked values and raw events are the same in every store."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from backbeat.models.period import Period
from backbeat.models.usage import (
    CellKey,
    Distinct,
    Highest,
    Latest,
    Measure,
    StoredEvent,
    Tally,
    UsageCell,
    UsageEvent,
)
from backbeat.persistence import raw_events, tracked, usage
from backbeat.ports.store import Store

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)
AROUND = Period(NOON - timedelta(days=2), NOON + timedelta(days=2))
LONGEST = Decimal("9" * 38)
"""As many digits as a number may have."""


def key(hour: datetime = NOON, group: str = "us", customer: str = "acme") -> CellKey:
    return CellKey(customer, "m", hour, (group,))


def cells(store: Store, tenant: str, span: Period = AROUND) -> list[UsageCell]:
    return tracked.cells(store, tenant, ["acme", "other name"], "m", span)


def measures(store: Store, tenant: str) -> set[Measure]:
    return {cell.tally for cell in cells(store, tenant)}


def test_only_what_is_greater_is_written(store: Store, pk: str) -> None:
    for value in (Decimal(-5), Decimal("3.5"), Decimal(2), LONGEST, Decimal(9)):
        tracked.write(store, pk, {key(): Highest(value)}, slot="0")

    assert cells(store, pk) == [UsageCell(NOON, ("us",), Highest(LONGEST))]


def test_only_what_is_later_is_written(store: Store, pk: str) -> None:
    base = 10**34
    for place, value in ((2, "7"), (1, "9"), (2, "8"), (3, "-1"), (0, "5")):
        tracked.write(store, pk, {key(): Latest(Decimal(base + place), Decimal(value))}, slot="0")

    assert measures(store, pk) == {Latest(Decimal(base + 3), Decimal(-1))}


def test_distinct_values_come_together(store: Store, pk: str) -> None:
    for values in ("ab", "bc", "a"):
        tracked.write(store, pk, {key(): Distinct(frozenset(values))}, slot="0")

    assert measures(store, pk) == {Distinct(frozenset(value)) for value in "abc"}


def test_writers_of_two_slots_both_count(store: Store, pk: str) -> None:
    tracked.write(store, pk, {key(): Highest(Decimal(1))}, slot="0")
    tracked.write(store, pk, {key(): Highest(Decimal(2))}, slot="1")

    assert measures(store, pk) == {Highest(Decimal(1)), Highest(Decimal(2))}


def test_many_are_written_though_some_say_nothing_new(store: Store, pk: str) -> None:
    groups = [f"group {number}" for number in range(250)]
    tracked.write(store, pk, {key(group=group): Highest(Decimal(5)) for group in groups}, slot="0")
    mixed: dict[CellKey, Measure] = {
        key(group=group): Highest(Decimal(number)) for number, group in enumerate(groups)
    }
    tracked.write(store, pk, mixed, slot="0")

    found = {cell.groups[0]: cell.tally for cell in cells(store, pk)}
    # The second round is greater from the seventh group on.
    assert found == {group: Highest(Decimal(max(5, number))) for number, group in enumerate(groups)}


def test_values_are_read_by_hour_and_name(store: Store, pk: str) -> None:
    at = {hours: NOON + timedelta(hours=hours) for hours in (0, 1, 12, 13)}
    for number, hour in enumerate(at.values()):
        tracked.write(store, pk, {key(hour): Highest(Decimal(number))}, slot="0")
    tracked.write(store, pk, {key(customer="other name"): Highest(Decimal(9))}, slot="0")
    tracked.write(store, pk, {key(customer="stranger"): Highest(Decimal(99))}, slot="0")

    # The 13th hour after noon is in the next month; the span ends before it.
    found = cells(store, pk, Period(at[0], at[13]))
    assert sorted(
        (cell.hour, cell.tally.value) for cell in found if isinstance(cell.tally, Highest)
    ) == [
        (at[0], Decimal(0)),
        (at[0], Decimal(9)),
        (at[1], Decimal(1)),
        (at[12], Decimal(2)),
    ]


def store_events(store: Store, tenant: str, given: Iterable[tuple[str, str, datetime]]) -> None:
    for id_, customer, when in given:
        day = when.replace(hour=0, minute=0, second=0, microsecond=0)
        raw_events.mark(store, tenant, [(customer, day)], real_now=NOON)
        event = UsageEvent(id_, customer, "use", when, {"v": Decimal("1.10"), "id": id_})
        stored = StoredEvent(event, NOON, Decimal(7))
        records = usage.records(tenant, [stored])
        store.transact([usage.append_events(tenant, records, real_now=NOON)])


def test_events_come_by_time_whatever_they_are_called(store: Store, pk: str) -> None:
    odd = "odd #1%2 name"
    store_events(
        store,
        pk,
        [
            ("third#%", "acme", NOON + timedelta(hours=13)),
            ("second", odd, NOON + timedelta(minutes=59)),
            ("first", "acme", NOON),
            ("outside", "acme", NOON + timedelta(days=3)),
            ("stranger", "stranger", NOON),
        ],
    )

    found = raw_events.events(store, pk, ["acme", odd], AROUND)
    assert [stored.event.transaction_id for stored in found] == ["first", "second", "third#%"]
    assert found[0] == StoredEvent(
        UsageEvent("first", "acme", "use", NOON, {"v": Decimal("1.10"), "id": "first"}),
        NOON,
        Decimal(7),
    )


def test_a_span_has_the_events_of_its_hours(store: Store, pk: str) -> None:
    late = NOON + timedelta(hours=12)
    times = [NOON - timedelta(microseconds=1), NOON, late - timedelta(microseconds=1), late]
    store_events(store, pk, [(f"event {n}", "acme", when) for n, when in enumerate(times)])

    def ids(start: datetime, end: datetime) -> list[str]:
        found = raw_events.events(store, pk, ["acme"], Period(start, end))
        return [stored.event.transaction_id for stored in found]

    # Noon to midnight of the month's last day, then an hour on either side.
    assert ids(NOON, late) == ["event 1", "event 2"]
    hour = timedelta(hours=1)
    assert ids(NOON - hour, late + hour) == ["event 0", "event 1", "event 2", "event 3"]
    assert ids(late, late + hour) == ["event 3"]


def test_whole_days_between_cuts_are_added_up(store: Store, pk: str) -> None:
    """A counter of each hour from 28 January to 3 February, cut at noon of the 31st."""
    first = datetime(2025, 1, 28, tzinfo=UTC)
    hours = [first + timedelta(hours=number) for number in range(7 * 24)]
    for start in range(0, len(hours), 50):
        counted = {key(hour): Tally(1, Decimal("0.1")) for hour in hours[start : start + 50]}
        store.transact(usage.add_to_cells(pk, counted, slot_of=lambda _: "0"))

    def read(span: Period, cuts: Iterable[datetime]) -> list[tuple[str, UsageCell]]:
        found = usage.cells(store, pk, ["acme"], "m", span, cuts=cuts)
        return sorted((f"{cell.hour:%dT%H}", cell) for cell in found)

    week = Period(first, first + timedelta(days=7))
    places = [place for place, _ in read(week, [NOON])]
    # 28 to 30 January, each hour of the 31st, 1 to 3 February.
    assert places == ["01T00", "28T00", *(f"31T{hour:02}" for hour in range(24))]
    assert {place: cell.tally for place, cell in read(week, [NOON])} == {
        "28T00": Tally(72, Decimal("7.2")),
        "01T00": Tally(72, Decimal("7.2")),
        **{f"31T{hour:02}": Tally(1, Decimal("0.1")) for hour in range(24)},
    }
    # A span that begins and ends inside days has their hours, and a cut at midnight divides none.
    inner = Period(first + timedelta(hours=22), first + timedelta(days=3, hours=1))
    midnight = first + timedelta(days=2)
    assert [(place, cell.tally) for place, cell in read(inner, [midnight, NOON])] == [
        ("28T22", Tally(1, Decimal("0.1"))),
        ("28T23", Tally(1, Decimal("0.1"))),
        ("29T00", Tally(24, Decimal("2.4"))),
        ("30T00", Tally(24, Decimal("2.4"))),
        ("31T00", Tally(1, Decimal("0.1"))),
    ]
