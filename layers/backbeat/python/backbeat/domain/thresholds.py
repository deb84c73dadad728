"""Alerts held against what is known of a customer.

Owns: what each type of alert watches, when it is past its line, when to look again, and the
transitions between ok and alarm.
Does not own: invoices, balances and quantities (it is given them), delivery.
Times: `now` is when the look is taken; days are counted from UTC midnight.
Invariants: the notifications of one place alternate between reached and resolved.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.domain import periods
from backbeat.domain.watched_balances import Holding, by_group, is_watched, specifiers_of_group
from backbeat.models.alerts import (
    BY_PERIOD,
    COMBINED,
    DAYS,
    GRANTS,
    PERCENTAGES,
    AlarmStatus,
    Alert,
    AlertSpecifier,
    AlertState,
    AlertType,
    FieldFilter,
    FilterEntity,
)
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract
from backbeat.models.credit_grants import CreditGrant
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineType
from backbeat.models.money import EXACT
from backbeat.models.period import DAY

WHOLE: Final = ""
"""The place of an alert that watches one thing, or of all its places together."""

_EVENTS: Final = {AlertType.GRANT_BALANCE: "low_remaining_credit_balance_reached"}
"""Types of alerts whose events have another name."""

_FURTHEST: Final = {"current_spend": max, "remaining_balance": min, "remaining_percentage": min}
"""The properties that groups are compared by, and which of them is furthest past the line."""

_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)

Properties = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an alert sees in one place. `properties` are those of its notification."""

    place: str
    alarmed: bool
    properties: Properties = field(default_factory=dict)
    tells: bool = True


@dataclass(frozen=True, slots=True)
class Transition:
    """A state that is new, and what to tell of it, if anything."""

    state: AlertState
    event_type: str | None = None
    properties: Properties = field(default_factory=dict)


# What is watched


def spend(
    alert: Alert, drafts: Iterable[Invoice], *, now: datetime, known: Iterable[str]
) -> list[Reading]:
    """Reads usage charges of the current billing periods, before commits and credits pay them.

    Lines that a balance covers are listed with what the covered units cost, so the sum of the
    usage lines is what was spent, whoever pays. Groups at `known` places are read even if nothing
    was spent in them.
    """
    lines = [
        line
        for draft in drafts
        if draft.period is not None
        and draft.period.covers(now)
        and _passes(alert.field_filters, FilterEntity.CONTRACT, draft.contract_custom_fields)
        for line in draft.line_items
        if line.type is LineType.USAGE and line.credit_type.id == alert.credit_type.id
    ]
    if not alert.group_values:
        return [_spend_reading(alert, WHOLE, _sum(line.total for line in lines))]
    fixed = {one.key: one.value for one in alert.group_values if one.value is not None}
    keys = [one.key for one in alert.group_values]
    by_group: dict[str, Decimal] = {place: _ZERO for place in known if place != WHOLE}
    if len(fixed) == len(keys):
        by_group = {group_place(fixed): _ZERO}
    for line in lines:
        groups = {**line.pricing_group_values, **line.presentation_group_values}
        if fixed.items() <= groups.items() and all(key in groups for key in keys):
            place = group_place({key: groups[key] for key in keys})
            by_group[place] = EXACT.add(by_group.get(place, _ZERO), line.total)
    if len(fixed) == len(keys):
        [(place, amount)] = by_group.items()
        return [_spend_reading(alert, WHOLE, amount, place)]
    readings = [
        _spend_reading(alert, place, amount, place) for place, amount in sorted(by_group.items())
    ]
    return _with_whole(alert, readings)


def group_place(groups: Mapping[str, str]) -> str:
    """Returns the place of a group of lines, by its keys and values in any order."""
    return json.dumps(sorted(groups.items()), separators=(",", ":"), ensure_ascii=False)


def _spend_reading(alert: Alert, place: str, amount: Decimal, group: str = "") -> Reading:
    properties: dict[str, object] = {
        "current_spend": amount,
        "credit_type_id": alert.credit_type.id,
    }
    if group:
        values = dict(json.loads(group))
        properties["group_values"] = [
            {"key": one.key, "value": values[one.key]} for one in alert.group_values
        ]
    return Reading(place, amount >= alert.threshold, properties)


