"""Asking for faults, and making them stop."""

from collections.abc import Sequence
from typing import Final

from backbeat.application import faults, sandboxes
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.faults import Fault
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_AT_MOST: Final = 50


def add(call: Call, wanted: Sequence[Fault]) -> None:
    """Makes further things go wrong.

    Raises:
        InvalidArgument: there would be more than 50.
        Retryable: somebody else changed them at the same time.
    """
    item, before = faults.stored(call.store, call.tenant)
    rules = (*before.rules, *wanted)
    if len(rules) > _AT_MOST:
        raise InvalidArgument(f"faults: a sandbox has {_AT_MOST} at most; remove some first")
    _write(call, item, rules)


def remove(call: Call, fault_id: str | None) -> None:
    """Removes one fault, or all of them.

    Raises:
        NotFound: there is no fault of that id.
        Retryable: somebody else changed them at the same time.
    """
    item, before = faults.stored(call.store, call.tenant)
    kept = tuple(rule for rule in before.rules if fault_id not in (None, rule.id))
    if fault_id is not None and len(kept) == len(before.rules):
        raise NotFound("fault", fault_id)
    if kept != before.rules:
        _write(call, item, kept)


def _write(call: Call, item: Item | None, rules: tuple[Fault, ...]) -> None:
    sandbox_item, sandbox = sandboxes.held(call)
    work = UnitOfWork(call.store)
    work.add(faults.replaced(call.tenant, item, rules))
    marked = sandbox.model_copy(update={"faulty": bool(rules)})
    work.add(sandboxes.changed(call, sandbox_item, marked))
    work.commit()
