"""Working off one event of the queue: leased, done, and marked as done.

A crash between the lease and the mark leaves both the lease, which ends, and the message, which
comes back. Whatever is done about an event is therefore safe to be done twice.
"""

import json
import logging
import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from backbeat.application.intake import dispatch, receiving
from backbeat.application.services import Call
from backbeat.models.errors import Retryable
from backbeat.models.inbound import InboundEvent, InboundState
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item, Key, Put, Version

LEASE: Final = timedelta(seconds=120)
"""As long as the function that works off events may take."""

_LONGEST_DELAY_SECONDS: Final = 900
_LONGEST_ERROR: Final = 1000

_log = logging.getLogger("backbeat.intake")


class Outcome(Enum):
    """How one try ended."""

    DONE = auto()
    FAILED = auto()
    BUSY = auto()
    """Somebody else is at it right now."""
    GIVEN_UP = auto()


def run(call: Call, key: Key, *, last: bool) -> Outcome:
    """Does what an event asks for. `last` says that the queue will not bring it again."""
    item = call.store.get(key)
    if item is None:
        return Outcome.DONE
    event = from_item(item, InboundEvent)
    if event.state.is_over or event.state is InboundState.DEAD:
        return Outcome.DONE
    now = call.services.clock.now()
    if event.leased_until is not None and now < event.leased_until:
        return Outcome.BUSY
    leased = event.model_copy(
        update={"leased_until": now + LEASE, "attempts": event.attempts + 1, "error": None}
    )
    try:
        held = _store(call, leased, item)
    except Retryable:
        return Outcome.BUSY
    try:
        outcome = dispatch.handle(
            call, event.type, event.provider, json.loads(event.body, parse_float=Decimal)
        )
    except Exception as error:
        _log.exception(
            "not done", extra={"tenant": call.tenant, "event": event.id, "type": event.type}
        )
        return _failed(call, leased, held, error, last=last)
    state = InboundState.IGNORED if outcome is None else InboundState.DONE
    done = leased.model_copy(
        update={
            "state": state,
            "outcome": outcome,
            "leased_until": None,
            "finished_at": call.services.clock.now(),
        }
    )
    # Whoever took it up after the lease ended does the same once more, and marks it.
    with suppress(Retryable):
        _store(call, done, held)
    return Outcome.DONE


def delay_seconds(attempt_number: int) -> int:
    """Returns the wait after a failed try: doubling, with jitter, 15 minutes at most."""
    longest = min(_LONGEST_DELAY_SECONDS, 2 ** min(attempt_number - 1, 20))
    # Jitter spreads what failed together; it needs no cryptographic randomness.
    return random.randint((longest + 1) // 2, longest)  # noqa: S311


def _failed(
    call: Call, leased: InboundEvent, held: Item, error: Exception, *, last: bool
) -> Outcome:
    text = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    state = InboundState.DEAD if last else InboundState.RETRYING
    failed = leased.model_copy(update={"state": state, "error": text, "leased_until": None})
    with suppress(Retryable):
        _store(call, failed, held)
    call.services.count("InboundFailed", 1)
    return Outcome.GIVEN_UP if last else Outcome.FAILED


def _store(call: Call, event: InboundEvent, before: Item) -> Item:
    after = receiving.item_of(call, event, before.version + 1)
    work = UnitOfWork(call.store)
    work.add(Put(after, Version(before.version)))
    work.commit()
    return after
