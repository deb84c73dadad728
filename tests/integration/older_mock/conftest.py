"""A product in profile `mock`, as a suite written for the older mock finds it: without a token."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from backbeat_local.functions import Function
from backbeat_local.template import Template
from tests.integration.conftest import Stage, opened
from tests.integration.product import Reply

TARGET = "http://127.0.0.1:4000/hooks"
SETTINGS = {
    "BACKBEAT_PROFILE": "mock",
    "METRONOME_WEBHOOK_SECRET": "shared",
    "MOCK_METRONOME_WEBHOOK_TARGET": "http://127.0.0.1:4000, https://b.example.com/own",
    "MOCK_METRONOME_WEBHOOK_PATH": "hooks",
    "MOCK_METRONOME_ENVIRONMENT_TYPE": "STAGING",
    "NODE_METRONOME_CONFIG": '{"alerts": {"customerBalanceDepleted": "alert-7"}}',
    "MOCK_METRONOME_URL": "http://mock.example.com/",
}


@dataclass(frozen=True)
class Mock:
    """Requests without a token, and what is told."""

    stage: Stage

    def call(self, method: str, path: str, body: object = None, **query: str) -> Reply:
        return self.stage.product.request(method, path, body, token=None, query=query)

    def data(self, method: str, path: str, body: object = None, **query: str) -> Any:
        reply = self.call(method, path, body, **query)
        assert reply.status in (200, 201), reply
        return reply.body["data"]

    def customer(self, name: str = "Acme", **body: Any) -> str:
        id_: str = self.data("POST", "/v1/customers", {"name": name, **body})["id"]
        return id_

    def contract(self, customer_id: str, **body: Any) -> "Contract":
        given = {
            "name": "Deal",
            "customer_id": customer_id,
            "starting_at": "2025-01-01T00:00:00.000Z",
            "rate_card_id": "rate_card_1",
            **body,
        }
        return Contract(self, customer_id, self.data("POST", "/v1/contracts/create", given)["id"])

    def told(self) -> list[dict[str, Any]]:
        """Returns what the first target was sent since the last look."""
        self.stage.product.work_off_webhooks()
        events = self.stage.targets.events(TARGET)
        self.stage.targets.posts.clear()
        return events


@dataclass(frozen=True)
class Contract:
    """A contract that is edited."""

    mock: Mock
    customer_id: str
    id: str

    def edit(self, **changes: Any) -> Reply:
        body = {"contract_id": self.id, "customer_id": self.customer_id, **changes}
        return self.mock.call("POST", "/v2/contracts/edit", body)

    def edited(self, **changes: Any) -> None:
        reply = self.edit(**changes)
        assert reply.status == 200, reply

    def read(self) -> Any:
        path = f"/v2/contracts/{self.id}"
        return self.mock.data("GET", path, customer_id=self.customer_id)

    def credits(self) -> list[tuple[str, int, str, str, str | None]]:
        """Returns product, amount, days and subscription of each credit that is not archived."""
        return sorted(
            (
                one["product"]["id"],
                item["amount"],
                short(item["starting_at"]),
                short(item["ending_before"]),
                one.get("subscription_config", {}).get("subscription_id"),
            )
            for one in self.read()["credits"]
            for item in one["access_schedule"]["schedule_items"]
            if "archived_at" not in one
        )


def short(instant: str) -> str:
    """Returns month and day, and the hour where it is not midnight."""
    day, _, time = instant.partition("T")
    return day[5:] + ("" if time.startswith("00:00") else f"T{time[:2]}")


@pytest.fixture
def mock(template: Template, functions: dict[str, Function]) -> Iterator[Mock]:
    with opened(template, functions, SETTINGS) as stage:
        stage.clock.set(datetime(2025, 1, 15, 10, 30, tzinfo=UTC))
        yield Mock(stage)
