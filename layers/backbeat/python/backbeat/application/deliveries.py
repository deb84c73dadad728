"""Sending notifications: signed at each attempt, tried again until they arrive or are given up."""

import json
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from typing import Final

from backbeat.application import faults, outbox, targets
from backbeat.application.services import Call
from backbeat.domain import signing
from backbeat.models.errors import Retryable
from backbeat.models.faults import FaultKind
from backbeat.models.notifications import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    Notification,
)
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.http import HttpFailure
from backbeat.ports.store import Item, Key, Put, Version

_TIMEOUT_SECONDS: Final = 10.0
_LEASE: Final = timedelta(seconds=30)
_LONGEST_DELAY_SECONDS: Final = 900
_RECORD_TRIES: Final = 8
_SIGNATURE_HEADERS: Final = (
    "Metronome-Webhook-Signature",
    "Metronome-Webhook-Signature-Previous",
)

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
    Nothing is sent to a target that was removed.

    Raises:
        Retryable: others were faster each time.
    """
    item = call.store.get(key)
    delivery = None if item is None else from_item(item, Delivery)
    if item is None or delivery is None or delivery.state is DeliveryState.DELIVERED:
        return Outcome.DONE
    endpoint = targets.find(call, delivery.endpoint_id)
    if endpoint is None:
        _store(call, delivery.model_copy(update={"state": DeliveryState.CANCELED}), item.version)
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
    outcome = _record(call, key, _attempts(call, delivery, endpoint, now, mishaps), last=last)
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
    call: Call, delivery: Delivery, endpoint: Endpoint, now: datetime, mishaps: set[FaultKind]
) -> list[Attempt]:
    if FaultKind.WEBHOOK_LOSS in mishaps:
        return [Attempt(at=now, error=_LOST)]
    forged = FaultKind.WEBHOOK_BAD_SIGNATURE in mishaps
    attempt = _post(call, delivery, endpoint, now, forged=forged)
    if FaultKind.WEBHOOK_DUPLICATE in mishaps:
        return [attempt, _post(call, delivery, endpoint, now)]
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


def _post(
    call: Call, delivery: Delivery, endpoint: Endpoint, now: datetime, *, forged: bool = False
) -> Attempt:
    notification = read(
        call.store, keys.notification(call.tenant, delivery.notification_id), Notification
    )
    if notification is None:
        return Attempt(at=now, error="the notification is gone")
    body = notification.body.encode()
    secrets = targets.secrets_for(call, endpoint)
    if not secrets:
        return Attempt(at=now, error="no webhook secret is set")
    if forged:
        secrets = [f"not {secret}" for secret in secrets]
    date = format_datetime(now, usegmt=True)
    signatures = [signing.sign(secret=secret, date=date, body=body) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Metronome",
        "Date": date,
        "X-Metronome-Date": date,
        # While a replaced secret is still valid, receivers that do not know the new one yet find
        # its signature in the second header.
        **dict(zip(_SIGNATURE_HEADERS, signatures, strict=False)),
    }
    try:
        reply = call.services.http.post(
            delivery.url, headers=headers, body=body, timeout_seconds=_TIMEOUT_SECONDS
        )
    except HttpFailure as failure:
        return Attempt(at=now, error=str(failure), duration_milliseconds=_since(call, now))
    return Attempt(at=now, status=reply.status, duration_milliseconds=_since(call, now))


def _since(call: Call, begun: datetime) -> int:
    return (call.services.clock.now() - begun) // timedelta(milliseconds=1)


def is_signed(call: Call, signature: str, *, date: str, body: bytes) -> bool:
    """Tells whether a body bears a signature of the tenant's for a recent date header text."""
    return signing.is_recent(date, now=call.services.clock.now()) and any(
        signing.is_signed(signature, secret=secret, date=date, body=body)
        for secret in targets.all_secrets(call)
    )


def _store(call: Call, delivery: Delivery, replaced_version: int) -> None:
    work = UnitOfWork(call.store)
    item: Item = outbox.delivery_item(call, delivery, replaced_version + 1)
    work.add(Put(item, Version(replaced_version)))
    work.commit()
