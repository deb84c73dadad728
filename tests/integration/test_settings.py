"""Function `settings`: liveness and the webhook secret. The secret's effect: see `webhooks`."""

from hashlib import sha256

import pytest

from backbeat.application import tokens
from tests.integration.conftest import nothing_changes
from tests.integration.product import DEMO, Product
from tests.integration.store import WatchedStore


def test_health_needs_no_token(product: Product) -> None:
    reply = product.request("GET", "/health", token=None)
    assert (reply.status, reply.body) == (200, {"status": "ok", "service": "backbeat"})


def test_the_secret_is_never_stored_with_the_data(product: Product, store: WatchedStore) -> None:
    body = {"webhook_secret": "very secret"}
    reply = product.post("/v1/client/config/webhook_secret", body)
    assert (reply.status, reply.body) == (200, None)
    written = store.items_of(tokens.owner_by_hash(sha256(DEMO.encode()).hexdigest()), limit=100)
    # The log of changes tells that it was set. Lines of the log of requests wait to be written.
    assert {item.entity for item in written} == {"AuditRecord", "AuditHour"}
    assert not [item for item in written if b"very secret" in item.doc]


@pytest.mark.parametrize("settings", [{"BACKBEAT_TOKENS": "issued"}])
def test_a_token_must_have_been_issued(product: Product, store: WatchedStore) -> None:
    with nothing_changes(store):
        reply = product.get("/v1/customers")
    assert (reply.status, "bearer token" in reply.body["message"]) == (401, True)
    one, other = (tokens.issue(product.services, name) for name in ("one", "other"))
    assert product.post("/v1/customers", {"name": "Acme"}, token=one).status == 200
    assert len(product.get("/v1/customers", token=one).data) == 1
    assert product.get("/v1/customers", token=other).data == []
