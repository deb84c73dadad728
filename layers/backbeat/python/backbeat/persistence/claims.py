"""Values reserved for one owner: uniqueness keys and ingest aliases."""

from collections.abc import Iterable
from datetime import datetime

from backbeat.models.base import Model
from backbeat.models.errors import Conflict
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import Otherwise
from backbeat.ports.store import Absent, Delete, Item, Put, Store, Version


class Claim(Model):
    """Who holds a value. `claimed_at` is real time, where somebody needs to know it."""

    owner_id: str
    value: str
    claimed_at: datetime | None = None


def take(
    tenant: str, scope: str, value: str, owner_id: str, *, claimed_at: datetime | None = None
) -> Put:
    """Reserves a value, if nobody holds it."""
    claim = Claim(owner_id=owner_id, value=value, claimed_at=claimed_at)
    return Put(to_item(keys.claim(tenant, scope, value), claim), Absent())


def release(tenant: str, scope: str, value: str) -> Delete:
    """Gives a value back. Goes with an effect that proves it to be the caller's to give."""
    return Delete(keys.claim(tenant, scope, value))


def held(
    store: Store, tenant: str, scope: str, values: Iterable[str]
) -> list[tuple[Claim, Delete]]:
    """Returns those of the claims that exist, each with what ends it if it is unchanged by then."""
    found = store.get_many(keys.claim(tenant, scope, value) for value in values)
    return [
        (from_item(item, Claim), Delete(key, Version(item.version))) for key, item in found.items()
    ]


def owner(store: Store, tenant: str, scope: str, value: str) -> str | None:
    """Returns who holds a value, or None."""
    claim = read(store, keys.claim(tenant, scope, value), Claim)
    return None if claim is None else claim.owner_id


def taken(message: str) -> Otherwise:
    """Makes the 409 that names who holds the value."""

    def conflict(item: Item | None) -> Exception:
        held = None if item is None else from_item(item, Claim)
        return Conflict(
            message,
            conflicting_id=None if held is None else held.owner_id,
            value=None if held is None else held.value,
        )

    return conflict
