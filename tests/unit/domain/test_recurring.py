"""Periods of recurring commits and credits, and what each brings."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import recurring, seats
from backbeat.models.balances import BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.money import USD
from backbeat.models.recurring import ProratedPeriods, RecurringAmount, RecurringBalance
from backbeat.models.schedules import Frequency
from backbeat.models.seats import Allocation, SeatLink
from backbeat.models.subscriptions import (
    ChangeKind,
    CollectionSchedule,
    InvoiceBehavior,
    Proration,
    QuantityChange,
    Subscription,
)
from tests.unit.builders import contract, utc

START = utc("2024-01-01")
HOURS = st.integers(0, 24 * 800)
FREQUENCIES = st.sampled_from(
    [None, Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL]
)


def after(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def template(
    start: datetime,
    *,
    end: datetime | None = None,
    frequency: Frequency | None = None,
    proration: ProratedPeriods = ProratedPeriods.FIRST_AND_LAST,
    duration: int = 1,
    price: Decimal = Decimal(3100),
    link: SeatLink | None = None,
) -> RecurringBalance:
    return RecurringBalance(
        id="template",
        sequence=0,
        type=BalanceType.CREDIT,
        product_id="p",
        product_name="Product",
        access=RecurringAmount(
            unit_price=price, quantity=None if link else Decimal(1), credit_type=USD
        ),
        priority=Decimal(1),
        duration=duration,
        starting_at=start,
        ending_before=end,
        frequency=frequency,
        proration=proration,
        link=link,
    )


@given(
    begin=HOURS,
    lasts=st.integers(1, 24 * 800),
    agreed=HOURS,
    frequency=FREQUENCIES,
    proration=st.sampled_from(ProratedPeriods),
    duration=st.integers(1, 3),
)
@settings(max_examples=150, deadline=None)
def test_periods_cover_the_span_without_gap_or_overlap(
    begin: int,
    lasts: int,
    agreed: int,
    frequency: Frequency | None,
    proration: ProratedPeriods,
    duration: int,
) -> None:
    agreement = contract(after(agreed).isoformat()[:13].replace("T", " ") + ":00")
    start = max(after(begin), agreement.starting_at)
    end = start + timedelta(hours=lasts)
    entry = template(
        after(begin), end=end, frequency=frequency, proration=proration, duration=duration
    )
    found = list(recurring.occurrences(entry, agreement))
    assert found[0].period.starting_at == start
    assert found[-1].period.ending_before == end
    for one, following in pairwise(found):
        assert one.period.ending_before == following.period.starting_at
        assert one.period.ending_before == one.whole.ending_before
        assert following.made_at == one.period.starting_at
    assert found[0].made_at < start
    made = [recurring.child(entry, agreement, one) for one in found]
    assert len({child.id for child in made}) == len(made)
    for number, (one, child) in enumerate(zip(found, made, strict=True)):
        # The amount is exactly what the time that counts is of the whole period.
        first, last = number == 0, number == len(found) - 1
        whole = one.whole.ending_before - one.whole.starting_at
        counted = whole
        if first and "FIRST" in proration:
            counted -= one.period.starting_at - one.whole.starting_at
        if last and "LAST" in proration:
            counted -= one.whole.ending_before - one.period.ending_before
        exact = (
            Fraction(3100)
            * Fraction(counted // timedelta(hours=1))
            / Fraction(whole // timedelta(hours=1))
        )
        [segment] = child.segments
        assert abs(Fraction(segment.amount) - exact) < Fraction(1, 10**40)
        assert segment.starting_at == one.period.starting_at
        assert segment.ending_before >= one.period.ending_before
        # Made anew it is the same.
        assert recurring.child(entry, agreement, one) == child


def test_months_keep_their_day() -> None:
    entry = template(utc("2025-01-31"), frequency=Frequency.MONTHLY)
    found = islice(recurring.occurrences(entry, contract("2025-01-01")), 4)
    # The 31st is the last day of short months, and the 31st again after.
    assert [one.period.starting_at for one in found] == [
        utc("2025-01-31"),
        utc("2025-02-28"),
        utc("2025-03-31"),
        utc("2025-04-30"),
    ]


def test_a_start_before_the_contracts_counts_from_there() -> None:
    entry = template(utc("2024-12-10"), frequency=Frequency.MONTHLY)
    agreement = contract("2025-01-20")
    assert recurring.anchor_of(entry, agreement) == utc("2025-01-20")
    first = next(recurring.occurrences(entry, agreement))
    assert first.period == (utc("2025-01-20"), utc("2025-02-20"))
    assert first.period == first.whole


def test_a_contracts_end_cuts_access_of_several_periods() -> None:
    entry = template(utc("2025-01-01"), duration=3)
    agreement = contract("2025-01-01", end="2025-04-16")
    # April is cut, and so is the access of February and March.
    assert [one.access for one in recurring.occurrences(entry, agreement)] == [
        (utc("2025-01-01"), utc("2025-04-01")),
        (utc("2025-02-01"), utc("2025-04-16")),
        (utc("2025-03-01"), utc("2025-04-16")),
        (utc("2025-04-01"), utc("2025-04-16")),
    ]


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 40 * 24),
        st.sampled_from([ChangeKind.ADD_SEATS, ChangeKind.REMOVE_SEATS]),
        st.sampled_from("abcd"),
    ),
    max_size=8,
)


def subscription(changes: list[tuple[int, ChangeKind, str]]) -> Subscription:
    first = QuantityChange(
        sequence=0, starting_at=utc("2025-04-01"), kind=ChangeKind.ADD_SEATS, seat_ids=("a",)
    )
    return Subscription(
        id="s",
        product_id="p",
        frequency=Frequency.MONTHLY,
        collection_schedule=CollectionSchedule.ADVANCE,
        proration=Proration(
            is_prorated=True, invoice_behavior=InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
        ),
        starting_at=utc("2025-04-01"),
        seat_group_key="seat",
        changes=(
            first,
            *(
                QuantityChange(
                    sequence=number,
                    starting_at=utc("2025-04-01") + timedelta(hours=hours),
                    kind=kind,
                    seat_ids=(seat,),
                )
                for number, (hours, kind, seat) in enumerate(changes, start=1)
            ),
        ),
        created_at=utc("2025-04-01"),
    )


@given(changes=CHANGES, individual=st.booleans(), later=CHANGES)
@settings(max_examples=100, deadline=None)
def test_what_seats_brought_is_never_taken_back_and_counted_once(
    changes: list[tuple[int, ChangeKind, str]],
    individual: bool,
    later: list[tuple[int, ChangeKind, str]],
) -> None:
    link = SeatLink(
        subscription_id="s",
        allocation=Allocation.INDIVIDUAL if individual else Allocation.POOLED,
        is_prorated=True,
    )
    entry = template(utc("2025-04-01"), price=Decimal(720), link=link)
    agreement = with_subscription(subscription([]))
    made = recurring.child(entry, agreement, next(recurring.occurrences(entry, agreement)))
    assert made.seats is not None

    end = utc("2025-05-01")
    once = seats.adjusted(made.seats, subscription(changes), until=end)
    assert seats.adjusted(once, subscription(changes), until=end) == once
    more = seats.adjusted(once, subscription([*changes, *later]), until=end)
    child = made.model_copy(update={"seats": more})
    assert seats.granted(child) >= seats.granted(made.model_copy(update={"seats": once}))
    # 720 a seat is one for each of April's 720 hours; no seat brings more than that.
    assert all(0 < added.amount <= 720 * 4 for added in more.adjustments)
    if individual:
        parts = [seats.part_of(child, seat_id) for seat_id in seats.seat_ids(child)]
        assert sum(seats.granted(part) for part in parts) == seats.granted(child)
        assert all(seats.granted(part) <= 720 for part in parts)


def with_subscription(entry: Subscription) -> Contract:
    return contract("2025-04-01").model_copy(update={"subscriptions": (entry,)})
