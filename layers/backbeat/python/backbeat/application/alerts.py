"""Threshold alerts: creating, archiving, and where they stand for customers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from backbeat.application import (
    alert_looks,
    catalog,
    customers,
    looks,
    tenants,
    work_items,
)
from backbeat.application.attempts import insistently
from backbeat.application.services import Call
from backbeat.domain import thresholds
from backbeat.models.alerts import (
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
    GroupValue,
    SeatFilter,
)
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.money import USD
from backbeat.persistence import alerts, claims, keys
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_UNIQUENESS_KEY: Final = "ALERT"
_KEY_USED: Final = "This uniqueness key has already been used."
_GROUP_KEYS: Final = 3
_MOST_DAYS: Final = 36_500
_RESET_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert as asked for. `threshold`: amount (USD: cents), percent, days or units of usage."""

    type: AlertType
    name: str
    threshold: Decimal
    customer_id: str | None = None
    credit_type_id: str | None = None
    billable_metric_id: str | None = None
    evaluate_on_create: bool = True
    field_filters: Sequence[FieldFilter] = ()
    specifiers: Sequence[AlertSpecifier] = ()
    access_type: str | None = None
    group_values: Sequence[GroupValue] = ()
    seat_filter: SeatFilter | None = None
    invoice_types: Sequence[str] = ()
    grant_types: Sequence[str] = ()
    uniqueness_key: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerAlert:
    """Where an alert stands for a customer; without a status once it is archived."""

    alert: Alert
    status: AlarmStatus | None
    triggered_by: str | None

    @property
    def position(self) -> str:
        """Its place in lists, in order of creation."""
        return f"{keys.time_text(self.alert.created_at)}#{self.alert.id}"


def create(call: Call, wanted: NewAlert) -> Alert:
    """Creates an alert for one customer or for all, who are looked at in turn.

    Raises:
        NotFound: the customer or the billable metric does not exist.
        InvalidArgument: something does not fit the type.
        Conflict: the uniqueness key is taken.
    """
    _refuse_misfits(wanted)
    if wanted.customer_id is not None:
        customer = customers.get(call, wanted.customer_id)
        if customer.archived_at is not None:
            raise InvalidArgument("customer_id: the customer is archived")
    if wanted.billable_metric_id is not None:
        catalog.get_metric(call, wanted.billable_metric_id)
    unit = wanted.credit_type_id
    alert = Alert(
        id=call.services.ids.new(),
        type=wanted.type,
        name=wanted.name,
        threshold=wanted.threshold,
        credit_type=USD if unit is None else catalog.credit_type(call, unit),
        customer_id=wanted.customer_id,
        billable_metric_id=wanted.billable_metric_id,
        evaluate_on_create=wanted.evaluate_on_create,
        field_filters=tuple(wanted.field_filters),
        specifiers=tuple(wanted.specifiers),
        access_type=wanted.access_type,
        group_values=tuple(wanted.group_values),
        seat_filter=wanted.seat_filter,
        invoice_types=tuple(wanted.invoice_types),
        grant_types=tuple(wanted.grant_types),
        uniqueness_key=wanted.uniqueness_key,
        created_at=call.now,
        updated_at=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(*alerts.insert(call.tenant, alert))
    if alert.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, alert.uniqueness_key, alert.id),
            otherwise=claims.taken(_KEY_USED),
        )
    _ask_for_looks(call, work, alert)
    work.commit()
    return alert


def _ask_for_looks(call: Call, work: UnitOfWork, alert: Alert) -> None:
    if alert.customer_id is not None:
        item = call.store.get(looks.key_of(call, alert.customer_id))
        looks.demand(call, work, alert.customer_id, item)
        return
    key = keys.alert_sweep(call.tenant, alert.id)
    due = DueItem(
        customer_id="",
        contract_id="",
        kind=WorkKind.ALERT_SWEEP,
        period_start=call.now,
        due_at=call.now,
    )
    work.add(*work_items.put_first(call, key, due), tenants.mark(call))
    work.afterwards("sweep", partial(work_items.send_job, call, key))


