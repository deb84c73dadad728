"""Numbers that callers send: which of them can be worked with."""

from decimal import Decimal
from typing import Final

_LARGEST_EXPONENT: Final = 100


def is_measurable(number: Decimal) -> bool:
    """Tells whether a number is finite and no larger or smaller than any amount could be.

    Of others, such as 1e999999999, a few characters come to a billion digits as soon as somebody
    writes them out.
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return False
    return abs(number.adjusted() if number else exponent) <= _LARGEST_EXPONENT
