"""Meters: what is counted, and how events become a quantity."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

import msgspec
from pydantic import Field

from backbeat.persistence.entities import walk
from backbeat.ports.store import Query
from mock_stripe.errors import InvalidRequest
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import ListParameters, Nested, Parameters
from mock_stripe.wire.routes import endpoint
from mock_stripe.world import keys
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

KIND: Final = "billing.meter"
_URL: Final = "/v1/billing/meters"
_MINUTE: Final = 60
_WINDOWS: Final = {"hour": 3_600, "day": 86_400}


class CustomerMapping(Nested):
    event_payload_key: str = Field(min_length=1, max_length=100)
    type: Literal["by_id"]


class DefaultAggregation(Nested):
    formula: Literal["sum", "count", "last"]


class ValueSettings(Nested):
    event_payload_key: str = Field(min_length=1, max_length=100)


class CreateMeter(Parameters):
    default_aggregation: DefaultAggregation
    display_name: str = Field(min_length=1, max_length=250)
    event_name: str = Field(min_length=1, max_length=100)
    customer_mapping: CustomerMapping | None = None
    event_time_window: Literal["hour", "day"] | None = None
    value_settings: ValueSettings | None = None


class UpdateMeter(Parameters):
    display_name: str = Field(min_length=1, max_length=250)


class ListMeters(ListParameters):
    status: Literal["active", "inactive"] | None = None


class ListSummaries(ListParameters):
    customer: str
    end_time: int
    start_time: int
    value_grouping_window: Literal["hour", "day"] | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A meter event that counts: when it happened, when it was reported, how much."""

    timestamp: int
    reported_at: int
    number: int
    value: Decimal


@endpoint("POST", _URL, CreateMeter)
def create(world: World, params: CreateMeter) -> Object:
    """Makes a meter; an event name has one active meter at most."""
    _require_free(world, params.event_name)
    mapping = params.customer_mapping
    value = params.value_settings
    meter = world.create(
        KIND,
        {
            "created": world.now,
            "customer_mapping": {
                "event_payload_key": mapping.event_payload_key if mapping else "stripe_customer_id",
                "type": "by_id",
            },
            "default_aggregation": params.default_aggregation.model_dump(),
            "display_name": params.display_name,
            "event_name": params.event_name,
            "event_time_window": params.event_time_window,
            "livemode": False,
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": world.now,
            "value_settings": {"event_payload_key": value.event_payload_key if value else "value"},
            "_errors": [],
        },
    )
    emit(world, "billing.meter.created", meter)
    return meter


@endpoint("POST", _URL + "/{meter}", UpdateMeter)
def update(world: World, params: UpdateMeter, meter: str) -> Object:
    """Renames a meter; nothing else of it can change."""
    thing = world.get(meter, KIND)
    with updating(world, thing, "billing.meter.updated"):
        thing["display_name"], thing["updated"] = params.display_name, world.now
    return thing


@endpoint("GET", _URL, ListMeters)
def list_all(world: World, params: ListMeters) -> Object:
    """Lists meters."""
    return lists.of_kind(
        world, KIND, _URL, params, lambda thing: lists.fits(params, thing, "status")
    )


@endpoint("GET", _URL + "/{meter}", Parameters)
def get(world: World, params: Parameters, meter: str) -> Object:
    """Returns a meter."""
    return world.get(meter, KIND)


@endpoint("POST", _URL + "/{meter}/deactivate", Parameters)
def deactivate(world: World, params: Parameters, meter: str) -> Object:
    """Stops a meter: no more events, no new prices."""
    thing = world.get(meter, KIND)
    if thing["status"] == "active":
        thing["status"], thing["updated"] = "inactive", world.now
        thing["status_transitions"]["deactivated_at"] = world.now
        emit(world, "billing.meter.deactivated", thing)
    return thing


@endpoint("POST", _URL + "/{meter}/reactivate", Parameters)
def reactivate(world: World, params: Parameters, meter: str) -> Object:
    """Starts a meter again."""
    thing = world.get(meter, KIND)
    if thing["status"] == "inactive":
        _require_free(world, thing["event_name"])
        thing["status"], thing["updated"] = "active", world.now
        thing["status_transitions"]["deactivated_at"] = None
        emit(world, "billing.meter.reactivated", thing)
    return thing


