"""The count of changes to a tenant's metrics: it tells whether remembered ones are the latest."""

from decimal import Decimal

from backbeat.persistence import keys
from backbeat.ports.store import Add, Item


def changed(tenant: str) -> Add:
    """Returns the effect that makes every process read the metrics anew."""
    return Add(
        Item(keys.metric_version(tenant), "MetricVersion", b"", numbers={"changes": Decimal(1)})
    )
