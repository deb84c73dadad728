"""Alerts about metered usage: looked at when usage comes, told of when a line is crossed.

A crossing commits together with the state that it leads to and with its notification, so it is told
of once, whoever sees it first.
"""

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import outbox, settled_drafts
from backbeat.application.metering import billing_periods, definitions, live_usage, quantities
from backbeat.application.metering.definitions import Definitions
from backbeat.application.services import Call
from backbeat.domain import crossings
from backbeat.domain.event_keys import plain
from backbeat.domain.identity import derived_id
from backbeat.models.customers import Customer
from backbeat.models.errors import (
    BackbeatError,
    InvalidArgument,
    NotFound,
    Retryable,
    Unprocessable,
)
from backbeat.models.meter_alerts import (
    MeterAlert,
    MeterAlertEvent,
    MeterAlertState,
    MeterAlertStatus,
    MeterAlertType,
)
from backbeat.models.money import EXACT
from backbeat.models.notifications import Notification
from backbeat.models.period import Period
from backbeat.persistence import keys, metric_version
from backbeat.persistence.entities import from_item, page_of_models, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Index, IndexKey, Item, Put, Query, Version

_log = logging.getLogger("backbeat.metering")

_TYPES: Final = {
    MeterAlertStatus.TRIGGERED: "metering.alert_triggered",
    MeterAlertStatus.OK: "metering.alert_resolved",
}


def create(
    call: Call,
    *,
    name: str,
    type_: MeterAlertType,
    metric: str | None,
    customer_ref: str | None,
    threshold: Decimal,
    clear_below: Decimal | None,
) -> MeterAlert:
    """Creates an alert; usage that is there already is looked at when the next comes.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: an alert of usage has no counter or one of money has, or it would clear
            above its threshold.
    """
    if (metric is None) is (type_ is MeterAlertType.USAGE):
        raise InvalidArgument("metric: needed for usage, and for nothing else")
    if metric is not None:
        definitions.of(call).counter(metric)
    alert = MeterAlert(
        id=call.services.ids.new(),
        name=name,
        type=type_,
        metric=metric,
        customer_ref=customer_ref,
        threshold=threshold,
        clear_below=threshold if clear_below is None else clear_below,
        created_at=call.now,
    )
    _refuse_reversed(alert)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.meter_alert(call.tenant, alert.id), alert), Absent()))
    work.add(metric_version.changed(call.tenant))
    work.commit()
    return alert


def every(call: Call) -> list[MeterAlert]:
    """Returns the alerts in order of creation, without archived ones."""
    found = (alert for alert in definitions.of(call).alerts if alert.archived_at is None)
    return sorted(found, key=lambda alert: (alert.created_at, alert.id))


