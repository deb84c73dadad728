"""A stage that is its own Metronome and Stripe: customers are billed there, and usage is metered.

Runs against the local runner and, unchanged, against a deployed stack.
"""

import json
from typing import Any

import httpx
import pytest
import stripe
from click.testing import CliRunner

from backbeat_local.cli import main
from tests.e2e.conftest import eventually


@pytest.fixture
def emptied(http: httpx.Client) -> httpx.Client:
    """The token's sandbox with nothing in it: deployed, one token serves all tests."""
    assert http.post("/mock/reset").status_code == 200
    return http


def test_a_plan_is_sold_and_changed(emptied: httpx.Client, base_url: str, token: str) -> None:
    def tier_after(path: str, body: dict[str, Any]) -> Any:
        # Where providers are slow, an operation goes on when it is asked for again.
        emptied.post(path, json=body)
        subscription = emptied.get("/api/subscription/ada").json()
        return subscription.get("status") == "active" and subscription["tier"]

    assert emptied.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"}).is_success
    assert emptied.post("/api/catalog/apply", json={}).is_success
    entity = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
    wanted = {"entity": entity, "tier": "pro", "paymentMethodId": "pm_card_visa"}
    eventually(lambda: tier_after("/api/onboard", wanted) == "pro")
    assert emptied.post("/mock/clock", json={"advance": "P10D"}).is_success
    # 21 of January's 31 days are left: (29 - 9) × 21 ÷ 31 = 13.548… dollars.
    change = {"entityId": "ada", "newTier": "team"}
    eventually(lambda: tier_after("/api/tier/change", change) == "team")
    client = stripe.StripeClient(f"sk_test_{token}", base_addresses={"api": f"{base_url}/stripe"})
    charges = client.v1.charges.list().data
    assert [(one.amount, one.status) for one in charges] == [
        (1355, "succeeded"),
        (900, "succeeded"),
    ]


def test_usage_is_told_and_billed_three_ways_alike(
    emptied: httpx.Client, base_url: str, token: str
) -> None:
    words = ("demo", "parity", "--url", base_url, "--token", token, "--json")
    result = CliRunner().invoke(main, words, env={"STRIPE_SECRET_KEY": ""})
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["ledger"], told["stripe"], told["invoiced"]) == (425, 425, 425)
