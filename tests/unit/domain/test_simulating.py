"""Simulated bills, by hand. Amounts are in dollars."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.api import json
from backbeat.api.schemas.simulations import scenario_of
from backbeat.domain import ladders
from backbeat.domain.simulating.bills import bills
from backbeat.domain.simulating.comparing import differences, is_near
from backbeat.domain.simulating.pricing import Pricer
from backbeat.domain.simulating.runs import compared, run
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import Period
from backbeat.models.rates import Tier
from backbeat.models.simulations import (
    Band,
    Bill,
    Commitment,
    CommitmentKind,
    CreditGrant,
    Expected,
    ExpectedLine,
    Fee,
    Inputs,
    Price,
    PriceModel,
    Rounding,
    Tolerances,
    UsageItem,
)

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def D(text: str | int) -> Decimal:  # noqa: N802
    return Decimal(text)


def banded(model: str, *bands: tuple[str | None, str] | tuple[str | None, str, str]) -> Price:
    """Returns a price of (up to, unit price, flat price) bands."""
    made = [
        Band(
            up_to=None if up_to is None else D(up_to),
            unit_price=D(unit),
            flat_price=D(flat[0]) if flat else D(0),
        )
        for up_to, unit, *flat in bands
    ]
    return Price(model=PriceModel(model), bands=tuple(made))


def flat(unit: str, **more: Any) -> Price:
    return Price(model=PriceModel.FLAT, unit_price=D(unit), **more)


def package(unit: str, size: str, **more: Any) -> Price:
    return Price(model=PriceModel.PACKAGE, unit_price=D(unit), package_size=D(size), **more)


def billed(price: Price, quantity: str) -> Decimal:
    return Pricer(price).charged(D(quantity))[0]


def bill(*usage: tuple[str, Price], **more: Any) -> Bill:
    """Returns the one bill of January over (quantity, price) pairs."""
    items = tuple(
        UsageItem(metric=f"m{number}", quantity=D(quantity), price=price)
        for number, (quantity, price) in enumerate(usage)
    )
    [one] = bills(Inputs(customer_id="c", period=JANUARY, usage=items, **more))
    return one


def credit(amount: str, expires_at: datetime | None = None) -> CreditGrant:
    return CreditGrant(amount=D(amount), expires_at=expires_at)


def commitment(amount: str, applied: str = "0", **more: Any) -> Commitment:
    return Commitment(
        amount=D(amount), applied=D(applied), starting_at=YEAR[0], ending_before=YEAR[1], **more
    )


API_CALLS = (("10000", "0.01"), ("50000", "0.008"), (None, "0.005"))
CALCULATOR = (("100", "1"), ("1000", "0.80"), (None, "0.60"))
GUIDE = (("1000", "0.10"), ("10000", "0.08"), (None, "0.05"))
STARTUP = (("1000", "0"), ("10000", "0.02"), (None, "0.015"))
GROWTH = (("10000", "0"), ("100000", "0.01"), (None, "0.008"))
ENTERPRISE = (("100000", "0.008"), ("500000", "0.006"), (None, "0.004"))
WITH_FEES = (("100", "0.50", "10"), ("1000", "0.30", "50"), (None, "0.20", "100"))


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        # 10,000 x 0.01 + 15,000 x 0.008 = 100 + 120
        pytest.param(banded("graduated", *API_CALLS), "25000", "220.00", id="W-01"),
        # 25,000 x 0.008
        pytest.param(banded("volume", *API_CALLS), "25000", "200.00", id="W-02"),
        # (50 + 10,000 x 0.005) + (100 + 15,000 x 0.003) = 100 + 145
        pytest.param(
            banded(
                "graduated",
                ("10000", "0.005", "50"), ("50000", "0.003", "100"), (None, "0.002", "200"),
            ),
            "25000", "245.00", id="W-03",
        ),
        pytest.param(banded("graduated", *CALCULATOR), "50", "50.00", id="W-04 first band"),
        # 100 + 900 x 0.80 + 500 x 0.60 = 100 + 720 + 300
        pytest.param(banded("graduated", *CALCULATOR), "1500", "1120.00", id="W-04 all bands"),
        pytest.param(banded("graduated", *CALCULATOR), "0", "0.00", id="W-04 nothing"),
        # 100 + 50.5 x 0.80
        pytest.param(banded("graduated", *CALCULATOR), "150.5", "140.40", id="W-04 half a unit"),
        # 0.99999
        pytest.param(flat("0.03"), "33.333", "1.00", id="W-05"),
        pytest.param(banded("volume", *CALCULATOR), "50", "50.00", id="W-06 first band"),
        pytest.param(banded("volume", *CALCULATOR), "500", "400.00", id="W-06 second band"),
        pytest.param(banded("volume", *CALCULATOR), "1500", "900.00", id="W-06 last band"),
        # 10 + 50 x 0.50
        pytest.param(banded("graduated", *WITH_FEES), "50", "35.00", id="W-07 first band"),
        # fees and units: (10 + 50) + (50 + 270) + (100 + 100)
        pytest.param(banded("graduated", *WITH_FEES), "1500", "580.00", id="W-07 all bands"),
        pytest.param(banded("graduated", *WITH_FEES), "0", "0.00", id="W-07 nothing"),
        # 100 + 9,000 x 0.08 + 5,000 x 0.05 = 100 + 720 + 250
        pytest.param(banded("graduated", *GUIDE), "15000", "1070.00", id="W-08"),
        pytest.param(banded("volume", *GUIDE), "15000", "750.00", id="W-09"),
        # fees and units: (50 + 50) + (100 + 270) + (200 + 50)
        pytest.param(
            banded(
                "graduated",
                ("1000", "0.05", "50"), ("10000", "0.03", "100"), (None, "0.01", "200"),
            ),
            "15000", "720.00", id="W-10",
        ),
        # 10 + 250 x 0.08
        pytest.param(
            banded("graduated", ("100", "0.10"), (None, "0.08")), "350", "30.00", id="W-13"
        ),
        # 100 + 2,500 x 0.08
        pytest.param(
            banded("graduated", ("1000", "0.10"), (None, "0.08")), "3500", "300.00", id="W-14"
        ),
        # 100 + 2,500 x 0.05
        pytest.param(
            banded("graduated", ("1000", "0.10"), (None, "0.05")), "3500", "225.00", id="W-15"
        ),
        pytest.param(banded("graduated", *STARTUP), "500", "0.00", id="W-16 startup, included"),
        # 4,000 x 0.02
        pytest.param(banded("graduated", *STARTUP), "5000", "80.00", id="W-16 startup, beyond"),
        pytest.param(banded("graduated", *GROWTH), "8000", "0.00", id="W-16 growth, included"),
        # 15,000 x 0.01
        pytest.param(banded("graduated", *GROWTH), "25000", "150.00", id="W-16 growth, beyond"),
        # 750,000 x 0.004
        pytest.param(banded("volume", *ENTERPRISE), "750000", "3000.00", id="W-16 enterprise"),
        pytest.param(banded("volume", (None, "0.07")), "250", "17.50", id="W-26 volume"),
        # (10 + 100 x 0.25) + 50 x 0.23 = 35 + 11.50
        pytest.param(
            banded("graduated", ("100", "0.25", "10"), (None, "0.23")),
            "150", "46.50", id="W-26 graduated",
        ),
        # ceil(250 / 100) x 5
        pytest.param(package("5", "100"), "250", "15.00", id="W-26 package"),
        pytest.param(flat("0.01", minimum=D(5)), "10", "5.00", id="W-26 minimum"),
        pytest.param(flat("1", maximum=D(50)), "80", "50.00", id="W-26 maximum"),
        pytest.param(
            banded("graduated", (None, "2.50")), "1000", "2500.00", id="T-18 one open band"
        ),
        pytest.param(banded("volume", (None, "2.5")), "10", "25.00", id="T-19 one open band"),
    ],
)  # fmt: skip
def test_a_quantity_costs(price: Price, quantity: str, expected: str) -> None:
    assert billed(price, quantity) == D(expected)


DATA = (("1000", "0.10"), ("10000", "0.08"), ("50000", "0.05"), (None, "0.03"))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("500", "50"), ("5000", "420"), ("25000", "1570"), ("100000", "4320"),
        ("0", "0"), ("1000", "100"), ("1001", "100.08"), ("999.99", "100.00"),
        # 100 + 720 + 2,000 + 950,000 x 0.03
        ("1000000", "31320"),
    ],
)  # fmt: skip
def test_borders_of_bands_w22_w24(quantity: str, expected: str) -> None:
    assert billed(banded("graduated", *DATA), quantity) == D(expected)


@pytest.mark.parametrize(
    ("quantity", "expected"), [("50", "25"), ("500", "175"), ("2500", "625"), ("10000", "1500")]
)
def test_volumes_of_storage_w22(quantity: str, expected: str) -> None:
    price = banded("volume", ("100", "0.50"), ("1000", "0.35"), ("5000", "0.25"), (None, "0.15"))
    assert billed(price, quantity) == D(expected)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("25", "5.50"),  # 5 + 25 x 0.02
        ("250", "24.25"),  # (5 + 2) + (15 + 150 x 0.015)
        ("2500", "100.50"),  # (5 + 2) + (15 + 13.50) + (50 + 1,500 x 0.01)
    ],
)
def test_storage_with_a_fee_for_each_band_w22(quantity: str, expected: str) -> None:
    price = banded("graduated", ("100", "0.02", "5"), ("1000", "0.015", "15"), (None, "0.01", "50"))
    assert billed(price, quantity) == D(expected)


STORAGE = {
    "hot": banded(
        "graduated", ("100", "0.023", "5"), ("1000", "0.021", "15"), (None, "0.018", "50")
    ),
    "cold": banded(
        "graduated", ("1000", "0.008", "2"), ("10000", "0.006", "8"), (None, "0.004", "25")
    ),
    "archive": flat("0.001"),
    "retrieval": banded("graduated", ("10", "0"), ("100", "0.05"), (None, "0.03")),
}


@pytest.mark.parametrize(
    ("used", "lines", "total"),
    [
        # 5 + 50 x 0.023; 2 + 200 x 0.008; nothing; 5 free
        pytest.param("50 200 0 5", "6.15 3.60 0 0", "9.75", id="small"),
        # 7.30 + (15 + 400 x 0.021); 10 + (8 + 1,000 x 0.006); 5,000 x 0.001; 40 x 0.05
        pytest.param("500 2000 5000 50", "30.70 24 5 2", "61.70", id="startup"),
        # 7.30 + 33.90 + (50 + 4,000 x 0.018); 10 + 62 + (25 + 15,000 x 0.004);
        # 100,000 x 0.001; 90 x 0.05 + 100 x 0.03
        pytest.param("5000 25000 100000 200", "163.20 157 100 7.50", "427.70", id="enterprise"),
    ],
)
def test_storage_bills_w18(used: str, lines: str, total: str) -> None:
    found = bill(*zip(used.split(), STORAGE.values(), strict=True))
    assert [line.subtotal for line in found.lines] == [D(one) for one in lines.split()]
    assert found.total == D(total)


def test_a_package_that_is_rounded_down_gives_the_begun_one_away() -> None:
    price = package("5", "100", package_rounding=Rounding.DOWN)
    assert [billed(price, "250"), billed(price, "200")] == [10, 10]


def test_bounds_at_zero() -> None:
    always, used_only = flat("1", minimum=D(5)), flat("1", minimum=D(5), charge_when_zero=False)
    assert [billed(always, "0"), billed(used_only, "0"), billed(used_only, "1")] == [5, 0, 5]
    # A maximum of nothing is a maximum.
    assert billed(flat("1", maximum=D(0)), "9") == 0


def test_yen_have_no_cents() -> None:
    assert billed(flat("0.5", currency="JPY"), "3") == D("2")


def test_a_small_unit_price_is_shown_as_it_is() -> None:
    assert bill(("1000", flat("0.0001"))).lines[0].unit_price == D("0.0001")
    # 30.00 / 350 = 0.0857142857142857...
    line = bill(("350", banded("graduated", ("100", "0.10"), (None, "0.08")))).lines[0]
    assert line.unit_price == D("0.085714285714")


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (banded("graduated"), "tiers"),
        (banded("volume", ("100", "1")), "tiers.0.upTo"),
        (banded("graduated", ("100", "1"), ("50", "1"), (None, "1")), "tiers.1.upTo"),
        (banded("graduated", ("0", "1"), (None, "1")), "tiers.0.upTo"),
        (banded("graduated", (None, "1"), (None, "1")), "tiers.0.upTo"),
        (package("1", "0"), "packageSize"),
        (flat("1", minimum=D(5), maximum=D(4)), "minimumCharge"),
    ],
)
def test_prices_that_cannot_price_are_refused(price: Price, field: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{field}:"):
        Pricer(price)


def test_a_negative_quantity_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="quantity"):
        billed(flat("1"), "-1")


def test_credits_commitment_and_tax_w11() -> None:
    found = bill(
        ("15000", banded("graduated", *GUIDE)),
        credits=(credit("100"), credit("50")),
        commitments=(commitment("500"),),
        tax_rate=D("8.5"),
    )
    # 1,070 - 500 - 150 = 420; 420 x 8.5% = 35.70
    assert (found.subtotal, found.tax, found.total) == (D(1070), D("35.70"), D("455.70"))


def test_several_metrics_w12() -> None:
    found = bill(
        ("50000", banded("graduated", ("10000", "0.01"), ("100000", "0.008"), (None, "0.005"))),
        ("500", banded("volume", ("100", "0.50"), ("1000", "0.40"), (None, "0.30"))),
        ("8760", flat("0.02")),
    )
    assert [line.subtotal for line in found.lines] == [D(420), D(200), D("175.20")]
    assert found.total == D("795.20")


def test_a_commitment_used_in_part_w17() -> None:
    found = bill(
        (
            "15000",
            banded("volume", ("100", "0.50"), ("1000", "0.35"), ("10000", "0.25"), (None, "0.15")),
        ),
        ("744000", flat("0.025", minimum=D(1))),
        commitments=(commitment("5000", applied="2500"),),
        credits=(credit("500"),),
    )
    # 2,250 + 18,600 - 2,500 - 500
    assert found.total == D(17850)


def test_a_commitment_that_covers_everything_w19() -> None:
    found = bill(
        # 50 + 900 x 0.35 + 4,000 x 0.25 = 1,365
        ("5000", banded("graduated", ("100", "0.50"), ("1000", "0.35"), (None, "0.25"))),
        # 10 free, then (50 + 90 x 2) + (200 + 150 x 1.50) = 655
        (
            "250",
            banded("graduated", ("10", "0"), ("100", "2", "50"), (None, "1.50", "200")),
        ),
        # 2,500,000 x 0.00005 = 125
        (
            "2500000",
            banded("volume", ("100000", "0.0001"), ("1000000", "0.00008"), (None, "0.00005")),
        ),
        # 9 + 900 x 0.085 + 500 x 0.08 = 125.50
        ("1500", banded("graduated", ("100", "0.09"), ("1000", "0.085"), (None, "0.08"))),
        commitments=(commitment("10000"),),
        credits=(credit("1000"), credit("500")),
    )
    assert [line.subtotal for line in found.lines] == [1365, 655, 125, D("125.50")]
    assert found.total == 0
    assert [(one.applied, one.remaining) for one in found.commitments] == [
        (D("2270.50"), D("7729.50"))
    ]
    assert [(one.applied, one.remaining) for one in found.credits] == [
        (D(0), D(1000)),
        (D(0), D(500)),
    ]


def test_no_more_is_applied_than_there_is_to_pay_w23() -> None:
    found = bill(
        ("1000", banded("volume", ("500", "0.50"), ("2000", "0.40"), (None, "0.30"))),
        credits=(credit("100"), credit("50")), commitments=(commitment("2000"),), tax_rate=D("8.5"),
    )  # fmt: skip
    applied = sum((one.applied for one in (*found.commitments, *found.credits)), D(0))
    assert (applied, found.tax, found.total) == (D(400), D(0), D(0))


def test_seats_with_a_minimum_and_packages_w25() -> None:
    found = bill(("7", flat("10", minimum=D(50))), ("13", package("5", "4")), tax_rate=D(10))
    # (70 + 4 x 5) x 1.10
    assert (found.subtotal, found.tax, found.total) == (D(90), D(9), D(99))


def test_three_lines_and_tax_w27_t20() -> None:
    found = bill(("10", flat("1")), ("5", flat("1")), ("4", flat("1")), tax_rate=D(10))
    assert [line.subtotal for line in found.lines] == [D(10), D(5), D(4)]
    assert (found.subtotal, found.tax, found.total) == (D(19), D("1.90"), D("20.90"))


@pytest.mark.parametrize(
    ("base", "included", "beyond", "used", "total"),
    [
        # 120 x 0.02
        pytest.param("0", "1000", ("0.02",), "1120", "2.40", id="W-32"),
        # 78,234 are within 100,000: nothing but the base
        pytest.param("299", "100000", ("0.008", "0.006", "0.004"), "78234", "299.00", id="W-33"),
        # 299 + 400,000 x 0.008 + 100,000 x 0.006
        pytest.param(
            "299", "100000", ("0.008", "0.006", "0.004"), "600000", "4099.00", id="D-186 enterprise"
        ),
    ],
)
def test_plans_with_calls_included(
    base: str, included: str, beyond: tuple[str, ...], used: str, total: str
) -> None:
    ends = ("500000", "1000000")[: len(beyond) - 1]
    bands = [(included, "0"), *zip((*ends, None), beyond, strict=True)]
    always = (JANUARY.starting_at, JANUARY.ending_before)
    found = bill((used, banded("graduated", *bands)), fees=(fee(base, *always),))
    assert found.total == D(total)


@pytest.mark.parametrize(
    ("model", "milliseconds"), [("graduated", 0.2), ("volume", 0.05)], ids=["tiered", "volume"]
)
def test_prices_are_worked_out_fast_t21(model: str, milliseconds: float) -> None:
    pricer = Pricer(banded(model, *CALCULATOR))
    quantities = [D(number) for number in range(2000)]
    begun = time.process_time()
    for quantity in quantities:
        pricer.charged(quantity)
    assert (time.process_time() - begun) * 1000 / len(quantities) < milliseconds


def test_commitment_before_credits_w28() -> None:
    found = bill(("50", flat("1")), commitments=(commitment("20"),), credits=(credit("15"),))
    assert found.total == D(15)


def test_tax_that_is_contained_n25() -> None:
    found = bill(("108.50", flat("1")), tax_rate=D("8.5"), tax_inclusive=True)
    # 108.50 / 1.085 = 100.00 net
    assert (found.tax, found.total) == (D("8.50"), D("108.50"))


def test_a_promise_is_trued_up_where_it_ends() -> None:
    ends_with_january = Commitment(
        amount=D(1000), applied=D(700), kind=CommitmentKind.MINIMUM,
        starting_at=datetime(2025, 2, 1, tzinfo=UTC), ending_before=JANUARY.ending_before,
    )  # fmt: skip
    found = bill(("100", flat("1")), commitments=(ends_with_january,))
    # 1,000 - 700 - 100
    assert (found.subtotal, found.true_up, found.total) == (D(100), D(200), D(300))
    goes_on = commitment("1000", kind=CommitmentKind.MINIMUM)
    assert bill(("100", flat("1")), commitments=(goes_on,)).total == D(100)


def test_an_expired_credit_is_worth_nothing_and_those_that_expire_first_go_first() -> None:
    found = bill(
        ("10", flat("1")),
        credits=(
            credit("8"),
            credit("5", datetime(2026, 3, 1, tzinfo=UTC)),
            credit("100", datetime(2026, 1, 31, tzinfo=UTC)),
        ),
    )
    assert [one.applied for one in found.credits] == [D(5), D(5)]


def fee(amount: str, start: datetime, end: datetime, **more: Any) -> Fee:
    return Fee(name="plan", amount=D(amount), starting_at=start, ending_before=end, **more)


def test_a_plan_changed_amid_the_period_and_a_yearly_one_w35() -> None:
    window = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 21, tzinfo=UTC))
    upgraded, added = datetime(2025, 1, 16, tzinfo=UTC), datetime(2025, 1, 11, tzinfo=UTC)
    always = datetime(2030, 1, 1, tzinfo=UTC)
    calls = banded("graduated", ("10000", "0"), (None, "0.01"))
    [found] = bills(
        Inputs(
            customer_id="c",
            period=window,
            usage=(UsageItem(metric="calls", quantity=D(500 * 20), price=calls),),
            fees=(
                fee("29", window.starting_at, upgraded),
                fee("59", upgraded, always),
                fee("199", added, always, days=D(365)),
                fee("1000", always, datetime(2031, 1, 1, tzinfo=UTC)),
            ),
        )
    )
    # 29 x 15/20; 59 x 5/20; 199 x 10/365 = 5.452...
    assert [line.subtotal for line in found.lines] == [D(0), D("21.75"), D("14.75"), D("5.45")]
    assert found.total == D("41.95")


@given(st.integers(1, 30), st.decimals(0, 1000, places=2))
def test_a_fee_in_two_parts_costs_what_the_whole_does(days: int, amount: Decimal) -> None:
    between = datetime(2026, 1, 1 + days, tzinfo=UTC)
    [found] = bills(
        Inputs(
            customer_id="c",
            period=JANUARY,
            usage=(),
            fees=(
                fee(str(amount), JANUARY.starting_at, between),
                fee(str(amount), between, JANUARY.ending_before),
            ),
        )
    )
    # Each part is rounded for itself.
    assert abs(found.total - amount) <= D("0.01")


def test_each_currency_has_a_bill() -> None:
    usage = (
        UsageItem(metric="a", quantity=D(2), price=flat("1")),
        UsageItem(metric="b", quantity=D(3), price=flat("100", currency="JPY")),
    )
    found = bills(Inputs(customer_id="c", period=JANUARY, usage=usage))
    assert [(one.currency, one.total) for one in found] == [("USD", D(2)), ("JPY", D(300))]
    with pytest.raises(InvalidArgument, match="EUR"):
        bills(
            Inputs(
                customer_id="c", period=JANUARY, usage=usage,
                credits=(CreditGrant(amount=D(1), currency="EUR"),),
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "actual", "near"),
    [
        ("10", "10.001", True),  # 0.001 at most
        ("10", "10.006", False),  # neither 0.001 nor 0.05% of 10
        ("10", "10.005", True),  # 0.05% of 10
        ("0", "0.0005", True),  # a share of one at least
        ("0", "0.0011", False),
    ],
)
def test_what_is_near_enough_t16(expected: str, actual: str, near: bool) -> None:
    assert is_near(D(expected), D(actual), Tolerances()) is near


def test_what_differs_is_named_t16() -> None:
    found = bill(("10", flat("1")), tax_rate=D(10))
    expected = Expected(
        total=D(12), subtotal=D(10), tax=D(1),
        lines=(ExpectedLine(metric="m0", quantity=D(9)), ExpectedLine(metric="other")),
    )  # fmt: skip
    told = differences([found], expected, Tolerances(), strict=False)
    assert [(one.field, one.metric, one.expected, one.actual) for one in told] == [
        ("total", None, "12", "11.00"),
        ("quantity", "m0", "9", "10"),
        ("lineItems", "other", "other", None),
    ]
    assert differences([found], Expected(total=D(11), currency="EUR"), Tolerances(), strict=False)


def test_strictly_nothing_may_be_off_or_more() -> None:
    found = bill(("10", flat("1")), ("1", flat("0")))
    expected = Expected(total=D("10.001"), lines=(ExpectedLine(metric="m0"),))
    assert not differences([found], expected, Tolerances(), strict=False)
    told = differences([found], expected, Tolerances(), strict=True)
    assert [(one.field, one.actual) for one in told] == [("total", "10.00"), ("lineItems", "m1")]


def test_prices_are_compared_with_the_first() -> None:
    prices = [("now", flat("0.10")), ("new", banded("volume", ("100", "0.10"), (None, "0.08")))]
    now, new = compared(prices, {"small": [D(50)], "large": [D(1000)]})
    assert (now.total, now.delta) == (D(105), D(0))
    # 5 + 80
    assert (new.amounts, new.total, new.delta) == ({"small": D(5), "large": D(80)}, D(85), D(-20))
    assert new.deltas == {"small": D(0), "large": D(-20)}


def test_quantities_that_are_billed_by_themselves_are_priced_by_themselves() -> None:
    [found] = compared([("v", banded("volume", ("100", "1"), (None, "0.5")))], {"c": [D(80)] * 2})
    # 80 + 80, and not 160 x 0.50
    assert found.amounts == {"c": D(160)}


def test_three_price_lists_over_four_segments_w20() -> None:
    customers = {"small": 1000, "medium": 500, "large": 100, "enterprise": 20}
    calls = {"small": 2500, "medium": 15000, "large": 75000, "enterprise": 300000}
    used = {segment: [D(number)] for segment, number in calls.items()}
    found = compared(
        [
            ("current", banded("graduated", ("5000", "0.01"), ("50000", "0.008"), (None, "0.005"))),
            ("volume", banded("volume", ("5000", "0.012"), ("50000", "0.009"), (None, "0.006"))),
            (
                "with fees",
                banded(
                    "graduated",
                    ("10000", "0.005", "25"), ("100000", "0.003", "100"), (None, "0.002", "400"),
                ),
            ),
        ],
        used,
    )  # fmt: skip
    # of a customer of each segment
    assert [list(one.amounts.values()) for one in found] == [
        # 50 + 80; 50 + 360 + 125; 50 + 360 + 1,250
        [D(25), D(130), D(535), D(1660)],
        [D(30), D(135), D(450), D(1800)],
        # 25 + 12.50; 75 + 115; 75 + 295; 75 + 370 + 800
        [D("37.50"), D(190), D(370), D(1245)],
    ]
    revenue = [
        sum(amount * customers[segment] for segment, amount in one.amounts.items()) for one in found
    ]
    # 25,000 + 65,000 + 53,500 + 33,200; 30,000 + 67,500 + 45,000 + 36,000;
    # 37,500 + 95,000 + 37,000 + 24,900
    assert revenue == [176700, 178500, 194400]


quantities = st.decimals(0, 10**7, places=3, allow_nan=False)
prices_of_units = st.decimals(0, 100, places=5, allow_nan=False)


@given(
    st.lists(st.integers(1, 10**6), min_size=0, max_size=5, unique=True),
    st.data(),
    quantities,
)
def test_graduated_prices_are_those_of_the_engines_ladders(
    ends: list[int], data: st.DataObject, quantity: Decimal
) -> None:
    borders = [*sorted(ends), None]
    units = [data.draw(prices_of_units) for _ in borders]
    price = Price(
        model=PriceModel.GRADUATED,
        bands=tuple(
            Band(up_to=None if end is None else D(end), unit_price=unit)
            for end, unit in zip(borders, units, strict=True)
        ),
    )
    sizes = [
        None if end is None else D(end) - D(start or 0)
        for start, end in zip([0, *borders], borders, strict=False)
    ]
    ladder = [Tier(size=size, price=unit) for size, unit in zip(sizes, units, strict=True)]
    pieces = ladders.split(ladder, start=D(0), end=quantity)
    assert Pricer(price).amount(quantity) == sum(one.quantity * one.step.price for one in pieces)


@given(
    st.lists(quantities, min_size=1, max_size=4),
    st.lists(quantities, max_size=3),
    st.lists(quantities, max_size=3),
)
def test_reductions_never_exceed_the_bill_nor_what_there_is(
    used: list[Decimal], promised: list[Decimal], given_: list[Decimal]
) -> None:
    found = bill(
        *((str(quantity), flat("0.01")) for quantity in used),
        commitments=tuple(commitment(str(amount)) for amount in promised),
        credits=tuple(credit(str(amount)) for amount in given_),
    )
    reductions = (*found.commitments, *found.credits)
    assert all(one.applied >= 0 and one.remaining >= 0 for one in reductions)
    assert found.total == found.subtotal - sum(one.applied for one in reductions) >= 0


SCENARIO = """{
  "metadata": {"name": "calls"},
  "inputs": {
    "customerId": "acme", "periodStart": "2026-01-01", "periodEnd": "2026-02-01T00:00:00Z",
    "usageItems": [{
      "metric": "calls", "quantity": 25000,
      "priceConfig": {"model": "tiered", "tiers": [
        {"upTo": 10000, "unitPrice": 0.01}, {"upTo": "inf", "unitPrice": 0.008}]}
    }]
  },
  "expected": {"total": 220}
}"""


def test_tiered_means_graduated_x25() -> None:
    scenario = scenario_of(json.loads(SCENARIO))
    assert scenario.inputs.usage[0].price.model is PriceModel.GRADUATED
    assert run(scenario).is_as_expected


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"tiered"', '"bulk"', "model"),
        ("25000", "-1", "quantity"),
        ('"2026-01-01"', '"2026-03-01"', "periodEnd"),
        ('"calls", "quantity"', '"calls", "quantitty": 1, "quantity"', "quantitty"),
        ('"2026-01-01"', '"yesterday"', "periodStart"),
        ("25000", "true", "quantity"),
        ('"usageItems": [{', '"usageItems": [], "unused": [{', "unused"),
        ('"customerId"', '"fees": [{"name": "plan"}], "customerId"', "amount"),
        (
            '"customerId"',
            '"fees": [{"name": "plan", "amount": 1, "endDate": "2025-12-01"}], "customerId"',
            "fees.0.endDate",
        ),
        ('"customerId"', '"fees": [{"name": "p", "amount": 1, "perDays": 0}], "customerId"', "per"),
    ],
)
def test_invalid_scenarios_name_the_field_t29(old: str, new: str, named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        scenario_of(json.loads(SCENARIO.replace(old, new, 1)))