def _with_whole(alert: Alert, groups: Sequence[Reading]) -> list[Reading]:
    """Adds the alert as a whole: it is in alarm while any group is, and told of after the first.

    Its value is the one that is furthest past the line: the most spent, the least left.
    """
    shown: dict[str, object] = {"credit_type_id": alert.credit_type.id}
    for name, furthest in _FURTHEST.items():
        values = [reading.properties.get(name) for reading in groups]
        amounts = [one for one in values if isinstance(one, Decimal)]
        if amounts:
            shown |= {name: furthest(amounts)}
    if alert.type is AlertType.SPEND:
        shown |= {
            "current_spend": shown.get("current_spend", _ZERO),
            "group_values": [one.model_dump(exclude_none=True) for one in alert.group_values],
        }
    shown |= _chosen_by(alert, alert.specifiers)
    return [*groups, Reading(WHOLE, any(one.alarmed for one in groups), shown)]


def monthly_total(alert: Alert, invoices: Iterable[Invoice], *, now: datetime) -> list[Reading]:
    """Reads what the invoices of the current calendar month come to.

    Decision: an invoice belongs to the month in which its usage period begins, or, without one, in
    which it is issued; scheduled invoices count once they are final.
    """
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = periods.add_months(start, 1)
    amount = _sum(
        invoice.total
        for invoice in invoices
        if invoice.status is not InvoiceStatus.VOID
        and (invoice.type is InvoiceType.USAGE or invoice.status is InvoiceStatus.FINALIZED)
        and start <= (invoice.start_timestamp or invoice.issued_at) < end
        and invoice.credit_type.id == alert.credit_type.id
        and _passes(alert.field_filters, FilterEntity.CONTRACT, invoice.contract_custom_fields)
    )
    properties = {"current_spend": amount, "credit_type_id": alert.credit_type.id}
    return [Reading(WHOLE, amount >= alert.threshold, properties)]


def usage(alert: Alert, quantity: Decimal) -> list[Reading]:
    """Reads a metric's quantity of the current billing period."""
    properties = {"billable_metric_id": alert.billable_metric_id, "current_usage": quantity}
    return [Reading(WHOLE, quantity >= alert.threshold, properties)]


def invoice_totals(alert: Alert, drafts: Iterable[Invoice]) -> list[Reading]:
    """Reads the total of each draft after balances, each by itself."""
    readings = [
        Reading(
            draft.id,
            draft.total >= alert.threshold,
            {"invoice_id": draft.id, "invoice_total": draft.total},
        )
        for draft in drafts
        if draft.credit_type.id == alert.credit_type.id
        and (not alert.invoice_types or draft.type.value in alert.invoice_types)
        and _passes(alert.field_filters, FilterEntity.CONTRACT, draft.contract_custom_fields)
    ]
    return _summed_up(readings)


def remaining(
    alert: Alert,
    holdings: Iterable[Holding],
    *,
    last_drawn: Sequence[str],
    contract_fields: Mapping[str, Mapping[str, str]],
) -> list[Reading]:
    """Reads what is left of the balances, as a sum or as a share of what was granted.

    `last_drawn` are balance ids, the one drawn last at the end. Without a balance that can be
    drawn now there is nothing to run out of: ok.
    """
    watched = [one for one in holdings if is_watched(alert, one.balance, contract_fields)]
    key = alert.grouping_field
    if key is None:
        return [_left(alert, WHOLE, watched, last_drawn=last_drawn, specifiers=alert.specifiers)]
    readings = [
        _left(
            alert,
            group_place({key: value}),
            holdings_of_group,
            last_drawn=last_drawn,
            specifiers=specifiers_of_group(alert, value),
        )
        for value, holdings_of_group in sorted(by_group(alert, watched, contract_fields).items())
    ]
    return _with_whole(alert, readings)


def _left(
    alert: Alert,
    place: str,
    watched: Sequence[Holding],
    *,
    last_drawn: Sequence[str],
    specifiers: Sequence[AlertSpecifier],
) -> Reading:
    if not watched:
        return Reading(place, alarmed=False)
    left = _sum(one.left for one in watched)
    chosen = _chosen_by(alert, specifiers)
    if alert.type in PERCENTAGES:
        granted = _sum(one.amount for own in watched for one in own.segments)
        return _share(alert, place, left, granted, chosen)
    properties: dict[str, object] = {"remaining_balance": left}
    if alert.type is AlertType.COMMIT_BALANCE:
        ids = [one.balance.id for one in watched]
        properties["commit_id"] = next((id_ for id_ in reversed(last_drawn) if id_ in ids), ids[0])
    else:
        properties["credit_type_id"] = alert.credit_type.id
        properties |= _only(alert, [one.balance for one in watched])
    return Reading(place, left <= alert.threshold, {**properties, **chosen})


