"""Alerts, and where each stands for its customers.

An alert lies alone, found by its id, and by a reference among those of its customer or of all.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.models.alerts import Alert, AlertState
from backbeat.models.base import Model
from backbeat.persistence import keys, metric_version
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import (
    Absent,
    Add,
    Check,
    Effect,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    Store,
    Version,
)

KIND: Final = "ALERT"

_EVERYBODYS: Final = "alerts"
_OWN: Final = "own_alerts"
"""Counts of changes of alerts about all customers, and about one."""


class Extent(NamedTuple):
    """Whom a tenant's alerts are about: all customers, in a version; some; or nobody."""

    version: int
    some: bool

    @property
    def nobody(self) -> bool:
        """Tells whether there never was an alert."""
        return not self.version and not self.some


class _Reference(Model):
    alert_id: str


class StoredState(NamedTuple):
    """A state and the version it was read at; 0 is not stored yet."""

    state: AlertState
    version: int


def extent(store: Store, tenant: str) -> Extent:
    """Tells whom the tenant's alerts are about, by one read."""
    return extent_of(store.get(keys.metric_version(tenant)))


def extent_of(version: Item | None) -> Extent:
    """Tells the same from the item that counts changes of metrics, so that ingest reads one."""
    numbers = {} if version is None else version.numbers
    return Extent(int(numbers.get(_EVERYBODYS, 0)), some=bool(numbers.get(_OWN, 0)))


def insert(tenant: str, alert: Alert) -> list[Effect]:
    """Stores a new alert."""
    reference = keys.alert_reference(tenant, alert.customer_id, alert.id)
    return [
        Put(_item(tenant, alert), Absent()),
        Put(to_item(reference, _Reference(alert_id=alert.id))),
        changed(tenant, alert.customer_id),
    ]


def replace(tenant: str, alert: Alert, item: Item) -> list[Effect]:
    """Stores a changed alert, if nobody changed it since it was read."""
    return [
        Put(_item(tenant, alert, item.version + 1), Version(item.version)),
        changed(tenant, alert.customer_id),
    ]


def changed(tenant: str, customer_id: str | None) -> Add:
    """Returns the effect that makes every process read the alerts anew."""
    # A customer's own alerts are read anew at each look, so they need no version.
    name = _EVERYBODYS if customer_id is None else _OWN
    key = keys.metric_version(tenant)
    return Add(Item(key, metric_version.ENTITY, b"", numbers={name: Decimal(1)}))


def find(store: Store, tenant: str, alert_id: str) -> Item | None:
    """Returns an alert as stored, or None."""
    return store.get(keys.entity(tenant, KIND, alert_id))


def unchanged(tenant: str, alert_id: str, version: int) -> Check:
    """Returns the condition that an alert is still the same."""
    return Check(keys.entity(tenant, KIND, alert_id), Version(version))


def owned(store: Store, tenant: str, customer_id: str | None) -> list[tuple[Item, Alert]]:
    """Returns the alerts made for one customer, or for all of them, archived ones included."""
    pk, low, high = keys.alert_references(tenant, customer_id)
    references = walk(store, Query(pk, low=low, high=high))
    wanted = [
        keys.entity(tenant, KIND, from_item(item, _Reference).alert_id) for item in references
    ]
    return [(item, from_item(item, Alert)) for item in store.get_many(wanted).values()]


def states(
    store: Store, tenant: str, customer_id: str, alert_id: str | None = None
) -> dict[tuple[str, str], StoredState]:
    """Returns where a customer's alerts stand, or one of them, by alert id and place."""
    pk, low, high = (
        keys.alert_states(tenant, customer_id)
        if alert_id is None
        else keys.alert_states_of(tenant, customer_id, alert_id)
    )
    found = {}
    for item in walk(store, Query(pk, low=low, high=high)):
        state = from_item(item, AlertState)
        found[state.alert_id, state.place] = StoredState(state, item.version)
    return found


def put_state(tenant: str, customer_id: str, state: AlertState, before: StoredState | None) -> Put:
    """Stores a state, if it is still as it was read, or still missing."""
    key: Key = keys.alert_state(tenant, customer_id, state.alert_id, state.place)
    if before is None:
        return Put(to_item(key, state), Absent())
    return Put(to_item(key, state, version=before.version + 1), Version(before.version))


def newest_last(alerts: Iterable[Alert]) -> list[Alert]:
    """Returns alerts in order of creation."""
    return sorted(alerts, key=lambda alert: (alert.created_at, alert.id))


def _item(tenant: str, alert: Alert, version: int = 1) -> Item:
    partition = keys.entities(tenant, KIND, archived=alert.archived_at is not None)
    place = keys.created(alert.created_at, alert.id)
    return to_item(
        keys.entity(tenant, KIND, alert.id),
        alert,
        version=version,
        gsi1=IndexKey(partition, place),
    )
