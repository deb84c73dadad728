"""What clients of profile `mock` sent, kept as JSON text so that fractions stay exact."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

Fields = Mapping[str, Any]
"""A decoded object; its numbers are `int` or `Decimal`."""

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def decoded(text: str) -> Any:
    """Returns what the text says."""
    return _decoder.decode(text)


def encoded(value: object) -> str:
    """Returns the text of a decoded value."""
    return _encoder.encode(value).decode()