def _only(alert: Alert, balances: Sequence[Balance]) -> dict[str, object]:
    """Returns what names a single balance."""
    found: dict[str, object] = {}
    if len(balances) == 1:
        if balances[0].contract_id is not None:
            found["contract_id"] = balances[0].contract_id
        if alert.type is AlertType.CREDIT_BALANCE:
            found["credit_id"] = balances[0].id
    return found


def _chosen_by(alert: Alert, specifiers: Sequence[AlertSpecifier]) -> dict[str, object]:
    """Returns what chose the balances of an alert on commits and credits together."""
    if alert.type not in COMBINED:
        return {}
    shown = [one.model_dump(mode="json", exclude_defaults=True) for one in specifiers]
    if not shown and alert.field_filters:
        filters = [one.model_dump(mode="json") for one in alert.field_filters]
        shown = [{"custom_field_filters": filters}]
    return {"alert_specifiers": shown} if shown else {}


def _share(
    alert: Alert, place: str, left: Decimal, granted: Decimal, chosen: Properties
) -> Reading:
    if granted <= 0:
        return Reading(place, alarmed=False)
    # Compared without dividing, so that the line itself is exact.
    alarmed = EXACT.multiply(_HUNDRED, left) <= EXACT.multiply(alert.threshold, granted)
    share = EXACT.divide(EXACT.multiply(_HUNDRED, left), granted)
    properties = {"credit_type_id": alert.credit_type.id, "remaining_percentage": share}
    return Reading(place, alarmed, {**properties, **chosen})


def remaining_days(
    alert: Alert,
    holdings: Iterable[Holding],
    *,
    now: datetime,
    contract_fields: Mapping[str, Mapping[str, str]],
) -> list[Reading]:
    """Reads how many days each open segment has left."""
    name = "commit_id" if alert.type is AlertType.COMMIT_DAYS else "credit_id"
    readings = []
    for one in holdings:
        if is_watched(alert, one.balance, contract_fields):
            for segment in one.segments:
                days = days_left(segment.ending_before, now)
                properties = {
                    name: one.balance.id,
                    "segment_id": segment.id,
                    "remaining_days": days,
                }
                readings.append(Reading(segment.id, days <= alert.threshold, properties))
    return _summed_up(readings)