def archive(call: Call, alert_id: str, *, release_uniqueness_key: bool) -> Alert:
    """Takes an alert out of service for good.

    A uniqueness key that is not released now stays taken.

    Raises:
        NotFound: no alert has the id.
        InvalidArgument: it is archived already.
    """
    item, alert = _stored(call, alert_id)
    if alert.archived_at is not None:
        raise InvalidArgument("Alert already archived")
    changes: dict[str, object] = {"archived_at": call.now, "updated_at": call.now}
    work = UnitOfWork(call.store)
    if release_uniqueness_key and alert.uniqueness_key is not None:
        work.add(claims.release(call.tenant, _UNIQUENESS_KEY, alert.uniqueness_key))
        changes["uniqueness_key"] = None
    work.add(*alerts.replace(call.tenant, alert.model_copy(update=changes), item))
    work.commit()
    return alert


@dataclass(frozen=True, slots=True)
class Part:
    """The part of an alert that is asked for: a group of lines or of balances, or a seat."""

    groups: Mapping[str, str]
    fields: Sequence[FieldFilter]
    seat: str | None


def get(call: Call, customer_id: str, alert_id: str, part: Part) -> CustomerAlert:
    """Returns where an alert stands for a customer, or in one part of it.

    Looks first if that is due.

    Raises:
        NotFound: the customer does not exist, or no such alert is about it.
        InvalidArgument: the alert has no such parts, or several are named.
    """
    customer = customers.get(call, customer_id)
    _, alert = _stored(call, alert_id)
    if alert.customer_id not in (None, customer.id):
        raise NotFound("alert", alert_id)
    place = _place(alert, part)
    alert_looks.bring_up_to_date(call, customer)
    states = alerts.states(call.store, call.tenant, customer.id, alert.id)
    by_place = {place_: stored.state for (_, place_), stored in states.items()}
    return _shown(alert, by_place, place)


def _place(alert: Alert, part: Part) -> str:
    if part.fields:
        return _group_of_balances(alert, part.fields)
    if alert.type is AlertType.SEAT_BALANCE:
        return part.seat or thresholds.WHOLE
    # An alert on one group watches nothing else.
    if not part.groups or all(one.value is not None for one in alert.group_values):
        return thresholds.WHOLE
    return thresholds.group_place(part.groups)


def _group_of_balances(alert: Alert, fields: Iterable[FieldFilter]) -> str:
    if alert.type not in COMBINED:
        raise InvalidArgument(f"alert_specifiers: are for {_named(COMBINED)} only")
    key = alert.grouping_field
    values = {one.value for one in fields if one.key == key}
    if key is None or not values:
        return thresholds.WHOLE
    if len(values) > 1:
        raise InvalidArgument(f"alert_specifiers: must name one value of {key}")
    return thresholds.group_place({key: values.pop()})


def of_customer(call: Call, customer_id: str) -> list[CustomerAlert]:
    """Returns all alerts about a customer in order of creation; looks first if that is due.

    Raises:
        NotFound: the customer does not exist.
    """
    customer = customers.get(call, customer_id)
    alert_looks.bring_up_to_date(call, customer)
    states = alerts.states(call.store, call.tenant, customer.id)
    shown = []
    for alert, _ in alert_looks.of_customer(call, customer):
        found = {place: one.state for (id_, place), one in states.items() if id_ == alert.id}
        shown.append(_shown(alert, found, thresholds.WHOLE))
    return shown


def reset(call: Call, customer_id: str, alert_id: str) -> None:
    """Forgets where an alert stands for a customer and looks again, which may tell of it again.

    Raises:
        NotFound: the customer does not exist, or no such alert is about it.
        InvalidArgument: the alert is archived.
        Retryable: looks kept being written.
    """
    insistently(lambda: _reset(call, customer_id, alert_id))


def _reset(call: Call, customer_id: str, alert_id: str) -> None:
    customer = customers.get(call, customer_id)
    _, alert = _stored(call, alert_id)
    if alert.customer_id not in (None, customer.id):
        raise NotFound("alert", alert_id)
    if alert.archived_at is not None:
        raise InvalidArgument("alert_id: the alert is archived")
    states = list(alerts.states(call.store, call.tenant, customer.id, alert.id).values())
    # The whole comes last: until it is forgotten, the same call goes on where it broke off.
    states.sort(key=lambda stored: stored.state.place == thresholds.WHOLE)
    while len(states) > _RESET_AT_ONCE:
        _forget(call, UnitOfWork(call.store), customer.id, states[:_RESET_AT_ONCE])
        states = states[_RESET_AT_ONCE:]
    work = UnitOfWork(call.store)
    looks.demand(call, work, customer.id, call.store.get(looks.key_of(call, customer.id)))
    _forget(call, work, customer.id, states)


