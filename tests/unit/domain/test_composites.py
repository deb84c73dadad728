from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from backbeat.domain import composites
from backbeat.domain.composites import Composite, Spend
from backbeat.domain.rating import Terms
from backbeat.models.catalog import Product, ProductState, ProductType
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import USD, CreditType
from backbeat.models.overrides import Override, OverrideType
from backbeat.models.period import Period
from backbeat.models.rates import Rate, RateType, Tier

TOKENS = CreditType(id="tokens", name="Tokens", is_currency=False)
JANUARY = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def line(total: object, *, unit: CreditType = USD, start: datetime | None = None) -> LineItem:
    return LineItem(
        id="l",
        type=LineType.USAGE,
        name="line",
        total=Decimal(str(total)),
        credit_type=unit,
        product_id="usage",
        starting_at=start or day(1),
    )


def rate(
    price: str = "0.1", *, start: int = 1, sequence: int = 1, minimum: int | None = None
) -> Rate:
    return Rate(
        product_id="fee",
        starting_at=day(start),
        entitled=True,
        rate_type=RateType.PERCENTAGE,
        price=Decimal(price),
        minimum=None if minimum is None else Decimal(minimum),
        credit_type=USD,
        created_at=day(1),
        sequence=sequence,
    )


def charged(
    spend: Sequence[LineItem], *rates: Rate, terms: Terms | None = None
) -> list[tuple[object, ...]]:
    state = ProductState(name="Fee", created_at=day(1), composite_product_ids=("usage",))
    product = Product(id="fee", type=ProductType.COMPOSITE, initial=state)
    made = composites.lines(
        [Composite(product, rates)],
        Spend(spend),
        JANUARY,
        invoice_id="i",
        terms=terms or Terms(),
    )
    return [(entry.quantity, entry.unit_price, entry.total) for entry in made]


def test_a_multiplier_changes_the_fraction() -> None:
    half = Override(
        id="o",
        sequence=1,
        created_at=day(1),
        starting_at=day(1),
        type=OverrideType.MULTIPLIER,
        multiplier=Decimal("0.5"),
    )

    # 1000 × (0.1 × 0.5)
    assert charged([line(1000)], rate(), terms=Terms(overrides=[half])) == [
        (1000, Decimal("0.05"), 50)
    ]


def test_spend_before_and_after_a_cut_that_changes_nothing_is_one_line() -> None:
    terms = Terms(cuts=frozenset({day(10)}))

    assert charged([line(10), line(20, start=day(10))], rate(), terms=terms) == [
        (30, Decimal("0.1"), 3)
    ]


def test_windows_that_are_shown_apart_stay_apart_and_add_up() -> None:
    terms = Terms(cuts=frozenset({day(10)}), apart=lambda instant: instant >= day(10))

    assert charged([line(10), line(20, start=day(10))], rate(), terms=terms) == [
        (10, Decimal("0.1"), 1),
        (20, Decimal("0.1"), 2),
    ]


def test_the_ladder_of_fractions_goes_on_across_a_change() -> None:
    ladder = (Tier(size=Decimal(100), price=Decimal("0.5")), Tier(price=Decimal("0.1")))
    tiered = rate().model_copy(
        update={"rate_type": RateType.TIERED_PERCENTAGE, "price": None, "tiers": ladder}
    )
    steeper = (Tier(size=Decimal(100), price=Decimal("0.6")), Tier(price=Decimal("0.2")))
    later = tiered.model_copy(update={"starting_at": day(10), "tiers": steeper, "sequence": 2})

    # 80 × 0.5; then 20 × 0.6 up to the step at 100, and 10 × 0.2 above it.
    assert charged([line(80), line(30, start=day(10))], tiered, later) == [
        (80, Decimal("0.5"), 40),
        (20, Decimal("0.6"), 12),
        (10, Decimal("0.2"), 2),
    ]


def test_the_minimum_is_reached_once_for_the_whole_period() -> None:
    rates = [rate(minimum=100), rate("0.2", start=10, sequence=2, minimum=100)]

    # 10 × 0.1 + 20 × 0.2 = 5: 95 are missing, and go to the last line.
    assert charged([line(10), line(20, start=day(10))], *rates) == [
        (10, Decimal("0.1"), 1),
        (20, Decimal("0.2"), 99),
    ]


def test_spend_in_a_pricing_unit_is_charged_in_that_unit() -> None:
    spend = [line(1000, unit=TOKENS), line(50)]

    assert charged(spend, rate()) == [(50, Decimal("0.1"), 5), (1000, Decimal("0.1"), 100)]
    assert charged(spend[:1], rate()) == [(1000, Decimal("0.1"), 100)]


def test_what_is_billed_ahead_or_for_before_counts_at_the_edge_of_the_period() -> None:
    ahead = line(100, start=JANUARY.ending_before)
    behind = line(10, start=datetime(2024, 12, 1, tzinfo=UTC))
    rates = [rate("0.1"), rate("0.2", start=15, sequence=2)]

    # 10 × 0.1 at the start, 100 × 0.2 at the end
    assert charged([ahead, behind], *rates) == [
        (10, Decimal("0.1"), 1),
        (100, Decimal("0.2"), 20),
    ]


def test_spend_while_not_entitled_is_not_charged() -> None:
    off = rate(start=10, sequence=2).model_copy(update={"entitled": False})

    assert charged([line(10), line(20, start=day(10))], rate(), off) == [(10, Decimal("0.1"), 1)]


def test_charges_that_different_balances_may_pay_stay_apart() -> None:
    terms = Terms(cuts=frozenset({day(10)}), payers=lambda instant, subject: instant >= day(10))

    assert charged([line(10), line(20, start=day(10))], rate(), terms=terms) == [
        (10, Decimal("0.1"), 1),
        (20, Decimal("0.1"), 2),
    ]
