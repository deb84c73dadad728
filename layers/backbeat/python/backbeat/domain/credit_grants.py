"""What credit grants are worth, what plans draw of them, and the ledger that makes.

Owns: the order in which grants are drawn, expiry, rollover, balances and entries.
Does not own: plans, which are not made through the API; what they charge is given.
Times: a grant counts from `effective_at` and not at `expires_at` any more; what is drawn is dated
the end of the month, which is the billing period, or of the grant where that is earlier.
Invariants: a ledger's entries add up to its balance; no grant is drawn below zero; a grant that
was voided leaves no trace.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.domain import periods
from backbeat.domain.identity import derived_id
from backbeat.models.credit_grants import (
    CreditGrant,
    GrantDeduction,
    GrantEntry,
    PlanUsage,
    RolloverLimit,
)
from backbeat.models.money import add, multiply, subtract

_ZERO = Decimal(0)
_EXPIRED = "Credit grant expired"
_DRAWN = "Usage charges"


@dataclass(frozen=True, slots=True)
class Settled:
    """Grants, with those that expired ones rolled over into, and what was drawn of them."""

    grants: Sequence[CreditGrant]
    deductions: Sequence[GrantDeduction]

    def drawn_of(self, grant: CreditGrant, until: datetime | None = None) -> Decimal:
        """Returns what was drawn of a grant, with `until` only what is dated up to then."""
        return add(*(one.amount for one in self.of(grant, until)))

    def of(self, grant: CreditGrant, until: datetime | None = None) -> list[GrantDeduction]:
        """Returns the deductions of a grant, with `until` those dated up to then."""
        return [
            one
            for one in self.deductions
            if one.grant_id == grant.id and (until is None or one.effective_at <= until)
        ]


def settled(stored: Iterable[CreditGrant], usage: Iterable[PlanUsage], *, now: datetime) -> Settled:
    """Returns what has become of grants by now, drafts of the running month included.

    Each charge is paid by the grants that count when it was made: the lowest priority first, then
    the one that expires first, then the older one.
    """
    known = {grant.id: grant for grant in stored}
    drawn: dict[str, Decimal] = {}
    amounts: dict[tuple[str, datetime], Decimal] = {}
    for charge in sorted(usage, key=lambda one: (one.at, one.id)):
        _roll_over(known, drawn, charge.at)
        left = charge.amount
        for grant in sorted(known.values(), key=_order):
            if not _may_pay(grant, charge):
                continue
            taken = min(left, subtract(grant.amount, drawn.get(grant.id, _ZERO)))
            if taken > 0:
                left = subtract(left, taken)
                drawn[grant.id] = add(drawn.get(grant.id, _ZERO), taken)
                place = grant.id, period_end(charge.at)
                amounts[place] = add(amounts.get(place, _ZERO), taken)
    _roll_over(known, drawn, now)
    ranks = {grant.id: rank for rank, grant in enumerate(sorted(known.values(), key=_order))}
    in_order = sorted(amounts.items(), key=lambda entry: (entry[0][1], ranks[entry[0][0]]))
    return Settled(
        sorted(known.values(), key=lambda one: (one.created_at, one.id)),
        [
            GrantDeduction(
                grant_id=grant_id,
                effective_at=min(end, known[grant_id].expires_at),
                amount=amount,
                invoice_id=derived_id("plan invoice", known[grant_id].customer_id, end),
            )
            for (grant_id, end), amount in in_order
        ],
    )


def period_end(at: datetime) -> datetime:
    """Returns the end of the billing period: without a plan, that of the calendar month."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return periods.add_months(first, 1)


def balance(grant: CreditGrant, at: datetime, drawn: Decimal) -> Decimal:
    """Returns what a grant is worth at an instant, of which some was drawn."""
    if grant.voided_at is not None or not grant.effective_at <= at < grant.expires_at:
        return _ZERO
    return subtract(grant.amount, drawn)


def following(grant: CreditGrant, left: Decimal) -> CreditGrant | None:
    """Returns the grant that the rest of an expired one becomes, if it rolls over."""
    rollover = grant.rollover
    if rollover is None or grant.voided_at is not None:
        return None
    most = rollover.value
    if rollover.limit is RolloverLimit.MAX_PERCENTAGE:
        most = multiply(grant.amount, rollover.value)
    return CreditGrant(
        id=derived_id("grant rollover", grant.id),
        customer_id=grant.customer_id,
        name=grant.name,
        reason=grant.reason,
        type=grant.type,
        priority=rollover.priority,
        amount=min(left, most),
        credit_type=grant.credit_type,
        paid_credit_type=grant.paid_credit_type,
        product_ids=grant.product_ids,
        rolled_from=grant.id,
        effective_at=grant.expires_at,
        expires_at=rollover.expires_at,
        created_at=grant.expires_at,
    )


def ledger(
    grants: Iterable[CreditGrant], deductions: Iterable[GrantDeduction], until: datetime
) -> Sequence[GrantEntry]:
    """Returns the entries of grants of one credit type up to an instant, in order of time.

    At one instant what is drawn comes first, then what expires, then what is granted, so that a
    rollover shows as one.
    """
    held = [grant for grant in grants if grant.voided_at is None]
    ids = {grant.id for grant in held}
    taken = [one for one in deductions if one.grant_id in ids]
    facts: list[tuple[datetime, int, int, str, Decimal, str, str | None]] = [
        (one.effective_at, 0, number, one.grant_id, -one.amount, _DRAWN, one.invoice_id)
        for number, one in enumerate(taken)
        if one.effective_at <= until
    ]
    for number, grant in enumerate(sorted(held, key=lambda one: one.id)):
        left = subtract(grant.amount, add(*(d.amount for d in taken if d.grant_id == grant.id)))
        if grant.effective_at < until:
            reason = grant.reason or grant.name
            facts.append((grant.effective_at, 2, number, grant.id, grant.amount, reason, None))
        if grant.expires_at < until and left > 0:
            facts.append((grant.expires_at, 1, number, grant.id, -left, _EXPIRED, None))
    entries, running = [], _ZERO
    for at, _, _, grant_id, amount, reason, invoice_id in sorted(facts, key=lambda one: one[:3]):
        running = add(running, amount)
        entries.append(GrantEntry(grant_id, at, amount, running, reason, invoice_id))
    return entries


def _order(grant: CreditGrant) -> tuple[object, ...]:
    return grant.priority, grant.expires_at, grant.created_at, grant.id


def _may_pay(grant: CreditGrant, charge: PlanUsage) -> bool:
    return (
        grant.voided_at is None
        and grant.customer_id == charge.customer_id
        and grant.credit_type.id == charge.credit_type.id
        and grant.effective_at <= charge.at < grant.expires_at
        and (not grant.product_ids or charge.product_id in grant.product_ids)
    )


def _roll_over(known: dict[str, CreditGrant], drawn: dict[str, Decimal], at: datetime) -> None:
    """Adds what grants that have expired by an instant roll over into. One that is known stays."""
    waiting = list(known.values())
    while waiting:
        grant = waiting.pop()
        if grant.expires_at > at:
            continue
        left = subtract(grant.amount, drawn.get(grant.id, _ZERO))
        upcoming = following(grant, left) if left > 0 else None
        if upcoming is not None and upcoming.id not in known:
            known[upcoming.id] = upcoming
            waiting.append(upcoming)
