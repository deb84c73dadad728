"""Lifecycle notifications: which are wanted, and asking for those that come with time.

What somebody does is told with the change, if it is wanted. What comes with time is told by work
on the customer's list, which every change of a contract or balance has done anew.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from backbeat.application import tenants, work_items
from backbeat.application.services import Call
from backbeat.domain import durations, notices
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.lifecycle import LifecycleType, OffsetConfig
from backbeat.models.notifications import Notification
from backbeat.persistence import keys, lifecycle
from backbeat.persistence.entities import from_item
from backbeat.persistence.lifecycle import Planned
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Effect, Item, Key

_TYPES = {type_.value: type_ for type_ in LifecycleType}


@dataclass(frozen=True, slots=True)
class Rules:
    """What is wanted: when which types of system events were switched on, and offsets in use."""

    since: Mapping[LifecycleType, datetime | None]
    offsets: Sequence[OffsetConfig]
    tells_changes: bool

    def is_on(self, type_: LifecycleType) -> bool:
        """Tells whether a type of system event is told of.

        Decision: all are off until they are switched on, but for the creation of contracts, which
        is what integrations hear of first; a stage may tell all changes from the start.
        """
        if type_ in self.since:
            return self.since[type_] is not None
        if type_ is LifecycleType.CONTRACT_CREATE:
            return True
        return self.tells_changes and not type_.is_timed

    @property
    def timed(self) -> dict[LifecycleType, datetime]:
        """The types that come with time and are on, each since when."""
        return {
            type_: since
            for type_, since in self.since.items()
            if since is not None and type_.is_timed
        }

    @property
    def watch_time(self) -> bool:
        """Tells whether anything is to be told that comes with time."""
        return bool(self.timed or self.offsets)


def rules(call: Call) -> Rules:
    """Returns what the tenant wants now."""
    stored = lifecycle.everything(call.store, call.tenant)
    return Rules(
        stored.switches.since,
        [config for config in stored.configs if config.archived_at is None],
        call.services.tells_changes,
    )


def key_of(call: Call, customer_id: str) -> Key:
    """Returns where a customer's next telling lies."""
    return keys.customer_due_item(call.tenant, customer_id, WorkKind.LIFECYCLE)


def request(call: Call, work: UnitOfWork, customer_id: str) -> None:
    """Adds to the work that what comes with time for a customer is looked up anew."""
    if not work.first(f"lifecycle of {customer_id}"):
        return
    key = key_of(call, customer_id)
    item = call.store.get(key)
    if item is None and not rules(call).watch_time:
        return
    work.add(*_anew(call, customer_id, item), tenants.mark(call))
    if call.held is None:
        work.afterwards(f"lifecycle of {customer_id}", partial(work_items.send_job, call, key))


def _anew(call: Call, customer_id: str, item: Item | None) -> list[Effect]:
    before = None if item is None else from_item(item, DueItem)
    # What was due until now by the former dates is told; what a moved date makes due in the past
    # is not. Only where something still waits to be told does the past stay open.
    waits = before is not None and before.due_at <= call.now
    due = DueItem(
        customer_id=customer_id,
        contract_id="",
        kind=WorkKind.LIFECYCLE,
        period_start=before.period_start if before is not None and waits else call.now,
        due_at=call.now,
    )
    if item is None:
        return work_items.put_first(call, key_of(call, customer_id), due)
    return [work_items.replace(call, item, due)]


def wanted(
    call: Call, work: UnitOfWork, notifications: Sequence[Notification]
) -> list[Notification]:
    """Returns those of the notifications that are wanted, system events being as they are switched.

    What is to be told some time after them is added to the work.
    """
    if not any(one.type in _TYPES for one in notifications):
        return list(notifications)
    asked = rules(call)
    found: list[Notification] = []
    for one in notifications:
        type_ = _TYPES.get(one.type)
        if type_ is None or asked.is_on(type_):
            found.append(one)
        if type_ is not None and not type_.is_timed:
            _note_generated(call, work, one, asked)
            for config in asked.offsets:
                if config.type is type_:
                    found += _later(call, work, one, config)
    return found


_GENERATED = {
    LifecycleType.COMMIT_CREATE: ("commit_id", "parent_recurring_commit_id"),
    LifecycleType.CREDIT_CREATE: ("credit_id", "parent_recurring_credit_id"),
}


def _note_generated(call: Call, work: UnitOfWork, told: Notification, asked: Rules) -> None:
    """Notes a balance that a recurring term made: what is due before it is told late."""
    names = _GENERATED.get(_TYPES[told.type])
    if names is None or not asked.offsets:
        return
    body = json.loads(told.body)
    if names[1] in body:
        work.add(lifecycle.generated(call.tenant, str(body["customer_id"]), str(body[names[0]])))
        request(call, work, str(body["customer_id"]))


def _later(
    call: Call, work: UnitOfWork, told: Notification, config: OffsetConfig
) -> list[Notification]:
    if durations.parse(config.offset).from_(told.created_at) <= call.now:
        return [notices.at_offset(told, config, at=call.now)]
    customer_id = str(json.loads(told.body)["customer_id"])
    work.add(lifecycle.plan(call.tenant, customer_id, Planned(config_id=config.id, told=told)))
    request(call, work, customer_id)
    return []
