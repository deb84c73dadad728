"""Amounts in fractions of cents as lines that can be paid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.collecting import Charged, dollars, payable

AT = datetime(2025, 2, 1, tzinfo=UTC)
CENTS = st.decimals(-100_000, 100_000, places=6, allow_nan=False)


def charged(cents: Decimal) -> Charged:
    return Charged("Calls", cents, AT - timedelta(days=31), AT)


@pytest.mark.parametrize(
    ("cents", "expected"),
    [("120", "1.20"), ("0.5", "0.01"), ("0.499999", "0.00"), ("-0.5", "-0.01"), ("1e6", "10000")],
)
def test_half_a_cent_is_a_cent(cents: str, expected: str) -> None:
    assert dollars(Decimal(cents)) == Decimal(expected)


@given(st.lists(CENTS, max_size=12))
def test_lines_add_up_to_the_total_rounded_once(amounts: list[Decimal]) -> None:
    total = sum(amounts, Decimal(0))
    lines = payable([charged(amount) for amount in amounts], total, AT)
    assert sum((line.amount for line in lines), Decimal(0)) == dollars(total)
    assert all(line.amount == line.amount.quantize(Decimal("0.01")) != 0 for line in lines)
    assert all(line.starting_at < line.ending_before for line in lines)
    # Half a cent for each line, and half for the total.
    rounding = [abs(line.amount) for line in lines if line.name == "Rounding"]
    assert sum(rounding, Decimal(0)) <= Decimal("0.005") * (len(amounts) + 1)


def test_a_line_without_time_is_of_the_instant() -> None:
    [line] = payable([Charged("Fee", Decimal(900), None, None)], Decimal(900), AT)
    assert (line.starting_at, line.ending_before) == (AT, AT + timedelta(seconds=1))
