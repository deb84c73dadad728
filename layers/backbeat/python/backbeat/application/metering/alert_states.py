"""Where alerts about metered usage stand, and what people say about them.

A change commits together with its line in the stream of events and, where somebody is to be told,
with the notification: so it is told of once, whoever sees it first.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from backbeat.application import outbox
from backbeat.application.metering import billing_periods
from backbeat.application.services import Call
from backbeat.domain.event_keys import plain
from backbeat.domain.identity import derived_id
from backbeat.models.errors import InvalidArgument, NotFound, Unprocessable
from backbeat.models.meter_alerts import (
    MeterAlert,
    MeterAlertEvent,
    MeterAlertState,
    MeterAlertStatus,
)
from backbeat.models.notifications import Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of_models, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Index, IndexKey, Item, Key, Put, Query, Version

LONGEST_SNOOZE: Final = timedelta(days=31)

_TYPES: Final = {
    MeterAlertStatus.TRIGGERED: "metering.alert_triggered",
    MeterAlertStatus.OK: "metering.alert_resolved",
}
"""What subscribers are told of. What somebody said they know already."""


def of_alert(call: Call, alert_id: str) -> list[MeterAlertState]:
    """Returns where an alert stands for its customers, by customer and period."""
    pk, low, high = keys.meter_alert_states(call.tenant, alert_id)
    items = walk(call.store, Query(pk, low=low, high=high))
    return [from_item(item, MeterAlertState) for item in items]


def of_customer(
    call: Call, alerts: Mapping[str, MeterAlert], customer_id: str, period_start: datetime
) -> list[MeterAlertState]:
    """Returns the states of a customer's period that are above their lines, by alert."""
    wanted = {
        keys.meter_alert_state(call.tenant, alert_id, customer_id, period_start): alert_id
        for alert_id in sorted(alerts)
    }
    found = call.store.get_many(wanted)
    states = [from_item(found[key], MeterAlertState) for key in wanted if key in found]
    return [state for state in states if state.is_open]


def page(
    call: Call,
    keep: Callable[[MeterAlertState], bool],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[MeterAlertState], str | None]:
    """Returns a page of the states that changed in `[since, until)`, latest first, and a cursor."""
    query = _between(keys.meter_alert_states_by_age(call.tenant), since, until, limit, cursor)
    return page_of_models(call.store, query, MeterAlertState, keep)


def page_of_events(
    call: Call,
    keep: Callable[[MeterAlertEvent], bool],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[MeterAlertEvent], str | None]:
    """Returns a page of what happened in `[since, until)`, the newest first, and a cursor."""
    query = _between(keys.meter_alert_events(call.tenant), since, until, limit, cursor)
    return page_of_models(call.store, query, MeterAlertEvent, keep)


def open_ones(call: Call) -> Iterator[tuple[Item, MeterAlertState]]:
    """Yields the states that are above their lines, each with its item."""
    listed = walk(call.store, Query(keys.open_meter_alerts(call.tenant), index=Index.GSI2))
    for place in list(listed):
        item = call.store.get(place.key)
        if item is not None:
            yield item, from_item(item, MeterAlertState)


def acknowledge(
    call: Call,
    alert: MeterAlert,
    customer_ref: str,
    period_start: datetime | None,
    *,
    by: str,
    note: str | None,
) -> MeterAlertState:
    """Notes that somebody knows: nobody is told any more until it is ok. Again, it changes nothing.

    Raises:
        NotFound: the alert never crossed its line for the customer in that period.
        Unprocessable: it is ok.
    """
    item, state = _held(call, alert, customer_ref, period_start)
    if state.status is MeterAlertStatus.ACKNOWLEDGED:
        return state
    said = {"status": MeterAlertStatus.ACKNOWLEDGED, "by": by, "note": note, "snoozed_until": None}
    return _said(call, alert, item, state, said)


