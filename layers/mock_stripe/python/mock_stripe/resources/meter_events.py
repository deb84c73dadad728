"""Meter events: taken at once, booked later, and counted once for each identifier.

What can be refused at once is refused with a 400; what only shows when an event is processed is
told afterwards in an error report of the meter (stripe-behaviour §2.2).
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import msgspec
from pydantic import AwareDatetime, Field

from backbeat.ports.store import Delete, Item, Key, Put
from mock_stripe.errors import Failure, InvalidRequest, TooFast
from mock_stripe.resources import meters, work
from mock_stripe.resources.thin_events import emit_thin, rfc3339
from mock_stripe.wire.parameters import Nested, Parameters, plain_decimal
from mock_stripe.wire.routes import endpoint
from mock_stripe.world import keys
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

_DAY: Final = 86_400
_OLDEST_SECONDS: Final = 35 * _DAY
_AHEAD_SECONDS: Final = 300
_MOST_DIGITS: Final = 15
_REPORT_SECONDS: Final = 10
_SAMPLES: Final = 10

_PROBLEMS: Final = {
    "meter_event_no_customer_defined": "The event's payload has no customer.",
    "meter_event_customer_not_found": "The event's customer does not exist.",
    "meter_event_value_not_found": "The event's payload has no value.",
    "meter_event_invalid_value": "The event's value is not a number.",
    "meter_event_value_too_many_digits": "The event's value has more than 15 digits.",
    "no_meter": "There is no active meter with the event's name.",
}


class _NewMeterEvent(Parameters):
    event_name: str = Field(min_length=1, max_length=100)
    payload: dict[str, str]
    identifier: str | None = Field(None, min_length=1, max_length=100)


class CreateMeterEvent(_NewMeterEvent):
    timestamp: int | None = None


class CreateMeterEventV2(_NewMeterEvent):
    timestamp: AwareDatetime | None = None


class Cancel(Nested):
    identifier: str


class CreateAdjustment(Parameters):
    event_name: str
    type: Literal["cancel"]
    cancel: Cancel


@dataclass(frozen=True, slots=True)
class _Received:
    """Where an accepted event was booked, so that its identifier can be found again."""

    received_at: int
    pk: str
    sk: str


@endpoint("POST", "/v1/billing/meter_events", CreateMeterEvent)
def create(world: World, params: CreateMeterEvent) -> Object:
    """Takes an event. A 200 means accepted, not booked."""
    event = _taken(world, params, params.timestamp, at_once=False)
    return {"object": "billing.meter_event", **event}


@endpoint("POST", "/v2/billing/meter_events", CreateMeterEventV2)
def create_v2(world: World, params: CreateMeterEventV2) -> Object:
    """Takes an event; what is wrong with it is told at once."""
    timestamp = None if params.timestamp is None else int(params.timestamp.timestamp())
    event = _taken(world, params, timestamp, at_once=True)
    return {
        "object": "v2.billing.meter_event",
        **event,
        "created": rfc3339(event["created"]),
        "timestamp": rfc3339(event["timestamp"]),
    }


@endpoint("POST", "/v1/billing/meter_event_adjustments", CreateAdjustment)
def adjust(world: World, params: CreateAdjustment) -> Object:
    """Takes an event back, within a day of receiving it."""
    return {"object": "billing.meter_event_adjustment", **_taken_back(world, params)}


@endpoint("POST", "/v2/billing/meter_event_adjustments", CreateAdjustment)
def adjust_v2(world: World, params: CreateAdjustment) -> Object:
    """Likewise, by API v2."""
    return {
        "id": f"mea_test_{scrambled(f'{world.tenant}#{world.next_number()}', 24)}",
        "object": "v2.billing.meter_event_adjustment",
        "created": rfc3339(world.now),
        **_taken_back(world, params),
    }


def _taken(world: World, params: _NewMeterEvent, timestamp: int | None, *, at_once: bool) -> Object:
    wanted = world.settings.get("meter_events", {})
    if _spend(wanted, "refuse"):
        raise _kept(TooFast("Too many concurrent calls for this meter.", code="lock_timeout"))
    meter = meters.named(world, params.event_name)
    if meter is None and _spend(wanted, "accept_unknown"):
        return _told_later(world, params, timestamp)
    if meter is None:
        raise InvalidRequest(f'No active meter found for event name "{params.event_name}"')
    customer = params.payload.get(meter["customer_mapping"]["event_payload_key"])
    now = world.now_for(customer)
    timestamp = now if timestamp is None else timestamp
    _check_time(timestamp, now)
    identifier = params.identifier or world.new_id("event").removeprefix("evt_")
    problem = _problem(world, meter, params.payload, customer)
    if problem is not None and at_once:
        raise InvalidRequest(_PROBLEMS[problem], code=problem)
    place = _place(world, meter, customer or "", timestamp, identifier)
    _take_identifier(world, meter, identifier, place)
    if problem is not None:
        _report_later(world, meter, problem, identifier)
    elif not _spend(wanted, "lose"):
        value = params.payload.get(meter["value_settings"]["event_payload_key"], "1")
        _book(world, place, timestamp, now, value)
    if _spend(wanted, "fail_after_booking"):
        raise _kept(Failure("An unknown error occurred"))
    return _shown(world, params, identifier, timestamp)


def _told_later(world: World, params: _NewMeterEvent, timestamp: int | None) -> Object:
    """Accepts an event that no meter counts, and says so in a thin event (§2.2)."""
    identifier = params.identifier or world.new_id("event").removeprefix("evt_")
    error = {"code": "no_meter", "identifier": identifier, "at": world.now}
    emit_thin(world, "v1.billing.meter.no_meter_found", None, _reported(world, [error]))
    return _shown(world, params, identifier, world.now if timestamp is None else timestamp)


def _shown(world: World, params: _NewMeterEvent, identifier: str, timestamp: int) -> Object:
    return {
        "created": world.now,
        "event_name": params.event_name,
        "identifier": identifier,
        "livemode": False,
        "payload": params.payload,
        "timestamp": timestamp,
    }


def _taken_back(world: World, params: CreateAdjustment) -> Object:
    meter = meters.named(world, params.event_name)
    if meter is None:
        raise InvalidRequest(f'No active meter found for event name "{params.event_name}"')
    identifier = params.cancel.identifier
    received = _received(world, meter, identifier)
    if received is None:
        raise InvalidRequest(
            f"No event was received with identifier {identifier} in the last 24 hours.",
            param="cancel[identifier]",
        )
    world.write(Delete(Key(received.pk, received.sk)))
    return {
        "cancel": {"identifier": identifier},
        "event_name": params.event_name,
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


@work.action("meter.report", meters.KIND)
def _report(world: World, meter: Object) -> None:
    """Tells what was wrong with events that had been accepted."""
    errors, meter["_errors"] = meter["_errors"], []
    kind = "v1.billing.meter.error_report_triggered"
    emit_thin(world, kind, meter, _reported(world, errors))


def _reported(world: World, errors: list[Object]) -> Object:
    by_code: dict[str, list[Object]] = {}
    for error in errors:
        by_code.setdefault(error["code"], []).append(error)
    return {
        "developer_message_summary": f"There were {len(errors)} invalid events.",
        "reason": {
            "error_count": len(errors),
            "error_types": [
                {
                    "code": code,
                    "error_count": len(found),
                    "sample_errors": [
                        {
                            "error_message": _PROBLEMS[code],
                            "request": {"identifier": one["identifier"]},
                        }
                        for one in found[:_SAMPLES]
                    ],
                }
                for code, found in sorted(by_code.items())
            ],
        },
        "validation_end": world.now,
        "validation_start": min(error["at"] for error in errors),
    }


def _check_time(timestamp: int, now: int) -> None:
    oldest = now - _OLDEST_SECONDS
    if timestamp < oldest:
        raise InvalidRequest(
            "The event timestamp cannot be more than 35 days in past. Expected a timestamp greater"
            f" than or equal to {oldest}."
        )
    if timestamp > now + _AHEAD_SECONDS:
        raise InvalidRequest(
            "The event timestamp cannot be more than 5 minutes in the future. Expected a timestamp"
            f" less than or equal to {now + _AHEAD_SECONDS}."
        )


def _take_identifier(world: World, meter: Object, identifier: str, place: Key) -> None:
    if _received(world, meter, identifier) is not None:
        raise InvalidRequest(f"An event already exists with identifier {identifier}.")
    received = _Received(world.now, place.pk, place.sk)
    doc = msgspec.json.encode(received)
    world.write(Put(Item(_sent(world, meter, identifier), "StripeMeterEventId", doc)))


def _received(world: World, meter: Object, identifier: str) -> _Received | None:
    """Returns the event received under an identifier in the last day, or None."""
    item = world.store.get(_sent(world, meter, identifier))
    if item is None:
        return None
    received = msgspec.json.decode(item.doc, type=_Received)
    return received if received.received_at + _DAY > world.now else None


def _sent(world: World, meter: Object, identifier: str) -> Key:
    return keys.sent(world.tenant, sha256(f"{meter['id']}\n{identifier}".encode()).hexdigest())


def _place(world: World, meter: Object, customer: str, timestamp: int, identifier: str) -> Key:
    # Received again after a day, an identifier is a new event at a place of its own.
    tail = sha256(f"{identifier}\n{world.now}".encode()).hexdigest()[:16]
    return Key(keys.usage(world.tenant, meter["id"], customer), f"{timestamp:012d}#{tail}")


def _problem(
    world: World, meter: Object, payload: dict[str, str], customer: str | None
) -> str | None:
    if not customer:
        return "meter_event_no_customer_defined"
    found = world.find(customer, "customer")
    if found is None or found.get("deleted"):
        return "meter_event_customer_not_found"
    if meter["default_aggregation"]["formula"] == "count":
        return None
    text = payload.get(meter["value_settings"]["event_payload_key"])
    if text is None:
        return "meter_event_value_not_found"
    value = plain_decimal(text)
    if value is None:
        return "meter_event_invalid_value"
    if len(value.normalize().as_tuple().digits) > _MOST_DIGITS:
        return "meter_event_value_too_many_digits"
    return None


def _book(world: World, place: Key, timestamp: int, reported_at: int, value: str) -> None:
    wanted = world.settings.get("meter_events", {})
    held = bool(wanted.get("hold"))
    told = {
        "timestamp": timestamp,
        "reported_at": reported_at,
        "number": world.next_number(),
        "value": value,
        "booked_at": None if held else world.now + int(wanted.get("lag_seconds", 0)),
    }
    world.write(Put(Item(place, "StripeMeterEvent", msgspec.json.encode(told))))


def _report_later(world: World, meter: Object, code: str, identifier: str) -> None:
    if not meter["_errors"]:
        at = world.now + _REPORT_SECONDS
        world.schedule("meter.report", meter["id"], at, clock=None)
    meter["_errors"].append({"code": code, "identifier": identifier, "at": world.now})


def _spend(wanted: Object, name: str) -> bool:
    """Tells whether a test asked for this to happen to the next event, and counts it down."""
    left = int(wanted.get(name, 0))
    if left > 0:
        wanted[name] = left - 1
    return left > 0


def _kept(error: TooFast | Failure) -> TooFast | Failure:
    error.keeps_changes = True
    return error
