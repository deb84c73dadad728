"""An invoice of Metronome as lines of one that collects it, in money that can be paid.

Owns: rounding to what can be paid, and that lines add up to the total.
Does not own: whether an invoice is collected, and by whom.
Times: a line keeps its own time; one without is of the instant of the invoice.
Invariants: the lines' sum is the total rounded half up to a cent, once; what rounding each line
leaves over is a line of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.models.collections import CollectedLine

USD: Final = "USD (cents)"
"""The only unit that is money."""

_CENT: Final = Decimal("0.01")
_ROUNDING: Final = "Rounding"
_INSTANT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Charged:
    """What is charged for, in cents and fractions of them."""

    name: str
    cents: Decimal
    starting_at: datetime | None
    ending_before: datetime | None


def dollars(cents: Decimal) -> Decimal:
    """Returns what is to be paid for an amount in cents: half a cent is a cent."""
    return (cents / 100).quantize(_CENT, rounding=ROUND_HALF_UP)


def payable(lines: Sequence[Charged], total: Decimal, at: datetime) -> list[CollectedLine]:
    """Returns lines that add up to the total, which is in cents. Those of nothing are left out."""
    rounded = [_payable(line, at) for line in lines]
    left = dollars(total) - sum((line.amount for line in rounded), Decimal(0))
    if left:
        rounded.append(_line(_ROUNDING, left, at, at + _INSTANT))
    return [line for line in rounded if line.amount]


def _payable(line: Charged, at: datetime) -> CollectedLine:
    start = line.starting_at or at
    end = line.ending_before
    if end is None or end <= start:
        end = start + _INSTANT
    return _line(line.name, dollars(line.cents), start, end)


def _line(name: str, amount: Decimal, start: datetime, end: datetime) -> CollectedLine:
    return CollectedLine(name=name, amount=amount, starting_at=start, ending_before=end)
