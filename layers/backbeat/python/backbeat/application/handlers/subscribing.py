"""Onboarding entities, and changing, ending and resuming what they have agreed to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backbeat.application.attempts import insistently
from backbeat.application.handlers import accounts, catalogues, duties, operations
from backbeat.application.handlers.accounts import subscription_of
from backbeat.application.services import Call
from backbeat.domain.tiers import changes, proration
from backbeat.models.accounts import (
    Account,
    Afterwards,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentState,
    ScheduledChange,
    Subscription,
    SubscriptionStatus,
)
from backbeat.models.errors import Conflict
from backbeat.models.tiers import Plan, Quote, Unused, When
from backbeat.persistence import accounts as stored
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_UNDER_WAY: Final = "Another change of the entity is under way"


@dataclass(frozen=True, slots=True)
class NewEntity:
    """An entity as the product knows it."""

    id: str
    type: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a request: the account, and the operation or what is to happen later."""

    account: Account
    operation: Operation | None = None
    quote: Quote | None = None
    effective_at: datetime | None = None


def onboard(call: Call, entity: NewEntity, plan: Plan, payment_method: str | None) -> Changed:
    """Makes an entity a customer at both providers, with a plan that begins once it is paid.

    Repeated, it returns what became of the first time; after a failed payment it tries anew.

    Raises:
        Conflict: the entity was onboarded with another plan.
        Retryable: others kept changing the entity.
    """

    def attempt() -> str | None:
        found = stored.account(call.store, call.tenant, entity.id)
        if found is None:
            item, account = None, _new_account(call, entity)
        else:
            item, account = found
        subscription = account.subscription
        operation = _operation(call, OperationKind.ONBOARD, account, plan, payment_method)
        operation = operation.model_copy(
            update={"quote": proration.beginning(plan, proration.hour_of(call.now))}
        )
        if account.operation_id is not None:
            return _under_way(call, account, operation)
        if subscription is not None and subscription.status is not SubscriptionStatus.INCOMPLETE:
            if subscription.plan != plan:
                raise Conflict("The entity was onboarded with another plan: change the tier")
            return None
        account = account.model_copy(update={"subscription": _incomplete(plan, operation)})
        return operations.begin(call, operation, account, item).id

    return _ran(call, entity.id, insistently(attempt))


def preview(
    call: Call, entity_id: str, plan: Plan, *, when: When, date: datetime | None
) -> Changed:
    """Returns what a change would cost, and when it would be made, without making it.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: it has this plan, or none that could be changed.
        InvalidArgument: the date does not fit.
    """
    account = accounts.get(call, entity_id)
    at, quote = _priced(call, subscription_of(account), plan, when=when, date=date)
    return Changed(account, quote=quote, effective_at=at)


def change(
    call: Call,
    entity_id: str,
    plan: Plan,
    *,
    when: When,
    date: datetime | None,
    payment_method: str | None,
) -> Changed:
    """Changes the plan once it is paid, or notes that it is to change later.

    A later change takes the place of one that was noted before. Asked twice at once, it is made
    once.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: it has this plan, none that could be changed, or another change is under way.
        InvalidArgument: the date does not fit.
        Retryable: others kept changing the entity.
    """
    noted: list[Changed] = []

    def attempt() -> str | None:
        noted.clear()
        item, account = accounts.held(call, entity_id)
        subscription = subscription_of(account)
        operation = _operation(call, OperationKind.CHANGE, account, plan, payment_method)
        if account.operation_id is not None:
            return _under_way(call, account, operation)
        at, quote = _priced(call, subscription, plan, when=when, date=date)
        if at is not None:
            if subscription.cancel_at is not None:
                raise Conflict("The subscription is about to end: reactivate it first")
            later = ScheduledChange(plan=plan, at=at, asked_at=call.now)
            scheduled = subscription.model_copy(update={"scheduled": later})
            saved = _save(call, item, account, scheduled)
            noted.append(Changed(saved, quote=quote, effective_at=at))
            return None
        # What was scheduled stays until this is made: it may fail.
        operation = operation.model_copy(update={"quote": quote})
        return operations.begin(call, operation, account, item).id

    begun = insistently(attempt)
    return noted[0] if noted else _ran(call, entity_id, begun)


