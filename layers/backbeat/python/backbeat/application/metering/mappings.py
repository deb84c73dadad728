"""Mappings: which usage is told to which meter at Stripe.

A customer's usage of a counter has one mapping at a time, and a customer's meter at Stripe is told
of by one: two would each take what the other sends for a stranger's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backbeat.application import connections, tenants
from backbeat.application.metering import billing_periods, definitions
from backbeat.application.services import Call
from backbeat.domain import periods
from backbeat.models.base import Model
from backbeat.models.customers import Customer
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.mappings import Lane, MeterMapping, Target
from backbeat.models.period import Period, hour_of, is_on_hour
from backbeat.models.schedules import Frequency, StatementSchedule
from backbeat.persistence import contracts, keys
from backbeat.persistence.entities import from_item, page_of_models, to_item, walk
from backbeat.persistence.unit_of_work import Otherwise, UnitOfWork
from backbeat.ports.meters import StripeMeter, StripeMeters
from backbeat.ports.providers import Refused
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Key, Put, Query, Version

_KEPT = timedelta(days=35)
"""How long after its end a mapping is still looked at: Stripe takes nothing older."""

_INSTANT: Final = timedelta(microseconds=1)
_MOST_EARLIER: Final = 10
"""Mappings of the same usage, one after the other, that are remembered."""


class _Hold(Model):
    """Says which mapping holds something, until when (None is for good), and which did before."""

    mapping_id: str
    until: datetime | None = None
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedTarget:
    """A customer's meter at Stripe, by ids."""

    meter_id: str
    stripe_customer_id: str


@dataclass(frozen=True, slots=True)
class NewMapping:
    """A mapping to create. Without an anchor, periods are the customer's contract's."""

    metric: str
    customer_refs: tuple[str, ...]
    target: WantedTarget
    shadow: WantedTarget | None
    anchor: datetime | None
    frequency: Frequency
    starting_at: datetime | None


def create(call: Call, wanted: NewMapping) -> MeterMapping:
    """Creates a mapping, after a look at Stripe whether its meters and customers can be told.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: a meter or a customer is not as it must be.
        Conflict: a customer's usage, or a meter's customer, has a mapping already.
        Unprocessable: no account at Stripe is connected, or none for the shadow.
        Retryable: Stripe did not answer.
    """
    counter = definitions.of(call).counter(wanted.metric)
    schedule = _schedule(call, wanted)
    start = wanted.starting_at or periods.whole_period(schedule, call.now).starting_at
    if not is_on_hour(start):
        raise InvalidArgument("starting_at: must be on an hour boundary")
    live = connections.meters(call)
    target = _target(live, Lane.LIVE, wanted.target, "stripe")
    shadow = None
    if wanted.shadow is not None:
        beside = connections.shadow_meters(call)
        shadow = _target(beside, Lane.SHADOW, wanted.shadow, "shadow")
        if beside is live and wanted.shadow == wanted.target:
            raise InvalidArgument("shadow: is the very meter and customer that are billed")
    mapping = MeterMapping(
        id=call.services.ids.new(),
        metric=counter.name,
        customer_refs=tuple(dict.fromkeys(wanted.customer_refs)),
        target=target,
        shadow=shadow,
        schedule=schedule,
        starting_at=start,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, mapping), Absent()), tenants.mark(call))
    for key, what in _claims(call, mapping):
        work.add(_claim(call, key, mapping, what), otherwise=_taken(what))
    work.commit()
    return mapping


def get(call: Call, mapping_id: str) -> MeterMapping:
    """Returns a mapping.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(_stored(call, mapping_id), MeterMapping)


def page(
    call: Call, keep: Callable[[MeterMapping], bool], *, limit: int, cursor: str | None
) -> tuple[list[MeterMapping], str | None]:
    """Returns a page of the mappings in order of creation, and the next page's cursor."""
    query = Query(keys.mappings(call.tenant), index=Index.GSI1, limit=limit, cursor=cursor)
    return page_of_models(call.store, query, MeterMapping, keep)


