"""A price table gives the price that all rates and overrides together give."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.overrides import Subject, price_at
from backbeat.domain.price_tables import PriceTable
from backbeat.models.catalog import Product, ProductState, ProductType
from backbeat.models.overrides import Override, OverrideSpecifier, OverrideType, Prioritization
from backbeat.models.rates import Rate
from tests.unit.builders import rate, utc

START = utc("2025-01-01")
VALUES = st.fixed_dictionaries({}, optional={"model": st.sampled_from("ab")})
DAYS = st.integers(0, 9)


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    start = draw(DAYS)
    return rate(
        draw(st.sampled_from(("1", "2", "3"))),
        sequence=draw(st.integers(1, 99)),
        start=f"2025-01-0{start + 1}" if start < 9 else "2025-01-10",
        group=draw(VALUES),
        entitled=draw(st.booleans()),
    )


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    start = START + timedelta(days=draw(DAYS))
    specifier = OverrideSpecifier(
        product_id=draw(st.sampled_from((None, "p", "q"))),
        product_tags=draw(st.sampled_from(((), ("new",), ("old",)))),
        pricing_group_values=draw(VALUES),
    )
    return Override(
        id="o",
        sequence=draw(st.integers(1, 99)),
        created_at=START,
        starting_at=start,
        ending_before=start + timedelta(days=draw(st.integers(1, 9))),
        type=OverrideType.MULTIPLIER,
        multiplier=draw(st.sampled_from((Decimal("0.5"), Decimal(2)))),
        entitled=draw(st.sampled_from((None, True, False))),
        product_id=draw(st.sampled_from((None, "p", "q"))),
        applicable_product_tags=draw(st.sampled_from(((), ("new",), ("old",)))),
        specifiers=draw(st.sampled_from(((), (specifier,)))),
        is_commit_specific=draw(st.booleans()),
    )


@given(
    card=st.lists(rates(), max_size=6),
    terms=st.lists(overrides(), max_size=6),
    values=VALUES,
    days=st.lists(DAYS, max_size=3),
)
def test_nothing_that_matters_is_left_out(
    card: list[Rate], terms: list[Override], values: dict[str, str], days: list[int]
) -> None:
    state = ProductState(name="Calls", created_at=START, tags=("new",))
    product = Product(id="p", type=ProductType.USAGE, initial=state)
    subject = Subject(product, state, pricing=values, presentation={})
    instants = [START + timedelta(days=day) for day in days]
    scheme = Prioritization.LOWEST_MULTIPLIER

    table = PriceTable(product, card, terms, scheme)

    assert table.at_each(subject, instants) == [
        price_at(subject, instant, rates=card, overrides=terms, prioritization=scheme)
        for instant in instants
    ]
