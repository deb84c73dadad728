"""How the values of event properties are read.

Owns: the text and the number a property value stands for. Does not own: which property is read.
Times: none; a timestamp inside the properties is text like any other.
Invariants: numbers are exact; what is not a number is None, never zero.
"""

import re
from decimal import Decimal
from typing import Final

from backbeat.models.usage import PropertyValue

_NUMERIC: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,9})?", re.ASCII | re.IGNORECASE)
"""What numbers look like as text. `Decimal` itself would read more, such as `1_000`."""


def text_of(value: PropertyValue) -> str | None:
    """Returns the text that filters and groups compare: 1 is "1", true is "true".

    Null counts as absent; objects and arrays have no text. Decision D-17: comparison is by text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return None


def number_of(value: PropertyValue) -> Decimal | None:
    """Returns the number that aggregations add up, or None when the value is not one.

    Decision D-16: JSON numbers and numeric strings both count; null, booleans, other text,
    objects and arrays make the event contribute nothing.
    """
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        return Decimal(value) if _NUMERIC.fullmatch(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return None
