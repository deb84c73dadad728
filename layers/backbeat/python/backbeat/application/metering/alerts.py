"""Alerts about metered usage: what is watched."""

from decimal import Decimal

from backbeat.application.metering import definitions, watching
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.meter_alerts import MeterAlert, MeterAlertType, Severity
from backbeat.persistence import keys, metric_version
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Version


def create(
    call: Call,
    *,
    name: str,
    type_: MeterAlertType,
    metric: str | None,
    customer_ref: str | None,
    threshold: Decimal,
    clear_below: Decimal | None,
    severity: Severity = Severity.WARNING,
) -> MeterAlert:
    """Creates an alert; usage that is there already is looked at when the next comes.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: an alert of usage has no counter or one of money has, or it would clear
            above its threshold.
    """
    alert = MeterAlert(
        id=call.services.ids.new(),
        name=name,
        type=type_,
        metric=metric,
        customer_ref=customer_ref,
        threshold=threshold,
        clear_below=threshold if clear_below is None else clear_below,
        severity=severity,
        created_at=call.now,
    )
    if (metric is None) is alert.is_about_usage:
        raise InvalidArgument("metric: needed for usage and spike, and for nothing else")
    if metric is not None:
        definitions.of(call).counter(metric)
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
    """Changes an alert. What is not named stays; where it is triggered, it is looked at at once.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: it would clear above its threshold.
    """
    item = _stored(call, alert_id)
    after = from_item(item, MeterAlert).model_copy(update=changes)
    _refuse_reversed(after)
    _replace(call, item, after)
    watching.look_again(call, alert_id)
    return after


def archive(call: Call, alert_id: str) -> MeterAlert:
    """Archives an alert: it watches no more, what it told stays, and what is open is resolved.

    Raises:
        NotFound: there is none of that id.
    """
    item = _stored(call, alert_id)
    before = from_item(item, MeterAlert)
    if before.archived_at is not None:
        return before
    after = before.model_copy(update={"archived_at": call.now})
    _replace(call, item, after)
    watching.look_again(call, alert_id)
    return after


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
