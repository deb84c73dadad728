"""Starts and ends, and notifications some time before or after them."""

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain import durations, lifecycle
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.lifecycle import LifecycleType, OffsetConfig
from backbeat.models.money import USD


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("P1D", "2025-04-01T00:00:00"),
        ("-P3DT12H", "2025-03-27T12:00:00"),
        ("-P1M", "2025-02-28T00:00:00"),
        ("P1M", "2025-04-30T00:00:00"),
        ("+P1Y2W", "2026-04-14T00:00:00"),
        ("-PT90M", "2025-03-30T22:30:00"),
        ("P0D", "2025-03-31T00:00:00"),
    ],
)
def test_an_offset_leads_so_far(offset: str, expected: str) -> None:
    found = durations.parse(offset).from_(at("2025-03-31"))
    assert found == datetime.fromisoformat(f"{expected}+00:00")


@given(st.integers(0, 400), st.integers(0, 2000), st.integers(0, 100_000))
def test_a_duration_and_its_negative_are_read_alike(months: int, days: int, seconds: int) -> None:
    text = f"P{months}M{days}DT{seconds}S"
    there, back = durations.parse(text), durations.parse(f"-{text}")
    assert (back.months, back.rest) == (-there.months, -there.rest)


def child(made: str, start: str, end: str) -> Balance:
    """What a monthly recurring commit makes: there a period before the date it bears."""
    segment = AccessSegment(
        id=f"segment-{start}", amount=Decimal(1), starting_at=at(start), ending_before=at(end)
    )
    return Balance(
        id=f"commit-{start}",
        sequence=0,
        customer_id="customer",
        type=BalanceType.PREPAID,
        name="Monthly",
        product_id="product",
        credit_type=USD,
        segments=(segment,),
        recurring_id="recurring",
        created_at=at(made),
    )


QUARTER_BEFORE = OffsetConfig(
    id="config",
    name="Soon",
    type=LifecycleType.COMMIT_SEGMENT_START,
    offset="-P90D",
    created_at=at("2025-05-01"),
    since=at("2025-05-01"),
)


def told(generated: Collection[str], *, after: str) -> list[tuple[datetime, datetime]]:
    """Returns when each start is told of and when it is."""
    found = lifecycle.tellings(
        [],
        [
            child("2025-07-01", "2025-07-01", "2025-08-01"),
            child("2025-07-01", "2025-08-01", "2025-09-01"),
        ],
        system={},
        offsets=[QUARTER_BEFORE],
        after=at(after),
        generated=generated,
    )
    return [(one.due_at, one.occurrence.at) for one in found]


def test_ex_61a_what_a_recurring_term_makes_late_is_told_when_it_is_made() -> None:
    # Ninety days before 1 August is 3 May; the balance is there from 1 July on.
    assert told({"commit-2025-08-01"}, after="2025-07-01") == [(at("2025-07-01"), at("2025-08-01"))]


def test_what_was_there_before_is_not_told_late() -> None:
    assert told(set(), after="2025-07-01") == []


def test_what_has_begun_is_not_told_of() -> None:
    assert told({"commit-2025-07-01"}, after="2025-07-01") == []


def test_times_are_aware() -> None:
    assert durations.parse("P1D").from_(datetime(2025, 1, 1, tzinfo=UTC)).tzinfo is UTC
