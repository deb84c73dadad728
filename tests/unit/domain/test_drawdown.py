"""Drawdown: the worked orders of the balances sheet, amounts in cents."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat.domain.drawdown import Drawn, draw
from backbeat.domain.ledgers import entries, sources, worth
from backbeat.models.balances import (
    AccessSegment,
    Balance,
    BalanceSpecifier,
    BalanceType,
    Deduction,
    ManualEntry,
    Origin,
)
from backbeat.models.charges import Amount, PointSchedule, ScheduleItem
from backbeat.models.invoices import LineBasis, LineItem, LineTier, LineType
from backbeat.models.money import USD
from backbeat.models.rates import Tier

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def line(
    product: str,
    quantity: object,
    price: object = 1,
    *,
    tier: LineTier | None = None,
    **group: str,
) -> LineItem:
    units, unit_price = Decimal(str(quantity)), Decimal(str(price))
    return LineItem(
        id=f"{product}-{price}",
        type=LineType.USAGE,
        name=product,
        product_id=product,
        product_type="UsageProductListItem",
        quantity=units,
        unit_price=unit_price,
        total=units * unit_price,
        credit_type=USD,
        starting_at=JANUARY,
        ending_before=FEBRUARY,
        pricing_group_values=group,
        tier=tier,
        basis=LineBasis(),
    )


def balance(
    id: str,
    amount: object,
    *,
    type: BalanceType = BalanceType.PREPAID,
    priority: int = 100,
    paid: bool = True,
    end: datetime = NEXT_YEAR,
    products: Sequence[str] = (),
    specifiers: Sequence[BalanceSpecifier] = (),
    rolled_over: bool = False,
    contract: str | None = "contract",
) -> Balance:
    value = Decimal(str(amount))
    payment = ScheduleItem(id=f"{id}-payment", timestamp=JANUARY, amount=Amount(unit_price=value))
    schedule = PointSchedule(credit_type=USD, items=(payment,))
    return Balance(
        id=id,
        sequence=1,
        customer_id="customer",
        contract_id=contract,
        type=type,
        name=id,
        priority=Decimal(priority),
        product_id="fixed",
        credit_type=USD,
        segments=(
            AccessSegment(id=f"{id}-1", amount=value, starting_at=JANUARY, ending_before=end),
        ),
        invoice_schedule=schedule if paid and type is not BalanceType.CREDIT else None,
        applicable_product_ids=tuple(products),
        specifiers=tuple(specifiers),
        rolled_over_from=Origin(contract_id="before", balance_id=f"{id}-before")
        if rolled_over
        else None,
        created_at=JANUARY,
    )


def drawn(lines: Sequence[LineItem], balances: Sequence[Balance]) -> Drawn:
    return draw(
        lines, sources(balances), contract_id="contract", covered_ladder=lambda balance, line: None
    )


def by_balance(result: Drawn) -> dict[str, Decimal]:
    return {balance_id: amount for (balance_id, *_), amount in result.deductions.items()}


def payable(result: Drawn) -> Decimal:
    """What the customer pays: postpaid applications are shown but not taken off."""
    return sum((line.total for line in result.lines if line.applied_type != "POSTPAID"), Decimal(0))


def shown(*numbers: Decimal | None) -> str:
    return " ".join("-" if number is None else f"{number.normalize():f}" for number in numbers)


def test_ex_10_mixed_bag() -> None:
    march = datetime(2025, 3, 31, tzinfo=UTC)
    result = drawn(
        [line("P1", 900), line("P2", 600)],
        [
            balance("Q", 1000, type=BalanceType.POSTPAID, priority=1),
            balance("F", 150),
            balance("E", 150, end=march),
            balance("C", 250, products=["P1"]),
            balance("B", 200, type=BalanceType.CREDIT),
            balance("A", 300, priority=50),
            balance("R", 100, type=BalanceType.CREDIT, priority=500, rolled_over=True),
        ],
    )
    # P1 900 = R 100 + A 300 + B 200 + C 250 + E 50; P2 600 = E 100 + F 150 + Q 350.
    assert by_balance(result) == {
        "R": 100, "A": 300, "B": 200, "C": 250, "E": 150, "F": 150, "Q": 350,
    }  # fmt: skip
    # 1500 − 1150 of prepaid and credits.
    assert payable(result) == 350


def test_ex_11_narrow_before_wide() -> None:
    d1 = line("D1", 2500000, region="us-east-1")
    region = BalanceSpecifier(pricing_group_values={"region": "us-east-1"})
    product_and_region = BalanceSpecifier(
        product_id="D1", pricing_group_values={"region": "us-east-1"}
    )
    result = drawn(
        [d1],
        [
            balance("F", 1000000),
            balance("E", 1000000, specifiers=[region]),
            balance("C", 1000000, products=["D1"]),
            balance("B", 1000000, paid=False),
            balance("A", 1000000, priority=50),
            balance("D", 1000000, specifiers=[product_and_region, region]),
        ],
    )
    assert by_balance(result) == {"A": 1000000, "B": 1000000, "C": 500000}


def test_ex_12_narrow_first_pays_off() -> None:
    lines = [line("P1", 100), line("P2", 100)]
    narrow = balance("C", 100, products=["P1"])
    assert payable(drawn(lines, [narrow, balance("F", 100)])) == 0
    # The wide one first takes P1, and the narrow one finds nothing left.
    first = drawn(lines, [narrow, balance("F", 100, priority=1)])
    assert by_balance(first) == {"F": 100}
    assert payable(first) == 100


@pytest.mark.parametrize(
    ("priority", "expected", "due"),
    [
        # S1 pays us 4000, S2 pays eu 3000.
        (100, {"S1": 4000, "S2": 3000}, 0),
        # S2 first, by unit price: us 4000, then eu 1000; S1 has nothing left to cover.
        (50, {"S2": 5000}, 2000),
    ],
)
def test_ex_13_group_value_specifier(priority: int, expected: dict[str, int], due: int) -> None:
    us = BalanceSpecifier(pricing_group_values={"region": "us"})
    result = drawn(
        [line("P", 400, 10, region="us"), line("P", 375, 8, region="eu")],
        [balance("S1", 5000, specifiers=[us]), balance("S2", 5000, priority=priority)],
    )
    assert by_balance(result) == expected
    assert payable(result) == due


def test_ex_14_free_before_paid() -> None:
    result = drawn([line("P", 1200)], [balance("X", 1000), balance("Y", 1000, paid=False)])
    assert by_balance(result) == {"Y": 1000, "X": 200}


def test_ex_16_rollovers_first() -> None:
    result = drawn(
        [line("P", 2500)],
        [
            balance("N", 5000, type=BalanceType.CREDIT, priority=1),
            balance("R2", 1000, priority=1, rolled_over=True),
            balance("R1", 1000, type=BalanceType.POSTPAID, priority=200, rolled_over=True),
        ],
    )
    assert by_balance(result) == {"R1": 1000, "R2": 1000, "N": 500}
    assert payable(result) == 1000


def test_ex_17_type_beats_priority() -> None:
    result = drawn(
        [line("P", 1500)],
        [
            balance("postpaid", 1000, type=BalanceType.POSTPAID, priority=1),
            balance("prepaid", 1000, priority=999),
        ],
    )
    assert by_balance(result) == {"prepaid": 1000, "postpaid": 500}
    assert payable(result) == 500


def test_ex_19_commit_rate_stretches_the_commit() -> None:
    commit = balance("commit", 100000)
    result = draw(
        [line("P", 20000, 10)],
        sources([commit]),
        contract_id="contract",
        covered_ladder=lambda balance, line: (Tier(price=Decimal(8)),),
    )
    # 100000 / 8 = 12500 covered; the other 7500 at 10.
    assert [shown(one.quantity, one.unit_price, one.total) for one in result.lines] == [
        "12500 8 100000",
        "- - -100000",
        "7500 10 75000",
    ]


def test_ex_20_tier_position_continues() -> None:
    first = LineTier(level=1, starting_at=Decimal(0), size=Decimal(1000))
    second = LineTier(level=2, starting_at=Decimal(1000))
    result = drawn(
        [line("P", 1000, 10, tier=first), line("P", 500, 5, tier=second)],
        [balance("commit", 7000)],
    )
    # The commit pays 700 × 10; what is due is 300 × 10 + 500 × 5.
    assert payable(result) == 5500


def test_a_part_that_does_not_divide_evenly_loses_nothing() -> None:
    result = drawn([line("P", 80, 120)], [balance("commit", 5000)])
    covered, applied, rest = result.lines
    # 5000 / 120 = 41.6666…; amounts stay exact: 9600 − 5000.
    assert shown(covered.total, applied.total, rest.total) == "5000 -5000 4600"
    assert covered.quantity is not None
    assert rest.quantity is not None
    assert round(covered.quantity, 10) == Decimal("41.6666666667")
    assert covered.quantity + rest.quantity == 80


def test_ex_36_ledger_with_manual_entries() -> None:
    credit = balance("K", 10000, type=BalanceType.CREDIT)
    used = Deduction(
        segment_id="K-1",
        invoice_id="invoice",
        contract_id="contract",
        amount=Decimal(2500),
        timestamp=FEBRUARY,
    )
    manual = [
        ManualEntry(id=str(n), segment_id="K-1", amount=Decimal(a), timestamp=FEBRUARY, reason="r")
        for n, a in enumerate([1500, -12000, 4000])
    ]
    expected = [7500, 9000, 0, 1000]
    for count, value in enumerate(expected):
        now = credit.model_copy(
            update={"deductions": (used,), "manual_entries": tuple(manual[:count])}
        )
        assert worth(now, FEBRUARY) == value
    ledger = entries(
        credit.model_copy(update={"deductions": (used,), "manual_entries": tuple(manual)}), FEBRUARY
    )
    assert [f"{entry.type} {entry.amount}" for entry in ledger] == [
        "CREDIT_SEGMENT_START 10000",
        "CREDIT_AUTOMATED_INVOICE_DEDUCTION -2500",
        "CREDIT_MANUAL 1500",
        "CREDIT_MANUAL -12000",
        "CREDIT_MANUAL 4000",
    ]


def test_ex_01_what_is_left_expires() -> None:
    credit = balance("K", 10000, type=BalanceType.CREDIT, end=FEBRUARY)
    used = Deduction(
        segment_id="K-1",
        invoice_id="invoice",
        contract_id="contract",
        amount=Decimal(6300),
        timestamp=FEBRUARY,
    )
    spent = credit.model_copy(update={"deductions": (used,)})
    assert [f"{entry.type} {entry.amount}" for entry in entries(spent, FEBRUARY)] == [
        "CREDIT_SEGMENT_START 10000",
        "CREDIT_AUTOMATED_INVOICE_DEDUCTION -6300",
        "CREDIT_EXPIRATION -3700",
    ]
    assert worth(spent, FEBRUARY) == 0
