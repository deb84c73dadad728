"""The billing handlers, the emulator and the Stripe double in one process, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from metronome import Metronome

from backbeat.adapters.metronome.sdk import MetronomeSdk
from backbeat.adapters.stripe.gateway import StripeGateway
from backbeat.ports.providers import Access
from tests.integration.handlers.shop import Backend
from tests.integration.product import DEMO


@pytest.fixture
def settings(origin: str) -> dict[str, str]:
    """Whoever calls is its own customer at both providers, which are the product itself."""
    return {
        "METRONOME_BASE_URL": origin,
        "BACKBEAT_METRONOME_KEY": "{token}",
        "STRIPE_API_BASE": f"{origin}/stripe",
        "BACKBEAT_STRIPE_KEY": "sk_test_{token}",
    }


@pytest.fixture
def metronome(origin: str) -> Iterator[Metronome]:
    with Metronome(base_url=origin, bearer_token=DEMO, max_retries=0) as client:
        yield client


@pytest.fixture
def stripe_client(origin: str) -> Any:
    """The official SDK, untyped: tests read whatever objects carry."""
    return stripe.StripeClient(f"sk_test_{DEMO}", base_addresses={"api": f"{origin}/stripe"}).v1


@pytest.fixture
def http(origin: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=origin, headers={"authorization": f"Bearer {DEMO}"}, timeout=120
    ) as client:
        yield client


@pytest.fixture
def metronome_port(stage: object, origin: str) -> MetronomeSdk:
    return MetronomeSdk(Access(origin, DEMO))


@pytest.fixture
def stripe_port(stage: object, origin: str) -> StripeGateway:
    return StripeGateway(Access(f"{origin}/stripe", f"sk_test_{DEMO}"))


@pytest.fixture
def backend(stage: object, http: httpx.Client, metronome: Metronome, stripe_client: Any) -> Backend:
    """A product whose sandbox is the token's, on a stage of the test's own."""
    return Backend(http, metronome, stripe_client)