def _forget(
    call: Call, work: UnitOfWork, customer_id: str, states: Sequence[alerts.StoredState]
) -> None:
    for stored in states:
        # The number of changes goes on: it tells one notification from the next.
        forgotten = stored.state.model_copy(
            update={"status": AlarmStatus.EVALUATING, "told": False, "triggered_by": None}
        )
        work.add(alerts.put_state(call.tenant, customer_id, forgotten, stored))
    work.commit()


def _shown(alert: Alert, states: dict[str, AlertState], place: str) -> CustomerAlert:
    if alert.archived_at is not None:
        return CustomerAlert(alert, None, None)
    whole = states.get(thresholds.WHOLE)
    if whole is None:
        return CustomerAlert(alert, AlarmStatus.EVALUATING, None)
    state = states.get(place)
    if state is None:
        # A place that never was in alarm has no state of its own.
        settled = whole.status is not AlarmStatus.EVALUATING
        return CustomerAlert(alert, AlarmStatus.OK if settled else AlarmStatus.EVALUATING, None)
    return CustomerAlert(alert, state.status, state.triggered_by)


def _stored(call: Call, alert_id: str) -> tuple[Item, Alert]:
    item = alerts.find(call.store, call.tenant, alert_id)
    if item is None:
        raise NotFound("alert", alert_id)
    return item, from_item(item, Alert)


def _refuse_misfits(wanted: NewAlert) -> None:
    _refuse_bad_threshold(wanted)
    if wanted.type is AlertType.SEAT_BALANCE:
        if wanted.seat_filter is None:
            raise InvalidArgument("seat_filter: is required for this alert_type")
    elif wanted.seat_filter is not None:
        raise InvalidArgument("seat_filter: is for low_remaining_seat_balance_reached only")
    if (wanted.billable_metric_id is not None) is not (wanted.type is AlertType.USAGE):
        raise InvalidArgument(
            "billable_metric_id: is required for usage_threshold_reached, and for that only"
        )
    for name, given, types in (
        ("group_values", wanted.group_values, {AlertType.SPEND}),
        ("invoice_types_filter", wanted.invoice_types, {AlertType.INVOICE_TOTAL}),
        ("credit_grant_type_filters", wanted.grant_types, GRANTS),
        ("alert_specifiers", wanted.specifiers, COMBINED),
    ):
        if given and wanted.type not in types:
            raise InvalidArgument(f"{name}: is for {_named(types)} only")
    _refuse_several_groupings(wanted.specifiers)
    group_keys = [one.key for one in wanted.group_values]
    if len(set(group_keys)) != len(group_keys):
        raise InvalidArgument("group_values: a key is there twice")
    if len(group_keys) > _GROUP_KEYS:
        raise InvalidArgument(f"group_values: at most {_GROUP_KEYS} keys")
    if len({(one.key, one.value) for one in wanted.field_filters}) > 1:
        raise InvalidArgument("custom_field_filters: all must have the same key and value")


def _named(types: Iterable[AlertType]) -> str:
    return " and ".join(sorted(types))


def _refuse_several_groupings(specifiers: Sequence[AlertSpecifier]) -> None:
    """Refuses specifiers whose balances could not be told apart by the values of one field."""
    open_keys = [
        [one.key for one in specifier.custom_field_filters if one.value is None]
        for specifier in specifiers
    ]
    if len({key for keys in open_keys for key in keys}) > 1 or any(
        len(keys) > 1 for keys in open_keys
    ):
        raise InvalidArgument("alert_specifiers: only one custom field may be without a value")
    if any(open_keys) and not all(open_keys):
        raise InvalidArgument(
            "alert_specifiers: where one has a custom field without a value, each must have it"
        )


def _refuse_bad_threshold(wanted: NewAlert) -> None:
    if wanted.type in PERCENTAGES and not 0 <= wanted.threshold <= 100:
        raise InvalidArgument("threshold: must be a percentage between 0 and 100")
    if wanted.type in DAYS and not 0 <= wanted.threshold <= _MOST_DAYS:
        raise InvalidArgument(f"threshold: must be a number of days between 0 and {_MOST_DAYS}")
