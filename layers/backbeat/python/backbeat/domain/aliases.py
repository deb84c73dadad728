"""Which rate card a name stands for, and when.

Owns: what happens to earlier assignments when a name is assigned anew.
Does not own: contracts, which look a name up once, when they are created.
Times: segments are half-open; None is without start or end.
Invariants: at any instant a name stands for at most one card.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from backbeat.models.rates import AliasSegment


def assigned(
    segments: Sequence[AliasSegment], card_id: str, new: Iterable[AliasSegment]
) -> tuple[AliasSegment, ...]:
    """Returns a name's segments after a card was given these instead of the ones it had.

    The newest assignment wins: whoever held the name ends where the new assignment starts, and
    does not get it back when that ends.
    """
    held = [segment for segment in segments if segment.rate_card_id != card_id]
    for segment in new:
        held = [*_ended(held, segment), segment]
    return tuple(held)


def holder(segments: Iterable[AliasSegment], instant: datetime) -> str | None:
    """Returns the card that a name stands for at an instant, or None."""
    for segment in segments:
        if segment.covers(instant):
            return segment.rate_card_id
    return None


def _ended(held: Iterable[AliasSegment], new: AliasSegment) -> Iterator[AliasSegment]:
    for segment in held:
        if not _overlap(segment, new):
            yield segment
        elif new.starting_at is not None and (
            segment.starting_at is None or segment.starting_at < new.starting_at
        ):
            yield segment.model_copy(update={"ending_before": new.starting_at})


def _overlap(one: AliasSegment, other: AliasSegment) -> bool:
    return _starts_before_end(one, other) and _starts_before_end(other, one)


def _starts_before_end(one: AliasSegment, other: AliasSegment) -> bool:
    return (
        one.starting_at is None
        or other.ending_before is None
        or one.starting_at < other.ending_before
    )
