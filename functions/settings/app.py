"""Settings of the whole sandbox, and the liveness check."""

from backbeat import bootstrap
from backbeat.api.replies import Reply, empty
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.webhooks import SetWebhookSecret
from backbeat.application import deliveries
from backbeat.application.services import Services

api = Api("settings", bootstrap.services)


@api.operation("setClientWebhookSecret-v1")
def set_webhook_secret(request: Request, body: SetWebhookSecret) -> Reply:
    """Sets what webhooks are signed with from the next attempt on."""
    deliveries.set_secret(request.call, body.webhook_secret)
    return empty()


@api.route("GET", "/health", public=True)
def health(services: Services) -> Reply:
    """Tells that the process answers and its store reads."""
    del services
    return Reply(200, {"status": "ok", "service": "backbeat"})


handler = api.handler
