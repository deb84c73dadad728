"""What scheduled work does for the billing handlers: going on, renewing, changing, ending."""

from backbeat.application.handlers import accounts, duties, operations, subscribing
from backbeat.application.services import Call
from backbeat.domain.tiers import proration
from backbeat.models.accounts import Account, Operation, OperationKind, Subscription
from backbeat.models.errors import NotFound
from backbeat.persistence import accounts as stored
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item


def at_operation(call: Call, operation_id: str) -> None:
    """Goes on with an operation whose time has come, and then with what follows for its account."""
    after = operations.run(call, operation_id)
    if after.status.is_over:
        at_account(call, after.entity_id)


def at_account(call: Call, entity_id: str) -> None:
    """Does what time has brought for an account: its end, a change or a renewal.

    Raises:
        Retryable: somebody else changed it at the same time.
    """
    try:
        item, account = accounts.held(call, entity_id)
    except NotFound:
        return
    due = duties.next_event(account)
    if due is None or due > call.now:
        work = UnitOfWork(call.store)
        effects = duties.of_account(call, account)
        if effects:
            work.add(*effects)
            work.commit()
        return
    begun = _begun(call, item, account, accounts.subscription_of(account))
    if begun is not None:
        operations.run(call, begun.id)


def _begun(
    call: Call, item: Item, account: Account, subscription: Subscription
) -> Operation | None:
    """Begins what is due, or does it where that takes no provider."""
    at, end = subscription.cancel_at, subscription.ending_before
    if at is not None and at <= call.now:
        operation = operations.planned(call, OperationKind.CANCEL, account, None)
        operation = operation.model_copy(update={"ends_at": at})
        return operations.begin(call, operation, account, item)
    later = subscription.scheduled
    if later is not None and later.at <= call.now:
        operation = operations.planned(call, OperationKind.CHANGE, account, later.plan)
        quote = subscribing.quoted(call, subscription, later.plan, later.at)
        operation = operation.model_copy(update={"quote": quote, "renews": later.at >= end})
        dropped = subscription.model_copy(update={"scheduled": None})
        account = account.model_copy(update={"subscription": dropped})
        return operations.begin(call, operation, account, item)
    quote = proration.renewal(subscription, subscription.plan)
    if not subscription.plan.is_free:
        operation = operations.planned(call, OperationKind.RENEW, account, subscription.plan)
        operation = operation.model_copy(update={"quote": quote, "renews": True})
        return operations.begin(call, operation, account, item)
    next_period = subscription.model_copy(
        update={
            "anchor": quote.anchor,
            "starting_at": quote.starting_at,
            "ending_before": quote.ending_before,
        }
    )
    rolled = account.model_copy(update={"subscription": next_period, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(stored.put_account(call.tenant, rolled, item), *duties.of_account(call, rolled))
    work.commit()
    return None