def every(call: Call) -> Iterator[MeterMapping]:
    """Yields the mappings whose usage may still be told, in order of creation."""
    for item in walk(call.store, Query(keys.mappings(call.tenant), index=Index.GSI1)):
        mapping = from_item(item, MeterMapping)
        if mapping.ending_before is None or call.now < mapping.ending_before + _KEPT:
            yield mapping


def change(call: Call, mapping_id: str, *, active: bool) -> MeterMapping:
    """Stops or resumes telling usage. What came meanwhile is told then.

    Raises:
        NotFound: there is none of that id.
    """
    return _replace(call, _stored(call, mapping_id), {"active": active})


def end(call: Call, mapping_id: str, at: datetime | None) -> MeterMapping:
    """Ends a mapping at an hour, by default with the running one; usage after it is another's.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: the instant is past, or inside an hour.
    """
    item = _stored(call, mapping_id)
    mapping = from_item(item, MeterMapping)
    if mapping.ending_before is not None:
        return mapping
    until = at or hour_of(call.now) + timedelta(hours=1)
    if not is_on_hour(until):
        raise InvalidArgument("ending_before: must be on an hour boundary")
    if until < call.now or until <= mapping.starting_at:
        # What was told since could not be told from the next mapping's.
        raise InvalidArgument("ending_before: must not be past")
    ended = mapping.model_copy(update={"ending_before": until})
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, ended, item.version + 1), Version(item.version)))
    for key, _ in _claims(call, mapping):
        held = call.store.get(key)
        if held is not None and from_item(held, _Hold).mapping_id == mapping.id:
            hold = from_item(held, _Hold).model_copy(update={"until": until})
            work.add(Put(to_item(key, hold, version=held.version + 1), Version(held.version)))
    work.commit()
    return ended


def open_parts(call: Call, mapping: MeterMapping) -> list[tuple[Period, Period]]:
    """Returns the billing periods that can still be told of, and the part of each that is told.

    The oldest comes first. Which of them are final is for whoever pushes to see.
    """
    found: list[tuple[Period, Period]] = []
    period = periods.whole_period(mapping.schedule, call.now)
    while period.ending_before > max(mapping.starting_at, call.now - _KEPT):
        part = mapping.part_of(period)
        if part is not None and part.starting_at <= call.now:
            found.append((period, part))
        period = periods.whole_period(mapping.schedule, period.starting_at - timedelta(seconds=1))
    return found[::-1]


def of_customer(call: Call, metric: str, customer: Customer) -> list[MeterMapping]:
    """Returns the mappings of a customer's usage, the latest first."""
    claims = (
        keys.claim(call.tenant, "metered", f"{metric}\n{name}") for name in customer.usage_keys
    )
    holds = [from_item(item, _Hold) for item in call.store.get_many(claims).values()]
    ids = [id_ for hold in holds for id_ in (hold.mapping_id, *hold.earlier)]
    return [get(call, id_) for id_ in dict.fromkeys(ids)]


def parts_over(call: Call, mapping: MeterMapping, span: Period) -> list[Period]:
    """Returns the parts that a mapping tells of the periods that touch a span and are over."""
    found: list[Period] = []
    period = periods.whole_period(mapping.schedule, span.ending_before - _INSTANT)
    while period.ending_before > span.starting_at:
        part = mapping.part_of(period)
        inside = None if part is None else part.within(span)
        if part is not None and inside is not None and part.ending_before <= call.now:
            found.append(part)
        period = periods.whole_period(mapping.schedule, period.starting_at - _INSTANT)
    return found[::-1]


def part_from(call: Call, mapping: MeterMapping, start: datetime) -> tuple[Period, Period]:
    """Returns the period whose part begins at an instant, and that part.

    Raises:
        NotFound: none does.
    """
    period = periods.whole_period(mapping.schedule, start)
    part = mapping.part_of(period)
    if part is None or part.starting_at != start or part.starting_at > call.now:
        raise NotFound("period", f"{mapping.id} from {start.isoformat()}")
    return period, part


