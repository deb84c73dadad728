"""Metering and the Stripe double in one process, over HTTP."""

from typing import Any

import pytest
import stripe

from tests.integration.metering.mapped import Mapped, wanted
from tests.integration.metering.meter import Meter
from tests.integration.metering.stripe_side import StripeSide
from tests.integration.product import DEMO, Product


@pytest.fixture
def settings(origin: str) -> dict[str, str]:
    """Whoever calls has a Stripe world of its own, and another one beside it."""
    return {
        "STRIPE_API_BASE": f"{origin}/stripe",
        "BACKBEAT_STRIPE_KEY": "sk_test_{token}",
        "BACKBEAT_STRIPE_SHADOW_KEY": "sk_test_{token}-shadow",
    }


@pytest.fixture
def meter(product: Product) -> Meter:
    return Meter(product)


@pytest.fixture
def side(product: Product, origin: str) -> StripeSide:
    """The token's Stripe world."""
    return StripeSide(product, _client(origin, DEMO), DEMO)


@pytest.fixture
def shadow(product: Product, origin: str) -> StripeSide:
    """The world beside it."""
    token = f"{DEMO}-shadow"
    return StripeSide(product, _client(origin, token), token)


def _client(origin: str, token: str) -> Any:
    return stripe.StripeClient(
        f"sk_test_{token}", base_addresses={"api": f"{origin}/stripe"}, max_network_retries=0
    )


@pytest.fixture
def mapped(meter: Meter, side: StripeSide) -> Mapped:
    """The usage of `calls` of `acme`, told to a meter."""
    meter.counter()
    meter_id, customer = side.meter(), side.customer()
    made = meter.post("mappings", wanted(meter_id, customer)).data
    return Mapped(meter, side, made["id"], meter_id, customer)
