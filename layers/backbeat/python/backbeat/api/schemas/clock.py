"""Requests about a sandbox's clock."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from backbeat.api.schemas.types import Flag, Schema, Timestamp
from backbeat.application.sandbox_clock import Duration
from backbeat.models.errors import InvalidArgument

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)


def _duration(value: object) -> Duration:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("must not be negative")
        return _of_parts(seconds=value)
    matched = _DURATION.fullmatch(value.upper()) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("must be whole seconds or an ISO 8601 duration such as P1M or PT36H")
    return _of_parts(**{unit: int(number or 0) for unit, number in matched.groupdict().items()})


def _of_parts(*, years: int = 0, months: int = 0, **rest: int) -> Duration:
    try:
        return Duration(months=12 * years + months, rest=timedelta(**rest))
    except OverflowError as error:
        raise ValueError("is too long") from error


_AS_DURATION: Final = WithJsonSchema(
    {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "duration"}],
        "description": "Whole seconds or an ISO 8601 duration such as P1M.",
    }
)


class MoveClock(Schema):
    """Exactly one of: an instant to stop at, a duration to advance by, or back to real time."""

    now: Timestamp | None = None
    advance: Annotated[Duration, BeforeValidator(_duration), _AS_DURATION] | None = None
    system: Flag = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.now is not None, self.advance is not None, self.system]
        if sum(given) != 1:
            raise ValueError("give exactly one of now, advance and system: true")
        return self

    def target(self, now: datetime) -> datetime:
        """Returns where the clock is to stop, seen from the present.

        Raises:
            InvalidArgument: the calendar of this API does not reach there.
        """
        try:
            target = now if self.advance is None else self.advance.after(now)
            target = self.now or target
        except (OverflowError, ValueError) as error:
            raise InvalidArgument("advance: leads too far") from error
        if not _EARLIEST <= target < _LATEST:
            raise InvalidArgument("the clock runs from 1970 to 2999")
        return target
