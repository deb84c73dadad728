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
from backbeat.ports.store import Absent, Item, Put, Version

_DRAW_TRIES: Final = 20


def of(call: Call) -> tuple[Fault, ...]:
    """Returns all faults of the caller's sandbox, with how often they happened."""
    return stored(call)[1].rules


def met_by_request(call: Call, method: str, path: str, named: object) -> list[Fault]:
    """Returns the faults that a request meets, in order, and counts them.

    `named` are the values it names: texts, and objects and lists of them.

    Raises:
        Retryable: too many occasions were counted at the same time.
    """
    return _met(call, Occasion(frozenset(_texts(named)), method=method, path=path))


def met_by_webhook(call: Call, type_: str, body: object) -> list[Fault]:
    """Returns the faults that sending a notification meets, in order, and counts them.

    Raises:
        Retryable: too many occasions were counted at the same time.
    """
    return _met(call, Occasion(frozenset(_texts(body)), event=type_))


def _met(call: Call, occasion: Occasion) -> list[Fault]:
    for _ in range(_DRAW_TRIES):
        item, before = stored(call)
        happening, counted = drawn(before.rules, occasion)
        if counted == before.rules:
            return []
        with suppress(Retryable):
            work = UnitOfWork(call.store)
            work.add(replaced(call, item, counted))
            work.commit()
            return happening
    raise Retryable("The faults of this sandbox were drawn by too many requests. Try again.")


def stored(call: Call) -> tuple[Item | None, Faults]:
    """Returns the caller's faults, and the item they are stored in if there is one."""
    item = call.store.get(keys.faults(call.tenant))
    return item, Faults() if item is None else from_item(item, Faults)


def replaced(call: Call, item: Item | None, rules: tuple[Fault, ...]) -> Put:
    """Returns the effect that replaces the caller's faults, if nobody else has since."""
    condition = Absent() if item is None else Version(item.version)
    version = 1 if item is None else item.version + 1
    return Put(to_item(keys.faults(call.tenant), Faults(rules=rules), version=version), condition)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
