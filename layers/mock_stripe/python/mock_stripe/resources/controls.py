"""What tests may do to the double that nobody can do to Stripe, under `/mock/stripe`."""

from typing import Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import (
    disputes,
    meters,
    payments,
    setup_intents,
    thin_events,
    work,
)
from mock_stripe.resources.events import updating
from mock_stripe.wire import faults
from mock_stripe.wire.faults import Fault
from mock_stripe.wire.parameters import Amount, Boolean, Parameters
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


class BeginDispute(Parameters):
    """What is disputed, of how much, and why."""

    charge: str | None = None
    payment_intent: str | None = None
    amount: Amount | None = None
    reason: disputes.Reason = "fraudulent"


class EndDispute(Parameters):
    """What the bank decides."""

    status: Literal["won", "lost"]


class Faults(Parameters):
    """How the next `count` calls of a path fail; `*` stands for anything.

    They fail before anything is done, or after it: then the work and its answer are kept, and only
    the caller does not learn of it. With `drop` the connection ends instead of a status.
    """

    status: Literal[409, 429, 500, 502, 503] = 500
    count: int = Field(1, ge=0, le=1000)
    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str = "/v[12]/*"
    after_work: Boolean = False
    drop: Boolean = False


class Finalizations(Parameters):
    """How many of the next finalizations fail."""

    fail: int = Field(1, ge=0, le=1000)


class CardUpdate(Parameters):
    """What a new card says that replaces another one."""

    exp_month: int = Field(12, ge=1, le=12)
    exp_year: int = Field(2039, ge=2025, le=2100)
    last4: str | None = Field(None, pattern="^[0-9]{4}$")


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
    """What becomes of deliveries: sent, held until they are delivered by hand, or lost.

    `delay_seconds` is how long the first attempt for each event from now on waits.
    """

    mode: Literal["send", "hold", "lose"] = "send"
    delay_seconds: int = Field(0, ge=0, le=900)


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


@endpoint("POST", "/mock/disputes", BeginDispute)
def begin_dispute(world: World, params: BeginDispute) -> Object:
    """Has a charge disputed, as the holder of its card would through the bank."""
    charge = params.charge
    if charge is None and params.payment_intent is not None:
        intent = world.get(params.payment_intent, "payment_intent", param="payment_intent")
        charge = intent["latest_charge"]
    if charge is None:
        raise InvalidRequest("Pass the charge or payment_intent to dispute.", param="charge")
    thing = world.get(charge, "charge", param="charge")
    return disputes.begin(world, thing, amount=params.amount, reason=params.reason)


@endpoint("POST", "/mock/disputes/{dispute}", EndDispute)
def end_dispute(world: World, params: EndDispute, dispute: str) -> Object:
    """Lets the bank decide a dispute."""
    thing = world.get(dispute, "dispute")
    disputes.end(world, thing, params.status)
    return thing


@endpoint("POST", "/mock/faults", Faults)
def fail_next(world: World, params: Faults) -> Object:
    """Has the next calls fail; a count of 0 forgets earlier wishes."""
    fault = Fault(params.status, params.after_work, params.drop)
    return {"faults": faults.ask_for(world, params.method, params.path, params.count, fault)}


@endpoint("POST", "/mock/finalizations", Finalizations)
def fail_finalizations(world: World, params: Finalizations) -> Object:
    """Has invoices stay drafts though it is time to finalize them."""
    world.settings["failing_finalizations"] = params.fail
    return {"fail": params.fail}


@endpoint("POST", "/mock/card_updates/{payment_method}", CardUpdate)
def update_card(world: World, params: CardUpdate, payment_method: str) -> Object:
    """Has a card replaced by its bank, which tells Stripe of the new one."""
    thing = world.get(payment_method, "payment_method")
    with updating(world, thing, "payment_method.automatically_updated"):
        thing["card"].update(params.model_dump(exclude={"expand"}, exclude_none=True))
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
    world.settings["webhook_delay_seconds"] = params.delay_seconds
    return {"webhooks": params.mode, "delay_seconds": params.delay_seconds}


@endpoint("POST", "/mock/events/{event}/deliver", Deliver)
def deliver(world: World, params: Deliver, event: str) -> Object:
    """Sends an event, be it again: twice, out of order, stale or signed wrongly."""
    if world.find(event, thin_events.KIND) is None:
        world.get(event, "event")
        endpoints = world.all("webhook_endpoint")
    else:
        endpoints = [*world.all(thin_events.DESTINATION), *world.all("webhook_endpoint")]
    known = [one["id"] for one in endpoints]
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

    `lag_seconds` delays booking, on the process clock. `hold` keeps events unbooked until they are
    settled. `settle` books at once whatever is accepted and not booked.
    Lost ones are accepted and never booked; those that fail after booking are answered with a 500;
    refused ones with a 429. Unknown ones, which no meter counts, are accepted and told of later.
    """

    lag_seconds: int | None = Field(None, ge=0)
    hold: Boolean | None = None
    settle: Boolean = False
    lose: int | None = Field(None, ge=0)
    fail_after_booking: int | None = Field(None, ge=0)
    accept_unknown: int | None = Field(None, ge=0)
    refuse: int | None = Field(None, ge=0)


@endpoint("POST", "/mock/meter_events", MeterEvents)
def set_meter_events(world: World, params: MeterEvents) -> Object:
    """Sets what becomes of meter events, and books those that were held or lag behind."""
    wanted = world.settings.setdefault("meter_events", {})
    wanted.update(params.model_dump(exclude_none=True, exclude={"expand", "settle"}))
    if params.settle:
        meters.settle(world)
    return {"meter_events": wanted}
