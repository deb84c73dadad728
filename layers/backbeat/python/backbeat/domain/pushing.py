"""What is told to a meter that only adds up.

Owns: the next delta, its identifier and its timestamp, and when to try again. Does not own: how
it is sent, what was sent before. Times: a push bears an instant of the usage's own period, never of
another, so that it is billed with it; the provider takes nothing older than 35 days.
Invariants: the deltas of a period add up to its usage exactly. The integer part alone would do
for whole units, but a period of fractions could then never be without drift (stripe-behaviour
§2.7 wants it to match exactly), so fractions are told as they are, in parts of 15 digits.
"""

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from hashlib import sha256
from typing import Final

from backbeat.models.money import EXACT
from backbeat.models.period import Period

DIGITS: Final = 15
"""Significant digits that Stripe takes of a value."""

OLDEST: Final = timedelta(days=35)
"""How old the timestamp of an event may be."""

RESENDABLE: Final = timedelta(hours=23)
"""How long the same identifier surely counts once. Stripe says a day; clocks differ a little."""

_CUT: Final = Context(prec=DIGITS, rounding=ROUND_DOWN)
_LONGEST_PAUSE: Final = timedelta(minutes=30)


def delta(total: Decimal, pushed: Decimal) -> Decimal:
    """Returns what to tell next: the difference, or the first digits of one that is too long.

    What is left of it is the next difference, and has fewer digits.
    """
    difference = EXACT.subtract(total, pushed)
    return _CUT.plus(difference)


def identifier(tenant: str, ledger: str, period: Period, sequence: int) -> str:
    """Returns a push's name at Stripe: the same for the same push, and up to 100 characters."""
    text = "\n".join((tenant, ledger, period.starting_at.isoformat(), str(sequence)))
    return f"bb_{sha256(text.encode()).hexdigest()}"


def timestamp(period: Period, now: datetime) -> datetime:
    """Returns the instant that usage of a period is told of: now, or the period's last second."""
    last = period.ending_before - timedelta(seconds=1)
    return min(max(now.replace(microsecond=0), period.starting_at), last)


def is_too_old(period: Period, now: datetime) -> bool:
    """Tells whether the provider takes nothing for a period any more."""
    return period.ending_before - timedelta(seconds=1) < now - OLDEST


def pause(attempts: int) -> timedelta:
    """Returns how long to wait after so many failed attempts: a minute, doubled each time."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 10)), _LONGEST_PAUSE)
