"""The usage widget: live usage for the customers of a product, in a frame of its own pages."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from backbeat import bootstrap
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request, Visit
from backbeat.api.resolver import Api
from backbeat.api.schemas.widget import IssueWidgetToken
from backbeat.api.static_files import StaticPages
from backbeat.api.views.times import timestamp
from backbeat.api.views.widget import own_usage_view
from backbeat.application import own_usage, widget_tokens

api = Api("widget", bootstrap.services)

# Any page may show the widget, unless its token names some: what it shows is guarded by the token.
_pages = StaticPages(Path(__file__).resolve().parent / "static", "/widget", framed_by="*")

_SCHEME: Final = "Bearer "
_NOBODY: Final = "'none'"


@api.route("POST", "/widget/tokens")
def issue_widget_token(request: Request, body: IssueWidgetToken) -> Reply:
    """Issues a token that shows one customer its own usage, for 15 minutes at the most.

    With `origins`, such as `https://app.example.com`, no other pages can show it in a frame.
    """
    valid = timedelta(seconds=body.expires_in_seconds)
    token, until = widget_tokens.issue(request.call, body.customer_id, valid, body.origins or ())
    return ok({"token": token, "expires_at": timestamp(until)})


@api.route("GET", "/widget/usage", public=True)
def show_own_usage(visit: Visit) -> Reply:
    """Returns what the customer of a widget token uses now; the token is the bearer token."""
    token = visit.headers.get("authorization", "").removeprefix(_SCHEME)
    call, customer = widget_tokens.opened(visit.services, token)
    view = own_usage_view(customer, own_usage.of_customer(call, customer))
    return Reply(200, {"data": view}, {"cache-control": "no-store"})


@api.route("GET", "/widget", public=True)
def show_widget(visit: Visit) -> Reply:
    """Returns the page that is shown in a frame: `frames` is the end of a token, after its `~`."""
    frames = visit.query.get("frames")
    if frames is None:
        return _pages.page(visit)
    origins = widget_tokens.framing(visit.services, frames)
    return _pages.page(visit, framed_by=" ".join(origins) or _NOBODY)


@api.route("GET", "/widget/{path+}", public=True)
def show_widget_file(visit: Visit) -> Reply:
    """Returns what the page loads."""
    return _pages.below(visit)


@api.route("GET", "/widget.js", public=True)
def show_widget_script(visit: Visit) -> Reply:
    """Returns the script that puts the widget into a product's page."""
    return _pages.script(visit, "embed.js")


handler = api.handler
