"""Webhook targets, manual dispatch, signature check and the delivery log."""

from backbeat import bootstrap
from backbeat.api import json, pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.webhooks import (
    ListDeadLetters,
    ListDeliveries,
    Redeliver,
    RotateSecret,
    Subscribe,
    Unsubscribe,
)
from backbeat.api.views.times import optional
from backbeat.api.views.webhooks import delivery_view, event_view
from backbeat.application import (
    deliveries,
    delivery_log,
    outbox,
    redelivery,
    targets,
    webhook_secrets,
)
from backbeat.models.errors import InvalidArgument, Unauthenticated

api = Api("webhooks", bootstrap.services)


@api.route("GET", "/webhooks/subscriptions")
def list_targets(request: Request) -> Reply:
    """Lists the targets."""
    return ok(_targets(request))


@api.route("POST", "/webhooks/subscriptions")
def subscribe(request: Request, body: Subscribe) -> Reply:
    """Adds a target; adding it again changes nothing."""
    targets.add(request.call, body.target)
    return ok(_targets(request))


@api.route("DELETE", "/webhooks/subscriptions")
def unsubscribe(request: Request, body: Unsubscribe) -> Reply:
    """Removes one target, or all of them."""
    targets.remove(request.call, body.target)
    return ok(_targets(request))


@api.route("POST", "/webhooks/secret")
def rotate_secret(request: Request, body: RotateSecret) -> Reply:
    """Sets the account's secret, or one target's own, and tells how long the one before is valid.

    Meanwhile webhooks carry the signature of either.
    """
    call, secret = request.call, body.webhook_secret
    if body.target is None:
        until = webhook_secrets.replace(call, secret, overlap=body.overlap)
    else:
        until = targets.set_secret(call, body.target, secret, overlap=body.overlap)
    return ok({"target": body.target, "previous_valid_until": optional(until)})


@api.route("POST", "/webhooks/test")
def send_test(request: Request) -> Reply:
    """Sends an event without content to all targets, as the Test button does."""
    return ok({"id": _dispatch(request, {"type": "webhooks.test"})})


@api.route("POST", "/webhooks/dispatch")
def dispatch(request: Request) -> Reply:
    """Sends a hand-written event to all targets; `{"event": {...}}` is unwrapped."""
    given = json.loads(request.body or "{}")
    if not isinstance(given, dict):
        raise InvalidArgument("body: must be an object")
    payload = given["event"] if set(given) == {"event"} else given
    if not isinstance(payload, dict):
        raise InvalidArgument("event: must be an object")
    _dispatch(request, payload)
    return ok(given)


@api.route("POST", "/webhooks/verify")
def verify(request: Request) -> Reply:
    """Checks the signature of a body that was received, and echoes it."""
    headers = request.headers
    signature = headers.get("metronome-webhook-signature") or headers.get("x-metronome-signature")
    date = headers.get("x-metronome-date") or headers.get("date")
    if not signature or not date:
        raise Unauthenticated("Missing signature")
    if not deliveries.is_signed(request.call, signature, date=date, body=request.body.encode()):
        raise Unauthenticated("Invalid signature")
    return Reply(200, json.loads(request.body))


@api.route("GET", "/webhooks/deliveries")
def list_deliveries(request: Request, query: ListDeliveries) -> Reply:
    """Lists deliveries with every attempt, the latest first."""
    parameters = query.model_dump(exclude={"limit", "next_page"}, exclude_none=True)
    listed, cursor = delivery_log.page(
        request.call,
        query.to_filter(),
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [delivery_view(one) for one in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.route("GET", "/webhooks/events/{event_id}")
def get_event(request: Request) -> Reply:
    """Shows an event, and what became of it at each target."""
    return ok(event_view(delivery_log.told(request.call, request.path["event_id"])))


@api.route("POST", "/webhooks/redeliver")
def redeliver(request: Request, body: Redeliver) -> Reply:
    """Sends one event again, or those of a time range."""
    call, which, span = request.call, body.to_filter(), body.span
    if body.event_id is not None:
        again = redelivery.one(call, body.event_id, which)
        return page([delivery_view(one) for one in again], None)
    if span is None:
        raise InvalidArgument("event_id: required without a time range")
    parameters = body.model_dump(exclude={"limit", "next_page"}, exclude_none=True)
    again, cursor = redelivery.span(
        call,
        span,
        which,
        limit=body.limit,
        cursor=pagination.decode(body.next_page, parameters),
    )
    return page([delivery_view(one) for one in again], pagination.encode(cursor, parameters))


@api.route("GET", "/webhooks/dead-letters")
def list_dead_letters(request: Request, query: ListDeadLetters) -> Reply:
    """Lists what was given up on, oldest first."""
    listed, cursor = delivery_log.page_of_dead(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    return page([delivery_view(one) for one in listed], pagination.encode(cursor, {}))


def _dispatch(request: Request, payload: dict[str, object]) -> str:
    """Sends a hand-written event and returns the id it has unless it brings its own."""
    new_id = request.call.services.ids.new()
    body = json.dumps({"id": new_id, **payload})
    outbox.dispatch(request.call, body, id_=new_id, type_=str(payload.get("type", "")))
    return new_id


def _targets(request: Request) -> list[str]:
    return [endpoint.url for endpoint in targets.of_tenant(request.call)]


handler = api.handler
