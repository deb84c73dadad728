"""Looking at a customer's alerts: what they see, what changes, who is told.

A look may run twice, or two of them at a time. What a look reads fits together, since it starts
anew when contracts, balances or invoices changed meanwhile; and each change of a state commits
with its notification, on the condition that the state and the alert are as they were read.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from backbeat.application import looks, outbox, work_items
from backbeat.application.alert_standings import Standing
from backbeat.application.services import Call
from backbeat.domain import notices, thresholds
from backbeat.domain.thresholds import WHOLE, Transition
from backbeat.models.alerts import Alert, AlertState, AlertType
from backbeat.models.contracts import DueItem, Look
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.persistence import alerts, keys
from backbeat.persistence.alerts import StoredState
from backbeat.persistence.entities import from_item, read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Contention, Item, Key, TransactionCancelled

_TRIES: Final = 20
_REQUESTS_END: Final = timedelta(minutes=1)
"""No request lives longer."""
_FAR_FUTURE: Final = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""Where a look waits that only a change can bring on. It stays, to say that alerts apply."""

_log = logging.getLogger("backbeat.alerts")


class Watched(NamedTuple):
    """An alert that applies to a customer, and the version it was read at."""

    alert: Alert
    version: int


def of_customer(call: Call, customer: Customer) -> list[Watched]:
    """Returns the alerts about a customer, archived ones included, in order of creation."""
    found = {}
    for item, alert in [
        *_of_everybody(call),
        *alerts.owned(call.store, call.tenant, customer.id),
    ]:
        found[alert.id] = Watched(alert, item.version)
    in_order = alerts.newest_last(entry.alert for entry in found.values())
    return [found[alert.id] for alert in in_order]


def _of_everybody(call: Call) -> Sequence[tuple[Item, Alert]]:
    """Returns the alerts about all customers, remembered as long as none of them changes."""
    version = alerts.extent(call.store, call.tenant).version
    return call.services.alerts.get(
        call.tenant, version, lambda: tuple(alerts.owned(call.store, call.tenant, None))
    )


def look(call: Call, key: Key) -> None:
    """Looks at a customer's alerts if that is due.

    Raises:
        Retryable: others kept changing what is looked at; the look is still due.
    """
    for _ in range(_TRIES):
        item = call.store.get(key)
        due = None if item is None else from_item(item, DueItem)
        if item is None or due is None or due.due_at > call.now or due.parked is not None:
            return
        begun = _begin(call, item, due)
        if begun is not None and _settle(call, begun):
            return
    raise Retryable("The alerts of the customer kept changing. Try again.")


def bring_up_to_date(call: Call, customer: Customer) -> None:
    """Takes the look that is due now, or that a new alert or customer still needs.

    What others prevent is left to them.
    """
    watched = [entry.alert for entry in of_customer(call, customer)]
    wanted = {alert.id for alert in watched if alert.archived_at is None}
    if not wanted:
        return
    known = alerts.states(call.store, call.tenant, customer.id)
    key = looks.key_of(call, customer.id)
    with suppress(Retryable):
        if any((id_, WHOLE) not in known for id_ in wanted) and not _is_parked(call, key):
            looks.ask(call, [customer.id], cause=None, everybody=True)
        look(call, key)


def _is_parked(call: Call, key: Key) -> bool:
    due = read(call.store, key, DueItem)
    return due is not None and due.parked is not None


def _begin(call: Call, item: Item, due: DueItem) -> Item | None:
    """Marks a look as begun, so that what happens from now on asks for another one."""
    begun = (due.look or Look()).model_copy(update={"begun": True, "last_at": call.now})
    put = work_items.replace(call, item, due.model_copy(update={"look": begun}))
    try:
        call.store.transact([put])
    except (TransactionCancelled, Contention):
        return None
    return put.item


def _settle(call: Call, item: Item) -> bool:
    """Takes a look that has begun. Returns whether it came through undisturbed."""
    due = from_item(item, DueItem)
    customer = read(call.store, keys.customer(call.tenant, due.customer_id), Customer)
    active = (
        []
        if customer is None
        else [entry for entry in of_customer(call, customer) if entry.alert.archived_at is None]
    )
    if customer is None or not active:
        return _finish(call, item, None)
    before = alerts.states(call.store, call.tenant, customer.id)
    standing = Standing(call, customer)
    try:
        changes = [
            (entry, transition)
            for entry in active
            for transition in _transitions(call, entry.alert, customer, standing, before, due)
        ]
        next_look = standing.next_look([entry.alert for entry in active])
        if any((entry.alert.id, WHOLE) not in before for entry in active):
            # Usage that was being stored while an alert was made did not know of it.
            next_look = min(next_look or _FAR_FUTURE, call.now + _REQUESTS_END)
    except Retryable:
        raise
    except BackbeatError as error:
        _log.error("parked", extra={"customer_id": customer.id, "reason": error.message})
        return _finish(call, item, due.model_copy(update={"parked": error.message}))
    if _facts(call, item.key) != (due.look or Look()).facts:
        return False
    try:
        for entry, transition in changes:
            _commit(call, customer, entry, transition, before, due)
    except Retryable:
        return False
    waiting = due.model_copy(update={"due_at": next_look or _FAR_FUTURE, "leased_until": None})
    return _finish(call, item, waiting)


def _transitions(
    call: Call,
    alert: Alert,
    customer: Customer,
    standing: Standing,
    before: Mapping[tuple[str, str], StoredState],
    due: DueItem,
) -> list[Transition]:
    states = {place: one.state for (id_, place), one in before.items() if id_ == alert.id}
    return list(
        thresholds.transitions(
            alert,
            standing.readings(alert, known=list(states)),
            states,
            cause=_cause(alert, due),
            # Decision: customers that were past the line before are not told of when unwanted.
            silent=not alert.evaluate_on_create
            and WHOLE not in states
            and customer.created_at <= alert.created_at,
            tells_resolved=call.services.tells_resolved_alerts,
        )
    )


def _cause(alert: Alert, due: DueItem) -> str | None:
    """Returns what brought an alarm about, where the API has a word for it."""
    if alert.type is AlertType.INVOICE_TOTAL:
        return "invoice_generation"
    return None if due.look is None else due.look.cause


def _commit(
    call: Call,
    customer: Customer,
    entry: Watched,
    transition: Transition,
    before: Mapping[tuple[str, str], StoredState],
    due: DueItem,
) -> None:
    state: AlertState = transition.state
    work = UnitOfWork(call.store)
    stored = before.get((state.alert_id, state.place))
    work.add(alerts.put_state(call.tenant, customer.id, state, stored))
    # Archived meanwhile, it is silent from there on.
    work.add(alerts.unchanged(call.tenant, entry.alert.id, entry.version))
    told = notices.alert_changed(
        entry.alert, customer.id, transition, cause=_cause(entry.alert, due), at=call.now
    )
    outbox.commit(call, work, [] if told is None else [told])


def _facts(call: Call, key: Key) -> int | None:
    due = read(call.store, key, DueItem)
    return None if due is None else (due.look or Look()).facts


def _finish(call: Call, item: Item, after: DueItem | None) -> bool:
    """Puts the look where the next one is due; None: no alert applies any more.

    Where somebody asked for another one meanwhile, that stays.
    """
    effects = (
        work_items.remove(call, item) if after is None else [work_items.replace(call, item, after)]
    )
    with suppress(TransactionCancelled, Contention):
        call.store.transact(effects)
    return True
