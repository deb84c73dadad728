"""The tenants that the tick looks after: those with scheduled work or with webhook targets."""

from backbeat.application.services import Call, Services
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import to_item, walk
from backbeat.ports.store import Delete, Index, IndexKey, Put, Query


class Tenant(Model):
    """Marks a tenant."""

    id: str


def mark(call: Call) -> Put:
    """Returns the effect that makes the tick look after the caller's tenant from now on."""
    item = to_item(
        keys.tenant(call.tenant),
        Tenant(id=call.tenant),
        gsi1=IndexKey(keys.tenants(), call.tenant),
    )
    return Put(item)


def unmark(call: Call) -> Delete:
    """Returns the effect that makes the tick leave the caller's tenant alone."""
    return Delete(keys.tenant(call.tenant))


def marked(services: Services) -> list[str]:
    """Returns the ids of the marked tenants."""
    query = Query(keys.tenants(), index=Index.GSI1)
    return [item.key.pk for item in walk(services.store, query)]
