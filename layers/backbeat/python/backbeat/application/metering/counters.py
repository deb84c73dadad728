"""Counters: billable metrics under the names that metered events are sent to."""

from dataclasses import dataclass
from decimal import Decimal

from backbeat.application import catalog
from backbeat.application.metering import definitions
from backbeat.application.services import Call
from backbeat.models.catalog import Aggregation, BillableMetric, EventTypeFilter, PropertyFilter
from backbeat.models.counters import QUANTITY, RESOURCE, Counter
from backbeat.models.errors import Conflict, InvalidArgument
from backbeat.persistence import keys, metric_version
from backbeat.persistence.entities import to_item
from backbeat.persistence.unit_of_work import Otherwise, UnitOfWork
from backbeat.ports.store import Absent, Item, Put


@dataclass(frozen=True, slots=True)
class NewCounter:
    """A counter to create: of a billable metric that exists, or of a new one."""

    name: str
    billable_metric_id: str | None
    aggregation: Aggregation | None
    unique_by: str | None
    late_window_hours: int
    late_limit: Decimal
    unit: str | None
    group_keys: tuple[tuple[str, ...], ...] = ()


def create(call: Call, wanted: NewCounter) -> Counter:
    """Creates a counter. It counts events that come from now on.

    Raises:
        Conflict: the name is taken.
        NotFound: the billable metric does not exist.
        InvalidArgument: the billable metric takes in no events of that name, or both or none of a
            metric and an aggregation are given.
    """
    taken = definitions.of(call).counters.get(wanted.name)
    if taken is not None:
        raise Conflict(f"name: there is a counter {wanted.name}", value=wanted.name)
    metric = _metric(call, wanted)
    aggregation = metric.aggregation_type
    if aggregation is None:
        raise InvalidArgument("billable_metric_id: counters cannot be of SQL metrics")
    counter = Counter(
        name=wanted.name,
        billable_metric_id=metric.id,
        aggregation=aggregation,
        late_window_hours=wanted.late_window_hours,
        late_limit=wanted.late_limit,
        unit=wanted.unit,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    key = keys.counter(call.tenant, counter.name)
    work.add(Put(to_item(key, counter), Absent()), otherwise=_taken(wanted.name))
    work.add(metric_version.changed(call.tenant))
    work.commit()
    return counter


def every(call: Call) -> list[Counter]:
    """Returns all counters by name."""
    found = definitions.of(call).counters
    return [found[name] for name in sorted(found)]


def get(call: Call, name: str) -> Counter:
    """Returns a counter.

    Raises:
        NotFound: there is none of that name.
    """
    return definitions.of(call).counter(name)


def _metric(call: Call, wanted: NewCounter) -> BillableMetric:
    if (wanted.billable_metric_id is None) is (wanted.aggregation is None):
        raise InvalidArgument("aggregation or billable_metric_id: give exactly one of them")
    if wanted.billable_metric_id is not None:
        metric = catalog.get_metric(call, wanted.billable_metric_id)
        types = metric.event_type_filter
        if types is not None and (
            (types.in_values is not None and wanted.name not in types.in_values)
            or (types.not_in_values is not None and wanted.name in types.not_in_values)
        ):
            raise InvalidArgument(
                f"billable_metric_id: the metric takes in no events of type {wanted.name}"
            )
        return metric
    return _new_metric(call, wanted)


def _new_metric(call: Call, wanted: NewCounter) -> BillableMetric:
    counts = wanted.aggregation is Aggregation.COUNT
    unique = wanted.aggregation is Aggregation.UNIQUE
    if wanted.unique_by is not None and not unique:
        raise InvalidArgument("unique_by: only for counters of unique values")
    added = None if counts else (wanted.unique_by or RESOURCE) if unique else QUANTITY
    looked_at = dict.fromkeys(
        [*([] if added is None else [added]), *(name for key in wanted.group_keys for name in key)]
    )
    metric = BillableMetric(
        id=call.services.ids.new(),
        name=wanted.name,
        aggregation_type=wanted.aggregation,
        aggregation_key=added,
        event_type_filter=EventTypeFilter(in_values=(wanted.name,)),
        property_filters=tuple(PropertyFilter(name=name, exists=True) for name in looked_at),
        group_keys=wanted.group_keys,
        created_at=call.now,
    )
    catalog.create_metric(call, metric)
    # Creating may have added to it, as with the place where tracked metrics begin.
    return catalog.get_metric(call, metric.id)


def _taken(name: str) -> Otherwise:
    def otherwise(_: Item | None) -> Exception:
        return Conflict(f"name: there is a counter {name}", value=name)

    return otherwise
