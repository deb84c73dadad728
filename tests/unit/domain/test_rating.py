"""Usage into lines: the worked examples, from events and rates to quantities and amounts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import rating
from backbeat.domain.quantities import Increment
from backbeat.models.catalog import Product, ProductState, ProductType
from backbeat.models.invoices import LineItem, LineTier
from backbeat.models.period import HOUR, Period
from backbeat.models.rates import Rate
from tests.unit.builders import period, rate, utc

JANUARY = period("2025-01-01", "2025-02-01")
LADDER = [("5", "0"), ("5", "100"), (None, "150")]

Group = tuple[tuple[str, str], ...]
NO_GROUP: Group = ()

Usage = Mapping[Group, Sequence[tuple[str, str]]]
"""Per group: what was counted when, as (hour, amount)."""


def lines(
    usage: Usage,
    rates: Sequence[Rate],
    span: Period = JANUARY,
    **definition: object,
) -> list[LineItem]:
    """Rates a product, defined as given, over one period."""
    state = ProductState.model_validate(
        {"name": "Calls", "created_at": utc("2025-01-01"), "billable_metric_id": "m", **definition}
    )
    product = Product(id="p", type=ProductType.USAGE, initial=state)
    increments = {
        group: [Increment(utc(hour), Decimal(amount)) for hour, amount in counted]
        for group, counted in usage.items()
    }
    phase = rating.Phase(span, state, increments)
    return rating.usage_lines(
        [rating.RatedProduct(product, [phase], rates)], span, invoice_id="invoice"
    )


def amounts(found: Sequence[LineItem]) -> list[str]:
    """Returns the lines as "quantity × unit price = total"."""
    return [
        f"{plain(line.quantity)} × {plain(line.unit_price)} = {plain(line.total)}" for line in found
    ]


def plain(number: Decimal | None) -> str:
    return "none" if number is None else f"{number.normalize():f}"


def total(found: Sequence[LineItem]) -> Decimal:
    return sum((line.total for line in found), start=Decimal(0))


def once(amount: str, group: Group = NO_GROUP) -> Usage:
    return {group: [("2025-01-10", amount)]}


@pytest.mark.parametrize(
    ("quantity", "expected", "sum_"),
    [
        ("5", ["5 × 0 = 0"], 0),
        ("5.5", ["5 × 0 = 0", "0.5 × 100 = 50"], 50),
        ("10", ["5 × 0 = 0", "5 × 100 = 500"], 500),
        ("12", ["5 × 0 = 0", "5 × 100 = 500", "2 × 150 = 300"], 800),
    ],
)
def test_graduated_tiers(quantity: str, expected: list[str], sum_: int) -> None:
    # WE-01: exactly at a border still belongs to the lower tier.
    found = lines(once(quantity), [rate(LADDER)])
    assert amounts(found) == expected
    assert total(found) == sum_


def test_tiers_are_shown() -> None:
    # WE-01
    tiers = [line.tier for line in lines(once("12"), [rate(LADDER)])]
    assert tiers == [
        LineTier(level=1, starting_at=Decimal(0), size=Decimal(5)),
        LineTier(level=2, starting_at=Decimal(5), size=Decimal(5)),
        LineTier(level=3, starting_at=Decimal(10), size=None),
    ]


def test_each_presentation_value_climbs_a_ladder_of_its_own() -> None:
    # WE-03: a = 5×0 + 3×100 = 300; b = 800. A pooled ladder for 20 would give 2000.
    a, b = (("project", "a"),), (("project", "b"),)
    found = lines(
        {**once("8", a), **once("12", b)}, [rate(LADDER)], presentation_group_key=["project"]
    )
    assert [line.presentation_group_values["project"] for line in found] == [
        "a",
        "a",
        "b",
        "b",
        "b",
    ]
    assert amounts(found) == [
        "5 × 0 = 0",
        "3 × 100 = 300",
        "5 × 0 = 0",
        "5 × 100 = 500",
        "2 × 150 = 300",
    ]


MILLIONS = {"conversion_factor": "1000000", "operation": "DIVIDE"}


@pytest.mark.parametrize(
    ("rounding", "quantity", "amount"),
    [
        (None, "1.234567", "308.64175"),
        (("ROUND_UP", 2), "1.24", "310"),
        (("ROUND_DOWN", 2), "1.23", "307.5"),
        (("ROUND_HALF_UP", 2), "1.23", "307.5"),
        (("ROUND_HALF_UP", 3), "1.235", "308.75"),
        (("ROUND_UP", 0), "2", "500"),
    ],
)
def test_conversion_then_rounding(
    rounding: tuple[str, int] | None, quantity: str, amount: str
) -> None:
    # WE-04
    found = lines(
        once("1234567"),
        [rate("250")],
        quantity_conversion=MILLIONS,
        quantity_rounding=None
        if rounding is None
        else {"rounding_method": rounding[0], "decimal_places": rounding[1]},
    )
    assert amounts(found) == [f"{quantity} × 250 = {amount}"]


def test_one_byte_over() -> None:
    # WE-05: 5 GiB and one byte round up to 5.01; 5.01×9 = 45.09.
    found = lines(
        once("5368709121"),
        [rate("9")],
        quantity_conversion={"conversion_factor": "1073741824", "operation": "DIVIDE"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 2},
    )
    assert amounts(found) == ["5.01 × 9 = 45.09"]


UP = {"rounding_method": "ROUND_UP", "decimal_places": 0}


def test_rounding_happens_per_line_group() -> None:
    # WE-06: 0.4 and 0.4 round up to 1 and 1.
    a, b = (("team", "a"),), (("team", "b"),)
    found = lines(
        {**once("0.4", a), **once("0.4", b)},
        [rate("100")],
        presentation_group_key=["team"],
        quantity_rounding=UP,
    )
    assert amounts(found) == ["1 × 100 = 100", "1 × 100 = 100"]


def test_rounding_across_a_split() -> None:
    # WE-07: running totals 0.4, 0.8, 2.1 round to 1, 1, 3, so the segments get 1, 0 and 2.
    usage: Usage = {NO_GROUP: [("2025-01-05", "0.4"), ("2025-01-15", "0.4"), ("2025-01-25", "1.3")]}
    rates = [
        rate("10", sequence=1),
        rate("20", sequence=2, start="2025-01-10"),
        rate("30", sequence=3, start="2025-01-20"),
    ]
    found = lines(usage, rates, quantity_rounding=UP)
    assert amounts(found) == ["1 × 10 = 10", "0 × 20 = 0", "2 × 30 = 60"]


INPUT = (("model", "a"), ("type", "input"))
OUTPUT = (("model", "a"), ("type", "output"))
OTHER = (("model", "b"), ("type", "input"))


def test_dimensional_pricing() -> None:
    # WE-08: 50,000×0.3 = 15000; 200,000×0.1 = 20000; the unpriced model has no line, nor has
    # a price without usage.
    usage = {**once("50000", INPUT), **once("200000", OUTPUT), **once("1000", OTHER)}
    rates = [
        rate("0.3", sequence=1, group=dict(INPUT)),
        rate("0.1", sequence=2, group=dict(OUTPUT)),
        rate("0.7", sequence=3, group={"model": "c", "type": "input"}),
    ]
    found = lines(usage, rates, pricing_group_key=["model", "type"])
    assert [line.pricing_group_values for line in found] == [dict(INPUT), dict(OUTPUT)]
    assert amounts(found) == ["50000 × 0.3 = 15000", "200000 × 0.1 = 20000"]
    # Decision D-30: with a default of 1 the other model costs 1000×1.
    with_default = lines(
        usage, [*rates, rate("1", sequence=4)], pricing_group_key=["model", "type"]
    )
    assert total(with_default) == 36000


def test_a_rate_change_inside_the_period() -> None:
    # WE-09: 1000×100 and 500×120; the hour of the change has the new price.
    usage: Usage = {
        NO_GROUP: [("2025-01-03", "600"), ("2025-01-14T23:00", "400"), ("2025-01-15T00:00", "500")]
    }
    rates = [rate("100", sequence=1), rate("120", sequence=2, start="2025-01-15")]
    found = lines(usage, rates)
    assert amounts(found) == ["1000 × 100 = 100000", "500 × 120 = 60000"]
    assert [(line.starting_at, line.ending_before) for line in found] == [
        period("2025-01-01", "2025-01-15"),
        period("2025-01-15", "2025-02-01"),
    ]


def test_tiers_across_a_rate_change() -> None:
    # WE-10: 80×10; then the counter stands at 80: 20×12 and 50×9. 800 + 240 + 450 = 1490.
    usage: Usage = {NO_GROUP: [("2025-01-03", "80"), ("2025-01-20", "70")]}
    rates = [
        rate([("100", "10"), (None, "8")], sequence=1),
        rate([("100", "12"), (None, "9")], sequence=2, start="2025-01-15"),
    ]
    found = lines(usage, rates)
    assert amounts(found) == ["80 × 10 = 800", "20 × 12 = 240", "50 × 9 = 450"]


def test_what_is_shown_without_usage() -> None:
    # WE-11
    assert amounts(lines({}, [rate("100")])) == ["0 × 100 = 0"]
    assert lines({}, [rate("100")], pricing_group_key=["model"]) == []
    assert lines({}, [rate("100")], presentation_group_key=["model"]) == []


def test_what_is_not_entitled_or_not_priced_has_no_line() -> None:
    assert lines(once("10"), [rate("100", entitled=False)]) == []
    assert lines(once("10"), []) == []
    assert lines(once("10"), [rate("100", start="2025-02-01")]) == []
    # Entitled for the second half only: the first ten units are not billed.
    usage: Usage = {NO_GROUP: [("2025-01-03", "10"), ("2025-01-20", "7")]}
    assert amounts(lines(usage, [rate("100", start="2025-01-15")])) == ["7 × 100 = 700"]


def test_presentation_values_split_lines_at_one_price() -> None:
    usage = {
        **once("3", (("model", "a"), ("team", "x"))),
        **once("4", (("model", "a"), ("team", "y"))),
    }
    found = lines(
        usage,
        [rate("2", group={"model": "a"})],
        pricing_group_key=["model"],
        presentation_group_key=["team"],
    )
    assert [line.pricing_group_values for line in found] == [{"model": "a"}, {"model": "a"}]
    assert [line.presentation_group_values for line in found] == [{"team": "x"}, {"team": "y"}]
    assert amounts(found) == ["3 × 2 = 6", "4 × 2 = 8"]


def test_a_cut_that_changes_nothing_is_not_shown() -> None:
    # Another group's price changes on the 15th; this one's does not (decision D-56).
    usage: Usage = {INPUT: [("2025-01-03", "10"), ("2025-01-20", "5")]}
    rates = [
        rate("2", sequence=1, group=dict(INPUT)),
        rate("9", sequence=2, group=dict(OUTPUT), start="2025-01-15"),
    ]
    assert amounts(lines(usage, rates, pricing_group_key=["model", "type"])) == ["15 × 2 = 30"]


def test_line_ids_are_derived_and_distinct() -> None:
    usage = {**once("50", INPUT), **once("20", OUTPUT)}
    rates = [rate(LADDER, sequence=1), rate("3", sequence=2, start="2025-01-20")]

    def ids() -> list[str]:
        return [line.id for line in lines(usage, rates, pricing_group_key=["model", "type"])]

    assert ids() == ids()
    assert len({*ids()}) == len(ids()) > 4


HOURS = st.lists(
    st.tuples(st.integers(0, 31 * 24 - 1), st.decimals(-50, 200, places=2)), min_size=1, max_size=12
)


def rated(hours: list[tuple[int, Decimal]], rates: Sequence[Rate], span: Period) -> Decimal:
    usage = {
        NO_GROUP: [
            (f"{hour:%Y-%m-%dT%H:%M}", str(amount))
            for number, amount in hours
            if span.covers(hour := JANUARY.starting_at + number * HOUR)
        ]
    }
    return total(lines(usage, rates, span))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(HOURS, st.integers(1, 31 * 24 - 1))
def test_splitting_the_period_and_adding_the_parts_gives_the_whole(
    hours: list[tuple[int, Decimal]], cut: int
) -> None:
    rates = [rate("1.5", sequence=1), rate("2.25", sequence=2, start="2025-01-15")]
    middle = JANUARY.starting_at + cut * HOUR
    halves = (Period(JANUARY.starting_at, middle), Period(middle, JANUARY.ending_before))
    assert sum(rated(hours, rates, half) for half in halves) == rated(hours, rates, JANUARY)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(HOURS)
def test_a_ladder_prices_the_sum_however_it_came_about(hours: list[tuple[int, Decimal]]) -> None:
    quantity = sum((amount for _, amount in hours), start=Decimal(0))
    # By hand: nothing up to 5, 100 each up to 10, 150 each beyond.
    expected = 100 * max(min(quantity, Decimal(10)) - 5, Decimal(0)) + 150 * max(
        quantity - 10, Decimal(0)
    )
    assert rated(hours, [rate(LADDER)], JANUARY) == expected


def test_the_longest_sums_are_split_exactly() -> None:
    """38 digits are what a counter may have; a step of the ladder takes nothing of them away."""
    counted = "10000000000000000000000000000.0000000001"
    [first, second] = lines(once(counted), [rate([("1", "0"), (None, "1")])])
    assert plain(first.quantity) == "1"
    assert f"{second.quantity:f}" == "9999999999999999999999999999.0000000001"