def snooze(
    call: Call,
    alert: MeterAlert,
    customer_ref: str,
    period_start: datetime | None,
    *,
    until: datetime,
    by: str,
    note: str | None,
) -> MeterAlertState:
    """Notes that somebody looks later: if it is not ok by then, it is told of again.

    Raises:
        NotFound: the alert never crossed its line for the customer in that period.
        Unprocessable: it is ok.
        InvalidArgument: the time is over, or far away.
    """
    if not call.now < until <= call.now + LONGEST_SNOOZE:
        raise InvalidArgument(f"until: must lie in the next {LONGEST_SNOOZE.days} days")
    item, state = _held(call, alert, customer_ref, period_start)
    said = {"status": MeterAlertStatus.SNOOZED, "by": by, "note": note, "snoozed_until": until}
    return _said(call, alert, item, state, said)


def write(call: Call, alert: MeterAlert, item: Item | None, state: MeterAlertState) -> None:
    """Changes where an alert stands, notes that, and tells whoever is to be told.

    Raises:
        Retryable: somebody else changed it meanwhile.
    """
    key = keys.meter_alert_state(call.tenant, state.alert_id, state.customer_id, state.period_start)
    version = 0 if item is None else item.version
    event = MeterAlertEvent(
        id=derived_id("crossing", alert.id, state.customer_id, state.period_start, version),
        type=alert.type,
        threshold=alert.threshold,
        at=call.now,
        **state.model_dump(include=set(MeterAlertEvent.model_fields)),
    )
    work = UnitOfWork(call.store)
    condition = Absent() if item is None else Version(version)
    work.add(Put(_item(call, key, state, version + 1), condition))
    work.add(Put(_event_item(call, event, version + 1), Absent()))
    outbox.commit_chosen(call, work, [_told(event)] if event.status in _TYPES else [])


def _held(
    call: Call, alert: MeterAlert, customer_ref: str, period_start: datetime | None
) -> tuple[Item, MeterAlertState]:
    customer = billing_periods.customer_of(call, customer_ref)
    start = period_start or billing_periods.period_of(call, customer, call.now).starting_at
    item = call.store.get(keys.meter_alert_state(call.tenant, alert.id, customer.id, start))
    if item is None:
        raise NotFound("alert state", f"{alert.id} of {customer_ref}")
    state = from_item(item, MeterAlertState)
    if not state.is_open:
        raise Unprocessable("The alert is ok: there is nothing to be said about it")
    return item, state


def _said(
    call: Call, alert: MeterAlert, item: Item, state: MeterAlertState, said: Mapping[str, object]
) -> MeterAlertState:
    after = state.model_copy(update={**said, "changed_at": call.now})
    write(call, alert, item, after)
    return after


def _between(
    pk: str, since: datetime | None, until: datetime | None, limit: int, cursor: str | None
) -> Query:
    return Query(
        pk,
        index=Index.GSI1,
        low=None if since is None else keys.time_text(since),
        high=None if until is None else keys.time_text(until),
        forward=False,
        limit=limit,
        cursor=cursor,
    )


def _item(call: Call, key: Key, state: MeterAlertState, version: int) -> Item:
    place = keys.created(state.changed_at, f"{state.alert_id}#{key.sk}")
    open_ = IndexKey(keys.open_meter_alerts(call.tenant), place)
    return to_item(
        key,
        state,
        version=version,
        gsi1=IndexKey(keys.meter_alert_states_by_age(call.tenant), place),
        gsi2=open_ if state.is_open else None,
    )


def _told(event: MeterAlertEvent) -> Notification:
    body = {
        "id": event.id,
        "type": _TYPES[event.status],
        "timestamp": event.at.isoformat(),
        "properties": {
            "alert_id": event.alert_id,
            "alert_name": event.alert_name,
            "alert_type": event.type.value,
            "metric": event.metric,
            "customer_ref": event.customer_ref,
            "period_start": event.period_start.isoformat(),
            "value": plain(event.value),
            "threshold": plain(event.threshold),
            "severity": event.severity.value,
            "resolution": None if event.resolution is None else event.resolution.value,
        },
    }
    return Notification(
        id=event.id, type=str(body["type"]), body=json.dumps(body), created_at=event.at
    )


def _event_item(call: Call, event: MeterAlertEvent, number: int) -> Item:
    # What happens at one instant is in the order in which it happened.
    place = keys.created(event.at, f"{number:06}#{event.id}")
    return to_item(
        keys.meter_alert_event(call.tenant, event.id),
        event,
        gsi1=IndexKey(keys.meter_alert_events(call.tenant), place),
    )
