"""The billing calendar: boundaries, stubs, clamps."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import periods
from backbeat.models.contracts import Contract
from backbeat.models.period import Period
from backbeat.models.schedules import Frequency, StatementDay
from tests.unit.builders import contract, period, utc


def boundaries(of: Contract, number: int) -> list[str]:
    """Returns the start of the first period and the ends of the first few."""
    found = list(islice(periods.usage_periods(of), number))
    instants = [found[0].starting_at, *(one.ending_before for one in found)]
    return [f"{instant:%Y-%m-%d}" for instant in instants]


@pytest.mark.parametrize(
    ("day", "anchor", "expected"),
    [
        ("FIRST_OF_MONTH", None, ["2024-09-15", "2024-10-01", "2024-11-01", "2024-12-01"]),
        ("CONTRACT_START", None, ["2024-09-15", "2024-10-15", "2024-11-15", "2024-12-15"]),
        # Only the phase of a custom date counts: before the start, after it, years away.
        ("CUSTOM_DATE", "2024-09-10", ["2024-09-15", "2024-10-10", "2024-11-10", "2024-12-10"]),
        ("CUSTOM_DATE", "2024-12-10", ["2024-09-15", "2024-10-10", "2024-11-10", "2024-12-10"]),
        ("CUSTOM_DATE", "2019-03-20", ["2024-09-15", "2024-09-20", "2024-10-20", "2024-11-20"]),
        ("CUSTOM_DATE", "2031-03-20", ["2024-09-15", "2024-09-20", "2024-10-20", "2024-11-20"]),
        # A boundary on the start itself begins no empty period.
        ("CUSTOM_DATE", "2024-12-15", ["2024-09-15", "2024-10-15", "2024-11-15", "2024-12-15"]),
    ],
)  # fmt: skip
def test_monthly(day: str, anchor: str | None, expected: list[str]) -> None:
    # WE-35
    assert boundaries(contract("2024-09-15", day=day, anchor=anchor), 3) == expected


def test_the_last_period_is_cut_at_the_end() -> None:
    # WE-35: with an end on 20 November the last period has 19 days.
    ending = contract("2024-09-15", end="2024-11-20")
    assert list(periods.usage_periods(ending)) == [
        period("2024-09-15", "2024-10-01"),
        period("2024-10-01", "2024-11-01"),
        period("2024-11-01", "2024-11-20"),
    ]


def test_a_contract_that_ends_on_a_boundary_has_no_empty_period() -> None:
    ending = contract("2024-09-15", end="2024-11-01")
    assert list(periods.usage_periods(ending)) == [
        period("2024-09-15", "2024-10-01"),
        period("2024-10-01", "2024-11-01"),
    ]


def test_a_contract_shorter_than_a_period() -> None:
    short = contract("2024-09-15T06:00", end="2024-09-15T07:00")
    assert list(periods.usage_periods(short)) == [period("2024-09-15T06:00", "2024-09-15T07:00")]


def test_boundaries_keep_the_hour_of_the_anchor() -> None:
    noon = contract("2024-09-15T12:00", day="CONTRACT_START", end="2024-11-15T12:00")
    assert list(periods.usage_periods(noon)) == [
        period("2024-09-15T12:00", "2024-10-15T12:00"),
        period("2024-10-15T12:00", "2024-11-15T12:00"),
    ]
    # The first of the month begins at midnight, whatever the hour the contract starts at.
    first = next(periods.usage_periods(contract("2024-09-15T12:00")))
    assert first == period("2024-09-15T12:00", "2024-10-01")


@pytest.mark.parametrize(
    ("start", "frequency", "expected"),
    [
        # WE-36: the 31st clamps and does not drift.
        ("2024-01-31", "MONTHLY",
         ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
        ("2025-01-30", "MONTHLY",
         ["2025-01-30", "2025-02-28", "2025-03-30", "2025-04-30", "2025-05-30"]),
        # WE-37
        ("2025-02-15", "QUARTERLY", ["2025-02-15", "2025-05-15", "2025-08-15", "2025-11-15"]),
        ("2024-11-30", "QUARTERLY", ["2024-11-30", "2025-02-28", "2025-05-30", "2025-08-30"]),
        # WE-39: a leap day returns after four years.
        ("2024-02-29", "ANNUAL",
         ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2024-12-31", "MONTHLY", ["2024-12-31", "2025-01-31", "2025-02-28"]),
    ],
)  # fmt: skip
def test_counted_from_the_contracts_start(start: str, frequency: str, expected: list[str]) -> None:
    of = contract(start, frequency=frequency, day="CONTRACT_START")
    assert boundaries(of, len(expected) - 1) == expected


def test_quarters_from_the_first_of_the_starting_month() -> None:
    # WE-37, decision D-33: 75 days to 1 May, not 45 to the calendar quarter.
    of = contract("2025-02-15", frequency="QUARTERLY")
    assert boundaries(of, 3) == ["2025-02-15", "2025-05-01", "2025-08-01", "2025-11-01"]


def test_weeks_from_a_monday() -> None:
    # WE-38: Wednesday to Monday is 5 days.
    of = contract("2025-01-08", frequency="WEEKLY", day="CUSTOM_DATE", anchor="2025-01-06")
    assert boundaries(of, 3) == ["2025-01-08", "2025-01-13", "2025-01-20", "2025-01-27"]
    later = contract("2025-01-08", frequency="WEEKLY", day="CUSTOM_DATE", anchor="2025-06-02")
    assert boundaries(later, 3) == ["2025-01-08", "2025-01-13", "2025-01-20", "2025-01-27"]


def test_weeks_know_no_first_of_the_month() -> None:
    of = contract("2025-01-08", frequency="WEEKLY", day="FIRST_OF_MONTH")
    assert boundaries(of, 2) == ["2025-01-08", "2025-01-15", "2025-01-22"]


@pytest.mark.parametrize(
    ("invoices_from", "expected"),
    [
        # No June, no July.
        ("2025-08-01", ["2025-08-01", "2025-09-01", "2025-10-01"]),
        # Inside a period, that period begins there.
        ("2025-08-10", ["2025-08-10", "2025-09-01", "2025-10-01"]),
        # Before the contract it changes nothing.
        ("2025-05-10", ["2025-06-01", "2025-07-01", "2025-08-01"]),
    ],
)
def test_invoices_may_start_later_than_the_contract(
    invoices_from: str, expected: list[str]
) -> None:
    assert boundaries(contract("2025-06-01", invoices_from=invoices_from), 2) == expected


def test_a_contract_that_ends_before_its_invoices_start_has_no_periods() -> None:
    over = contract("2025-06-01", end="2025-08-01", invoices_from="2025-08-01")
    assert list(periods.usage_periods(over)) == []


@pytest.mark.parametrize(
    ("instant", "first"),
    [
        ("2024-09-01", "2024-09-15"),
        ("2024-09-30T23:59:59", "2024-09-15"),
        # A period that ends at the instant is over.
        ("2024-10-01", "2024-10-01"),
        ("2024-12-24", "2024-12-01"),
    ],
)
def test_periods_from_an_instant(instant: str, first: str) -> None:
    found = next(periods.usage_periods_from(contract("2024-09-15"), utc(instant)))
    assert found.starting_at == utc(first)


def test_no_period_is_left_after_the_end() -> None:
    ending = contract("2024-09-15", end="2024-11-20")
    assert list(periods.usage_periods_from(ending, utc("2024-11-20"))) == []


CONTRACTS = st.builds(
    lambda start, days, frequency, day, anchor: contract(
        f"{start}",
        end=f"{start + timedelta(days=days)}",
        frequency=frequency,
        day=day,
        anchor=f"{anchor}",
    ),
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.integers(1, 900),
    st.sampled_from([frequency.value for frequency in Frequency]),
    st.sampled_from([day.value for day in StatementDay]),
    st.dates(date(2010, 1, 1), date(2040, 12, 31)),
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(CONTRACTS)
def test_periods_are_adjacent_and_cover_the_contract(of: Contract) -> None:
    found = list(periods.usage_periods(of))
    assert found[0].starting_at == of.starting_at
    assert found[-1].ending_before == of.ending_before
    assert all(one.ending_before == following.starting_at for one, following in pairwise(found))
    assert all(one.starting_at < one.ending_before for one in found)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(CONTRACTS)
def test_every_boundary_is_the_anchors_day_or_the_months_last(of: Contract) -> None:
    anchor = of.usage_statement_schedule.anchor
    inner = [one.ending_before for one in periods.usage_periods(of)][:-1]
    by_days = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(weeks=1)}
    step = by_days.get(of.usage_statement_schedule.frequency)
    if step is not None:
        assert all((instant - anchor) % step == timedelta(0) for instant in inner)
    else:
        assert all(instant.day == min(anchor.day, _days_in_month(instant)) for instant in inner)


def _days_in_month(instant: datetime) -> int:
    following = (instant.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - timedelta(days=1)).day


@given(
    hours=st.integers(0, 2 * 365 * 24),
    length=st.none() | st.timedeltas(timedelta(hours=1), timedelta(days=900)),
    later=st.timedeltas(timedelta(days=-400), timedelta(days=1200)),
    frequency=st.sampled_from(["WEEKLY", "MONTHLY", "QUARTERLY", "ANNUAL"]),
    day=st.sampled_from(["FIRST_OF_MONTH", "CONTRACT_START"]),
)
@settings(max_examples=100, deadline=None)
def test_counting_from_an_instant_finds_the_periods_that_counting_from_the_start_finds(
    hours: int, length: timedelta | None, later: timedelta, frequency: str, day: str
) -> None:
    begin = utc("2023-01-01") + timedelta(hours=hours)
    of = contract(
        f"{begin:%Y-%m-%dT%H:%M}",
        end=None if length is None else f"{begin + length:%Y-%m-%dT%H:%M}",
        frequency=frequency,
        day=day,
    )
    instant = of.starting_at + later

    def first(found: Iterator[Period]) -> list[Period]:
        return [*islice((one for one in found if one.ending_before > instant), 5)]

    expected = first(islice(periods.usage_periods(of), 250))
    assert [*islice(periods.usage_periods_from(of, instant), 5)] == expected


def test_a_contract_of_a_thousand_years_is_not_walked_through() -> None:
    of = contract("1970-01-01", frequency="WEEKLY")
    begun = time.process_time()
    for _ in range(1000):
        next(periods.usage_periods_from(of, utc("2970-01-01")))
    # From the start there are 52,000 weeks to each of them, which takes minutes.
    assert time.process_time() - begun < 5
