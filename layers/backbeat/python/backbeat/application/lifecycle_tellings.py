"""Telling of starts and ends, and of what is some time before or after an event."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from backbeat.application import lifecycle, outbox, work_items
from backbeat.application.services import Call
from backbeat.domain import durations, notices
from backbeat.domain import lifecycle as rules
from backbeat.models.contracts import DueItem
from backbeat.models.customers import Customer
from backbeat.models.notifications import Notification
from backbeat.persistence import balances, contracts, keys
from backbeat.persistence import lifecycle as stored
from backbeat.persistence.entities import read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item, Key

_AT_ONCE: Final = 40
"""Notifications of one transaction, and as many removals of what they were planned as."""


class _Due(NamedTuple):
    """A notification and when it is to be told; `planned` is where it was kept."""

    at: datetime
    notification: Notification | None
    planned: Key | None = None


def tell(call: Call, item: Item, due: DueItem) -> None:
    """Tells what is due for a customer, and moves the work to what comes next.

    A second run finds the work moved on; what a former run told is not told again.
    """
    customer = read(call.store, keys.customer(call.tenant, due.customer_id), Customer)
    wanted = lifecycle.rules(call)
    generated = stored.generated_of(call.store, call.tenant, due.customer_id)
    waiting = (
        []
        if customer is None
        else sorted(
            [
                *_planned(call, customer, wanted),
                *_timed(call, customer, wanted, due.period_start, generated),
            ],
            key=lambda one: one.at,
        )
    )
    ripe = [one for one in waiting if one.at <= call.now]
    fresh = [one for one in ripe if not _is_told(call, one)]
    work = UnitOfWork(call.store)
    # In the order of their time, and no more than a transaction takes.
    told = fresh[:_AT_ONCE]
    is_all = len(told) == len(fresh)
    kept = [one.planned for one in (ripe if is_all else told) if one.planned is not None]
    kept += generated.values() if is_all else ()
    work.add(*stored.forget(kept[:_AT_ONCE]))
    later = min((one.at for one in waiting if one.at > call.now), default=None)
    if not is_all or len(kept) > _AT_ONCE:
        # The past stays open until all of it is told.
        work.add(work_items.replace(call, item, due.model_copy(update={"due_at": call.now})))
    elif later is None:
        work.add(*work_items.remove(call, item))
    else:
        moved = {"due_at": later, "period_start": call.now, "leased_until": None}
        work.add(work_items.replace(call, item, due.model_copy(update=moved)))
    outbox.commit_chosen(
        call, work, [one.notification for one in told if one.notification is not None]
    )


def _timed(
    call: Call,
    customer: Customer,
    wanted: lifecycle.Rules,
    after: datetime,
    generated: Collection[str],
) -> list[_Due]:
    found = rules.tellings(
        list(contracts.of_customer(call.store, call.tenant, customer.id)),
        [one for _, one in balances.of_customer(call.store, call.tenant, customer.id)],
        system=wanted.timed,
        offsets=wanted.offsets,
        after=after,
        generated=generated,
    )
    environment = call.services.environment_type
    return [
        _Due(
            telling.due_at,
            notices.occurred(telling, customer, environment_type=environment, at=call.now),
        )
        for telling in found
    ]


def _planned(call: Call, customer: Customer, wanted: lifecycle.Rules) -> list[_Due]:
    """Returns what is planned. What nobody asks for any more is due at once, and silent."""
    by_id = {config.id: config for config in wanted.offsets}
    found = []
    for key, one in stored.planned_of(call.store, call.tenant, customer.id):
        config = by_id.get(one.config_id)
        at = call.now
        if config is not None:
            at = durations.parse(config.offset).from_(one.told.created_at)
        if config is None or at <= config.since:
            found.append(_Due(call.now, None, key))
        else:
            told = notices.at_offset(one.told, config, at=call.now)
            found.append(_Due(at, told, key))
    return found


def _is_told(call: Call, due: _Due) -> bool:
    if due.notification is None:
        return True
    return call.store.get(keys.notification(call.tenant, due.notification.id)) is not None
