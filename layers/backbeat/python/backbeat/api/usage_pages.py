"""Places in lists of usage rows, as the texts that page tokens carry."""

from backbeat.api.schemas.types import parse_timestamp
from backbeat.api.views.times import timestamp
from backbeat.application.seats import SeatRow
from backbeat.application.usage import GroupRow, Position
from backbeat.models.errors import InvalidArgument

_SEPARATOR = "\x1f"


def cursor(position: Position) -> str:
    """Returns the text of a position."""
    return _SEPARATOR.join((position.customer, position.metric_id, timestamp(position.start)))


def position(text: str | None) -> Position | None:
    """Returns the position of a text that `cursor` made.

    Raises:
        InvalidArgument: it made no such text.
    """
    if text is None:
        return None
    try:
        customer, metric_id, start = text.split(_SEPARATOR)
        return Position(customer, metric_id, parse_timestamp(start))
    except ValueError as error:
        raise InvalidArgument("next_page: not a page token of this API") from error


def group_position(row: GroupRow) -> str:
    """Returns the place of a row of grouped usage: window first, then the group's values."""
    return _SEPARATOR.join((timestamp(row.window.starting_at), *row.group.values()))


def seat_position(row: SeatRow) -> str:
    """Returns the place of a row of seat usage."""
    return timestamp(row.window.starting_at)
