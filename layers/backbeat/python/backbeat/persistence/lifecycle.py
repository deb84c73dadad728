"""Which lifecycle notifications a tenant wants, and those that wait for their time."""

from collections.abc import Iterable
from typing import NamedTuple

from backbeat.models.base import Model
from backbeat.models.lifecycle import LifecycleType, OffsetConfig, Switches
from backbeat.models.notifications import Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Absent, Delete, Item, Key, Put, Query, Store, Version


class Planned(Model):
    """A system event that a configuration tells some time after it was first told."""

    config_id: str
    told: Notification


class Generated(Model):
    """A balance that a recurring term made, until what was due before it has been looked at."""

    balance_id: str


class Stored(NamedTuple):
    """All that a tenant said about lifecycle notifications."""

    switches: Switches
    configs: tuple[OffsetConfig, ...]


def everything(store: Store, tenant: str) -> Stored:
    """Returns the switches and every configuration, archived ones included."""
    switches, configs = Switches(), []
    for item in walk(store, Query(keys.lifecycle(tenant))):
        if item.entity == Switches.__name__:
            switches = from_item(item, Switches)
        else:
            configs.append(from_item(item, OffsetConfig))
    return Stored(switches, tuple(sorted(configs, key=lambda config: config.position)))


def find(store: Store, tenant: str, config_id: str) -> Item | None:
    """Returns a configuration as stored, or None."""
    return store.get(keys.offset_config(tenant, config_id))


def insert(tenant: str, config: OffsetConfig) -> Put:
    """Stores a new configuration."""
    return Put(to_item(keys.offset_config(tenant, config.id), config), Absent())


def replace(tenant: str, config: OffsetConfig, item: Item) -> Put:
    """Stores a changed configuration, if nobody changed it since it was read."""
    changed = to_item(item.key, config, version=item.version + 1)
    return Put(changed, Version(item.version))


def switch(store: Store, tenant: str, change: Switches) -> Put:
    """Returns the effect that adds to the switches, if they are as they are now."""
    key = keys.system_switches(tenant)
    item = store.get(key)
    if item is None:
        return Put(to_item(key, change), Absent())
    since: dict[LifecycleType, object] = {**from_item(item, Switches).since, **change.since}
    changed = to_item(key, Switches.model_validate({"since": since}), version=item.version + 1)
    return Put(changed, Version(item.version))


def plan(tenant: str, customer_id: str, planned: Planned) -> Put:
    """Keeps a notification for later; keeping it again changes nothing."""
    key = keys.planned_notice(tenant, customer_id, planned.config_id, planned.told.id)
    return Put(to_item(key, planned))


def planned_of(store: Store, tenant: str, customer_id: str) -> list[tuple[Key, Planned]]:
    """Returns what is kept for a customer."""
    pk, low, high = keys.planned_notices(tenant, customer_id)
    items = walk(store, Query(pk, low=low, high=high))
    return [(item.key, from_item(item, Planned)) for item in items]


def generated(tenant: str, customer_id: str, balance_id: str) -> Put:
    """Notes that a recurring term made a balance."""
    key = keys.generated_balance(tenant, customer_id, balance_id)
    return Put(to_item(key, Generated(balance_id=balance_id)))


def generated_of(store: Store, tenant: str, customer_id: str) -> dict[str, Key]:
    """Returns which balances of a customer were made since the last look, and where that lies."""
    pk, low, high = keys.generated_balances(tenant, customer_id)
    items = walk(store, Query(pk, low=low, high=high))
    return {from_item(item, Generated).balance_id: item.key for item in items}


def forget(planned: Iterable[Key]) -> list[Delete]:
    """Returns the effects that remove what was kept."""
    return [Delete(key) for key in planned]
