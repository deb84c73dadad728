"""Segments of a named schedule laid over each other.

Owns: which value holds after another one was set for a stretch of time.
Does not own: what the values mean; nothing in billing reads them.
Times: segments are half-open; None is without end.
Invariants: segments are in order of time and never overlap.
"""

from collections.abc import Iterator, Sequence

from backbeat.models.named_schedules import ScheduleSegment


def overlaid(
    segments: Sequence[ScheduleSegment], new: ScheduleSegment
) -> tuple[ScheduleSegment, ...]:
    """Returns the segments with the new one over them: what it covers of the others is cut off."""
    left = [part for segment in segments for part in _outside(segment, new)]
    return tuple(sorted([*left, new], key=lambda segment: segment.starting_at))


def _outside(segment: ScheduleSegment, new: ScheduleSegment) -> Iterator[ScheduleSegment]:
    """Yields what is left of a segment before and after the new one."""
    if segment.starting_at < new.starting_at:
        end = new.starting_at
        if segment.ending_before is not None:
            end = min(end, segment.ending_before)
        yield segment.model_copy(update={"ending_before": end})
    if new.ending_before is not None and (
        segment.ending_before is None or new.ending_before < segment.ending_before
    ):
        start = max(segment.starting_at, new.ending_before)
        yield segment.model_copy(update={"starting_at": start})
