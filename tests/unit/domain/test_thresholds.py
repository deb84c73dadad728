"""Days to the end of a segment, and when time alone brings an alert about."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain import thresholds
from backbeat.models.alerts import Alert, AlertType
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.money import USD


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2025-01-25T00:00:00", 7),
        ("2025-01-24T23:59:59", 8),
        ("2025-01-31T23:00:00", 1),
        ("2025-02-01T00:00:00", 0),
    ],
)
def test_days_are_counted_from_midnight(now: str, days: int) -> None:
    assert thresholds.days_left(at("2025-02-01T00:00:00"), at(now)) == days


def test_a_begun_day_is_a_whole_one() -> None:
    assert thresholds.days_left(at("2025-02-01T15:00:00"), at("2025-01-25T00:00:00")) == 8


hours = st.integers(1, 24 * 60).map(lambda hour: at("2025-03-01T00:00:00") + timedelta(hours=hour))


@given(hours, st.decimals(0, 40, places=1), st.integers(0, 24 * 20))
def test_the_next_look_is_when_the_line_is_crossed(
    end: datetime, threshold: Decimal, later: int
) -> None:
    """Between a look and the next one nothing that time alone brings is missed."""
    now = at("2025-02-10T06:00:00") + timedelta(hours=later)
    segment = AccessSegment(
        id="segment",
        amount=Decimal(1),
        starting_at=at("2025-01-01T00:00:00"),
        ending_before=end,
    )
    balance = Balance(
        id="credit",
        sequence=0,
        customer_id="customer",
        type=BalanceType.CREDIT,
        name="Gift",
        product_id="product",
        credit_type=USD,
        segments=(segment,),
        created_at=segment.starting_at,
    )
    alert = Alert(
        id="alert",
        type=AlertType.CREDIT_DAYS,
        name="Days",
        threshold=threshold,
        credit_type=USD,
        created_at=now,
        updated_at=now,
    )

    def is_alarmed(instant: datetime) -> bool:
        return thresholds.days_left(end, instant) <= threshold

    following = thresholds.next_look([alert], [], [balance], [], now=now)
    if now >= end:
        assert following is None
        return
    assert following is not None
    instant = now
    while instant < min(following, end):
        assert is_alarmed(instant) == is_alarmed(now)
        instant += timedelta(hours=1)
    assert following == end or is_alarmed(following) != is_alarmed(now)