@endpoint("GET", _URL + "/{meter}/event_summaries", ListSummaries)
def list_summaries(world: World, params: ListSummaries, meter: str) -> Object:
    """Adds up booked events over a range or its windows, newest first.

    The start is inside, the end is not. Windows without events are absent.
    """
    thing = world.get(meter, KIND)
    world.get(params.customer, "customer", param="customer")
    window = params.value_grouping_window
    unit = _WINDOWS[window] if window else _MINUTE
    for name in ("start_time", "end_time"):
        if getattr(params, name) % unit:
            raise InvalidRequest(
                f"{name} must be aligned with {window or 'minute'} boundaries.", param=name
            )
    if params.start_time >= params.end_time:
        raise InvalidRequest("start_time must be before end_time.", param="start_time")
    events = booked(world, thing, params.customer, params.start_time, params.end_time)
    length = unit if window else params.end_time - params.start_time
    windows: dict[int, list[Booked]] = {}
    for event in events:
        start = params.start_time + (event.timestamp - params.start_time) // length * length
        windows.setdefault(start, []).append(event)
    found = [
        {
            "id": f"mtrusg_test_{scrambled(f'{meter}{params.customer}{start}{length}', 30)}",
            "object": "billing.meter_event_summary",
            "aggregated_value": _with_fraction(quantity(thing, inside)),
            "end_time": start + length,
            "livemode": False,
            "meter": meter,
            "start_time": start,
        }
        for start, inside in sorted(windows.items(), reverse=True)
    ]
    return lists.of_some(world, found, f"{_URL}/{meter}/event_summaries", params)


def quantity(meter: Object, events: list[Booked]) -> Decimal:
    """Returns what a meter makes of booked events: their sum, their number, or the last value.

    With a time window the latest event of each UTC hour or day stands for all of it.
    """
    formula = meter["default_aggregation"]["formula"]
    ordered = sorted(events, key=lambda one: (one.timestamp, one.number))
    window = meter["event_time_window"]
    if window is not None:
        seconds = _WINDOWS[window]
        ordered = list({one.timestamp // seconds: one for one in ordered}.values())
    if formula == "count":
        return Decimal(len(ordered))
    if formula == "last":
        return ordered[-1].value if ordered else Decimal(0)
    return sum((one.value for one in ordered), Decimal(0))


def booked(world: World, meter: Object, customer: str, start: int, end: int) -> list[Booked]:
    """Returns the events with timestamps in `[start, end)` that are booked by now."""
    return list(_booked(world, meter["id"], customer, start, end))


def _booked(world: World, meter: str, customer: str, start: int, end: int) -> Iterator[Booked]:
    settled = world.settings.get("settled_meter_events", 0)
    query = Query(
        keys.usage(world.tenant, meter, customer), low=f"{start:012d}", high=f"{end:012d}"
    )
    for item in walk(world.store, query):
        told = msgspec.json.decode(item.doc)
        on_time = told["booked_at"] is not None and told["booked_at"] <= world.now
        if on_time or told["number"] <= settled:
            yield Booked(
                told["timestamp"], told["reported_at"], told["number"], Decimal(told["value"])
            )


def settle(world: World) -> None:
    """Books every event that was accepted so far, whether it was held or lags behind."""
    world.settings["settled_meter_events"] = world.next_number()


def named(world: World, event_name: str) -> Object | None:
    """Returns the active meter of an event name, or None."""
    for meter in world.all(KIND):
        if meter["event_name"] == event_name and meter["status"] == "active":
            return meter
    return None


def _require_free(world: World, event_name: str) -> None:
    taken = named(world, event_name)
    if taken is not None:
        raise InvalidRequest(
            f"An active meter ({taken['id']}) already uses the event name {event_name}.",
            param="event_name",
        )


def _with_fraction(value: Decimal) -> Decimal:
    """Returns the same number written as JSON writes a float: 425 is 425.0."""
    whole = value.to_integral_value()
    return whole.quantize(Decimal("0.1")) if value == whole else value
