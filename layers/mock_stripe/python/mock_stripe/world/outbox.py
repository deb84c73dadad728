"""Messages that a transaction leaves for the queue: sent after it, whatever dies in between."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from backbeat.ports.queue import Outgoing
from backbeat.ports.store import MAX_EFFECTS, Contention, Delete, Item, Key, Query
from mock_stripe.ports import Ports
from mock_stripe.world import keys
from mock_stripe.world.world import World

_BATCH: Final = 10


def queue_after_commit(world: World, name: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Notes messages in the transaction under a name of their own, such as the event's id."""
    doc = json.dumps([{"tenant": world.tenant, **message} for message in messages]).encode()
    world.note(Item(Key(keys.outbox(world.tenant), name), "StripeOutbox", doc))


def send(ports: Ports, world: World) -> None:
    """Queues what a committed transaction noted."""
    _send(ports, world.messages)


def sweep(ports: Ports, world: World) -> None:
    """Queues what others noted and did not send, because they died or are about to.

    A crash in the middle sends some twice, and so do two at it: consumers expect that.
    """
    if not world.is_told:
        return
    query = Query(keys.outbox(world.tenant), limit=_BATCH)
    while found := ports.store.query(query).items:
        _send(ports, found)
    world.swept()


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
