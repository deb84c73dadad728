"""Calendar months, the partitions that usage is stored in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from backbeat.models.period import Period
from backbeat.persistence import keys
from backbeat.ports.store import Query


def of(span: Period) -> Iterator[tuple[datetime, Period]]:
    """Yields each calendar month a span touches, and the part of the span in it."""
    start = span.starting_at.astimezone(UTC)
    end = span.ending_before.astimezone(UTC)
    while start < end:
        month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (month + timedelta(days=32)).replace(day=1)
        yield month, Period(start, min(following, end))
        start = following


def query(partition: str, month: datetime, part: Period) -> Query:
    """Returns the query for the hours of a month's partition that lie in a part of the month."""
    # The hour that ends the part is named in full, unless the month ends with it.
    ends_inside = part.ending_before.month == month.month
    return Query(
        partition,
        low=keys.hour_of_month(part.starting_at),
        high=keys.hour_of_month(part.ending_before) if ends_inside else None,
    )


@lru_cache(maxsize=4096)
def hour(month: datetime, text: str) -> datetime:
    """Returns the hour that the beginning of a sort key names."""
    return month.replace(day=int(text[:2]), hour=int(text[3:5]))
