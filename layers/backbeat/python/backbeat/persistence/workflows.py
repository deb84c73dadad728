"""Charges that thresholds brought about, by their ids alone."""

from backbeat.models.threshold_billing import Workflow
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.ports.store import Absent, Item, Put, Store, Version


def insert(tenant: str, workflow: Workflow) -> Put:
    """Stores a new one."""
    return Put(to_item(keys.workflow(tenant, workflow.id), workflow), Absent())


def replace(tenant: str, workflow: Workflow, item: Item) -> Put:
    """Stores a changed one, if nobody changed it since it was read."""
    key = keys.workflow(tenant, workflow.id)
    return Put(to_item(key, workflow, version=item.version + 1), Version(item.version))


def find(store: Store, tenant: str, workflow_id: str) -> tuple[Item, Workflow] | None:
    """Returns one as stored, or None."""
    item = store.get(keys.workflow(tenant, workflow_id))
    return None if item is None else (item, from_item(item, Workflow))
