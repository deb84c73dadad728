"""Messages that a transaction leaves for the queue: sent after it, whatever dies in between."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from backbeat.persistence.entities import walk
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import MAX_EFFECTS, Contention, Delete, Item, Key, Query
from mock_stripe.ports import Ports
from mock_stripe.world import keys
from mock_stripe.world.world import World

_BATCH: Final = 10

_in_hand: Final[set[Key]] = set()
"""Messages that some thread of this process is sending, so that no other one needs to."""


def queue_after_commit(world: World, name: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Notes messages in the transaction under a name of their own, such as the event's id."""
    doc = json.dumps([{"tenant": world.tenant, **message} for message in messages]).encode()
    world.note(Item(Key(keys.outbox(world.tenant), name), "StripeOutbox", doc))


def commit(world: World) -> None:
    """Commits a transaction whose messages this process is about to send.

    Raises:
        Changed: another request wrote meanwhile.
        InvalidRequest: there are more changes than a transaction can hold.
    """
    ours = {item.key for item in world.messages}
    _in_hand.update(ours)
    try:
        world.commit()
    except BaseException:
        _in_hand.difference_update(ours)
        raise


def send(ports: Ports, world: World) -> None:
    """Queues what a committed transaction noted."""
    try:
        _send(ports, world.messages)
    finally:
        _in_hand.difference_update(item.key for item in world.messages)


def sweep(ports: Ports, tenant: str) -> int | None:
    """Queues what others noted and did not send, because they died.

    Returns the version of the world since which the outbox was empty, or None. A crash in the
    middle sends some twice, and so do two processes at it: consumers expect that.
    """
    world = ports.world(tenant)
    found = list(walk(ports.store, Query(keys.outbox(tenant)))) if world.is_told else []
    left = [item for item in found if item.key not in _in_hand]
    _send(ports, left)
    return world.version if len(left) == len(found) else None


def _send(ports: Ports, noted: Sequence[Item]) -> None:
    messages = [
        Outgoing(json.dumps(message), delay_seconds=message.get("delay", 0))
        for item in noted
        for message in json.loads(item.doc)
    ]
    for start in range(0, len(messages), _BATCH):
        ports.queue.send(messages[start : start + _BATCH])
    for start in range(0, len(noted), MAX_EFFECTS):
        sent = [Delete(item.key) for item in noted[start : start + MAX_EFFECTS]]
        # Somebody else at them sends them, too.
        with suppress(Contention):
            ports.store.transact(sent)
