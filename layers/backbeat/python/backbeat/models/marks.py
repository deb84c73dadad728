"""Marks: what the ids of a contract's invoices begin with.

A draft lies nowhere, so its id says whose it is: 48 bits lead to the contract, or rarely to a few.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Final

_DIGITS: Final = 12
_FIRST: Final = 8


@lru_cache(maxsize=4096)
def mark_of(contract_id: str) -> str:
    """Returns the mark of a contract: twelve hexadecimal digits."""
    return sha256(contract_id.encode()).hexdigest()[:_DIGITS]


def marked(id_: str, contract_id: str) -> str:
    """Returns the UUID with the contract's mark as its first digits; version and variant stay."""
    mark = mark_of(contract_id)
    return f"{mark[:_FIRST]}-{mark[_FIRST:]}{id_[_DIGITS + 1 :]}"


def mark_in(invoice_id: str) -> str:
    """Returns the mark that an invoice's id begins with."""
    return invoice_id.replace("-", "")[:_DIGITS]
