"""Controls of a sandbox: its clock and its reset. Only in stages with sandboxes."""

from backbeat import bootstrap
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.webhooks import MoveClock
from backbeat.api.views.times import optional, timestamp
from backbeat.application import sandbox_clock, sandboxes

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


@api.route("POST", "/mock/reset")
def reset(request: Request) -> Reply:
    """Empties the caller's sandbox."""
    sandboxes.reset(request.call)
    return ok({"reset": True})


def _clock(request: Request) -> Reply:
    call = request.call
    now = call.services.clock_for(call.tenant).now()
    frozen_at = sandbox_clock.frozen_at(call)
    return ok({"now": timestamp(now), "frozen_at": optional(frozen_at)})


handler = api.handler