def _schedule(call: Call, wanted: NewMapping) -> StatementSchedule:
    if wanted.anchor is not None:
        if not is_on_hour(wanted.anchor):
            # Usage is kept by the hour, and Stripe's summaries by the minute.
            raise InvalidArgument("anchor: must be on an hour boundary")
        return StatementSchedule(frequency=wanted.frequency, anchor=wanted.anchor)
    customer = billing_periods.customer_of(call, wanted.customer_refs[0])
    running = [
        contract
        for contract in contracts.of_customer(call.store, call.tenant, customer.id)
        if contract.archived_at is None and contract.covers(call.now)
    ]
    if len(running) == 1:
        return running[0].usage_statement_schedule
    return billing_periods.CALENDAR_MONTHS


def _target(meters: StripeMeters, lane: Lane, wanted: WantedTarget, field: str) -> Target:
    meter = _meter(meters, wanted.meter_id, field)
    with connections.answered():
        has_customer = meters.has_customer(wanted.stripe_customer_id)
    if not meter.active:
        raise InvalidArgument(f"{field}.meter_id: the meter is not active")
    if meter.formula != "sum" or meter.windowed:
        raise InvalidArgument(
            f"{field}.meter_id: differences can only be told to a meter that adds all values up"
        )
    if not has_customer:
        raise InvalidArgument(
            f"{field}.stripe_customer_id: no such customer: {wanted.stripe_customer_id}"
        )
    return Target(
        lane=lane,
        meter_id=meter.id,
        event_name=meter.event_name,
        customer_key=meter.customer_key,
        value_key=meter.value_key,
        stripe_customer_id=wanted.stripe_customer_id,
    )


def _meter(meters: StripeMeters, meter_id: str, field: str) -> StripeMeter:
    with connections.answered():
        try:
            return meters.meter(meter_id)
        except Refused as refused:
            if refused.code == "resource_missing":
                raise InvalidArgument(f"{field}.meter_id: {refused.message}") from refused
            raise


def _claims(call: Call, mapping: MeterMapping) -> Sequence[tuple[Key, str]]:
    """Returns what a mapping needs for itself: its customers' usage, and its targets."""
    customers = (billing_periods.customer_of(call, ref) for ref in mapping.customer_refs)
    usage = [
        (
            keys.claim(call.tenant, "metered", f"{mapping.metric}\n{customer_id}"),
            f"customer_ref: the usage of {mapping.metric} has a mapping",
        )
        for customer_id in dict.fromkeys(customer.id for customer in customers)
    ]
    targets = [
        (
            keys.claim(
                call.tenant,
                "metered_target",
                f"{target.lane}\n{target.meter_id}\n{target.stripe_customer_id}",
            ),
            f"{'stripe' if target.lane is Lane.LIVE else 'shadow'}: the customer's meter is told"
            " of by another mapping",
        )
        for target in mapping.targets
    ]
    return [*usage, *targets]


def _claim(call: Call, key: Key, mapping: MeterMapping, what: str) -> Effect:
    item = call.store.get(key)
    if item is None:
        return Put(to_item(key, _Hold(mapping_id=mapping.id)), Absent())
    held = from_item(item, _Hold)
    if held.until is None or held.until > mapping.starting_at:
        raise Conflict(what, conflicting_id=held.mapping_id)
    hold = _Hold(mapping_id=mapping.id, earlier=(held.mapping_id, *held.earlier)[:_MOST_EARLIER])
    return Put(to_item(key, hold, version=item.version + 1), Version(item.version))


def _taken(what: str) -> Otherwise:
    def otherwise(item: Item | None) -> Exception:
        held = None if item is None else from_item(item, _Hold).mapping_id
        return Conflict(what, conflicting_id=held)

    return otherwise


def _stored(call: Call, mapping_id: str) -> Item:
    item = call.store.get(keys.mapping(call.tenant, mapping_id))
    if item is None:
        raise NotFound("mapping", mapping_id)
    return item


def _replace(call: Call, item: Item, changes: dict[str, object]) -> MeterMapping:
    after = from_item(item, MeterMapping).model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, after, item.version + 1), Version(item.version)))
    work.commit()
    return after


def _item(call: Call, mapping: MeterMapping, version: int = 1) -> Item:
    return to_item(
        keys.mapping(call.tenant, mapping.id),
        mapping,
        version=version,
        gsi1=IndexKey(keys.mappings(call.tenant), keys.created(mapping.created_at, mapping.id)),
    )
