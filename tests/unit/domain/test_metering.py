"""Which events a metric counts, what each adds, and in which cell."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import metering, windows
from backbeat.models.catalog import BillableMetric, EventTypeFilter, PropertyFilter
from backbeat.models.usage import CellKey, Tally, UsageCell, UsageEvent
from tests.unit.builders import event, metric, utc

ABSENT = object()
"""Stands for an event that does not have the property."""


def passes(condition: PropertyFilter, value: object) -> bool:
    properties = {} if value is ABSENT else {"p": value}
    return metering.matches(event(properties), metric(filters=[condition]))


@pytest.mark.parametrize(
    ("exists", "in_values", "not_in_values", "absent", "a", "b", "c"),
    [
        # exists   in        not in   absent  "a"    "b"    "c"
        (None,  None,       None,   True,  True,  True,  True),
        (None,  ["a"],      None,   False, True,  False, False),
        # An event without the property passes `not_in_values` ...
        (None,  None,       ["b"],  True,  True,  False, True),
        (None,  ["a", "b"], ["b"],  False, True,  False, False),
        (True,  None,       None,   False, True,  True,  True),
        (True,  ["a"],      None,   False, True,  False, False),
        # ... unless it must be present.
        (True,  None,       ["b"],  False, True,  False, True),
        (True,  ["a", "b"], ["b"],  False, True,  False, False),
        (False, None,       None,   True,  False, False, False),
        # Absent, it cannot be among the wanted values: nothing passes.
        (False, ["a"],      None,   False, False, False, False),
        (False, None,       ["b"],  True,  False, False, False),
        (False, ["a", "b"], ["b"],  False, False, False, False),
    ],
)  # fmt: skip
def test_a_property_filter(
    exists: bool | None,
    in_values: list[str] | None,
    not_in_values: list[str] | None,
    absent: bool,
    a: bool,
    b: bool,
    c: bool,
) -> None:
    condition = PropertyFilter(
        name="p",
        exists=exists,
        in_values=None if in_values is None else tuple(in_values),
        not_in_values=None if not_in_values is None else tuple(not_in_values),
    )
    assert passes(condition, ABSENT) is absent
    # Null is as good as not there.
    assert passes(condition, None) is absent
    assert passes(condition, "a") is a
    assert passes(condition, "b") is b
    assert passes(condition, "c") is c


@pytest.mark.parametrize(
    ("listed", "value", "is_listed"),
    [
        ("1", 1, True),
        ("1", "1", True),
        ("1.5", Decimal("1.5"), True),
        ("-2", -2, True),
        ("true", True, True),
        ("true", "true", True),
        ("false", False, True),
        ("", "", True),
        # By text, so case counts, and equal numbers need not be equal.
        ("True", True, False),
        ("1", True, False),
        ("EU", "eu", False),
        ("1", "1.0", False),
        # Objects and arrays are there, but equal no text.
        ("{}", {}, False),
        ("[]", [], False),
    ],
)
def test_values_are_compared_as_text(listed: str, value: object, is_listed: bool) -> None:
    assert passes(PropertyFilter(name="p", in_values=(listed,)), value) is is_listed
    assert passes(PropertyFilter(name="p", not_in_values=(listed,)), value) is not is_listed
    assert passes(PropertyFilter(name="p", exists=True), value)


def test_all_property_filters_must_pass() -> None:
    both = metric(
        filters=[PropertyFilter(name="p", in_values=("a",)), PropertyFilter(name="q", exists=True)]
    )
    assert metering.matches(event({"p": "a", "q": 0}), both)
    assert not metering.matches(event({"p": "a"}), both)
    assert not metering.matches(event({"p": "b", "q": 0}), both)


@pytest.mark.parametrize(
    ("in_values", "not_in_values", "passing"),
    [
        (None, None, {"call", "Call", "sms"}),
        (("call",), None, {"call"}),
        (("call", "sms"), None, {"call", "sms"}),
        (None, ("call",), {"Call", "sms"}),
        (("call", "sms"), ("sms",), {"call"}),
    ],
)
def test_event_type_filters(
    in_values: tuple[str, ...] | None, not_in_values: tuple[str, ...] | None, passing: set[str]
) -> None:
    condition = EventTypeFilter(in_values=in_values, not_in_values=not_in_values)
    typed = metric().model_copy(update={"event_type_filter": condition})
    assert {
        type_ for type_ in ("call", "Call", "sms") if metering.matches(event(type_=type_), typed)
    } == passing


@pytest.mark.parametrize(
    ("aggregation", "value", "added"),
    [
        ("COUNT", ABSENT, "1"),
        ("COUNT", "abc", "1"),
        ("SUM", 3, "3"),
        ("SUM", -3, "-3"),
        ("SUM", Decimal("2.2"), "2.2"),
        ("SUM", "1.10", "1.10"),
        ("SUM", "0", "0"),
        ("SUM", "abc", None),
        ("SUM", True, None),
        ("SUM", None, None),
        ("SUM", ABSENT, None),
    ],
)
def test_what_an_event_adds(aggregation: str, value: object, added: str | None) -> None:
    counted = metric(aggregation, None if aggregation == "COUNT" else "n")
    properties = {} if value is ABSENT else {"n": value}
    expected = None if added is None else Decimal(added)
    assert metering.contribution(event(properties), counted) == expected


def test_an_event_that_the_filters_stop_adds_nothing() -> None:
    counted = metric("SUM", "n", filters=[PropertyFilter(name="region", in_values=("eu",))])
    assert metering.contribution(event({"n": 5, "region": "eu"}), counted) == 5
    assert metering.contribution(event({"n": 5, "region": "us"}), counted) is None


def quantity(events: Iterable[UsageEvent], counted: BillableMetric) -> Decimal | None:
    cells = metering.cells_of(list(events), [counted])
    return windows.quantity(
        counted, [UsageCell(key.hour, key.groups, tally) for key, tally in cells.items()]
    )


def test_numeric_forms() -> None:
    # WE-20: "1.10" + 2.2 = 3.3; text and a missing value add nothing, but are events.
    events = [event({"n": "1.10"}), event({"n": Decimal("2.2")}), event({"n": "abc"}), event()]
    assert quantity(events, metric("SUM", "n")) == Decimal("3.3")
    assert quantity(events, metric("COUNT")) == 4


def test_sums_keep_every_digit() -> None:
    # 10^22 + 10^-15 has 38 digits: more than Python's decimals keep by default.
    events = [event({"n": "1" + 22 * "0"}), event({"n": "0.000000000000001"})]
    assert quantity(events, metric("SUM", "n")) == Decimal(
        "10000000000000000000000.000000000000001"
    )


def test_cells_are_hours_of_a_customer_key_and_group() -> None:
    counted = metric("SUM", "n", groups=[["region", "model"], ["team"]])
    cells = metering.cells_of(
        [
            event({"n": 1, "region": "eu", "model": "x"}, at="2025-01-15T10:00:00"),
            event({"n": 2, "region": "eu", "model": "x"}, at="2025-01-15T10:59:59.999999"),
            event({"n": 4, "region": "eu", "model": "x"}, at="2025-01-15T11:00:00"),
            event({"n": 8, "region": "us", "model": "x"}, at="2025-01-15T10:00:00"),
            event({"n": 16, "region": "eu", "model": "x", "team": 7}, at="2025-01-15T10:00:00"),
            event({"n": 32, "region": "eu", "model": "x"}, customer="ACME"),
        ],
        [counted],
    )
    ten, eleven = utc("2025-01-15T10:00"), utc("2025-01-15T11:00")
    # The keys of all group keys in alphabetical order: model, region, team.
    assert cells == {
        CellKey("acme", "m", ten, ("x", "eu", None)): Tally(2, Decimal(3)),
        CellKey("acme", "m", eleven, ("x", "eu", None)): Tally(1, Decimal(4)),
        CellKey("acme", "m", ten, ("x", "us", None)): Tally(1, Decimal(8)),
        CellKey("acme", "m", ten, ("x", "eu", "7")): Tally(1, Decimal(16)),
        CellKey("ACME", "m", ten, ("x", "eu", None)): Tally(1, Decimal(32)),
    }


def test_an_event_counts_for_every_metric_it_matches() -> None:
    cells = metering.cells_of(
        [event({"n": 5})],
        [metric(id_="a"), metric("SUM", "n", id_="b"), metric("SUM", "x", id_="c")],
    )
    assert {key.metric_id for key in cells} == {"a", "b"}


METRICS = [
    metric(id_="calls", groups=[["region"]]),
    metric("SUM", "n", id_="tokens", groups=[["region", "model"]]),
    metric("SUM", "n", id_="eu", filters=[PropertyFilter(name="region", in_values=("eu",))]),
]

EVENTS = st.lists(
    st.builds(
        event,
        st.fixed_dictionaries(
            {},
            optional={
                "n": st.decimals(min_value=-1000, max_value=1000, places=3).map(str),
                "region": st.sampled_from(["eu", "us", 1, True]),
                "model": st.sampled_from(["x", "y"]),
            },
        ),
        at=st.sampled_from(["2025-01-15T10:00:00", "2025-01-15T10:59:59", "2025-01-31T23:00:00"]),
        customer=st.sampled_from(["acme", "beta"]),
    ),
    max_size=12,
)


def totals(batches: Iterable[Sequence[UsageEvent]]) -> dict[object, tuple[int, Decimal]]:
    """Counts batch by batch and adds up, as the store does."""
    added: dict[object, tuple[int, Decimal]] = {}
    for batch in batches:
        for key, tally in metering.cells_of(batch, METRICS).items():
            count, total = added.get(key, (0, Decimal(0)))
            added[key] = (count + tally.count, total + tally.sum)
    return added


@settings(max_examples=60, derandomize=True, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 12))
def test_neither_order_nor_batching_matters(
    events: list[UsageEvent], random: Random, size: int
) -> None:
    whole = totals([events])
    shuffled = list(events)
    random.shuffle(shuffled)
    batches = [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
    assert totals(batches) == whole


@settings(max_examples=60, derandomize=True, deadline=None)
@given(EVENTS)
def test_groups_add_up_to_the_whole(events: list[UsageEvent]) -> None:
    for counted in METRICS[:2]:
        cells = [
            UsageCell(cell.hour, cell.groups, tally)
            for cell, tally in metering.cells_of(events, [counted]).items()
        ]
        parts = windows.by_group(counted, cells, ["region"]).values()
        assert sum(windows.quantity(counted, part) or 0 for part in parts) == (
            windows.quantity(counted, cells) or 0
        )
