"""Usage events in: the hot path."""

from backbeat import bootstrap
from backbeat.api.replies import Reply, empty
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.events import parse_events, parse_older_events
from backbeat.application import ingest

api = Api("ingest", bootstrap.services)


@api.operation("ingest-v1", brief=True)
def ingest_events(request: Request) -> Reply:
    """Stores and counts up to 100 events."""
    ingest.ingest(request.call, parse_events(request.body))
    return empty()


@api.route("POST", "/v1/usage/ingest", brief=True)
def ingest_older(request: Request) -> Reply:
    """Takes the older mock's body, whose events may lack a transaction id."""
    events = parse_older_events(request.body, new_id=request.call.services.ids.new)
    ingest.ingest(request.call, events)
    count = len(events)
    return Reply(200, {"message": "Usage events ingested successfully", "count": count})


handler = api.handler
