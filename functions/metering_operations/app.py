"""What operators of metering do: adjustments, mappings to Stripe, pushes, reconciliation."""

from datetime import datetime

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.mappings import (
    ChangeMapping,
    CreateMapping,
    EndMapping,
    ListMappings,
    ListPushes,
    RunPush,
)
from backbeat.api.schemas.metering import CreateAdjustment, ListAdjustments
from backbeat.api.views.mappings import mapping_view, push_view, pushed_view
from backbeat.api.views.metering import adjustment_view
from backbeat.application import connections
from backbeat.application.metering import adjustments, mappings, pushes
from backbeat.models.adjustments import AdjustmentReason
from backbeat.models.errors import InvalidArgument
from backbeat.models.mappings import Lane

api = Api("metering_operations", bootstrap.services)


@api.route("POST", "/metering/v1/adjustments")
def create_adjustment(request: Request, body: CreateAdjustment) -> Reply:
    """Proposes a change of usage, which counts once it is approved."""
    made = adjustments.create(
        request.call,
        metric=body.metric,
        customer_ref=body.customer_ref,
        timestamp=_instant(body),
        quantity=body.delta,
        reason=AdjustmentReason(body.reason),
        by=request.call.owner,
        note=body.note,
        request_id=body.request_id,
        meta=body.meta,
    )
    return ok(adjustment_view(made))


@api.route("GET", "/metering/v1/adjustments")
def list_adjustments(request: Request, query: ListAdjustments) -> Reply:
    """Lists adjustments, the newest first."""
    parameters = query.model_dump(exclude={"next_page", "limit"})
    found, following = adjustments.page(
        request.call,
        query.wants,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [adjustment_view(one) for one in found]
    return page(views, pagination.encode(following, parameters))


@api.route("GET", "/metering/v1/adjustments/{adjustment_id}")
def get_adjustment(request: Request) -> Reply:
    """Returns an adjustment."""
    return ok(adjustment_view(adjustments.get(request.call, request.path["adjustment_id"])))


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/approve")
def approve_adjustment(request: Request) -> Reply:
    """Makes an adjustment count, once however often it is approved."""
    call = request.call
    return ok(
        adjustment_view(adjustments.approve(call, request.path["adjustment_id"], by=call.owner))
    )


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/reject")
def reject_adjustment(request: Request) -> Reply:
    """Decides that an adjustment never counts."""
    call = request.call
    return ok(
        adjustment_view(adjustments.reject(call, request.path["adjustment_id"], by=call.owner))
    )


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/revert")
def revert_adjustment(request: Request) -> Reply:
    """Takes back what an approved adjustment added, to the unit."""
    call = request.call
    return ok(
        adjustment_view(adjustments.revert(call, request.path["adjustment_id"], by=call.owner))
    )


@api.route("POST", "/metering/v1/mappings")
def create_mapping(request: Request, body: CreateMapping) -> Reply:
    """Maps a counter's usage to a customer's meter at Stripe, where it is told from now on."""
    _remember(request)
    return ok(mapping_view(mappings.create(request.call, body.to_command())))


@api.route("GET", "/metering/v1/mappings")
def list_mappings(request: Request, query: ListMappings) -> Reply:
    """Lists mappings in order of creation."""
    parameters = query.model_dump(exclude={"next_page", "limit"})
    found, following = mappings.page(
        request.call,
        query.wants,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [mapping_view(one) for one in found]
    return page(views, pagination.encode(following, parameters))


@api.route("GET", "/metering/v1/mappings/{mapping_id}")
def get_mapping(request: Request) -> Reply:
    """Returns a mapping."""
    return ok(mapping_view(mappings.get(request.call, request.path["mapping_id"])))


@api.route("PATCH", "/metering/v1/mappings/{mapping_id}")
def change_mapping(request: Request, body: ChangeMapping) -> Reply:
    """Stops or resumes telling usage; what came meanwhile is told then."""
    changed = mappings.change(request.call, request.path["mapping_id"], active=body.active)
    return ok(mapping_view(changed))


@api.route("DELETE", "/metering/v1/mappings/{mapping_id}")
def end_mapping(request: Request, body: EndMapping) -> Reply:
    """Ends a mapping at an hour; usage up to then is still told."""
    ended = mappings.end(request.call, request.path["mapping_id"], body.ending_before)
    return ok(mapping_view(ended))


@api.route("POST", "/metering/v1/pushes")
def run_push(request: Request, body: RunPush) -> Reply:
    """Tells Stripe what changed, and tries again what was refused or deferred before."""
    _remember(request)
    found = pushes.run(request.call, mapping_id=body.mapping_id, insists=True)
    return ok([pushed_view(one) for one in found])


@api.route("GET", "/metering/v1/mappings/{mapping_id}/pushes")
def list_pushes(request: Request, query: ListPushes) -> Reply:
    """Lists what was told of a mapping's usage, the newest first."""
    mapping = mappings.get(request.call, request.path["mapping_id"])
    target = mapping.target if query.lane is Lane.LIVE else mapping.shadow
    if target is None:
        return page([], None)
    parameters = {**query.model_dump(exclude={"next_page", "limit"}), "mapping": mapping.id}
    found, following = pushes.log(
        request.call,
        mapping,
        target,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    return page([push_view(one) for one in found], pagination.encode(following, parameters))


def _remember(request: Request) -> None:
    """Keeps the caller's token where keys are made of it: schedules act with it later."""
    _, _, token = request.headers.get("authorization", "").partition(" ")
    connections.remember_token(request.call, token.strip())


def _instant(body: CreateAdjustment) -> datetime:
    at = body.ts or body.period_start
    if at is None:
        raise InvalidArgument("ts: required, an instant of the usage that is changed")
    return at


handler = api.handler
