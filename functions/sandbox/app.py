"""Controls of a sandbox: its clock, its pricing units, its reset, why invoices cost what they do.

Only in stages with sandboxes.
"""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.catalog import CreateCreditType
from backbeat.api.schemas.invoices import PageOfEvents
from backbeat.api.schemas.webhooks import MoveClock
from backbeat.api.views.explain import explained_invoice_view, explanation_view
from backbeat.api.views.times import optional, timestamp
from backbeat.application import catalog, explain, invoices, sandbox_clock, sandboxes

api = Api("sandbox", bootstrap.services)


@api.route("GET", "/mock/clock")
def get_clock(request: Request) -> Reply:
    """Tells the sandbox's time, and whether it stands still."""
    return _clock(request)


@api.route("POST", "/mock/clock")
def move_clock(request: Request, body: MoveClock) -> Reply:
    """Moves the sandbox's clock; what falls due on the way is done, in time order."""
    if body.system:
        sandbox_clock.follow_system(request.call)
    else:
        sandbox_clock.move(request.call, body.target(request.call.now))
    return _clock(request)


@api.route("POST", "/mock/credit-types")
def create_credit_type(request: Request, body: CreateCreditType) -> Reply:
    """Creates a custom pricing unit, for which the API has no call (decision D-09)."""
    unit = catalog.create_credit_type(request.call, body.name)
    return ok(unit.model_dump())


@api.route("POST", "/mock/reset")
def reset(request: Request) -> Reply:
    """Empties the caller's sandbox."""
    sandboxes.reset(request.call)
    return ok({"reset": True})


@api.route("GET", "/mock/explain/{invoice_id}")
def explain_invoice(request: Request) -> Reply:
    """Lists an invoice's lines with the ids to explain them by."""
    return ok(explained_invoice_view(invoices.locate(request.call, request.path["invoice_id"])))


@api.route("GET", "/mock/explain/{invoice_id}/{line_item_id}")
def explain_line(request: Request, query: PageOfEvents) -> Reply:
    """Tells why a line costs what it costs, and computes it anew. Its events come in pages."""
    told = explain.line(request.call, request.path["invoice_id"], request.path["line_item_id"])
    parameters = {"line_item_id": told.line.id}
    shown, cursor = pagination.slice_after(
        [] if told.metering is None else told.metering.events,
        position=lambda counted: counted.position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    next_page = pagination.encode(cursor, parameters)
    return ok(explanation_view(told, events=shown, next_page=next_page))


def _clock(request: Request) -> Reply:
    call = request.call
    now = call.services.clock_for(call.tenant).now()
    frozen_at = sandbox_clock.frozen_at(call)
    return ok({"now": timestamp(now), "frozen_at": optional(frozen_at)})


handler = api.handler
