"""The sandbox's clock over HTTP: each token its own time, everything due done on the way."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.e2e.conftest import Receiver, client_of, receiving


def finalized(receiver: Receiver) -> list[str]:
    """Returns the months that a target was told of, in the order it was."""
    return [
        one.event["properties"]["invoice_finalized_date"][:7]
        for one in receiver.received
        if one.event["type"] == "invoice.finalized"
    ]


def contract(client: httpx.Client) -> str:
    customer = client.post("/v1/customers", json={"name": "Acme"}).json()["data"]["id"]
    body = {"customer_id": customer, "starting_at": "2025-01-01T00:00:00Z"}
    client.post("/v1/contracts/create", json=body).raise_for_status()
    return str(customer)


def test_a_year_in_one_call(http: httpx.Client, receiver: Receiver) -> None:
    http.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
    http.post("/webhooks/subscriptions", json={"target": receiver.url})
    customer = contract(http)
    moved = http.post("/mock/clock", json={"advance": "P1Y1M2D"}).json()["data"]
    assert moved["now"] == "2026-02-03T00:00:00+00:00"
    # All of it was there when the call returned.
    months = [f"2025-{month:02}" for month in range(2, 13)] + ["2026-01", "2026-02"]
    assert finalized(receiver) == months
    listed = http.get(f"/v1/customers/{customer}/invoices").json()["data"]
    assert [one["status"] for one in listed] == [*["FINALIZED"] * 13, "DRAFT"]


def test_tokens_live_in_different_times(base_url: str) -> None:
    def live(number: int) -> tuple[str, list[str]]:
        """Advances a world of its own by so many months, one by one."""
        with client_of(base_url, f"test-{uuid.uuid4()}") as client, receiving() as target:
            client.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
            client.post("/webhooks/subscriptions", json={"target": target.url})
            contract(client)
            for _ in range(number):
                client.post("/mock/clock", json={"advance": "P1M"}).raise_for_status()
            client.post("/mock/clock", json={"advance": 86400}).raise_for_status()
            return client.get("/mock/clock").json()["data"]["now"], finalized(target)

    with ThreadPoolExecutor(4) as pool:
        lives = list(pool.map(live, range(1, 5)))
    for number, (now, months) in enumerate(lives, start=1):
        assert now == f"2025-{number + 1:02}-02T00:00:00+00:00"
        assert months == [f"2025-{month:02}" for month in range(2, number + 2)]


def test_a_reset_empties_the_callers_sandbox_alone(base_url: str, receiver: Receiver) -> None:
    with (
        client_of(base_url, f"test-{uuid.uuid4()}") as mine,
        client_of(base_url, f"test-{uuid.uuid4()}") as theirs,
    ):
        for client in (mine, theirs):
            client.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
            client.post("/webhooks/subscriptions", json={"target": receiver.url})
            contract(client)
        mine.post("/mock/reset").raise_for_status()
        assert mine.get("/v1/customers").json()["data"] == []
        assert mine.get("/webhooks/subscriptions").json()["data"] == []
        assert mine.get("/mock/clock").json()["data"]["frozen_at"] is None
        assert len(theirs.get("/v1/customers").json()["data"]) == 1
        assert theirs.get("/webhooks/subscriptions").json()["data"] == [receiver.url]
        assert theirs.get("/mock/clock").json()["data"]["now"] == "2025-01-01T00:00:00+00:00"
