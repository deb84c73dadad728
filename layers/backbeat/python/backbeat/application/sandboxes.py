"""Sandboxes: the world a token owns, and starting it afresh."""

from typing import Final

from backbeat.application import deliveries, tenants
from backbeat.application.services import Call, Services
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version

_RESET: Final = "."
"""Stands between an owner and the number of resets; no owner contains it."""


class Sandbox(Model):
    """How often the owner started afresh. Each time makes a tenant that nothing was written to."""

    owner: str
    resets: int = 0

    @property
    def tenant(self) -> str:
        """The tenant the owner's calls are for now."""
        return self.owner if self.resets == 0 else f"{self.owner}{_RESET}{self.resets}"


def call_of(services: Services, owner: str) -> Call:
    """Returns the call of a token's owner, at the time of its sandbox."""
    if not services.sandbox:
        return Call(services, owner, owner, services.clock.now())
    item = services.store.get(keys.sandbox(owner))
    tenant = owner if item is None else from_item(item, Sandbox).tenant
    return Call(services, owner, tenant, services.clock_for(tenant).now())


def call_for(services: Services, tenant: str) -> Call:
    """Returns a call on a tenant's own behalf: a scheduled or queued job."""
    return Call(services, tenant, tenant, services.clock_for(tenant).now())


def is_abandoned(services: Services, tenant: str) -> bool:
    """Tells whether a tenant was left behind by a reset: what is queued for it is void."""
    if not services.sandbox:
        return False
    owner = tenant.partition(_RESET)[0]
    sandbox = read(services.store, keys.sandbox(owner), Sandbox)
    return sandbox is not None and sandbox.tenant != tenant


def reset(call: Call) -> None:
    """Leaves everything behind: the next call finds an empty sandbox on real time.

    What was there is unreachable from now on; where the store can, it is deleted as well.

    Raises:
        Retryable: somebody else reset it at the same time.
    """
    item = call.store.get(keys.sandbox(call.owner))
    before = Sandbox(owner=call.owner) if item is None else from_item(item, Sandbox)
    after = before.model_copy(update={"resets": before.resets + 1})
    condition = Absent() if item is None else Version(item.version)
    version = 1 if item is None else item.version + 1
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.sandbox(call.owner), after, version=version), condition))
    # Scheduled work of the world left behind must not go on.
    work.add(tenants.unmark(call))
    work.commit()
    deliveries.forget_secret(call)
    call.services.forget(before.tenant)
