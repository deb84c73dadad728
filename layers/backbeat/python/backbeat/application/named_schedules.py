"""Named schedules of customers, contracts and rate cards."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from backbeat.application.services import Call
from backbeat.domain.named_schedules import overlaid
from backbeat.models.errors import InvalidArgument
from backbeat.models.named_schedules import NamedSchedule, ScheduleSegment
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Key, Put, Query, Version


class OwnerKind(StrEnum):
    """What can have named schedules."""

    CUSTOMER = "CUSTOMER"
    CONTRACT = "CONTRACT"
    RATE_CARD = "RATECARD"


class Owner(NamedTuple):
    """Whose schedules are meant. That it exists is for the caller to check."""

    kind: OwnerKind
    id: str


def update(
    call: Call,
    owner: Owner,
    name: str,
    segment: ScheduleSegment,
    *,
    properties: Mapping[str, str] | None = None,
) -> None:
    """Sets a value for a stretch of time, over whatever the schedule said about it.

    Raises:
        InvalidArgument: the stretch ends before it starts.
    """
    if segment.ending_before is not None and segment.ending_before <= segment.starting_at:
        raise InvalidArgument("ending_before: must be after starting_at")
    key = _key(call, owner, name, properties or {})
    item = call.store.get(key)
    before = () if item is None else from_item(item, NamedSchedule).segments
    schedule = NamedSchedule(
        name=name, properties=dict(properties or {}), segments=overlaid(before, segment)
    )
    work = UnitOfWork(call.store)
    if item is None:
        work.add(Put(to_item(key, schedule), Absent()))
    else:
        work.add(Put(to_item(key, schedule, version=item.version + 1), Version(item.version)))
    work.commit()


def segments(
    call: Call,
    owner: Owner,
    name: str,
    *,
    covering: datetime | None = None,
    properties: Mapping[str, str] | None = None,
) -> list[ScheduleSegment]:
    """Returns a schedule's segments in order of time, or the one that covers an instant.

    A schedule that was never set has none.
    """
    schedule = read(call.store, _key(call, owner, name, properties or {}), NamedSchedule)
    return [] if schedule is None else _shown(schedule, covering)


def of_owner(
    call: Call,
    owner: Owner,
    *,
    name: str | None = None,
    covering: datetime | None = None,
    properties: Mapping[str, str] | None = None,
) -> list[NamedSchedule]:
    """Returns an owner's schedules that have at least these properties, by name.

    With `covering`, each has at most the segment that covers the instant; those without one are
    left out.
    """
    pk = keys.named_schedules(call.tenant, owner.kind, owner.id)
    found = [from_item(item, NamedSchedule) for item in walk(call.store, Query(pk))]
    shown = [
        schedule.model_copy(update={"segments": tuple(_shown(schedule, covering))})
        for schedule in found
        if name in (None, schedule.name)
        and (properties or {}).items() <= schedule.properties.items()
    ]
    return [schedule for schedule in shown if schedule.segments]


def _shown(schedule: NamedSchedule, covering: datetime | None) -> list[ScheduleSegment]:
    return [
        segment for segment in schedule.segments if covering is None or segment.covers(covering)
    ]


def _key(call: Call, owner: Owner, name: str, properties: Mapping[str, str]) -> Key:
    # The same properties in another order are the same schedule.
    text = json.dumps(properties, sort_keys=True)
    return keys.named_schedule(call.tenant, owner.kind, owner.id, name, text)
