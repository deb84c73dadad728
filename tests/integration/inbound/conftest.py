"""Handlers, emulator and Stripe double in one process, with their webhooks on."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from metronome import Metronome

from backbeat import bootstrap
from backbeat.ports.http import HttpReply
from tests.integration.conftest import Stage
from tests.integration.handlers.conftest import (
    http,
    metronome,
    stripe_client,
)
from tests.integration.handlers.conftest import settings as provider_settings
from tests.integration.handlers.shop import Backend
from tests.integration.targets import Targets

__all__ = ["http", "metronome", "provider_settings", "stripe_client"]


@dataclass
class Loop(Targets):
    """Delivers webhooks that are for this server to it; all others are the test's own targets'."""

    origin: str = ""
    stage: Stage | None = None

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        if not url.startswith(self.origin) or self.stage is None or url in self.down:
            return super().post(url, headers=headers, body=body, timeout_seconds=timeout_seconds)
        path = url.removeprefix(self.origin)
        sent = {name.lower(): value for name, value in headers.items()}
        reply = self.stage.product.request("POST", path, text=body, token=None, headers=sent)
        return HttpReply(reply.status, json.dumps(reply.body).encode())


@dataclass
class Wired:
    """A product whose providers tell it what happens. Webhooks wait until they are worked off."""

    stage: Stage
    loop: Loop
    backend: Backend

    def settle(self) -> None:
        """Delivers and works off everything that waits."""
        product = self.stage.product
        while (
            product.work_off_stripe()
            + product.work_off_webhooks()
            + product.work_off_inbound()
            + product.work_off_jobs()
        ):
            continue

    def events(self, **query: str) -> list[dict[str, Any]]:
        """Returns what came in, the latest first."""
        listed: list[dict[str, Any]] = self.stage.product.get("/api/webhook-events", **query).data
        return listed

    def told(self) -> list[dict[str, Any]]:
        """Returns what the product's backend was told, oldest first."""
        return [one for one in self.loop.events(BACKEND) if one["type"].startswith("billing.")]

    def control(self, path: str, **body: object) -> Any:
        """Uses a control of the Stripe double."""
        reply = self.backend.http.post(f"/mock/stripe/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()


BACKEND = "https://shop.example.com/billing"


@pytest.fixture
def more_settings() -> dict[str, str]:
    """What a test sets beside; tests parametrize it."""
    return {}


@pytest.fixture
def settings(
    provider_settings: dict[str, str], more_settings: dict[str, str], origin: str
) -> dict[str, str]:
    secrets = {"BACKBEAT_METRONOME_WEBHOOK_SECRETS": "test-secret"}
    more = {name: value.replace("{origin}", origin) for name, value in more_settings.items()}
    return {**provider_settings, **secrets, **more}


@pytest.fixture
def wired(
    stage: Stage, origin: str, http: httpx.Client, metronome: Metronome, stripe_client: Any
) -> Iterator[Wired]:
    """Both providers send their webhooks here, and the product's backend is told by ours."""
    loop = Loop(origin=origin, stage=stage)
    with bootstrap.using(replace(stage.product.services, http=loop)):
        product = stage.product
        made = product.post("/api/webhook-endpoints/stripe", {"address": origin})
        assert made.status == 201, made
        paths = product.get("/api/webhook-endpoints").data
        for target in (f"{origin}{paths['metronome']}", BACKEND):
            assert product.post("/webhooks/subscriptions", {"target": target}).status == 200
        yield Wired(stage, loop, Backend(http, metronome, stripe_client))
