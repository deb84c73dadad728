"""Ids that look like Stripe's and sort by when they were made."""

from hashlib import sha256
from typing import Final

from mock_stripe.world.kinds import Kind

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ORDER_DIGITS: Final = 5
"""62 to the power of 5: 916 million objects a world."""


def numbered(kind: Kind, world: str, number: int) -> str:
    """Returns the id of the world's `number`th object: the same for the same world and number.

    Later numbers sort behind earlier ones, so a range read in key order is in order of creation.
    """
    tail = kind.id_length - _ORDER_DIGITS
    return (
        f"{kind.prefix}{_in_base_62(number, _ORDER_DIGITS)}{scrambled(f'{world}#{number}', tail)}"
    )


def scrambled(seed: str, length: int) -> str:
    """Returns letters and digits that depend on the seed alone."""
    return _in_base_62(int.from_bytes(sha256(seed.encode()).digest()), length)


def _in_base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
