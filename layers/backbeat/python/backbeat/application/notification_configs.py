"""Configurations of lifecycle notifications: system events by type, and offsets from events."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from backbeat.application import lifecycle, tenants, work_items
from backbeat.application.attempts import insistently
from backbeat.application.catalog import ArchiveFilter
from backbeat.application.services import Call
from backbeat.domain import durations
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.lifecycle import LifecycleType, OffsetConfig, Switches
from backbeat.persistence import claims, keys
from backbeat.persistence import lifecycle as stored
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_UNIQUENESS_KEY: Final = "NOTIFICATION"
_KEY_USED: Final = "This uniqueness key has already been used."


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """Whether a type of system event is told of."""

    type: LifecycleType
    is_enabled: bool


def create(
    call: Call, *, name: str, type_: str, offset: str, uniqueness_key: str | None
) -> OffsetConfig:
    """Creates a notification at an offset from a type of event.

    Raises:
        InvalidArgument: there is no such type, or the offset is not valid for it.
        Conflict: the uniqueness key was used before.
    """
    config = OffsetConfig(
        id=call.services.ids.new(),
        name=name,
        type=_checked_type(type_),
        offset=_checked_offset(_checked_type(type_), offset),
        uniqueness_key=uniqueness_key,
        created_at=call.now,
        since=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(stored.insert(call.tenant, config))
    if uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, uniqueness_key, config.id),
            otherwise=claims.taken(_KEY_USED),
        )
    _look_everywhere(call, work)
    work.commit()
    return config


def get(call: Call, config_id: str) -> OffsetConfig:
    """Returns an offset configuration, archived ones included.

    Raises:
        NotFound: there is none of that id.
    """
    return _found(call, config_id)[1]


def offsets(call: Call, archive_filter: ArchiveFilter) -> list[OffsetConfig]:
    """Returns the offset configurations in order of creation."""
    found = stored.everything(call.store, call.tenant).configs
    return [config for config in found if archive_filter.keeps(config.archived_at)]


def system(call: Call) -> list[SystemConfig]:
    """Returns every type of system event and whether it is on."""
    wanted = lifecycle.rules(call)
    return [SystemConfig(type_, wanted.is_on(type_)) for type_ in LifecycleType]


def edit_offset(call: Call, config_id: str, *, type_: str, offset: str) -> OffsetConfig:
    """Changes how far from its events a configuration tells of them, from now on.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: it is archived, is about another type, or the offset is not valid.
    """
    item, config = _found(call, config_id)
    if config.archived_at is not None:
        raise InvalidArgument("id: the notification configuration is archived")
    if config.type is not _checked_type(type_):
        raise InvalidArgument("policy.type: must be the type that the configuration has")
    changes = {"offset": _checked_offset(config.type, offset), "since": call.now}
    changed = config.model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(stored.replace(call.tenant, changed, item))
    _look_everywhere(call, work)
    work.commit()
    return changed


def switch(call: Call, *, type_: str, is_enabled: bool) -> SystemConfig:
    """Switches a type of system event on or off. What happened before is not told of.

    Raises:
        InvalidArgument: there is no such type.
    """
    wanted = _checked_type(type_)
    if lifecycle.rules(call).is_on(wanted) is not is_enabled:
        change = Switches(since={wanted: call.now if is_enabled else None})
        work = UnitOfWork(call.store)
        work.add(stored.switch(call.store, call.tenant, change))
        if is_enabled and wanted.is_timed:
            _look_everywhere(call, work)
        work.commit()
    return SystemConfig(wanted, is_enabled)


def switch_on_unsaid(call: Call, types: Collection[LifecycleType]) -> None:
    """Switches those types of system events on that nobody has switched on or off yet.

    Raises:
        Retryable: others kept changing the switches.
    """

    def attempt() -> None:
        said = stored.everything(call.store, call.tenant).switches.since
        unsaid = {type_: call.now for type_ in types if type_ not in said}
        if unsaid:
            work = UnitOfWork(call.store)
            work.add(stored.switch(call.store, call.tenant, Switches(since=unsaid)))
            if any(type_.is_timed for type_ in unsaid):
                _look_everywhere(call, work)
            work.commit()

    insistently(attempt)


def archive(call: Call, config_id: str) -> OffsetConfig:
    """Takes an offset configuration out of use for good: nothing more is told because of it.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: it is archived already.
    """
    item, config = _found(call, config_id)
    if config.archived_at is not None:
        raise InvalidArgument("id: the notification configuration is already archived")
    archived = config.model_copy(update={"archived_at": call.now})
    work = UnitOfWork(call.store)
    work.add(stored.replace(call.tenant, archived, item))
    work.commit()
    return archived


def _found(call: Call, config_id: str) -> tuple[Item, OffsetConfig]:
    item = stored.find(call.store, call.tenant, config_id)
    if item is None:
        raise NotFound("notification config", config_id)
    return item, from_item(item, OffsetConfig)


def _checked_type(text: str) -> LifecycleType:
    try:
        return LifecycleType(text)
    except ValueError as error:
        raise InvalidArgument(f"policy.type: is no lifecycle event: {text}") from error


def _checked_offset(type_: LifecycleType, text: str) -> str:
    try:
        offset = durations.parse(text)
    except ValueError as error:
        raise InvalidArgument(f"policy.offset: {error}") from error
    if offset.is_negative and not type_.is_timed:
        raise InvalidArgument(f"policy.offset: nobody knows of {type_} before it is done")
    return text


def _look_everywhere(call: Call, work: UnitOfWork) -> None:
    """Has what comes with time looked up for every customer there is."""
    key = keys.lifecycle_sweep(call.tenant)
    due = DueItem(
        customer_id="",
        contract_id="",
        kind=WorkKind.LIFECYCLE_SWEEP,
        period_start=call.now,
        due_at=call.now,
    )
    item = call.store.get(key)
    if item is None:
        work.add(*work_items.put_first(call, key, due))
    else:
        work.add(work_items.replace(call, item, due))
    work.add(tenants.mark(call))
    work.afterwards("sweep", lambda: work_items.send_job(call, key))
