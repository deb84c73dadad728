"""The parity demonstration, as a person starts it."""

import json
import uuid
from typing import Any

import httpx
import pytest
import stripe
from click.testing import CliRunner, Result

from backbeat_local.cli import main


def parity(base_url: str, token: str) -> Result:
    words = ("demo", "parity", "--url", base_url, "--token", token, "--json")
    return CliRunner().invoke(main, words, env={"STRIPE_SECRET_KEY": ""})


def sdk(base_url: str, token: str) -> Any:
    client = stripe.StripeClient(f"sk_test_{token}", base_addresses={"api": f"{base_url}/stripe"})
    return client.v1


def test_t53_425_three_ways_and_the_amount_to_the_cent(base_url: str) -> None:
    token = f"parity-{uuid.uuid4()}"
    result = parity(base_url, token)
    assert result.exit_code == 0, result.output
    # 100 + 250 + 75; 425 × 0.4 = 170 cents.
    assert json.loads(result.stdout) == {
        "accepted": 3,
        "duplicates": 1,
        "ledger": 425,
        "stripe": 425,
        "invoiced": 425,
        "rated_cents": 170,
        "invoiced_cents": 170,
        "invoice_status": "paid",
        "finalized": True,
        "problems": [],
    }
    # E-14: what was made at Stripe is gone.
    v1 = sdk(base_url, token)
    assert v1.customers.list().data == []
    assert v1.test_helpers.test_clocks.list().data == []
    assert [meter.status for meter in v1.billing.meters.list().data] == ["inactive"]


@pytest.mark.slow
def test_e11_without_parity_it_fails(base_url: str) -> None:
    token = f"parity-{uuid.uuid4()}"
    headers = {"authorization": f"Bearer {token}"}
    lost = httpx.post(f"{base_url}/mock/stripe/meter_events", json={"lose": 1}, headers=headers)
    assert lost.status_code == 200
    result = parity(base_url, token)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["ledger"], told["stripe"], told["invoiced"]) == (425, 0, 0)
    assert told["finalized"] is False
    assert "Stripe has counted 0 instead of 425" in result.stderr
    assert sdk(base_url, token).customers.list().data == []


def test_a_key_for_money_is_refused(base_url: str) -> None:
    words = ("demo", "parity", "--stripe-key", "sk_live_money")
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "none for tests" in result.stderr
