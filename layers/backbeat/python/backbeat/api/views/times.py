"""Instants as the API writes them."""

from datetime import UTC, datetime


def timestamp(instant: datetime) -> str:
    """Returns RFC 3339 text in UTC; fractions of a second only where there are any."""
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat()


def optional(instant: datetime | None) -> str | None:
    """Returns the text of an instant that may be missing."""
    return None if instant is None else timestamp(instant)


def present(**fields: object) -> dict[str, object]:
    """Returns the fields that are not None: the API leaves most empty fields out."""
    return {name: value for name, value in fields.items() if value is not None}
