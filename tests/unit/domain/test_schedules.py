from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.schedules import occurrences
from backbeat.models.charges import Amount, AmountDistribution, RecurringSchedule
from backbeat.models.schedules import Frequency

FIVE = Decimal(5)


def schedule(
    frequency: Frequency = Frequency.MONTHLY,
    distribution: AmountDistribution = AmountDistribution.EACH,
    *,
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC),
    end: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    unit_price: object = 100000,
    quantity: object = 1,
) -> RecurringSchedule:
    return RecurringSchedule(
        starting_at=start,
        ending_before=end,
        frequency=frequency,
        distribution=distribution,
        amount=Amount(unit_price=Decimal(str(unit_price)), quantity=Decimal(str(quantity))),
    )


@pytest.mark.parametrize(
    ("frequency", "count"),
    [
        (Frequency.WEEKLY, 53),  # 1 January to 31 December are 365 days: 52 weeks and a day
        (Frequency.MONTHLY, 12),
        (Frequency.QUARTERLY, 4),
        (Frequency.SEMI_ANNUAL, 2),
        (Frequency.ANNUAL, 1),
    ],
)
def test_dates_run_until_the_end_exclusive(frequency: Frequency, count: int) -> None:
    assert len(occurrences(schedule(frequency))) == count


def test_dates_are_clamped_from_the_origin() -> None:
    dated = occurrences(schedule(start=datetime(2025, 1, 31, tzinfo=UTC)))

    assert [(entry.timestamp.month, entry.timestamp.day) for entry in dated[:4]] == [
        (1, 31),
        (2, 28),
        (3, 31),
        (4, 30),
    ]


def test_a_schedule_that_ends_where_it_starts_has_no_dates() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)

    assert occurrences(schedule(start=start, end=start)) == []


def test_each_and_divided_keep_the_quantity() -> None:
    each = occurrences(schedule(unit_price=120, quantity=5))
    divided = occurrences(
        schedule(distribution=AmountDistribution.DIVIDED, unit_price=120, quantity=5)
    )

    assert {entry.amount for entry in each} == {Amount(unit_price=Decimal(120), quantity=FIVE)}
    # 120 / 12 dates is 10 for each of the five.
    assert {entry.amount for entry in divided} == {Amount(unit_price=Decimal(10), quantity=FIVE)}


@given(
    unit_price=st.decimals(min_value=-(10**9), max_value=10**9, places=4),
    quantity=st.decimals(min_value=0, max_value=10**4, places=2),
    months=st.integers(min_value=1, max_value=60),
)
def test_rounded_parts_add_up_to_the_amount(
    unit_price: Decimal, quantity: Decimal, months: int
) -> None:
    end = datetime(2025 + months // 12, months % 12 + 1, 1, tzinfo=UTC)
    asked = schedule(
        distribution=AmountDistribution.DIVIDED_ROUNDED,
        end=end,
        unit_price=unit_price,
        quantity=quantity,
    )

    parts = [entry.amount.total for entry in occurrences(asked)]

    assert len(parts) == months
    assert sum(parts) == asked.amount.total
    assert all(part == part.to_integral_value() for part in parts[:-1])
    assert all(one == other for one, other in pairwise(parts[:-1]))
