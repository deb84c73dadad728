from datetime import UTC, datetime

from backbeat.domain.aliases import assigned, holder
from backbeat.models.rates import AliasSegment


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def segment(card: str, start: int | None = None, end: int | None = None) -> AliasSegment:
    return AliasSegment(
        rate_card_id=card,
        starting_at=None if start is None else day(start),
        ending_before=None if end is None else day(end),
    )


def test_the_earlier_holder_ends_where_the_newer_begins() -> None:
    held = assigned([segment("old")], "new", [segment("new", 10)])

    assert held == (segment("old", end=10), segment("new", 10))
    assert holder(held, day(9)) == "old"
    assert holder(held, day(10)) == "new"


def test_the_earlier_holder_does_not_get_the_name_back() -> None:
    held = assigned([segment("old")], "new", [segment("new", 10, 20)])

    assert holder(held, day(20)) is None


def test_what_lies_outside_the_new_assignment_stays() -> None:
    held = assigned([segment("a", 1, 5), segment("b", 20)], "new", [segment("new", 5, 20)])

    assert [holder(held, day(n)) for n in (1, 5, 19, 20)] == ["a", "new", "new", "b"]


def test_a_later_assignment_without_dates_is_all_there_is() -> None:
    assert assigned([segment("a", 1), segment("b", None, 1)], "c", [segment("c")]) == (
        segment("c"),
    )


def test_a_cards_new_assignments_replace_its_own() -> None:
    held = assigned([segment("a", 1, 5), segment("b", 5)], "a", [])

    assert held == (segment("b", 5),)
