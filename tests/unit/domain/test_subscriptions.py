from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import subscriptions as recurring
from backbeat.domain.subscriptions import Part
from backbeat.models.contracts import Contract
from backbeat.models.period import Period
from backbeat.models.schedules import Frequency, StatementSchedule
from backbeat.models.subscriptions import (
    ChangeKind,
    CollectionSchedule,
    InvoiceBehavior,
    Proration,
    ProrationRounding,
    ProrationRoundingMethod,
    QuantityChange,
    Seats,
    Subscription,
)

START = datetime(2025, 1, 1, tzinfo=UTC)


def contract(
    frequency: Frequency = Frequency.MONTHLY,
    *,
    end: datetime | None = None,
    invoices_from: datetime | None = None,
) -> Contract:
    return Contract(
        id="contract",
        customer_id="customer",
        starting_at=START,
        ending_before=end,
        usage_statement_schedule=StatementSchedule(frequency=frequency, anchor=START),
        invoice_generation_starting_at=invoices_from,
        created_at=START,
    )


def change(
    sequence: int, at: datetime, kind: ChangeKind, quantity: object = 0, *seat_ids: str
) -> QuantityChange:
    return QuantityChange(
        sequence=sequence,
        starting_at=at,
        kind=kind,
        quantity=Decimal(str(quantity)),
        seat_ids=seat_ids,
    )


def subscription(
    *changes: QuantityChange,
    quantity: object = 10,
    frequency: Frequency = Frequency.MONTHLY,
    collection: CollectionSchedule = CollectionSchedule.ADVANCE,
    behavior: InvoiceBehavior = InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
    rounding: ProrationRounding | None = None,
    start: datetime = START,
    end: datetime | None = None,
) -> Subscription:
    return Subscription(
        id="subscription",
        product_id="product",
        frequency=frequency,
        collection_schedule=collection,
        proration=Proration(is_prorated=True, invoice_behavior=behavior, rounding=rounding),
        starting_at=start,
        ending_before=end,
        changes=(change(0, start, ChangeKind.SET, quantity), *changes),
        created_at=START,
    )


def billed(entry: Subscription, agreed: Contract, until: datetime) -> list[Part]:
    return list(
        takewhile(lambda part: part.period.starting_at < until, recurring.parts(entry, agreed))
    )


def placed(parts: list[Part]) -> list[tuple[str, int, str, bool]]:
    return [
        (
            f"{part.span.starting_at:%m-%d}",
            int(part.quantity_to - part.quantity_from),
            f"{part.at:%m-%d}",
            part.with_usage,
        )
        for part in parts
    ]


def day(month: int, number: int = 1) -> datetime:
    return datetime(2025, month, number, tzinfo=UTC)


def test_quarterly_usage_leaves_the_months_between_to_scheduled_invoices() -> None:
    parts = billed(subscription(), contract(Frequency.QUARTERLY), day(5))

    # Quarters end on 1 April only.
    assert placed(parts) == [
        ("01-01", 10, "01-01", False),
        ("02-01", 10, "02-01", False),
        ("03-01", 10, "03-01", False),
        ("04-01", 10, "04-01", True),
    ]


def test_arrears_are_billed_with_the_usage_period_that_holds_their_end() -> None:
    entry = subscription(collection=CollectionSchedule.ARREARS)
    agreed = contract(Frequency.QUARTERLY)

    first_quarter = recurring.with_usage_of(entry, agreed, Period(day(1), day(4)))
    second_quarter = recurring.with_usage_of(entry, agreed, Period(day(4), day(7)))

    assert [f"{part.period.starting_at:%m}" for part in first_quarter] == ["01", "02", "03"]
    assert [f"{part.period.starting_at:%m}" for part in second_quarter] == ["04", "05", "06"]


@pytest.mark.parametrize(
    ("behavior", "at", "with_usage"),
    [
        (InvoiceBehavior.BILL_IMMEDIATELY, "03-11", False),
        (InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE, "04-01", True),
    ],
)
def test_increases_are_billed_as_their_behavior_says(
    behavior: InvoiceBehavior, at: str, with_usage: bool
) -> None:
    entry = subscription(change(1, day(3, 11), ChangeKind.ADD, 2), behavior=behavior)

    increase = placed(billed(entry, contract(), day(4)))[-1]

    assert increase == ("03-11", 2, at, with_usage)


def test_only_quantities_above_all_billed_before_are_billed() -> None:
    entry = subscription(
        change(1, day(3, 5), ChangeKind.ADD, 5),
        change(2, day(3, 10), ChangeKind.ADD, -8),
        change(3, day(3, 20), ChangeKind.ADD, 10),
    )

    # 10 at the start, 15 on the 5th, 7 on the 10th, 17 on the 20th: two above the 15.
    parts = billed(entry, contract(), day(4))
    march = [part for part in parts if part.period.starting_at == day(3)]
    assert [(int(part.quantity_from), int(part.quantity_to)) for part in march] == [
        (0, 10),
        (10, 15),
        (15, 17),
    ]


