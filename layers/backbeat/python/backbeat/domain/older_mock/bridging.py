"""Credits that bridge a cancelled subscription and the one that follows it.

Owns: which credits an edit of profile `mock` makes beside those it names. Does not own: storage.
Times: calendar months in UTC; starts are floored to the hour.
Invariants: a credit of exactly a window, on the subscription or its tier, is reused and not made
twice. One that covers the window otherwise does not count: that a month may then be granted twice
is the older mock's own behaviour and is kept here and nowhere else.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.domain import periods
from backbeat.models.older_mock import (
    GivenCredit,
    GivenRecurring,
    MockContract,
    MockCredit,
    MockRecurringCredit,
    MockSubscription,
)
from backbeat.models.period import hour_of

NewId = Callable[[str], str]
"""Makes an id from its prefix."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What of an edit the rules look at."""

    updated: Collection[str]
    added: Sequence[MockSubscription]
    add_credits: Sequence[GivenCredit]


@dataclass(frozen=True, slots=True)
class _Context:
    product_id: str
    amount: Decimal
    is_added: bool


def month_start(instant: datetime) -> datetime:
    """Returns the first of the month."""
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def first_periods(starting_at: datetime, *, monthly: bool) -> tuple[datetime, ...]:
    """Returns the borders of a subscription's first two periods, from the month of its start."""
    start, months = month_start(starting_at), 1 if monthly else 12
    return tuple(periods.add_months(start, number * months) for number in range(3))


def next_month(instant: datetime) -> datetime:
    """Returns the first of the following month."""
    return periods.add_months(month_start(instant), 1)


def recurring_like(
    contract: MockContract, product_id: str, start: datetime, subscription_id: str | None
) -> MockRecurringCredit | None:
    """Returns the recurring credit of a product, start hour and subscription that is in force."""
    for one in contract.recurring_credits:
        if (
            one.product_id == product_id
            and hour_of(one.starting_at) == hour_of(start)
            and one.subscription_id == subscription_id
            and (one.ending_before is None or one.ending_before > start)
        ):
            return one
    return None


def bridged(
    contract: MockContract, given: GivenRecurring, edit: Edit, *, now: datetime, new_id: NewId
) -> MockContract:
    """Returns the contract with what a recurring credit for a later time brings along."""
    if given.subscription_id is None or given.starting_at <= now:
        return contract
    target = _subscription(contract, given.subscription_id)
    added = next((one for one in edit.added if one.id == given.subscription_id), None)
    match = _match(contract, target, added, edit, now)
    if match is None or target is None:
        return contract
    if target.id not in edit.updated and match.id == target.id:
        return contract
    start = hour_of(max(contract.starting_at, month_start(now)))
    middle = month_start(given.starting_at)
    if start >= middle:
        return contract
    for context in _contexts(contract, given, edit, match):
        known = recurring_like(contract, context.product_id, given.starting_at, target.id)
        if known is not None and context.is_added:
            continue
        if known is None:
            made = MockRecurringCredit(
                id=new_id("rc"),
                product_id=context.product_id,
                starting_at=hour_of(given.starting_at),
                subscription_id=target.id,
            )
            contract = contract.model_copy(
                update={"recurring_credits": (*contract.recurring_credits, made)}
            )
        contract = _ensure(contract, context, start, middle, match, new_id)
        contract = _ensure(contract, context, middle, next_month(middle), target, new_id)
    return contract


