"""Messages that a transaction leaves for the queue: sent after it, whatever dies in between."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backbeat.ports.queue import Outgoing
from backbeat.ports.store import Delete, Item, Key, Put, Query
from mock_stripe.ports import Ports
from mock_stripe.world import keys
from mock_stripe.world.world import World

_BATCH: Final = 10


def queue_after_commit(world: World, name: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Notes messages in the transaction under a name of their own, such as the event's id."""
    doc = json.dumps([{"tenant": world.tenant, **message} for message in messages]).encode()
    world.write(Put(Item(Key(keys.outbox(world.tenant), name), "StripeOutbox", doc)))


def send(ports: Ports, tenant: str) -> None:
    """Queues what was noted. A crash in the middle sends some twice: consumers expect that."""
    partition = keys.outbox(tenant)
    for item in ports.store.query(Query(partition, limit=100)).items:
        messages = [Outgoing(json.dumps(message)) for message in json.loads(item.doc)]
        for start in range(0, len(messages), _BATCH):
            ports.queue.send(messages[start : start + _BATCH])
        ports.store.transact([Delete(item.key)])
