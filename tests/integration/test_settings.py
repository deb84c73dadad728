"""Function `settings`: liveness and the webhook secret. The secret's effect: see `webhooks`."""

from tests.integration.product import Product
from tests.integration.store import WatchedStore


def test_health_needs_no_token(product: Product) -> None:
    reply = product.request("GET", "/health", token=None)
    assert (reply.status, reply.body) == (200, {"status": "ok", "service": "backbeat"})


def test_the_secret_is_never_stored_with_the_data(product: Product, store: WatchedStore) -> None:
    before = store.writes
    body = {"webhook_secret": "very secret"}
    reply = product.post("/v1/client/config/webhook_secret", body)
    assert (reply.status, reply.body) == (200, None)
    assert store.writes == before