def added(contract: MockContract, given: GivenCredit, *, new_id: NewId) -> MockContract:
    """Returns the contract with a credit for each item, and for the next month where it recurs."""
    for item in given.items:
        credit = MockCredit(
            id=new_id("credit"),
            product_id=given.product_id,
            amount=item.amount,
            starting_at=item.starting_at,
            ending_before=item.ending_before,
            subscription_id=given.subscription_id,
            credit_type_id=given.credit_type_id,
            custom_fields=given.custom_fields,
        )
        contract = contract.model_copy(update={"credits": (*contract.credits, credit)})
        follower = next(
            (
                one
                for one in contract.recurring_credits
                if one.product_id == given.product_id
                and hour_of(one.starting_at) == hour_of(item.ending_before)
                and _agree(one.subscription_id, given.subscription_id)
            ),
            None,
        )
        if follower is not None:
            first = month_start(item.ending_before)
            context = _Context(given.product_id, item.amount, is_added=True)
            holder = _subscription(contract, follower.subscription_id or "")
            upcoming = _credit(context, first, next_month(first), holder, new_id)
            contract = contract.model_copy(update={"credits": (*contract.credits, upcoming)})
    return contract


def _match(
    contract: MockContract,
    target: MockSubscription | None,
    added: MockSubscription | None,
    edit: Edit,
    now: datetime,
) -> MockSubscription | None:
    """Returns the subscription that is in force now and that the target goes on from."""
    active = [one for one in contract.subscriptions if one.is_active(now)]
    found = target if target in active else None
    if added is not None and added.tier_id is not None:
        same_tier = [one for one in active if one.tier_id == added.tier_id]
        same_tier.sort(key=lambda one: one.ending_before is None)
        if same_tier:
            found = same_tier[0]
    if found is None:
        found = next((one for one in active if one.id in edit.updated), None)
    if found is None and added is not None:
        found = next((one for one in active if one.product_id == added.product_id), None)
    return found


def _contexts(
    contract: MockContract, given: GivenRecurring, edit: Edit, match: MockSubscription
) -> list[_Context]:
    products = {one.product_id for one in edit.add_credits}
    found = [_Context(given.product_id, given.amount, is_added=given.product_id in products)]
    for credit in edit.add_credits:
        if credit.items:
            found.append(_Context(credit.product_id, credit.items[0].amount, is_added=True))
    for known in contract.credits:
        if _is_of(known, match):
            found.append(_Context(known.product_id, known.amount, is_added=True))
    first: dict[str, _Context] = {}
    for context in found:
        first.setdefault(context.product_id, context)
    return list(first.values())


def _ensure(
    contract: MockContract,
    context: _Context,
    start: datetime,
    end: datetime,
    holder: MockSubscription,
    new_id: NewId,
) -> MockContract:
    """Returns the contract with a credit of exactly this window on the subscription."""
    for number, credit in enumerate(contract.credits):
        if (
            credit.archived_at is None
            and credit.product_id == context.product_id
            and (credit.starting_at, credit.ending_before) == (start, end)
            and _is_of(credit, holder)
        ):
            retagged = credit.model_copy(
                update={
                    "subscription_id": holder.id,
                    "custom_fields": {**credit.custom_fields, **_tier(holder)},
                }
            )
            credits_ = (*contract.credits[:number], retagged, *contract.credits[number + 1 :])
            return contract.model_copy(update={"credits": credits_})
    made = _credit(context, start, end, holder, new_id)
    return contract.model_copy(update={"credits": (*contract.credits, made)})


def _credit(
    context: _Context,
    start: datetime,
    end: datetime,
    holder: MockSubscription | None,
    new_id: NewId,
) -> MockCredit:
    return MockCredit(
        id=new_id("credit"),
        product_id=context.product_id,
        amount=context.amount,
        starting_at=start,
        ending_before=end,
        subscription_id=None if holder is None else holder.id,
        custom_fields={} if holder is None else _tier(holder),
    )


def _is_of(credit: MockCredit, subscription: MockSubscription) -> bool:
    tier = credit.custom_fields.get("tier_id")
    return credit.subscription_id == subscription.id or (
        tier is not None and tier == subscription.tier_id
    )


def _tier(subscription: MockSubscription) -> dict[str, str]:
    return {} if subscription.tier_id is None else {"tier_id": subscription.tier_id}


def _subscription(contract: MockContract, id_: str) -> MockSubscription | None:
    return next((one for one in contract.subscriptions if one.id == id_), None)


def _agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other
