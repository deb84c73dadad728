"""Entries of the work list: each says when its work is due, and is indexed by that time.

A sandbox lists its entries a second time, to be read strongly when its clock is moved.
"""

import json

from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.models.contracts import DueItem
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import Absent, Delete, Effect, Item, Key, Put, Version


class _Listed(Model):
    """Names a due item on a sandbox's work list."""

    pk: str
    sk: str


def item(call: Call, key: Key, due: DueItem, version: int = 1) -> Item:
    """Returns a due item as stored."""
    return to_item(key, due, version=version, gsi2=keys.due_at(call.tenant, key, due.due_at))


def put_first(call: Call, key: Key, due: DueItem) -> list[Effect]:
    """Returns the effects that put new work on the list."""
    effects: list[Effect] = [Put(item(call, key, due), Absent())]
    if call.services.sandbox:
        listed = keys.sandbox_work_item(call.tenant, key)
        effects.append(Put(to_item(listed, _Listed(pk=key.pk, sk=key.sk))))
    return effects


def replace(call: Call, stored: Item, due: DueItem) -> Put:
    """Returns the effect that changes work on the list, if nobody else did."""
    return Put(item(call, stored.key, due, stored.version + 1), Version(stored.version))


def remove(call: Call, stored: Item) -> list[Effect]:
    """Returns the effects that take a due item off the list for good."""
    listed = keys.sandbox_work_item(call.tenant, stored.key)
    return [Delete(stored.key, Version(stored.version)), Delete(listed)]


def named(listed: Item) -> Key:
    """Returns the key of the due item that an entry of a sandbox's list names."""
    return Key(**dict(from_item(listed, _Listed)))


def message_about(call: Call, key: Key) -> str:
    """Returns the body of a queued message about one of the caller's items."""
    return json.dumps({"tenant": call.tenant, "pk": key.pk, "sk": key.sk})


def send_job(call: Call, key: Key, *, delay_seconds: int = 0) -> None:
    """Queues the work on the list that lies under a key."""
    call.services.job_queue.send([Outgoing(message_about(call, key), delay_seconds)])
