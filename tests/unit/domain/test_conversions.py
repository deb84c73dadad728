from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat.domain import conversions
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import USD, CreditType
from backbeat.models.period import Period
from backbeat.models.rates import CreditTypeConversion, RateCard

TOKENS = CreditType(id="tokens", name="Tokens", is_currency=False)
JANUARY = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))


def card(price: str | None = "0.5") -> RateCard:
    conversion = CreditTypeConversion(
        custom_credit_type=TOKENS, fiat_per_custom_credit=Decimal(price or 0)
    )
    return RateCard(
        id="card",
        name="card",
        fiat_credit_type=USD,
        credit_type_conversions=() if price is None else (conversion,),
        created_at=JANUARY.starting_at,
    )


def line(total: int, *, unit: CreditType = TOKENS, day: int = 1) -> LineItem:
    return LineItem(
        id=f"{day}",
        type=LineType.USAGE,
        name="line",
        total=Decimal(total),
        credit_type=unit,
        starting_at=datetime(2025, 1, day, tzinfo=UTC),
        ending_before=datetime(2025, 1, day + 1, tzinfo=UTC),
    )


def amounts(line: LineItem) -> tuple[object, ...]:
    return line.quantity, line.unit_price, line.total


def converted(*billed: LineItem, by_day: bool = False) -> list[LineItem]:
    return conversions.lines(
        billed, card(), JANUARY, invoice_id="i", apart=lambda at: at.day if by_day else None
    )


def test_what_was_paid_in_the_unit_is_not_converted() -> None:
    # 1000 covered, 1000 taken off again, 3500 open: 3500 × 0.5
    [made] = converted(line(1000), line(-1000), line(3500))

    assert amounts(made) == (3500, Decimal("0.5"), 1750)
    assert (made.type, made.credit_type) == (LineType.CPU_CONVERSION, USD)


def test_nothing_open_and_money_make_no_line() -> None:
    assert converted(line(1000), line(-1000), line(7, unit=USD)) == []


def test_windows_are_converted_separately() -> None:
    made = converted(line(10, day=1), line(20, day=2), line(2, day=2), by_day=True)

    half = Decimal("0.5")
    assert [amounts(entry) for entry in made] == [(10, half, 5), (22, half, 11)]
    assert [entry.starting_at for entry in made] == [
        datetime(2025, 1, 1, tzinfo=UTC),
        datetime(2025, 1, 2, tzinfo=UTC),
    ]


def test_a_unit_without_price_is_never_billed_as_nothing() -> None:
    with pytest.raises(InvalidArgument, match="Tokens"):
        conversions.lines(
            [line(1)], card(None), JANUARY, invoice_id="i", apart=lambda instant: None
        )
