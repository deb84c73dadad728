"""What a period comes to at its present pace."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.pace import at_the_end
from backbeat.models.period import Period

JANUARY = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("amount", "days", "estimate"),
    [
        # 31 days / 15.5 days: twice as much.
        ("10", 15.5, "20.00"),
        # 1 × 31 / 3 = 10.333..., 0.005 × 31 / 1 = 0.155, half-up.
        ("1", 3, "10.33"),
        ("0.005", 1, "0.16"),
        ("0", 10, "0"),
        # The period is over, or it has hardly begun.
        ("7.123", 31, "7.123"),
        ("7.123", 40, "7.123"),
        ("5", 0.01, None),
    ],
)
def test_the_pace_goes_on(amount: str, days: float, estimate: str | None) -> None:
    now = JANUARY.starting_at + timedelta(days=days)
    found = at_the_end(Decimal(amount), JANUARY, now, step=Decimal("0.01"))
    assert (None if found is None else str(found)) == estimate


@given(
    amount=st.decimals(min_value=0, max_value=10**12, places=6),
    seconds=st.integers(3600, 31 * 86_400),
)
def test_an_estimate_is_never_below_what_was_reached(amount: Decimal, seconds: int) -> None:
    now = JANUARY.starting_at + timedelta(seconds=seconds)
    found = at_the_end(amount, JANUARY, now, step=Decimal(1))
    assert found is not None
    assert found >= amount
