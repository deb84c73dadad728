"""Sending notifications: signed at each attempt, tried again until they arrive or are given up."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from typing import Final

from backbeat.application import outbox
from backbeat.application.services import Call
from backbeat.domain import signing
from backbeat.models.errors import Retryable
from backbeat.models.notifications import Attempt, Delivery, DeliveryState, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, read, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.http import HttpFailure
from backbeat.ports.store import Index, Item, Key, Put, Query, Version

_TIMEOUT_SECONDS: Final = 10.0
_LEASE: Final = timedelta(seconds=30)
_LONGEST_DELAY_SECONDS: Final = 900


class Outcome(Enum):
    """How one try to deliver ended."""

    DONE = auto()
    FAILED = auto()
    GIVEN_UP = auto()
    BUSY = auto()
    """Somebody else is sending it right now."""


def deliver(call: Call, key: Key) -> Outcome:
    """Posts a notification to its endpoint, signed now. What is over already is done."""
    item = call.store.get(key)
    if item is None:
        return Outcome.DONE
    delivery = from_item(item, Delivery)
    now = call.services.clock.now()
    if not delivery.is_pending:
        return Outcome.DONE
    if delivery.leased_until is not None and delivery.leased_until > now:
        return Outcome.BUSY
    try:
        _store(call, delivery.model_copy(update={"leased_until": now + _LEASE}), item.version)
    except Retryable:
        return Outcome.BUSY
    attempt = _post(call, delivery, now)
    state, outcome = _after(call, delivery, attempt)
    ended = delivery.model_copy(
        update={"attempts": (*delivery.attempts, attempt), "state": state, "leased_until": None}
    )
    _store(call, ended, item.version + 1)
    return outcome


def deliver_in_order(call: Call) -> None:
    """Delivers all that is outstanding, oldest first, before it returns.

    What fails here goes on being retried through the queue, and so does what follows it to the
    same endpoint. What was tried before is the queue's business already.
    """
    for entry in list(walk(call.store, Query(keys.outbox(call.tenant), index=Index.GSI2))):
        item = call.store.get(entry.key)
        if item is not None:
            outbox.fan_out(call, item, queued=False)
    failing: set[str] = set()
    for entry in list(walk(call.store, Query(keys.pending(call.tenant), index=Index.GSI2))):
        delivery = read(call.store, entry.key, Delivery)
        if delivery is None or delivery.attempts:
            continue
        if delivery.endpoint_id not in failing and deliver(call, entry.key) is Outcome.FAILED:
            failing.add(delivery.endpoint_id)
        if delivery.endpoint_id in failing:
            _leave_to_queue(call, entry.key)


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


def _after(call: Call, delivery: Delivery, attempt: Attempt) -> tuple[DeliveryState, Outcome]:
    if attempt.status is not None and 200 <= attempt.status <= 299:
        return DeliveryState.DELIVERED, Outcome.DONE
    if len(delivery.attempts) + 1 >= call.services.webhook_max_attempts:
        return DeliveryState.DEAD, Outcome.GIVEN_UP
    return DeliveryState.PENDING, Outcome.FAILED


def _post(call: Call, delivery: Delivery, now: datetime) -> Attempt:
    notification = read(
        call.store, keys.notification(call.tenant, delivery.notification_id), Notification
    )
    if notification is None:
        return Attempt(at=now, error="the notification is gone")
    body = notification.body.encode()
    secret = _secret(call)
    if secret is None:
        return Attempt(at=now, error="no webhook secret is set")
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


def is_signed(call: Call, signature: str, *, date: str, body: bytes) -> bool:
    """Tells whether a body bears the tenant's signature for a date header text."""
    secret = _secret(call)
    return secret is not None and signing.is_signed(signature, secret=secret, date=date, body=body)


def _secret(call: Call) -> str | None:
    return call.services.secrets.get(_secret_name(call)) or call.services.default_webhook_secret


def _secret_name(call: Call) -> str:
    return f"{call.tenant}/webhook_secret"


def _leave_to_queue(call: Call, key: Key) -> None:
    item = call.store.get(key)
    if item is not None and not from_item(item, Delivery).queued:
        outbox.mark_queued(call, item)
        outbox.enqueue(call, key)


def _store(call: Call, delivery: Delivery, replaced_version: int) -> None:
    work = UnitOfWork(call.store)
    item: Item = outbox.delivery_item(call, delivery, replaced_version + 1)
    work.add(Put(item, Version(replaced_version)))
    work.commit()
