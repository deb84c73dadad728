"""A sandbox's faults: drawing those that an occasion meets."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from backbeat.application.services import Call
from backbeat.domain.faults import Occasion, drawn
from backbeat.models.errors import Retryable
from backbeat.models.faults import Fault, Faults
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Store, Version

GENERIC: Final = "generic_decline"
"""What banks say that say no more."""

_DRAW_TRIES: Final = 20


def of(call: Call) -> tuple[Fault, ...]:
    """Returns all faults of the caller's sandbox, with how often they happened."""
    return stored(call.store, call.tenant)[1].rules


def met_by_request(call: Call, method: str, path: str, named: object) -> list[Fault]:
    """Returns the faults that a request meets, in order, and counts them.

    `named` are the values it names: texts, and objects and lists of them.

    Raises:
        Retryable: too many occasions were counted at the same time.
    """
    occasion = Occasion(frozenset(_texts(named)), method=method, path=path)
    return _met(call.store, call.tenant, occasion)


def met_by_webhook(call: Call, type_: str, body: object) -> list[Fault]:
    """Returns the faults that sending a notification meets, in order, and counts them.

    Raises:
        Retryable: too many occasions were counted at the same time.
    """
    return _met(call.store, call.tenant, Occasion(frozenset(_texts(body)), event=type_))


def decline_of_payment(store: Store, tenant: str, named: object) -> str | None:
    """Returns what a bank says of a payment that a fault declines, and counts it; None: nothing.

    `named` are the values that say whose payment it is.

    Raises:
        Retryable: too many occasions were counted at the same time.
    """
    met = _met(store, tenant, Occasion(frozenset(_texts(named)), is_payment=True))
    return met[0].decline_code or GENERIC if met else None


def _met(store: Store, tenant: str, occasion: Occasion) -> list[Fault]:
    for _ in range(_DRAW_TRIES):
        item, before = stored(store, tenant)
        happening, counted = drawn(before.rules, occasion)
        if counted == before.rules:
            return []
        with suppress(Retryable):
            work = UnitOfWork(store)
            work.add(replaced(tenant, item, counted))
            work.commit()
            return happening
    raise Retryable("The faults of this sandbox were drawn by too many requests. Try again.")


def stored(store: Store, tenant: str) -> tuple[Item | None, Faults]:
    """Returns a sandbox's faults, and the item they are stored in if there is one."""
    item = store.get(keys.faults(tenant))
    return item, Faults() if item is None else from_item(item, Faults)


def replaced(tenant: str, item: Item | None, rules: tuple[Fault, ...]) -> Put:
    """Returns the effect that replaces a sandbox's faults, if nobody else has since."""
    condition = Absent() if item is None else Version(item.version)
    version = 1 if item is None else item.version + 1
    return Put(to_item(keys.faults(tenant), Faults(rules=rules), version=version), condition)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