def test_changes_on_the_first_instant_of_a_period_are_part_of_it() -> None:
    entry = subscription(change(1, day(3), ChangeKind.ADD, 2))

    assert placed(billed(entry, contract(), day(4)))[-1] == ("03-01", 12, "03-01", True)


def test_nothing_is_billed_before_the_contracts_invoices_start() -> None:
    agreed = contract(invoices_from=day(4))
    entry = subscription()

    assert list(recurring.scheduled_parts(entry, agreed, now=day(6))) == []
    april = list(recurring.with_usage_of(entry, agreed, Period(day(4), day(5))))
    assert placed(april) == [("05-01", 10, "05-01", True)]


@pytest.mark.parametrize(
    ("method", "decimals", "expected"),
    [
        # 1000 × 21/31 = 677.4193548387…
        (ProrationRoundingMethod.HALF_UP, 2, "677.42"),
        (ProrationRoundingMethod.FLOOR, 1, "677.4"),
        (ProrationRoundingMethod.CEILING, -1, "680"),
        (ProrationRoundingMethod.HALF_UP, -3, "1000"),
        (ProrationRoundingMethod.FLOOR, -3, "0"),
        (ProrationRoundingMethod.CEILING, 5, "677.41936"),
    ],
)
def test_prorated_prices_are_rounded(
    method: ProrationRoundingMethod, decimals: int, expected: str
) -> None:
    rounding = ProrationRounding(rounding_method=method, decimal_places=decimals)
    entry = subscription(change(1, day(3, 11), ChangeKind.ADD, 2), rounding=rounding)
    increase = billed(entry, contract(), day(4))[-1]

    assert recurring.unit_price(increase, Decimal(1000)) == Decimal(expected)


def test_whole_periods_are_not_rounded() -> None:
    rounding = ProrationRounding(rounding_method=ProrationRoundingMethod.CEILING, decimal_places=-2)
    [first] = billed(subscription(rounding=rounding), contract(), day(2))

    assert recurring.unit_price(first, Decimal("1050.5")) == Decimal("1050.5")


def test_stretches_leave_out_changes_that_change_nothing() -> None:
    entry = subscription(
        change(1, day(2), ChangeKind.SET, 12),
        change(2, day(3), ChangeKind.SET, 12),
        change(3, day(4), ChangeKind.ADD, -1),
        end=day(6),
    )

    assert [
        (stretch.starting_at, stretch.ending_before, int(stretch.seats.quantity))
        for stretch in recurring.stretches(entry)
    ] == [(day(1), day(2), 10), (day(2), day(4), 12), (day(4), day(6), 11)]


def test_more_unassigned_seats_than_there_are_cannot_go() -> None:
    entry = subscription(
        change(1, day(2), ChangeKind.ADD_SEATS, 0, "a", "b", "a"),
        change(2, day(3), ChangeKind.REMOVE_UNASSIGNED, 5),
        quantity=3,
    )

    # Three unassigned; a and b fill two of them; of the last one five cannot be taken.
    assert recurring.seats_at(entry, day(2)).unassigned == 1
    assert recurring.seats_at(entry, day(3)) == Seats(("a", "b"), Decimal(0))


_CHANGES = st.dictionaries(
    st.integers(min_value=1, max_value=24 * 120),
    st.tuples(
        st.sampled_from([ChangeKind.SET, ChangeKind.ADD]), st.integers(min_value=0, max_value=20)
    ),
    max_size=8,
)


@given(wanted=_CHANGES, shuffled=st.randoms(use_true_random=False))
def test_updates_made_in_any_order_give_the_same_quantities(
    wanted: dict[int, tuple[ChangeKind, int]], shuffled: Random
) -> None:
    hours = list(wanted)
    shuffled.shuffle(hours)

    def made(order: list[int]) -> Subscription:
        return subscription(
            *(
                change(number, START + timedelta(hours=hour), *wanted[hour])
                for number, hour in enumerate(order, start=1)
            )
        )

    in_order, mixed = made(sorted(wanted)), made(hours)

    assert recurring.stretches(mixed) == recurring.stretches(in_order)
    until = day(7)
    assert placed(billed(mixed, contract(), until)) == placed(billed(in_order, contract(), until))


@given(wanted=_CHANGES)
@settings(deadline=None)
def test_no_unit_is_billed_twice_in_a_period(wanted: dict[int, tuple[ChangeKind, int]]) -> None:
    entry = subscription(
        *(
            change(number, START + timedelta(hours=hour), *wanted[hour])
            for number, hour in enumerate(wanted, start=1)
        )
    )

    by_period: dict[Period, list[Part]] = {}
    for part in billed(entry, contract(), day(7)):
        by_period.setdefault(part.period, []).append(part)

    for period, parts in by_period.items():
        highest = max(
            recurring.seats_at(entry, period.starting_at).quantity,
            *(
                stretch.seats.quantity
                for stretch in recurring.stretches(entry)
                if period.covers(stretch.starting_at)
            ),
            Decimal(0),
        )
        # The parts lie end to end from nothing to the most there ever was.
        assert parts[0].quantity_from == 0
        assert [part.quantity_from for part in parts[1:]] == [p.quantity_to for p in parts[:-1]]
        assert parts[-1].quantity_to == highest
