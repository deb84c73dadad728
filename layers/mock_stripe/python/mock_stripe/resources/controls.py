"""What tests may do to the double that nobody can do to Stripe, under `/mock/stripe`."""

from typing import Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import meter_events, payments, setup_intents, work
from mock_stripe.wire.parameters import Boolean, Parameters
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.outbox import queue_after_commit
from mock_stripe.world.world import Object, World, kind_of


class Declines(Parameters):
    """The next `count` charges are declined with a code, whatever the card."""

    decline_code: str = "generic_decline"
    count: int = Field(1, ge=0, le=1000)


class Authentication(Parameters):
    """How 3D Secure ends."""

    succeed: Boolean = True


class Deliver(Parameters):
    """Sends an event again: how often, to which endpoint, and what is wrong with it."""

    endpoint: str | None = None
    times: int = Field(1, ge=1, le=100)
    stale: Boolean = False
    wrong_secret: Boolean = False
    two_signatures: Boolean = False


class Dunning(Parameters):
    """How failed renewals go on: pauses between attempts, and what the last failure leads to."""

    retry_seconds: list[int] | None = None
    after_retries: Literal["canceled", "unpaid", "past_due"] | None = None


class Webhooks(Parameters):
    """What becomes of deliveries: sent, held until they are delivered by hand, or lost."""

    mode: Literal["send", "hold", "lose"]


@endpoint("POST", "/mock/declines", Declines)
def decline_next(world: World, params: Declines) -> Object:
    """Has the next charges declined; a count of 0 forgets earlier wishes."""
    codes = [params.decline_code] * params.count
    world.settings["declines"] = [*world.settings.get("declines", []), *codes] if codes else []
    return {"declines": world.settings["declines"]}


@endpoint("POST", "/mock/authentications/{intent}", Authentication)
def authenticate(world: World, params: Authentication, intent: str) -> Object:
    """Finishes or fails 3D Secure of a payment or setup intent, as its customer would."""
    if kind_of(intent) == "setup_intent":
        thing = world.get(intent, "setup_intent")
        setup_intents.authenticate(world, thing, succeed=params.succeed)
        return thing
    thing = world.get(intent, "payment_intent")
    payments.authenticate(world, thing, succeed=params.succeed)
    return thing


@endpoint("POST", "/mock/dunning", Dunning)
def set_dunning(world: World, params: Dunning) -> Object:
    """Sets how failed renewals go on, as the account's settings do at Stripe."""
    world.settings.update(params.model_dump(exclude_none=True, exclude={"expand"}))
    return {name: world.settings.get(name) for name in ("retry_seconds", "after_retries")}


@endpoint("POST", "/mock/webhooks", Webhooks)
def set_webhooks(world: World, params: Webhooks) -> Object:
    """Sets what becomes of deliveries that are attempted from now on."""
    world.settings["webhooks"] = params.mode
    return {"webhooks": params.mode}


@endpoint("POST", "/mock/events/{event}/deliver", Deliver)
def deliver(world: World, params: Deliver, event: str) -> Object:
    """Sends an event, be it again: twice, out of order, stale or signed wrongly."""
    world.get(event, "event")
    known = [one["id"] for one in world.all("webhook_endpoint")]
    targets = known if params.endpoint is None else [params.endpoint]
    if not set(targets) <= set(known):
        raise InvalidRequest(f"No such webhook endpoint: '{params.endpoint}'", param="endpoint")
    oddity = params.model_dump(include={"stale", "wrong_secret", "two_signatures"})
    messages = [
        {"event": event, "to": target, "again": True, "oddity": oddity}
        for _ in range(params.times)
        for target in targets
    ]
    if messages:
        queue_after_commit(world, world.new_id("event"), messages)
    return {"queued": len(messages)}


@endpoint("POST", "/mock/run", Parameters)
def run_due_work(world: World, params: Parameters) -> Object:
    """Answers once everything that is due on the process clock is done, as before every call.

    What was due and could not be done, on any clock, is named with the reason.
    """
    return {"now": world.now, "refused": work.refused(world)}


class MeterEvents(Parameters):
    """What becomes of the next meter events; numbers say of how many.

    `lag_seconds` delays booking, on the process clock. `hold` keeps events unbooked until
    `release`. Lost ones are accepted and never booked; those that fail after booking are answered
    with a 500; refused ones with a 429.
    """

    lag_seconds: int | None = Field(None, ge=0)
    hold: Boolean | None = None
    release: Boolean = False
    lose: int | None = Field(None, ge=0)
    fail_after_booking: int | None = Field(None, ge=0)
    refuse: int | None = Field(None, ge=0)


@endpoint("POST", "/mock/meter_events", MeterEvents)
def set_meter_events(world: World, params: MeterEvents) -> Object:
    """Sets what becomes of meter events, and books those that were held."""
    wanted = world.settings.setdefault("meter_events", {})
    wanted.update(params.model_dump(exclude_none=True, exclude={"expand", "release"}))
    released = meter_events.release(world) if params.release else 0
    return {"meter_events": wanted, "released": released}
