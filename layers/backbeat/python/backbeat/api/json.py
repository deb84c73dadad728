"""JSON in and out with exact numbers. The only place where JSON numbers are written."""

from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Final

import msgspec

from backbeat.models.errors import InvalidArgument
from backbeat.models.numbers import is_measurable

_ALL_DIGITS: Final = Context(prec=999, Emax=MAX_EMAX, Emin=MIN_EMIN)


def number(text: str) -> Decimal:
    """Returns a number exactly.

    Raises:
        InvalidArgument: no amount can be this large or small; written out it would cost time.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise InvalidArgument(f"The body has a number out of range: {text[:20]}") from error
    if not is_measurable(value):
        raise InvalidArgument(f"The body has a number out of range: {text[:20]}")
    return value


_decoder: Final = msgspec.json.Decoder(float_hook=number)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def loads(text: str | bytes) -> object:
    """Returns the decoded value; numbers are `int` or `Decimal`.

    Raises:
        InvalidArgument: the text is not JSON, or a number in it is beyond all measure.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}") from error


def dumps(value: object) -> str:
    """Returns JSON text. Decimals become numbers with every digit and no trailing zeros."""
    return _encoder.encode(_plain(value)).decode()


def _plain(value: object) -> object:
    # By class, since asking what is a mapping of each text takes longer than all the rest.
    kind = value.__class__
    if kind is str or value is None or kind is int or kind is bool:
        return value
    if kind is dict:
        return {name: _plain(item) for name, item in value.items()}  # type: ignore[attr-defined]
    if isinstance(value, Decimal):
        # An integral decimal is written as an integer: 1E+2 and 100.00 are both 100.
        whole = value.to_integral_value()
        return int(whole) if whole == value else value.normalize(_ALL_DIGITS)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def number_text(value: Decimal) -> str:
    """Returns a decimal as the API writes it where it wants numbers in strings."""
    return format(value.normalize(_ALL_DIGITS), "f")