def drop_scheduled_change(call: Call, entity_id: str) -> Changed:
    """Lets a change not happen that was to be made later.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: no change is scheduled.
        Retryable: others kept changing the entity.
    """

    def drop(subscription: Subscription) -> Subscription:
        if subscription.scheduled is None:
            raise Conflict("No change is scheduled")
        return subscription.model_copy(update={"scheduled": None})

    return Changed(_changed(call, entity_id, drop))


def preview_end(call: Call, entity_id: str, *, now: bool) -> Changed:
    """Returns when a plan would end and what would be given back, without ending it.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: the plan has ended, or is not paid and can only be ended at once.
    """
    account = accounts.get(call, entity_id)
    subscription = subscription_of(account)
    if subscription.status is SubscriptionStatus.CANCELED:
        raise Conflict("The subscription is canceled already")
    if now:
        quote = _given_back(call, subscription)
        return Changed(account, quote=quote, effective_at=proration.hour_of(call.now))
    _refuse_unpaid(subscription)
    return Changed(account, effective_at=subscription.cancel_at or subscription.ending_before)


def cancel(call: Call, entity_id: str, *, now: bool) -> Changed:
    """Ends a plan at once, with what is left of its credits, or at the end of the period.

    What is paid of the rest of the period is given back as the catalogue says. A renewal that
    waits to be paid is given up. Repeated, it changes nothing.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: another change is under way.
        Retryable: others kept changing the entity.
    """

    def attempt() -> str | None:
        item, account = accounts.held(call, entity_id)
        if now and account.operation_id is not None:
            given_up = _renewal_given_up(call, account.operation_id)
            if given_up is not None and not given_up.status.is_over:
                return given_up.id
            item, account = accounts.held(call, entity_id)
        subscription = subscription_of(account)
        operation = _operation(call, OperationKind.CANCEL, account, None, None)
        given_back = {"quote": _given_back(call, subscription)}
        at_end = {"ends_at": subscription.ending_before}
        operation = operation.model_copy(update=given_back if now else at_end)
        if account.operation_id is not None:
            return _under_way(call, account, operation)
        if subscription.status is SubscriptionStatus.CANCELED:
            return None
        if not now:
            if subscription.cancel_at is not None:
                return None
            _refuse_unpaid(subscription)
        return operations.begin(call, operation, account, item).id

    return _ran(call, entity_id, insistently(attempt))


def reactivate(call: Call, entity_id: str, payment_method: str | None) -> Changed:
    """Lets a plan go on that was to end; one that has ended begins anew once it is paid.

    What goes on keeps its period and its credits.

    Raises:
        NotFound: no such entity was onboarded.
        Conflict: there is nothing to reactivate, or another change is under way.
        Retryable: others kept changing the entity.
    """

    def attempt() -> str | None:
        item, account = accounts.held(call, entity_id)
        subscription = subscription_of(account)
        plan = subscription.plan
        kind = OperationKind.REACTIVATE
        if subscription.cancel_at is not None:
            kind = OperationKind.RESUME
        operation = _operation(call, kind, account, plan, payment_method)
        if account.operation_id is not None:
            return _under_way(call, account, operation)
        if kind is OperationKind.RESUME:
            return operations.begin(call, operation, account, item).id
        if subscription.status is not SubscriptionStatus.CANCELED:
            raise Conflict("The subscription is neither canceled nor about to end")
        quote = proration.beginning(plan, proration.hour_of(call.now))
        operation = operation.model_copy(update={"quote": quote})
        return operations.begin(call, operation, account, item).id

    return _ran(call, entity_id, insistently(attempt))


def _given_back(call: Call, subscription: Subscription) -> Quote | None:
    """Returns what is given back for a plan that ends now; None where the catalogue keeps it."""
    offered = catalogues.current(call)
    if offered.cancellation is Unused.KEEP:
        return None
    return proration.ending(subscription, proration.hour_of(call.now), offered.proration)


