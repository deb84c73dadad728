"""Webhook targets, manual dispatch, signature check and the delivery log."""

from backbeat import bootstrap
from backbeat.api import json, pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.webhooks import ListDeliveries, Subscribe, Unsubscribe
from backbeat.api.views.webhooks import delivery_view
from backbeat.application import deliveries, outbox
from backbeat.models.errors import InvalidArgument, Unauthenticated

api = Api("webhooks", bootstrap.services)


@api.route("GET", "/webhooks/subscriptions")
def list_targets(request: Request) -> Reply:
    """Lists the targets."""
    return ok(_targets(request))


@api.route("POST", "/webhooks/subscriptions")
def subscribe(request: Request, body: Subscribe) -> Reply:
    """Adds a target; adding it again changes nothing."""
    outbox.add_endpoint(request.call, body.target)
    return ok(_targets(request))


@api.route("DELETE", "/webhooks/subscriptions")
def unsubscribe(request: Request, body: Unsubscribe) -> Reply:
    """Removes one target, or all of them."""
    outbox.remove_endpoints(request.call, body.target)
    return ok(_targets(request))


@api.route("POST", "/webhooks/dispatch")
def dispatch(request: Request) -> Reply:
    """Sends a hand-written event to all targets; `{"event": {...}}` is unwrapped."""
    given = json.loads(request.body or "{}")
    if not isinstance(given, dict):
        raise InvalidArgument("body: must be an object")
    payload = given["event"] if set(given) == {"event"} else given
    if not isinstance(payload, dict):
        raise InvalidArgument("event: must be an object")
    new_id = request.call.services.ids.new()
    body = json.dumps({"id": new_id, **payload})
    outbox.dispatch(request.call, body, id_=new_id, type_=str(payload.get("type", "")))
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
    listed, cursor = deliveries.page(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    return page([delivery_view(one) for one in listed], pagination.encode(cursor, {}))


@api.route("GET", "/webhooks/dead-letters")
def list_dead_letters(request: Request) -> Reply:
    """Lists what was given up on and lies in the dead-letter queue."""
    return ok([delivery_view(one) for one in deliveries.dead_letters(request.call, limit=100)])


def _targets(request: Request) -> list[str]:
    return [endpoint.url for endpoint in outbox.endpoints(request.call)]


handler = api.handler