def get(call: Call, alert_id: str) -> MeterAlert:
    """Returns an alert, archived ones included.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(_stored(call, alert_id), MeterAlert)


def change(call: Call, alert_id: str, changes: dict[str, object]) -> MeterAlert:
    """Changes an alert. What is not named stays.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: it would clear above its threshold.
    """
    item = _stored(call, alert_id)
    after = from_item(item, MeterAlert).model_copy(update=changes)
    _refuse_reversed(after)
    _replace(call, item, after)
    return after


def archive(call: Call, alert_id: str) -> MeterAlert:
    """Archives an alert: it watches no more, and what it told stays.

    Raises:
        NotFound: there is none of that id.
    """
    item = _stored(call, alert_id)
    before = from_item(item, MeterAlert)
    if before.archived_at is not None:
        return before
    after = before.model_copy(update={"archived_at": call.now})
    _replace(call, item, after)
    return after


def states(call: Call, alert_id: str) -> list[MeterAlertState]:
    """Returns where an alert stands for its customers, by customer and period.

    Raises:
        NotFound: there is no such alert.
    """
    get(call, alert_id)
    pk, low, high = keys.meter_alert_states(call.tenant, alert_id)
    items = walk(call.store, Query(pk, low=low, high=high))
    return [from_item(item, MeterAlertState) for item in items]


def page_of_events(
    call: Call,
    keep: Callable[[MeterAlertEvent], bool],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[MeterAlertEvent], str | None]:
    """Returns a page of the crossings of `[since, until)`, the newest first, and a cursor."""
    query = Query(
        keys.meter_alert_events(call.tenant),
        index=Index.GSI1,
        low=None if since is None else keys.time_text(since),
        high=None if until is None else keys.time_text(until),
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    return page_of_models(call.store, query, MeterAlertEvent, keep)


def usage_arrived(call: Call, known: Definitions, used: Iterable[tuple[str, str]]) -> None:
    """Looks at the alerts about usage that just came: pairs of counter and customer reference."""
    watching = [alert for alert in known.alerts if alert.is_active]
    if not watching:
        return
    pairs = set(used)
    refs = sorted({ref for _, ref in pairs})
    for alert in watching:
        for ref in refs:
            about = alert.customer_ref in (None, ref)
            if about and (alert.metric is None or (alert.metric, ref) in pairs):
                try:
                    _look(call, known, alert, ref)
                except BackbeatError:
                    # The usage is stored: whoever sent it must not be told that it is not.
                    _log.exception("not looked at", extra={"alert_id": alert.id})


def _look(call: Call, known: Definitions, alert: MeterAlert, customer_ref: str) -> None:
    customer = billing_periods.customer_of(call, customer_ref)
    period = billing_periods.period_of(call, customer, call.now)
    value = _value(call, known, alert, customer, customer_ref, period)
    if value is None:
        return
    key = keys.meter_alert_state(call.tenant, alert.id, customer.id, period.starting_at)
    item = call.store.get(key)
    before = None if item is None else from_item(item, MeterAlertState)
    was = MeterAlertStatus.OK if before is None else before.status
    status = crossings.status_after(alert, was, value)
    if status is was:
        return
    state = MeterAlertState(
        alert_id=alert.id,
        customer_ref=customer_ref,
        period_start=period.starting_at,
        status=status,
        value=value,
        changed_at=call.now,
    )
    version = 0 if item is None else item.version
    crossing = MeterAlertEvent(
        id=derived_id("crossing", alert.id, customer.id, period.starting_at, version),
        alert_id=alert.id,
        alert_name=alert.name,
        type=alert.type,
        metric=alert.metric,
        customer_ref=customer_ref,
        period_start=period.starting_at,
        status=status,
        value=value,
        threshold=alert.threshold,
        at=call.now,
    )
    work = UnitOfWork(call.store)
    condition = Absent() if item is None else Version(item.version)
    work.add(Put(to_item(key, state, version=version + 1), condition))
    work.add(Put(_event_item(call, crossing), Absent()))
    try:
        outbox.commit_chosen(call, work, [_told(crossing)])
    except Retryable:
        # Somebody else saw the same usage, and told of it.
        return


def _value(
    call: Call,
    known: Definitions,
    alert: MeterAlert,
    customer: Customer,
    customer_ref: str,
    period: Period,
) -> Decimal | None:
    """Returns what an alert watches; None where nothing is priced."""
    match alert.type:
        case MeterAlertType.USAGE:
            metric = known.metric_of(known.counter(alert.metric or ""))
            return quantities.quantity(call, metric, [customer], period)
        case MeterAlertType.SPEND:
            drafts = list(settled_drafts.of_customer(call, customer))
            running = [one for one in drafts if one.period and one.period.covers(call.now)]
            return _sum(one.total for one in running) if running else None
        case MeterAlertType.PROJECTED_SPEND:
            try:
                projected = live_usage.projections(call, customer_ref)
            except Unprocessable:
                return None
            return _sum(one.projected.total for one in projected)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _told(crossing: MeterAlertEvent) -> Notification:
    body = {
        "id": crossing.id,
        "type": _TYPES[crossing.status],
        "timestamp": crossing.at.isoformat(),
        "properties": {
            "alert_id": crossing.alert_id,
            "alert_name": crossing.alert_name,
            "alert_type": crossing.type.value,
            "metric": crossing.metric,
            "customer_ref": crossing.customer_ref,
            "period_start": crossing.period_start.isoformat(),
            "value": plain(crossing.value),
            "threshold": plain(crossing.threshold),
        },
    }
    return Notification(
        id=crossing.id, type=str(body["type"]), body=json.dumps(body), created_at=crossing.at
    )


def _refuse_reversed(alert: MeterAlert) -> None:
    if alert.clear_below > alert.threshold:
        raise InvalidArgument("clear_below: must not be above threshold")


def _stored(call: Call, alert_id: str) -> Item:
    item = call.store.get(keys.meter_alert(call.tenant, alert_id))
    if item is None:
        raise NotFound("alert", alert_id)
    return item


def _replace(call: Call, item: Item, after: MeterAlert) -> None:
    work = UnitOfWork(call.store)
    work.add(Put(to_item(item.key, after, version=item.version + 1), Version(item.version)))
    work.add(metric_version.changed(call.tenant))
    work.commit()


def _event_item(call: Call, crossing: MeterAlertEvent) -> Item:
    return to_item(
        keys.meter_alert_event(call.tenant, crossing.id),
        crossing,
        gsi1=IndexKey(keys.meter_alert_events(call.tenant), keys.created(crossing.at, crossing.id)),
    )
