"""The count of changes to a tenant's metrics: it tells whether remembered ones are the latest."""

from decimal import Decimal
from typing import Final

from backbeat.persistence import keys
from backbeat.ports.store import Add, Item

ENTITY: Final = "MetricVersion"


def changed(tenant: str) -> Add:
    """Returns the effect that makes every process read the metrics anew."""
    return Add(Item(keys.metric_version(tenant), ENTITY, b"", numbers={"changes": Decimal(1)}))
