"""Parameters of a call as pydantic models, and what is wrong with them in Stripe's words."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mock_stripe.errors import InvalidRequest

P = TypeVar("P", bound="Parameters")

_DECIMAL_PLACES: Final = 12
_DECIMAL_DIGITS: Final = 12
"""Before the point: more than any amount in cents has."""
_PLAIN: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_SHOWN: Final = 40
"""Characters of a wrong value that are shown."""
_METADATA_KEYS: Final = 50
_METADATA_KEY_LENGTH: Final = 40
_METADATA_VALUE_LENGTH: Final = 500


class Nested(BaseModel):
    """A parameter with parts. What it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def sent(self, name: str) -> bool:
        """Tells whether the caller sent this parameter, be it empty."""
        return name in self.model_fields_set


class Parameters(Nested):
    """The parameters of a call."""

    expand: tuple[str, ...] = ()


class ListParameters(Parameters):
    """A page of a list, newest first."""

    limit: int = Field(10, ge=1, le=100)
    starting_after: str | None = None
    ending_before: str | None = None


class Range(Nested):
    """Unix seconds between bounds."""

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None

    def holds(self, moment: int) -> bool:
        """Tells whether an instant is inside."""
        return (
            (self.gt is None or moment > self.gt)
            and (self.gte is None or moment >= self.gte)
            and (self.lt is None or moment < self.lt)
            and (self.lte is None or moment <= self.lte)
        )


def empty_is_none(value: object) -> object:
    """Returns None for an empty value, which unsets a parameter."""
    return None if value == "" else value


def _range(value: object) -> object:
    return {"gte": value, "lte": value} if isinstance(value, str | int) else value


def _boolean(value: object) -> object:
    if value in ("true", True):
        return True
    if value in ("false", False):
        return False
    raise ValueError(f"Invalid boolean: {value}")


def plain_decimal(text: str) -> Decimal | None:
    """Returns the number that digits and a point say, or None: no exponents, no NaN."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def _decimal(value: object) -> object:
    number = plain_decimal(str(value))
    if number is None or number.adjusted() >= _DECIMAL_DIGITS:
        raise ValueError(f"Invalid decimal: {str(value)[:_SHOWN]}")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DECIMAL_PLACES:
        raise ValueError(f"Invalid decimal: {value}; at most {_DECIMAL_PLACES} places are allowed")
    return number


def _metadata(value: object) -> object:
    if value == "":
        return None
    if isinstance(value, list):
        value = {str(number): text for number, text in enumerate(value)}
    if not isinstance(value, dict):
        raise ValueError("Invalid object")
    for name, text in value.items():
        if len(name) > _METADATA_KEY_LENGTH:
            raise ValueError(
                f"Metadata keys can be at most {_METADATA_KEY_LENGTH} characters: {name}"
            )
        if not isinstance(text, str) or len(text) > _METADATA_VALUE_LENGTH:
            raise ValueError(
                f"Metadata values can be at most {_METADATA_VALUE_LENGTH} characters: {name}"
            )
    return value


Boolean = Annotated[bool, BeforeValidator(_boolean)]
Created = Annotated[Range | None, BeforeValidator(_range)]
Text = Annotated[str | None, BeforeValidator(empty_is_none)]
"""Text that an empty value unsets."""
Amount = Annotated[int, Field(ge=-99_999_999, le=99_999_999)]
"""Whole units of the smallest coin, such as cents."""
Fraction = Annotated[Decimal, BeforeValidator(_decimal)]
"""A decimal with up to 12 places, such as a price in cents."""
Metadata = Annotated[dict[str, str] | None, BeforeValidator(_metadata)]
"""What is merged into an object's metadata; None clears it."""


def merged_metadata(before: dict[str, str], sent: dict[str, str] | None) -> dict[str, str]:
    """Returns metadata after an update: keys merge, an empty value removes its key.

    Raises:
        InvalidRequest: there are more than 50 keys.
    """
    if sent is None:
        return {}
    merged = {name: text for name, text in {**before, **sent}.items() if text != ""}
    if len(merged) > _METADATA_KEYS:
        raise InvalidRequest(
            f"You can only have {_METADATA_KEYS} metadata keys; there would be {len(merged)}",
            param="metadata",
        )
    return merged


def parse(schema: type[P], tree: dict[str, Any]) -> P:
    """Returns the parameters a call was sent.

    Raises:
        InvalidRequest: names the first parameter that is wrong.
    """
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        # What is unknown is told last: a misspelt required name is first of all missing.
        problems = sorted(error.errors(), key=lambda one: one["type"] == "extra_forbidden")
        raise _refusal(problems[0]) from error


def in_brackets(steps: Sequence[str | int]) -> str:
    """Returns a parameter's name as it is sent: `items[0][price]`."""
    first, *rest = steps or ("",)
    return f"{first}{''.join(f'[{step}]' for step in rest)}"


def _refusal(problem: Any) -> InvalidRequest:
    param, kind, value = in_brackets(problem["loc"]), problem["type"], problem["input"]
    match kind:
        case "missing":
            return InvalidRequest(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
        case "extra_forbidden":
            return InvalidRequest(
                f"Received unknown parameter: {param}", code="parameter_unknown", param=param
            )
        case "int_parsing" | "int_type" | "int_from_float":
            return InvalidRequest(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=param
            )
        case "string_too_short":
            return InvalidRequest(
                f"You passed an empty string for '{param}', which cannot be unset.",
                code="parameter_invalid_empty",
                param=param,
            )
        case "string_type":
            return InvalidRequest(f"Invalid string: {value}", param=param)
        case "literal_error":
            allowed = problem["ctx"]["expected"].replace("'", "")
            return InvalidRequest(f"Invalid {param}: must be one of {allowed}", param=param)
        case "value_error":
            return InvalidRequest(str(problem["ctx"]["error"]), param=param)
        case _:
            return InvalidRequest(f"Invalid {param}: {problem['msg']}", param=param)
