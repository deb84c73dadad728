"""What operators of metering do: adjustments, mappings to Stripe, pushes, reconciliation."""

from datetime import datetime

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.metering import CreateAdjustment, ListAdjustments
from backbeat.api.views.metering import adjustment_view
from backbeat.application.metering import adjustments
from backbeat.models.adjustments import AdjustmentReason
from backbeat.models.errors import InvalidArgument

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


def _instant(body: CreateAdjustment) -> datetime:
    at = body.ts or body.period_start
    if at is None:
        raise InvalidArgument("ts: required, an instant of the usage that is changed")
    return at


handler = api.handler
