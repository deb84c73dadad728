"""Signed ISO 8601 durations.

Owns: reading them, and the instant a duration away. Does not own: what is told then.
Times: UTC; months are added to the calendar first, then an exact rest.
Invariants: a duration and its negative are read alike.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backbeat.domain import periods

_ISO: Final = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?"
    r"(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_LONGEST: Final = timedelta(days=36_525)
_MOST_MONTHS: Final = 1200


@dataclass(frozen=True, slots=True)
class Offset:
    """How far from an instant; both parts bear the same sign."""

    months: int
    rest: timedelta

    @property
    def is_negative(self) -> bool:
        """Tells whether it leads back in time."""
        return self.months < 0 or self.rest < timedelta()

    def from_(self, instant: datetime) -> datetime:
        """Returns the instant so far away; a day the month does not have is its last one."""
        return periods.add_months(instant, self.months) + self.rest


def parse(text: str) -> Offset:
    """Returns a duration such as `P1D` or `-P3DT12H`.

    Raises:
        ValueError: it is none, or longer than a century.
    """
    matched = _ISO.fullmatch(text)
    if matched is None:
        raise ValueError("must be an ISO 8601 duration such as P1D or -P3DT12H")
    sign, *_ = matched.groups()
    given = {unit: int(n or 0) for unit, n in matched.groupdict().items() if unit != "sign"}
    months = 12 * given.pop("years") + given.pop("months")
    try:
        rest = timedelta(**given)
    except OverflowError as error:
        raise ValueError("must not be longer than a century") from error
    if months > _MOST_MONTHS or rest > _LONGEST:
        raise ValueError("must not be longer than a century")
    return Offset(-months, -rest) if sign == "-" else Offset(months, rest)
