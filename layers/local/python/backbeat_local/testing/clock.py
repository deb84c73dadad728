"""A sandbox's clock."""

from datetime import UTC, datetime, timedelta

from backbeat_local.client import Http


class Clock:
    """Moves a sandbox's time. What falls due on the way is done before a call returns."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def now(self) -> datetime:
        """The sandbox's present, in UTC."""
        return _instant(self._http.get("/mock/clock")["data"]["now"])

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self._http.get("/mock/clock")["data"]["frozen_at"] is not None

    def set(self, at: datetime | str) -> datetime:
        """Stops the clock at an instant: an aware datetime, or text like 2025-01-31T12:00:00Z."""
        text = at if isinstance(at, str) else _aware(at).isoformat()
        return self._move({"now": text})

    def freeze(self) -> datetime:
        """Stops the clock where it is."""
        return self._move({"advance": 0})

    def advance(
        self,
        *,
        years: int = 0,
        months: int = 0,
        weeks: int = 0,
        days: int = 0,
        hours: int = 0,
        minutes: int = 0,
        seconds: int = 0,
    ) -> datetime:
        """Moves the clock on and stops it there: calendar months first, then the rest.

        Returns the new present.
        """
        span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        if years < 0 or months < 0 or span < timedelta():
            raise ValueError("the clock only advances; use set() to go back")
        duration = f"P{years}Y{months}M{span.days}DT{span.seconds}S"
        return self._move({"advance": duration})

    def follow_system(self) -> datetime:
        """Lets the clock run with real time again."""
        return self._move({"system": True})

    def _move(self, body: dict[str, object]) -> datetime:
        return _instant(self._http.post("/mock/clock", body)["data"]["now"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at
