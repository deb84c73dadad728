"""Which dated rate holds, for which group values."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from backbeat.domain.rates import latest_added, rate_at
from backbeat.models.rates import Rate
from tests.unit.builders import rate, utc


def price(
    rates: list[Rate], instant: str, group: Mapping[str, str] | None = None
) -> Decimal | None:
    found = rate_at(rates, group_values=group or {}, instant=utc(instant))
    return None if found is None else found.price


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2024-12-31T23:59:59", None),
        # The start belongs to it, the end does not.
        ("2025-01-01", 100),
        ("2025-01-31T23:59:59", 100),
        ("2025-02-01", None),
    ],
)
def test_a_rate_holds_from_its_start_until_before_its_end(
    instant: str, expected: int | None
) -> None:
    assert price([rate("100", start="2025-01-01", end="2025-02-01")], instant) == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2025-01-09", 100),
        ("2025-01-10", 120),
        ("2025-01-19", 120),
        # What ran before runs on after the end of the one laid over it.
        ("2025-01-20", 100),
    ],
)
def test_a_rate_added_later_lies_over_the_ones_before(instant: str, expected: int) -> None:
    # Decision D-29
    rates = [
        rate("100", sequence=1),
        rate("120", sequence=2, start="2025-01-10", end="2025-01-20"),
    ]
    assert price(rates, instant) == expected
    assert price(rates[::-1], instant) == expected


def test_added_last_counts_even_when_it_starts_earlier() -> None:
    later, earlier = "2025-01-10", "2025-01-01"
    rates = [rate("120", sequence=1, start=later), rate("90", sequence=2, start=earlier)]
    assert price(rates, "2025-01-15") == 90


def test_the_same_start_replaces() -> None:
    rates = [
        rate("100", sequence=1, start="2025-01-01"),
        rate("80", sequence=2, start="2025-01-01"),
    ]
    assert price(rates, "2025-01-01") == 80


EU = {"model": "x", "region": "eu"}
US = {"model": "x", "region": "us"}


def test_group_values_choose_the_rate() -> None:
    rates = [rate("3", sequence=1, group=EU), rate("1", sequence=2, group=US)]
    assert price(rates, "2025-01-01", EU) == 3
    assert price(rates, "2025-01-01", {"region": "us", "model": "x"}) == 1
    # Neither a part of the values, nor more of them, nor the same in other case.
    assert price(rates, "2025-01-01", {"region": "eu"}) is None
    assert price(rates, "2025-01-01", {**EU, "zone": "1"}) is None
    assert price(rates, "2025-01-01", {"model": "x", "region": "EU"}) is None


def test_without_a_rate_for_the_values_the_products_default_holds() -> None:
    # Decision D-30
    rates = [rate("3", sequence=1, group=EU, end="2025-02-01"), rate("9", sequence=2)]
    assert price(rates, "2025-01-15", EU) == 3
    assert price(rates, "2025-01-15", US) == 9
    assert price(rates, "2025-02-01", EU) == 9


def test_a_rate_that_is_not_entitled_is_still_the_rate() -> None:
    # It lies over the one before and hides it; whether it bills is decided elsewhere.
    rates = [rate("100", sequence=1), rate("100", sequence=2, entitled=False)]
    found = rate_at(rates, group_values={}, instant=utc("2025-01-01"))
    assert found is not None
    assert not found.entitled


def test_nothing_was_added_last_of_nothing() -> None:
    assert latest_added([]) is None
