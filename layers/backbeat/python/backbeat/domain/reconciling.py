"""Two totals, or five, into a verdict.

Owns: the classes of difference, the tolerance, how a difference is shared, what mends it.
Does not own: where the totals come from. Times: what was pushed within the lag may still be on its
way. Invariants: while a period is open, a drift up to the tolerance is no alarm, and is never
mended by itself; a final period must match exactly. Shares of a difference add up to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from backbeat.models.money import EXACT
from backbeat.models.reconciliation import (
    BilledLine,
    CorrectionKind,
    Difference,
    DriftClass,
    Share,
    Verdict,
)

_PLACES: Final = Decimal("0.01")
"""Shares are cut to hundredths; the last customer takes what is left."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What each place knows of a period.

    `events` and `cells` are of the same stretch of it. `sending` says that a push is under way.
    """

    local: Decimal
    pushed: Decimal
    stripe: Decimal
    events: Decimal | None
    cells: Decimal | None
    last_sent_at: datetime | None
    sending: bool
    billed: Sequence[BilledLine]

    @property
    def is_final(self) -> bool:
        """Tells whether the invoice of the period is final."""
        return any(line.status != "draft" for line in self.billed)


def differences(totals: Totals, *, now: datetime, lag: timedelta) -> list[Difference]:
    """Returns what differs, place by place, from the events to the invoice."""
    found: list[Difference] = []

    def note(kind: DriftClass, amount: Decimal) -> None:
        if amount != 0:
            found.append(Difference(kind=kind, amount=amount))

    if totals.events is not None and totals.cells is not None:
        note(DriftClass.MISCOUNTED, EXACT.subtract(totals.events, totals.cells))
    ahead = EXACT.subtract(totals.local, totals.pushed)
    note(DriftClass.POST_FINALIZATION if totals.is_final else DriftClass.UNPUSHED, ahead)
    missing = EXACT.subtract(totals.pushed, totals.stripe)
    if missing != 0 and totals.sending:
        note(DriftClass.IN_FLIGHT, missing)
    elif missing > 0:
        recent = totals.last_sent_at is not None and now - totals.last_sent_at < lag
        note(DriftClass.IN_FLIGHT if recent else DriftClass.LOST, missing)
    else:
        note(DriftClass.FOREIGN, missing)
    if totals.is_final:
        billed = sum(
            (line.quantity for line in totals.billed if line.status != "draft"), Decimal(0)
        )
        # A total below 0 bills as 0.
        note(DriftClass.MISBILLED, EXACT.subtract(max(totals.stripe, Decimal(0)), billed))
    return found


def verdict(totals: Totals, found: Sequence[Difference], *, epsilon: Decimal) -> Verdict:
    """Returns how a period stands (stripe-behaviour §2.7, worked example 12)."""
    if totals.is_final:
        return Verdict.INVESTIGATE if found else Verdict.OK
    if any(one.kind is DriftClass.MISCOUNTED for one in found):
        return Verdict.INVESTIGATE
    drift = abs(EXACT.subtract(totals.local, totals.stripe))
    if drift == 0:
        return Verdict.OK
    if totals.stripe == 0:
        # There is nothing to take a share of.
        return Verdict.INVESTIGATE
    within = drift <= EXACT.multiply(epsilon, abs(totals.stripe))
    return Verdict.OK if within else Verdict.INVESTIGATE


def drift_share(local: Decimal, stripe: Decimal) -> Decimal:
    """Returns the drift as a share of Stripe's figure; 1 where that is 0 and ours is not."""
    drift = abs(EXACT.subtract(local, stripe))
    if stripe == 0:
        return Decimal(1) if drift else Decimal(0)
    return EXACT.divide(drift, abs(stripe)).quantize(Decimal("0.000001"))


def mends(kind: DriftClass, *, refused: bool, adds_up: bool) -> CorrectionKind | None:
    """Returns what is suggested for a difference; None where time or a person has to mend it.

    `refused` says that a push was; `adds_up` that usage can be added to the counter.
    """
    match kind:
        case DriftClass.LOST:
            return CorrectionKind.RESEND
        case DriftClass.FOREIGN:
            return CorrectionKind.ADOPT if adds_up else CorrectionKind.WITHDRAW
        case DriftClass.POST_FINALIZATION:
            return CorrectionKind.CARRY if adds_up else None
        case DriftClass.MISCOUNTED:
            return CorrectionKind.RECOUNT
        case DriftClass.UNPUSHED:
            return CorrectionKind.RETRY if refused else None
        case DriftClass.IN_FLIGHT | DriftClass.MISBILLED:
            return None


def shares(amount: Decimal, usage: Mapping[str, Decimal]) -> tuple[Share, ...]:
    """Returns an amount shared in proportion to usage, equally where there is none (W-31)."""
    refs = list(usage)
    whole = sum(usage.values(), Decimal(0))
    left = amount
    found = []
    for number, ref in enumerate(refs):
        if number == len(refs) - 1:
            part = left
        elif whole:
            part = EXACT.divide(EXACT.multiply(amount, usage[ref]), whole)
            part = part.quantize(_PLACES, ROUND_DOWN, context=EXACT)
        else:
            part = EXACT.divide(amount, Decimal(len(refs)))
            part = part.quantize(_PLACES, ROUND_DOWN, context=EXACT)
        left = EXACT.subtract(left, part)
        found.append(Share(customer_ref=ref, amount=part))
    return tuple(found)
