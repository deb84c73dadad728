"""Sending notifications: signed at each attempt, tried again until they arrive or are given up."""

import json
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from typing import Final

from backbeat.application import faults, outbox
from backbeat.application.services import Call
from backbeat.domain import signing
from backbeat.models.errors import Retryable
from backbeat.models.faults import FaultKind
from backbeat.models.notifications import Attempt, Delivery, DeliveryState, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.http import HttpFailure
from backbeat.ports.store import Index, Item, Key, Put, Query, Version

_TIMEOUT_SECONDS: Final = 10.0
_LEASE: Final = timedelta(seconds=30)
_LONGEST_DELAY_SECONDS: Final = 900
_RECORD_TRIES: Final = 8

HELD_SECONDS: Final = 2
"""How long a webhook is held back that is to arrive after later ones."""

_HELD: Final = "held back on purpose"
_LOST: Final = "lost on purpose"


class Outcome(Enum):
    """How one try to deliver ended."""

    DONE = auto()
    FAILED = auto()
    GIVEN_UP = auto()
    BUSY = auto()
    """Somebody else is sending it right now."""
    HELD = auto()
    """It is to be tried again after `HELD_SECONDS`; others may go first."""


def deliver(call: Call, key: Key, *, last: bool = False) -> Outcome:
    """Posts a notification to its endpoint, signed now. What has arrived already is done.

    `last` says that nobody will try again by themselves: if this fails, the delivery is dead. It
    does not wait for others, either. A dead delivery is sent like any other when it is asked for.
    """
    item = call.store.get(key)
    delivery = None if item is None else from_item(item, Delivery)
    if item is None or delivery is None or delivery.state is DeliveryState.DELIVERED:
        return Outcome.DONE
    now = call.services.clock.now()
    if not last and delivery.leased_until is not None and delivery.leased_until > now:
        return Outcome.BUSY
    try:
        _store(call, delivery.model_copy(update={"leased_until": now + _LEASE}), item.version)
    except Retryable:
        if not last:
            return Outcome.BUSY
    mishaps = _mishaps(call, delivery)
    if FaultKind.WEBHOOK_REORDER in mishaps and not last:
        held = _record(call, key, [Attempt(at=now, error=_HELD)], last=False)
        return held if held is Outcome.DONE else Outcome.HELD
    outcome = _record(call, key, _attempts(call, delivery, now, mishaps), last=last)
    if outcome in (Outcome.FAILED, Outcome.GIVEN_UP):
        call.services.count("DeliveriesFailed", 1)
    return outcome


def deliver_in_order(call: Call, deliveries: Iterable[Key], *, failing: set[str]) -> None:
    """Delivers one after the other before it returns.

    What fails goes on being retried through the queue, and so does what follows it to the same
    endpoint: `failing` collects these endpoints, so that each is waited for only once.
    """
    for key in deliveries:
        delivery = read(call.store, key, Delivery)
        if delivery is None:
            continue
        if delivery.endpoint_id in failing:
            outbox.hand_over(call, key)
            continue
        outcome = deliver(call, key)
        if outcome is Outcome.FAILED:
            failing.add(delivery.endpoint_id)
            outbox.hand_over(call, key, delay_seconds=delay_seconds(call, 1))
        elif outcome is Outcome.HELD:
            outbox.hand_over(call, key, delay_seconds=HELD_SECONDS)


def outstanding(call: Call) -> list[Key]:
    """Returns the deliveries that nobody has tried yet, oldest first.

    What was tried is the queue's business already.
    """
    told = [key for item in outbox.untold(call) for key in outbox.fan_out(call, item, queued=False)]
    return list(dict.fromkeys([*(item.key for item in outbox.untried(call)), *told]))


