"""The eight scenarios of changing tiers, each system asked after each step."""

from tests.integration.conftest import NOON
from tests.integration.handlers.shop import Backend


def test_a_free_customer_has_credits_and_no_invoice(backend: Backend) -> None:
    backend.freeze(NOON)
    made = backend.onboard("free", card=None)
    assert made["entity"]["id"] == "ada"
    assert made["metronomeCustomer"]["id"]
    assert made["stripeCustomer"]["id"]
    assert made["status"] == "active"
    seen = backend.agreed()
    assert (seen.tier, seen.status, seen.listed) == ("free", "active", ("free", "active"))
    assert (seen.credits, seen.metronome_credits) == (Decimal(1_000), Decimal(1_000))
    assert seen.contracts == [("Free", True)]
    assert (seen.paid, seen.fees) == ([], [])
    assert backend.get("/api/customers/ada/invoices")["data"] == []
