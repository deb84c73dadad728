"""Clocks. No other module may ask the system for the time of day."""

import json
from datetime import UTC, datetime

from backbeat.ports.clock import Clock
from backbeat.ports.store import Key, Store


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Returns the present as an aware UTC datetime."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still."""

    def __init__(self, at: datetime) -> None:
        """Stands at `at`, which must be aware; any time zone is fine."""
        self._at = _as_utc(at)

    def now(self) -> datetime:
        """Returns the frozen time as an aware UTC datetime."""
        return self._at


class StoredClock:
    """A tenant's clock: frozen while the store says so, else the base clock.

    The store is asked each time, so that every process sees a change at once.
    """

    def __init__(self, store: Store, tenant: str, base: Clock) -> None:
        self._store = store
        self._key = Key(tenant, "CLOCK")
        self._base = base

    def now(self) -> datetime:
        """Returns the tenant's present as an aware UTC datetime."""
        item = self._store.get(self._key)
        return self._base.now() if item is None else decode(item.doc)


def encode(now: datetime) -> bytes:
    """Returns the document that freezes a stored clock at `now` (aware)."""
    return json.dumps({"now": _as_utc(now).isoformat().replace("+00:00", "Z")}).encode()


def decode(doc: bytes) -> datetime:
    """Returns the UTC time that a document of `encode` freezes the clock at."""
    return _as_utc(datetime.fromisoformat(json.loads(doc)["now"]))


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC)
