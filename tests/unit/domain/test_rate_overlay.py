from datetime import UTC, datetime
from decimal import Decimal

from backbeat.domain.rates import in_product_order, not_replaced, rate_at, schedule
from backbeat.models.money import USD
from backbeat.models.rates import Rate, RateType
from backbeat.models.schedules import Frequency


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def rate(
    sequence: int,
    start: int = 1,
    end: int | None = None,
    *,
    product: str = "p",
    frequency: Frequency | None = None,
    **values: str,
) -> Rate:
    return Rate(
        product_id=product,
        starting_at=day(start),
        ending_before=None if end is None else day(end),
        entitled=True,
        rate_type=RateType.FLAT,
        price=Decimal(sequence),
        billing_frequency=frequency,
        credit_type=USD,
        pricing_group_values=values,
        created_at=day(1),
        sequence=sequence,
    )


def spans(rates: list[Rate]) -> list[tuple[int, int, int | None]]:
    return [
        (
            segment.rate.sequence,
            segment.starting_at.day,
            None if segment.ending_before is None else segment.ending_before.day,
        )
        for segment in schedule(rates)
    ]


def test_the_rate_added_last_holds_where_several_do() -> None:
    rates = [rate(1), rate(2, 5, 10)]

    held = {n: rate_at(rates, group_values={}, instant=day(n)) for n in (1, 4, 5, 9, 10)}

    assert {n: None if r is None else r.sequence for n, r in held.items()} == {
        1: 1,
        4: 1,
        5: 2,
        9: 2,
        10: 1,
    }


def test_a_rate_of_exactly_these_values_goes_before_the_default() -> None:
    rates = [rate(1, model="a"), rate(2), rate(3, model="b")]

    assert rate_at(rates, group_values={"model": "a"}, instant=day(1)) == rates[0]
    assert rate_at(rates, group_values={"model": "c"}, instant=day(1)) == rates[1]


def test_without_default_and_match_there_is_no_rate() -> None:
    assert rate_at([rate(1, model="a")], group_values={"model": "b"}, instant=day(1)) is None
    assert rate_at([rate(1, 2)], group_values={}, instant=day(1)) is None


def test_billing_frequencies_do_not_meet() -> None:
    monthly, annual = rate(1, frequency=Frequency.MONTHLY), rate(2, frequency=Frequency.ANNUAL)
    found = rate_at([monthly, annual], group_values={}, instant=day(1), frequency=Frequency.MONTHLY)

    assert found == monthly
    assert rate_at([monthly, annual], group_values={}, instant=day(1)) is None


def test_only_a_rate_of_the_same_line_and_start_is_replaced() -> None:
    first, covered = rate(1), rate(2, 5)
    others = [rate(3, product="q"), rate(4, model="a"), rate(5, frequency=Frequency.ANNUAL)]
    again = rate(6)

    assert not_replaced([first, covered, *others, again]) == [covered, *others, again]


def test_schedule_cuts_a_rate_where_another_covers_it() -> None:
    assert spans([rate(1), rate(2, 5, 10)]) == [(1, 1, 5), (1, 10, None), (2, 5, 10)]


def test_schedule_joins_what_a_covered_cut_does_not_change() -> None:
    # The rate of the 3rd to the 8th is covered whole by the one from the 2nd to the 9th.
    assert spans([rate(1, 3, 8), rate(2, 2, 9)]) == [(2, 2, 9)]


def test_schedule_leaves_gaps() -> None:
    assert spans([rate(1, 1, 3), rate(2, 5, 7)]) == [(1, 1, 3), (2, 5, 7)]


def test_products_named_come_first_the_others_as_they_are() -> None:
    assert in_product_order(["a", "b", "c", "d"], ["d", "x", "b"]) == ["d", "b", "a", "c"]
