"""Looking at alerts about metered usage: when usage comes, and when time passes."""

import logging
from collections.abc import Iterable
from decimal import Decimal
from statistics import median_low
from typing import Final

from backbeat.application import settled_drafts
from backbeat.application.metering import (
    alert_states,
    billing_periods,
    definitions,
    live_usage,
    quantities,
)
from backbeat.application.metering.definitions import Definitions
from backbeat.application.services import Call
from backbeat.domain import crossings
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable, Unprocessable
from backbeat.models.meter_alerts import (
    MeterAlert,
    MeterAlertState,
    MeterAlertStatus,
    MeterAlertType,
    Resolution,
)
from backbeat.models.money import EXACT
from backbeat.models.period import DAY, Period
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Item

_EARLIER: Final = 3
"""Periods before that tell what is usual."""

_PLACES: Final = Decimal("0.000001")

_log = logging.getLogger("backbeat.metering")


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


def open_of(call: Call, customer_ref: str, period: Period) -> list[MeterAlertState]:
    """Returns what is above its line for a customer in a period."""
    customer = billing_periods.customer_of(call, customer_ref)
    watched = {alert.id: alert for alert in definitions.of(call).alerts}
    return alert_states.of_customer(call, watched, customer.id, period.starting_at)


def look_again(call: Call, alert_id: str | None = None, *, everything: bool = False) -> int:
    """Looks at what is above its line: of one alert, or what time alone may have changed of all.

    Resolved is what nobody watches any more, and what a period that is over was about. What was
    snoozed long enough is told of again. With `everything`, values are looked at anew, too: usage
    also falls when it is counted anew, and spend when prices do. Returns how many there are.
    """
    looked = 0
    known = definitions.of(call)
    alerts = {alert.id: alert for alert in known.alerts}
    for item, state in alert_states.open_ones(call):
        alert = alerts.get(state.alert_id)
        if alert is None or not state.is_open or alert_id not in (None, alert.id):
            continue
        looked += 1
        try:
            _look_at_open(call, known, alert, item, state, whole=everything or alert_id is not None)
        except BackbeatError:
            _log.exception("not looked at", extra={"alert_id": alert.id})
    return looked


def _look_at_open(
    call: Call,
    known: Definitions,
    alert: MeterAlert,
    item: Item,
    state: MeterAlertState,
    *,
    whole: bool,
) -> None:
    why = None
    if not alert.is_active:
        why = Resolution.SWITCHED_OFF
    elif state.period_end <= call.now:
        why = Resolution.PERIOD_OVER
    if why is not None:
        _change(call, alert, item, _resolved(call, state, state.value, why))
    elif whole or (state.status is MeterAlertStatus.SNOOZED and crossings.is_over(state, call.now)):
        _look(call, known, alert, state.customer_ref)


def _look(call: Call, known: Definitions, alert: MeterAlert, customer_ref: str) -> None:
    customer = billing_periods.customer_of(call, customer_ref)
    period = billing_periods.period_of(call, customer, call.now)
    value = _value(call, known, alert, customer, customer_ref, period)
    if value is None:
        return
    item = call.store.get(
        keys.meter_alert_state(call.tenant, alert.id, customer.id, period.starting_at)
    )
    before = None if item is None else from_item(item, MeterAlertState)
    status = crossings.status_after(alert, before, value, call.now)
    if status is (MeterAlertStatus.OK if before is None else before.status):
        return
    state = MeterAlertState(
        alert_id=alert.id,
        alert_name=alert.name,
        metric=alert.metric,
        severity=alert.severity,
        customer_id=customer.id,
        customer_ref=customer_ref,
        period_start=period.starting_at,
        period_end=period.ending_before,
        status=status,
        value=value,
        changed_at=call.now,
    )
    if status is MeterAlertStatus.OK:
        state = _resolved(call, state, value, Resolution.VALUE)
    _change(call, alert, item, state)


def _resolved(
    call: Call, state: MeterAlertState, value: Decimal, why: Resolution
) -> MeterAlertState:
    return state.model_copy(
        update={
            "status": MeterAlertStatus.OK,
            "value": value,
            "changed_at": call.now,
            "by": None,
            "note": None,
            "snoozed_until": None,
            "resolution": why,
        }
    )


def _change(call: Call, alert: MeterAlert, item: Item | None, state: MeterAlertState) -> None:
    try:
        alert_states.write(call, alert, item, state)
    except Retryable:
        # Somebody else saw the same, and told of it.
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
        case MeterAlertType.SPIKE:
            metric = known.metric_of(known.counter(alert.metric or ""))
            return _times_the_usual(call, metric, customer, period)
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


def _times_the_usual(
    call: Call, metric: BillableMetric, customer: Customer, period: Period
) -> Decimal | None:
    """Returns how many times the usual usage there is.

    Usual is that of earlier periods up to the same time, the middle one of those that had any. None
    where there are none, and in the first day, which says little.
    """
    so_far = billing_periods.hours_of(period, call.now)
    elapsed = so_far.ending_before - so_far.starting_at
    usual: list[Decimal] = []
    start = period.starting_at
    for _ in range(_EARLIER):
        earlier = billing_periods.before(call, customer, start)
        start = earlier.starting_at
        span = Period(start, min(start + elapsed, earlier.ending_before))
        usual.append(quantities.quantity(call, metric, [customer], span))
    known = [amount for amount in usual if amount > 0]
    if elapsed < DAY or not known:
        return None
    now = quantities.quantity(call, metric, [customer], so_far)
    return EXACT.divide(now, median_low(known)).quantize(_PLACES, context=EXACT)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