def delay_seconds(call: Call, attempt_number: int) -> int:
    """Returns the wait after a failed attempt: doubling, with jitter, 15 minutes at most."""
    base = call.services.webhook_retry_base_seconds
    longest = min(_LONGEST_DELAY_SECONDS, base * 2 ** min(attempt_number - 1, 20))
    # Jitter spreads the retries of many deliveries; it needs no cryptographic randomness.
    return random.randint((longest + 1) // 2, longest)  # noqa: S311


def page(call: Call, *, limit: int, cursor: str | None) -> tuple[list[Delivery], str | None]:
    """Returns a page of the deliveries with all their attempts, the latest first."""
    query = Query(
        keys.deliveries(call.tenant), index=Index.GSI1, forward=False, limit=limit, cursor=cursor
    )
    items, next_cursor = page_of(call.store, query, keep=lambda item: True)
    return [from_item(item, Delivery) for item in items], next_cursor


def dead_letters(call: Call, *, limit: int) -> Sequence[Delivery]:
    """Returns the deliveries in the dead-letter queue that are the caller's."""
    found = []
    for message in call.services.webhook_queue.dead_letters(limit=limit):
        tenant, key = outbox.addressed(message.body)
        delivery = read(call.store, key, Delivery) if tenant == call.tenant else None
        if delivery is not None:
            found.append(delivery)
    return found


def _mishaps(call: Call, delivery: Delivery) -> set[FaultKind]:
    """Returns what is to go wrong on purpose with a delivery this time."""
    if not call.services.sandbox:
        return set()
    told = read(call.store, keys.notification(call.tenant, delivery.notification_id), Notification)
    body = None if told is None else json.loads(told.body)
    met = faults.met_by_webhook(call, delivery.notification_type, body)
    mishaps = {fault.kind for fault in met}
    if any(attempt.error == _HELD for attempt in delivery.attempts):
        mishaps.discard(FaultKind.WEBHOOK_REORDER)
    return mishaps


def _attempts(
    call: Call, delivery: Delivery, now: datetime, mishaps: set[FaultKind]
) -> list[Attempt]:
    if FaultKind.WEBHOOK_LOSS in mishaps:
        return [Attempt(at=now, error=_LOST)]
    attempt = _post(call, delivery, now, forged=FaultKind.WEBHOOK_BAD_SIGNATURE in mishaps)
    if FaultKind.WEBHOOK_DUPLICATE in mishaps:
        return [attempt, _post(call, delivery, now)]
    return [attempt]


def _record(call: Call, key: Key, attempts: Sequence[Attempt], *, last: bool) -> Outcome:
    """Notes attempts on the delivery as it is by now: what arrived has arrived, whoever sent it.

    What was lost on purpose is taken for arrived, as by a sender that never learns of it.

    Raises:
        Retryable: others were faster each time.
    """
    arrived = any(
        attempt.error == _LOST or (attempt.status is not None and 200 <= attempt.status <= 299)
        for attempt in attempts
    )
    failed = DeliveryState.DEAD if last else DeliveryState.PENDING
    for _ in range(_RECORD_TRIES):
        item = call.store.get(key)
        if item is None:
            return Outcome.DONE
        delivery = from_item(item, Delivery)
        done = arrived or delivery.state is DeliveryState.DELIVERED
        changes = {
            "attempts": (*delivery.attempts, *attempts),
            "state": DeliveryState.DELIVERED if done else failed,
            "leased_until": None,
        }
        with suppress(Retryable):
            _store(call, delivery.model_copy(update=changes), item.version)
            if done:
                return Outcome.DONE
            return Outcome.GIVEN_UP if last else Outcome.FAILED
    raise Retryable(f"the attempt could not be noted: {key.sk}")


def _post(call: Call, delivery: Delivery, now: datetime, *, forged: bool = False) -> Attempt:
    notification = read(
        call.store, keys.notification(call.tenant, delivery.notification_id), Notification
    )
    if notification is None:
        return Attempt(at=now, error="the notification is gone")
    body = notification.body.encode()
    secret = _secret(call)
    if secret is None:
        return Attempt(at=now, error="no webhook secret is set")
    if forged:
        secret = f"not {secret}"
    date = format_datetime(now, usegmt=True)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Metronome",
        "Date": date,
        "X-Metronome-Date": date,
        "Metronome-Webhook-Signature": signing.sign(secret=secret, date=date, body=body),
    }
    try:
        reply = call.services.http.post(
            delivery.url, headers=headers, body=body, timeout_seconds=_TIMEOUT_SECONDS
        )
    except HttpFailure as failure:
        return Attempt(at=now, error=str(failure))
    return Attempt(at=now, status=reply.status)


def set_secret(call: Call, secret: str) -> None:
    """Sets what the tenant's notifications are signed with from the next attempt on."""
    call.services.secrets.put(_secret_name(call), secret)


def forget_secret(call: Call) -> None:
    """Removes the tenant's secret."""
    call.services.secrets.delete(_secret_name(call))


def copy_secret(call: Call, other: Call) -> None:
    """Makes another tenant sign with the caller's secret, if one was set."""
    secret = call.services.secrets.get(_secret_name(call))
    if secret is not None:
        set_secret(other, secret)


def is_signed(call: Call, signature: str, *, date: str, body: bytes) -> bool:
    """Tells whether a body bears the tenant's signature for a date header text."""
    secret = _secret(call)
    return secret is not None and signing.is_signed(signature, secret=secret, date=date, body=body)


def _secret(call: Call) -> str | None:
    return call.services.secrets.get(_secret_name(call)) or call.services.default_webhook_secret


def _secret_name(call: Call) -> str:
    return f"{call.tenant}/webhook_secret"


def _store(call: Call, delivery: Delivery, replaced_version: int) -> None:
    work = UnitOfWork(call.store)
    item: Item = outbox.delivery_item(call, delivery, replaced_version + 1)
    work.add(Put(item, Version(replaced_version)))
    work.commit()