def _refuse_unpaid(subscription: Subscription) -> None:
    if subscription.status is not SubscriptionStatus.ACTIVE:
        raise Conflict("The subscription is not paid: cancel it now")


def _renewal_given_up(call: Call, operation_id: str) -> Operation | None:
    """Gives up a renewal that waits to be paid; None where it is another operation.

    From then on the plan is to end, whatever dies.
    """
    operation = operations.get(call, operation_id)
    if operation.afterwards is Afterwards.CANCEL:
        return operation
    waits = operation.status is OperationStatus.WAITING and operation.renews
    if not waits or operation.payment is PaymentState.PROCESSING:
        return None
    return operations.abandon(
        call,
        operation_id,
        code="cancelled",
        message="The plan was cancelled",
        afterwards=Afterwards.CANCEL,
    )


def _priced(
    call: Call, subscription: Subscription, plan: Plan, *, when: When, date: datetime | None
) -> tuple[datetime | None, Quote]:
    """Returns when a change takes effect (None: at once) and what it costs then."""
    offered = catalogues.current(call)
    at = changes.effective_at(offered, subscription, plan, when=when, date=date, now=call.now)
    return at, quoted(call, subscription, plan, call.now if at is None else at)


def quoted(call: Call, subscription: Subscription, plan: Plan, at: datetime) -> Quote:
    """Returns what a change costs that is made at an instant."""
    if at >= subscription.ending_before:
        return proration.renewal(subscription, plan)
    policy = catalogues.current(call).proration
    return proration.change(subscription, plan, proration.hour_of(at), policy)


def _changed(call: Call, entity_id: str, change: Callable[[Subscription], Subscription]) -> Account:
    def attempt() -> Account:
        item, account = accounts.held(call, entity_id)
        if account.operation_id is not None:
            raise Conflict(_UNDER_WAY, conflicting_id=account.operation_id)
        before = subscription_of(account)
        after = change(before)
        return account if after == before else _save(call, item, account, after)

    return insistently(attempt)


def _save(call: Call, item: Item, account: Account, subscription: Subscription) -> Account:
    saved = account.model_copy(update={"subscription": subscription, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(stored.put_account(call.tenant, saved, item), *duties.of_account(call, saved))
    work.commit()
    return saved


def _under_way(call: Call, account: Account, wanted: Operation) -> str:
    """Returns the operation under way if it is what is wanted: somebody asked twice.

    Raises:
        Conflict: it is another one.
    """
    assert account.operation_id is not None  # noqa: S101 - the caller looked
    operation = operations.get(call, account.operation_id)
    if operations.is_the_same(operation, wanted):
        return operation.id
    raise Conflict(_UNDER_WAY, conflicting_id=operation.id)


def _ran(call: Call, entity_id: str, operation_id: str | None) -> Changed:
    operation = None if operation_id is None else operations.run(call, operation_id)
    quote = None if operation is None else operation.quote
    return Changed(accounts.get(call, entity_id), operation, quote)


def _operation(
    call: Call,
    kind: OperationKind,
    account: Account,
    plan: Plan | None,
    payment_method: str | None,
) -> Operation:
    """Returns an operation that somebody asked for: it waits for them, but not for ever."""
    asked: dict[str, object] = {
        "payment_method": payment_method,
        "brings_card": payment_method is not None,
        "gives_up_at": call.now + operations.PATIENCE,
    }
    return operations.planned(call, kind, account, plan).model_copy(update=asked)


def _new_account(call: Call, entity: NewEntity) -> Account:
    return Account(
        id=entity.id,
        type=entity.type,
        name=entity.name,
        email=entity.email,
        created_at=call.now,
        updated_at=call.now,
    )


def _incomplete(plan: Plan, operation: Operation) -> Subscription:
    quote = operation.quote
    assert quote is not None  # noqa: S101 - the caller set it
    return Subscription(
        plan=plan,
        status=SubscriptionStatus.INCOMPLETE,
        anchor=quote.anchor,
        starting_at=quote.starting_at,
        ending_before=quote.ending_before,
    )
