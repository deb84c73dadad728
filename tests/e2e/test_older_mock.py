"""A suite of the older mock over HTTP: only the address is ours, and nobody has a token."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import Receiver
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        Server("--memory", "--profile", "mock") as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        yield client


def test_unknown_routes(client: httpx.Client) -> None:
    for method, path in [("GET", "/v1/nothing"), ("DELETE", "/v1/customers")]:
        reply = client.request(method, path)
        message = f"Route not found: {method} {path}"
        assert reply.status_code == 404
        assert reply.json()["error"] == {"message": message, "status": 404}


def test_pages_of_any_origin_may_ask(client: httpx.Client) -> None:
    reply = client.options("/v1/customers", headers={"origin": "http://localhost:5173"})
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert client.get("/health").headers["access-control-allow-origin"] == "*"


def test_a_contract_and_what_is_told_of_it(client: httpx.Client, receiver: Receiver) -> None:
    subscribed = client.post("/webhooks/subscriptions", json={"target": receiver.url})
    assert subscribed.json() == {"data": [receiver.url]}
    customer = client.post("/v1/customers", json={"name": "Acme"})
    assert customer.status_code == 201
    body = {
        "name": "Deal",
        "customer_id": customer.json()["data"]["id"],
        "starting_at": "2025-01-01T00:00:00.000Z",
        "rate_card_id": "rate_card_1",
    }
    contract = client.post("/v1/contracts", json=body)
    assert contract.status_code == 201
    path = f"/v2/contracts/{contract.json()['data']['id']}"
    read = client.get(path, params={"customer_id": body["customer_id"]})
    assert read.json()["data"]["id"] == contract.json()["data"]["id"]
    created = "contract.created"
    events = receiver.wait_for(lambda all_: created in [one.event["type"] for one in all_])
    [event] = [one.event for one in events if one.event["type"] == created]
    assert event["contract_id"] == contract.json()["data"]["id"]
