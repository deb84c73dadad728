"""What credit grants are worth, and the ledger they make.

Owns: expiry, rollover, balances and entries. Does not own: plans. Only
those would draw grants, and there are none.
Times: a grant counts from `effective_at` and not at `expires_at` any more.
Invariants: a ledger's entries add up to its balance; a grant that was voided leaves no trace in it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from backbeat.domain.identity import derived_id
from backbeat.models.credit_grants import CreditGrant, GrantEntry, RolloverLimit
from backbeat.models.money import add, multiply


def balance(grant: CreditGrant, at: datetime) -> Decimal:
    """Returns what a grant is worth at an instant."""
    if grant.voided_at is not None or not grant.effective_at <= at < grant.expires_at:
        return Decimal(0)
    return grant.amount


def following(grant: CreditGrant) -> CreditGrant | None:
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
        amount=min(grant.amount, most),
        credit_type=grant.credit_type,
        paid_credit_type=grant.paid_credit_type,
        product_ids=grant.product_ids,
        rolled_from=grant.id,
        effective_at=grant.expires_at,
        expires_at=rollover.expires_at,
        created_at=grant.expires_at,
    )


def ledger(grants: Iterable[CreditGrant], until: datetime) -> Sequence[GrantEntry]:
    """Returns the entries of grants of one credit type before an instant, in order of time.

    At one instant what expires comes before what is granted, so that a rollover shows as one.
    """
    facts = [
        (effective_at, rank, grant.id, amount, reason)
        for grant in grants
        if grant.voided_at is None
        for effective_at, rank, amount, reason in (
            (grant.effective_at, 1, grant.amount, grant.reason or grant.name),
            (grant.expires_at, 0, -grant.amount, "Credit grant expired"),
        )
        if effective_at < until
    ]
    entries, running = [], Decimal(0)
    for effective_at, _, grant_id, amount, reason in sorted(facts):
        running = add(running, amount)
        entries.append(GrantEntry(grant_id, effective_at, amount, running, reason))
    return entries
