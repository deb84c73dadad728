"""Webhooks of Metronome and Stripe to the billing handlers, and what became of them."""

from backbeat import bootstrap
from backbeat.api import handling, pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import OpenRequest, Request, parse
from backbeat.api.resolver import Api
from backbeat.api.schemas.dunning import SetDunningPolicy
from backbeat.api.schemas.inbound import (
    AddInboundSecret,
    ListInboundEvents,
    NamedProvider,
    SubscribeToStripe,
)
from backbeat.api.views.inbound import inbound_view, whole_inbound_view
from backbeat.application.handlers import overdue
from backbeat.application.intake import endpoints, log, receiving, secrets
from backbeat.application.intake.receiving import Webhook
from backbeat.models.inbound import ProviderName

api = Api("inbound", bootstrap.services)


@api.open_route("POST", "/webhooks/stripe")
def take_from_stripe(request: OpenRequest) -> Reply:
    """Takes what Stripe tells, for the stage's own account."""
    return _taken(request, ProviderName.STRIPE)


@api.open_route("POST", "/webhooks/stripe/{connection}")
def take_from_stripe_of(request: OpenRequest) -> Reply:
    """Takes what Stripe tells, for the account of a connection."""
    return _taken(request, ProviderName.STRIPE)


@api.open_route("POST", "/webhooks/metronome")
def take_from_metronome(request: OpenRequest) -> Reply:
    """Takes what Metronome tells, for the stage's own account."""
    return _taken(request, ProviderName.METRONOME)


@api.open_route("POST", "/webhooks/metronome/{connection}")
def take_from_metronome_of(request: OpenRequest) -> Reply:
    """Takes what Metronome tells, for the account of a connection."""
    return _taken(request, ProviderName.METRONOME)


@api.route("GET", "/api/webhook-events")
def list_inbound_events(request: Request, query: ListInboundEvents) -> Reply:
    """Lists what came in and how far it is, the latest first."""
    parameters = query.model_dump(mode="json", exclude={"limit", "next_page"}, exclude_none=True)
    listed, cursor = log.page(
        request.call,
        query.to_filter(),
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [inbound_view(event) for event in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.route("GET", "/api/webhook-events/{provider}/{event}")
def get_inbound_event(request: Request) -> Reply:
    """Shows an event with what it says."""
    found = log.find(request.call, _provider(request), request.path["event"])
    return ok(whole_inbound_view(found))


@api.route("POST", "/api/webhook-events/{provider}/{event}/rerun", successes=(202,))
def rerun_inbound_event(request: Request) -> Reply:
    """Queues an event anew that was given up on, or that nobody works off any more."""
    queued = log.rerun(request.call, _provider(request), request.path["event"])
    return Reply(202, {"data": inbound_view(queued)})


@api.route("GET", "/api/webhook-endpoints")
def list_inbound_endpoints(request: Request) -> Reply:
    """Tells where providers send the caller's webhooks to."""
    return ok({provider: endpoints.path_of(request.call, provider) for provider in ProviderName})


@api.route("POST", "/api/webhook-endpoints/stripe")
@handling.by_provider
def subscribe_to_stripe(request: Request, body: SubscribeToStripe) -> Reply:
    """Has Stripe send the caller's events here, to the address that this server has outside."""
    url = f"{body.base_url}{endpoints.path_of(request.call, ProviderName.STRIPE)}"
    return Reply(
        201, {"data": {"id": endpoints.subscribe_to_stripe(request.call, url), "url": url}}
    )


@api.route("POST", "/api/webhook-endpoints/{provider}/secrets", secret=True)
def add_inbound_secret(request: Request, body: AddInboundSecret) -> Reply:
    """Takes webhooks that are signed with another secret; those before end a while later."""
    call, provider = request.call, _provider(request)
    secrets.add(call, provider, body.secret, overlap=body.overlap)
    return ok({"provider": provider})


@api.route("GET", "/api/dunning-policy")
def get_dunning_policy(request: Request) -> Reply:
    """Shows what is done about renewals that are not paid."""
    return ok(overdue.policy(request.call).model_dump(mode="json"))


@api.route("PUT", "/api/dunning-policy")
def set_dunning_policy(request: Request, body: SetDunningPolicy) -> Reply:
    """Lays down what is done about renewals that fail from now on."""
    overdue.set_policy(request.call, body.to_policy())
    return get_dunning_policy(request)


def _taken(request: OpenRequest, provider: ProviderName) -> Reply:
    webhook = Webhook(provider, request.path.get("connection"), request.headers, request.body)
    receiving.receive(request.services, webhook)
    return Reply(200, {"received": True})


def _provider(request: Request) -> ProviderName:
    return parse({"provider": request.path["provider"]}, NamedProvider).provider


handler = api.handler