def days_left(end: datetime, now: datetime) -> int:
    """Returns the days from the last UTC midnight to an instant, a begun day being whole."""
    return -((_midnight(now) - end) // DAY)


def granted(
    alert: Alert,
    grants: Iterable[CreditGrant],
    *,
    left_of: Callable[[CreditGrant], Decimal],
    now: datetime,
) -> list[Reading]:
    """Reads what is left of the credit grants that count now, as a sum or as a share.

    Without one there is nothing to run out of: ok.
    """
    watched = [
        one
        for one in grants
        if one.credit_type.id == alert.credit_type.id
        and one.voided_at is None
        and one.effective_at <= now < one.expires_at
        and (not alert.grant_types or one.type in alert.grant_types)
    ]
    if not watched:
        return [Reading(WHOLE, alarmed=False)]
    left = _sum(left_of(one) for one in watched)
    properties: dict[str, object] = {"credit_type_id": alert.credit_type.id}
    if alert.type is AlertType.GRANT_BALANCE:
        properties["remaining_balance"] = left
        return [Reading(WHOLE, left <= alert.threshold, properties)]
    return [_share(alert, WHOLE, left, _sum(one.amount for one in watched), {})]


def no_plan() -> list[Reading]:
    """Reads how long a plan still runs: nobody has one, so none ever ends."""
    return [Reading(WHOLE, alarmed=False)]


def seat_balances(alert: Alert, seats: Mapping[str, Decimal]) -> list[Reading]:
    """Reads the balance of each seat, or of the one that is watched."""
    seat_filter = alert.seat_filter
    if seat_filter is None:
        return [Reading(WHOLE, alarmed=False)]
    only = seat_filter.seat_group_value
    readings = [
        Reading(
            seat,
            left <= alert.threshold,
            {
                "remaining_balance": left,
                "seat_filter": {"seat_group_key": seat_filter.seat_group_key, "value": seat},
            },
        )
        for seat, left in sorted(seats.items())
        if only in (None, seat)
    ]
    return _summed_up(readings)


def _passes(
    filters: Iterable[FieldFilter], entity: FilterEntity, fields: Mapping[str, str]
) -> bool:
    return all(fields.get(one.key) == one.value for one in filters if one.entity is entity)


def _summed_up(readings: list[Reading]) -> list[Reading]:
    """Adds the alert as a whole, of which nobody is told: its places are."""
    return [*readings, Reading(WHOLE, any(one.alarmed for one in readings), tells=False)]


# When to look again


def next_look(
    alerts: Sequence[Alert],
    contracts: Iterable[Contract],
    balances: Iterable[Balance],
    grants: Iterable[CreditGrant],
    *,
    now: datetime,
) -> datetime | None:
    """Returns when time alone may change what alerts see; None when it never does."""
    times: list[datetime] = []
    segments = [one for balance in balances for one in balance.segments]
    times += [edge for segment in segments for edge in segment.period]
    for alert in alerts:
        if alert.type in DAYS:
            crossings = ((_crossing(one.ending_before, alert.threshold), one) for one in segments)
            times += [crossing for crossing, one in crossings if crossing < one.ending_before]
    if any(alert.type in GRANTS for alert in alerts):
        times += [edge for one in grants for edge in (one.effective_at, one.expires_at)]
    if any(alert.type in BY_PERIOD for alert in alerts):
        for contract in contracts:
            if contract.archived_at is None:
                period = next(periods.usage_periods_from(contract, now), None)
                times += [] if period is None else [*period]
    if any(alert.type is AlertType.MONTHLY_TOTAL for alert in alerts):
        times.append(periods.add_months(_midnight(now).replace(day=1), 1))
    return min((time for time in times if time > now), default=None)


def _crossing(end: datetime, days: Decimal) -> datetime:
    """Returns the first midnight from which an instant is at most so many days away."""
    at = end - timedelta(days=int(days))
    return at if _midnight(at) == at else _midnight(at) + DAY


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


# What becomes of it


def transitions(
    alert: Alert,
    readings: Sequence[Reading],
    states: Mapping[str, AlertState],
    *,
    cause: str | None,
    silent: bool,
    tells_resolved: bool,
) -> Iterator[Transition]:
    """Yields what changes for an alert, place by place, as it is read, the whole last.

    With `silent`, alarms of this first look are noted and not told. Places that are gone are ok
    again without a word.
    """
    for reading in readings:
        before = states.get(reading.place)
        if reading.place != WHOLE and before is None and not reading.alarmed:
            continue
        changed = _changed(alert, reading, before, cause=cause, silent=silent)
        if changed is None:
            continue
        told = changed.told
        resolved = before is not None and before.told and not reading.alarmed and tells_resolved
        if reading.tells and (told or resolved):
            yield Transition(
                changed, _event_type(alert, reached=reading.alarmed), reading.properties
            )
        else:
            yield Transition(changed)
    places = {reading.place for reading in readings}
    for place, state in states.items():
        if place not in places and state.status is not AlarmStatus.OK:
            yield Transition(_to(state, AlarmStatus.OK, told=False, cause=None))


def _changed(
    alert: Alert, reading: Reading, before: AlertState | None, *, cause: str | None, silent: bool
) -> AlertState | None:
    status = AlarmStatus.IN_ALARM if reading.alarmed else AlarmStatus.OK
    if before is not None and before.status is status:
        return None
    before = before or AlertState(
        alert_id=alert.id, place=reading.place, status=AlarmStatus.EVALUATING
    )
    told = reading.alarmed and not silent
    return _to(before, status, told=told, cause=cause if reading.alarmed else None)


def _to(state: AlertState, status: AlarmStatus, *, told: bool, cause: str | None) -> AlertState:
    return state.model_copy(
        update={
            "status": status,
            "told": told,
            "changes": state.changes + 1,
            "triggered_by": cause,
        }
    )


def _event_type(alert: Alert, *, reached: bool) -> str:
    kind = f"alerts.{_EVENTS.get(alert.type, alert.type.value)}"
    return kind if reached else f"{kind.removesuffix('_reached')}_resolved"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
