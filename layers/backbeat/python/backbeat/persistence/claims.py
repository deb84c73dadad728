"""Values reserved for one owner: uniqueness keys and ingest aliases."""

from backbeat.models.base import Model
from backbeat.models.errors import Conflict
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import Otherwise
from backbeat.ports.store import Absent, Delete, Item, Put, Store, Version


class Claim(Model):
    """Who holds a value."""

    owner_id: str
    value: str


def take(tenant: str, scope: str, value: str, owner_id: str) -> Put:
    """Reserves a value, if nobody holds it."""
    return Put(
        to_item(keys.claim(tenant, scope, value), Claim(owner_id=owner_id, value=value)), Absent()
    )


def release(tenant: str, scope: str, value: str) -> Delete:
    """Gives a value back."""
    return Delete(keys.claim(tenant, scope, value), Version(1))


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
