"""`rate(...)` and `cron(...)` as EventBridge Scheduler writes them, in UTC."""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

_RATE: Final = re.compile(r"rate\(\s*([1-9]\d*)\s+(minute|hour|day)s?\s*\)")
_CRON: Final = re.compile(r"cron\(([^()]*)\)")
_MONTHS: Final[Mapping[str, int]] = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_WEEKDAYS: Final[Mapping[str, int]] = {
    "SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7,
}  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1970, 2199


class BadExpression(ValueError):
    """A schedule expression that is wrong or not supported locally."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every `interval`, counted from when the schedule starts."""

    interval: timedelta

    def after(self, moment: datetime) -> datetime | None:
        """Returns the next time to run when `moment` was the last one."""
        return moment + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """Minutes that match every field. Weekdays count from 1, Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def after(self, moment: datetime) -> datetime | None:
        """Returns the first matching minute later than `moment`, or None when there is none."""
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(start.date()):
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    candidate = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if candidate >= start:
                        return candidate
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= first.year):
            for month in sorted(self.months):
                for day in range(1, calendar.monthrange(year, month)[1] + 1):
                    found = date(year, month, day)
                    if (
                        found >= first
                        and day in self.days
                        and found.isoweekday() % 7 + 1 in self.weekdays
                    ):
                        yield found


Expression: TypeAlias = Rate | Cron


def parse_expression(text: str) -> Expression:
    """Reads `rate(5 minutes)` or `cron(minutes hours day-of-month month day-of-week year)`.

    Raises:
        BadExpression: it is neither, or it uses `L`, `W` or `#`.
    """
    if match := _RATE.fullmatch(text.strip()):
        return Rate(timedelta(**{f"{match[2]}s": int(match[1])}))
    if match := _CRON.fullmatch(text.strip()):
        return _parse_cron(text, match[1].split())
    raise BadExpression(f"{text!r} is neither rate(...) nor cron(...)")


def _parse_cron(text: str, fields: list[str]) -> Cron:
    if len(fields) != 6:
        raise BadExpression(f"{text!r} has {len(fields)} fields instead of 6")
    minutes, hours, days, months, weekdays, years = fields
    # One of the two day fields must leave the choice to the other, as in AWS.
    if (days == "?") == (weekdays == "?"):
        raise BadExpression(f"{text!r}: exactly one of day-of-month and day-of-week must be ?")
    return Cron(
        minutes=_parse_field(text, minutes, 0, 59),
        hours=_parse_field(text, hours, 0, 23),
        days=_parse_field(text, "*" if days == "?" else days, 1, 31),
        months=_parse_field(text, months, 1, 12, _MONTHS),
        weekdays=_parse_field(text, "*" if weekdays == "?" else weekdays, 1, 7, _WEEKDAYS),
        years=_parse_field(text, years, _FIRST_YEAR, _LAST_YEAR),
    )


def _parse_field(
    text: str, field: str, low: int, high: int, names: Mapping[str, int] | None = None
) -> frozenset[int]:
    chosen: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            bounds = [low, high]
        else:
            bounds = [
                _number(text, bound, names or {}) for bound in ([first, last] if dash else [first])
            ]
            if step and not dash:
                bounds.append(high)
        stride = _number(text, step, {}) if step else 1
        values = range(bounds[0], bounds[-1] + 1, max(stride, 1))
        if stride < 1 or not values or bounds[0] < low or bounds[-1] > high:
            raise BadExpression(f"{text!r}: {part} is not within {low} to {high}")
        chosen.update(values)
    return frozenset(chosen)


def _number(text: str, word: str, names: Mapping[str, int]) -> int:
    if word in names:
        return names[word]
    if not (word.isascii() and word.isdigit()):
        raise BadExpression(f"{text!r}: {word or 'an empty value'} is not supported locally")
    return int(word)
