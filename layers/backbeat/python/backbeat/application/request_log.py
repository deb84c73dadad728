"""The last calls of a sandbox: each process writes a ring of them, readers put the rings together.

The log is for people and their assertions: it loses what a crash loses, and never fails a call.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import msgspec

from backbeat.application.services import Call, Services
from backbeat.models.request_log import LoggedRequest
from backbeat.persistence import keys
from backbeat.persistence.entities import walk
from backbeat.ports.store import MAX_EFFECTS, Delete, Item, Query

KEPT: Final = 500
"""Calls remembered."""

KEPT_CHARACTERS: Final = 8192
"""What is kept of a body."""

_KEPT_FOR: Final = timedelta(days=1)
_REMEMBERED_RINGS: Final = 10_000

# Every call is encoded, and by pydantic that takes as long as to find out who makes it.
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(LoggedRequest)

_log = logging.getLogger("backbeat.request_log")


@dataclass(slots=True)
class _Rings:
    """Where this process goes on writing, by tenant."""

    following: OrderedDict[str, int] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, tenant: str, first: Callable[[], int]) -> int:
        """Returns the number of the next call; `first` finds it for a tenant not yet seen."""
        if tenant not in self.following:
            found = first()
            with self.lock:
                self.following.setdefault(tenant, found)
        with self.lock:
            # Forgotten by others meanwhile, it would begin anew and overwrite what is there.
            number = self.following.get(tenant, 0)
            self.following[tenant] = number + 1
            self.following.move_to_end(tenant)
            if len(self.following) > _REMEMBERED_RINGS:
                self.following.popitem(last=False)
        return number


_rings = _Rings()


def note(call: Call, path: str, seen: Callable[[int], LoggedRequest]) -> None:
    """Adds a call to the log. `seen` makes its line, given its number."""
    try:
        number = _rings.take(call.tenant, lambda: _following(call))
        item = _item(call, seen(number))
        call.services.unwritten_log.add(item, call.store.put_many)
    except Exception:
        _log.exception("not logged", extra={"path": path})


def write_waiting(services: Services) -> None:
    """Writes what waits to be written."""
    services.unwritten_log.flush(services.store.put_many)


def last(call: Call) -> list[LoggedRequest]:
    """Returns the last calls of the caller's sandbox, oldest first."""
    found = [_decoder.decode(item.doc) for item in _items(call)]
    return sorted(found, key=lambda one: (one.at, one.number))[-KEPT:]


def clear(call: Call) -> None:
    """Forgets the calls so far."""
    effects = [Delete(item.key) for item in _items(call)]
    for first in range(0, len(effects), MAX_EFFECTS):
        call.store.transact(effects[first : first + MAX_EFFECTS])


def shortened(text: str) -> str:
    """Returns what is kept of a body."""
    return text[:KEPT_CHARACTERS]


def _following(call: Call) -> int:
    """Returns where a process that was started anew goes on in its ring."""
    own = f"{call.services.cell_slot}#"
    numbers = [
        _decoder.decode(item.doc).number for item in _items(call) if item.key.sk.startswith(own)
    ]
    return max(numbers, default=-1) + 1


def _items(call: Call) -> list[Item]:
    write_waiting(call.services)
    return list(walk(call.store, Query(keys.request_log(call.tenant))))


def _item(call: Call, seen: LoggedRequest) -> Item:
    key = keys.logged_request(call.tenant, call.services.cell_slot, seen.number % KEPT)
    expires_at = int((call.services.clock.now() + _KEPT_FOR).timestamp())
    return Item(key, LoggedRequest.__name__, _encoder.encode(seen), expires_at=expires_at)
