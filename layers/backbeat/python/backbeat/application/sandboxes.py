"""Sandboxes: the world a token owns, starting it afresh, and putting another in its place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from backbeat.application import delivery_accounts, outbox, targets, tenants
from backbeat.application.services import PRODUCT, Call, Services
from backbeat.models.audit import Author
from backbeat.models.base import Model
from backbeat.models.errors import Retryable
from backbeat.models.rate_limits import RateLimit
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Version

_RESET: Final = "."
"""Stands between an owner and the number of a world; no owner contains it."""


class Sandbox(Model):
    """Which of the owner's worlds is the present one. Each is a tenant that is used only once.

    `reserved` is the highest number that was given away: a world that never became the present
    one may have left things behind. `faulty` says that calls are to look for faults, `rate_limit`
    how many there may be, if that differs from the stage's own limit.
    """

    owner: str
    resets: int = 0
    reserved: int = 0
    faulty: bool = False
    rate_limit: RateLimit | None = None

    @property
    def tenant(self) -> str:
        """The tenant the owner's calls are for now."""
        return _tenant(self.owner, self.resets)

    @property
    def unused(self) -> int:
        """The number of a world that nothing was written to."""
        return max(self.resets, self.reserved) + 1


def call_of(services: Services, owner: str, by: Author = PRODUCT) -> Call:
    """Returns the call of a token's owner, at the time of its sandbox."""
    if not services.sandbox:
        now = services.clock.now()
        return Call(services, owner, owner, now, rate_limit=services.rate_limit, by=by)
    item = services.store.get(keys.sandbox(owner))
    sandbox = Sandbox(owner=owner) if item is None else from_item(item, Sandbox)
    now = services.clock_for(sandbox.tenant).now()
    limit = sandbox.rate_limit or services.rate_limit
    return Call(
        services,
        owner,
        sandbox.tenant,
        now,
        faulty=sandbox.faulty,
        rate_limit=limit,
        by=by,
    )


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
    item, before = held(call)
    number = before.unused
    after = Sandbox(owner=call.owner, resets=number, reserved=number)
    work = UnitOfWork(call.store)
    work.add(changed(call, item, after))
    # Scheduled work of the world left behind must not go on.
    work.add(tenants.unmark(call))
    work.commit()
    _forget_secrets(call)
    call.services.forget(before.tenant)


def replace_world(call: Call, fill: Callable[[Call], None]) -> Call:
    """Fills an empty world, then puts it in the place of the caller's; returns a call to it.

    Until then the caller's world is as it was, and it stays so if filling fails. Its secrets
    go over to the new one. Webhooks that the filling made are sent afterwards.

    Raises:
        Retryable: somebody else replaced or reset it at the same time.
    """
    number = _reserve(call)
    tenant = _tenant(call.owner, number)
    filling = replace(call, tenant=tenant, now=call.services.clock.now(), held=[], faulty=False)
    try:
        fill(filling)
        _copy_secrets(call, filling)
        _move_into(call, number)
    except Exception:
        _forget_secrets(filling)
        call.services.forget(tenant)
        raise
    _forget_secrets(call)
    call.services.forget(call.tenant)
    moved = call_of(call.services, call.owner, call.by)
    for item in outbox.untold(moved):
        outbox.fan_out(moved, item, queued=True)
    for item in outbox.untried(moved):
        outbox.hand_over(moved, item.key)
    return moved


def held(call: Call) -> tuple[Item | None, Sandbox]:
    """Returns the caller's sandbox, and the item it is stored in if there is one."""
    item = call.store.get(keys.sandbox(call.owner))
    return item, Sandbox(owner=call.owner) if item is None else from_item(item, Sandbox)


def changed(call: Call, item: Item | None, after: Sandbox) -> Put:
    """Returns the effect that changes the caller's sandbox, if nobody else has since."""
    condition = Absent() if item is None else Version(item.version)
    version = 1 if item is None else item.version + 1
    return Put(to_item(keys.sandbox(call.owner), after, version=version), condition)


def _copy_secrets(call: Call, other: Call) -> None:
    targets.copy_secrets(call, other)
    delivery_accounts.copy_secrets(call, other)


def _forget_secrets(call: Call) -> None:
    targets.forget_secrets(call)
    delivery_accounts.forget_secrets(call)


def _tenant(owner: str, number: int) -> str:
    return owner if number == 0 else f"{owner}{_RESET}{number}"


def _reserve(call: Call) -> int:
    item, before = held(call)
    number = before.unused
    work = UnitOfWork(call.store)
    work.add(changed(call, item, before.model_copy(update={"reserved": number})))
    work.commit()
    return number


def _move_into(call: Call, number: int) -> None:
    item, before = held(call)
    # Whoever took another number meanwhile has replaced the world, or is about to.
    if before.reserved != number or before.tenant != call.tenant:
        raise Retryable("The sandbox was replaced by another request at the same time. Try again.")
    work = UnitOfWork(call.store)
    after = before.model_copy(update={"resets": number, "faulty": False})
    work.add(changed(call, item, after), tenants.unmark(call))
    work.commit()
