"""Whatever a customer does in whatever order, all systems agree, and no money is made up."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import NOON
from tests.integration.handlers.shop import Backend

CREDITS = {"free": 1_000, "pro": 10_000, "team": 50_000}
CARDS = ["pm_card_visa", "pm_card_chargeCustomerFail"]


class Deed(NamedTuple):
    """Something a customer does, `hours` after the one before."""

    hours: int
    path: str
    body: dict[str, Any]


tiers = st.sampled_from(sorted(CREDITS))
cadences = st.sampled_from(["monthly", "yearly"])
changes = st.builds(
    lambda tier, cadence, when: (
        "/api/tier/change",
        {"entityId": "ada", "newTier": tier, "billingPeriod": cadence, "when": when},
    ),
    tiers,
    cadences,
    st.sampled_from(["auto", "now", "period_end"]),
)
others = st.sampled_from(
    [
        ("/api/subscription/ada/cancel", {"when": "now"}),
        ("/api/subscription/ada/cancel", {"when": "period_end"}),
        ("/api/subscription/ada/reactivate", {}),
        *[("/api/customers/ada/payment-methods", {"paymentMethodId": card}) for card in CARDS],
    ]
)
deeds = st.lists(
    st.builds(
        lambda hours, deed: Deed(hours, *deed),
        st.sampled_from([0, 1, 20, 24 * 13, 24 * 31]),
        changes | others,
    ),
    min_size=3,
    max_size=6,
)


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=tiers, cadence=cadences, life=deeds)
def test_all_systems_agree_at_every_step(
    backend: Backend, first: str, cadence: str, life: list[Deed]
) -> None:
    backend.move_into(f"life-{uuid.uuid4()}")
    now = NOON
    backend.freeze(now)
    backend.onboard(first, billingPeriod=cadence)
    check(backend)
    for deed in life:
        now += timedelta(hours=deed.hours)
        backend.advance(now)
        check(backend)
        reply = backend.http.post(deed.path, json=deed.body)
        assert reply.status_code in (200, 201, 202, 402, 409), (deed, reply.text)
        check(backend)


def check(backend: Backend) -> None:
    """Compares what Stripe took, what Metronome was told, contracts, credits and the status."""
    seen, subscription = backend.agreed(), backend.subscription()
    assert seen.listed == (seen.tier, seen.status)
    open_contracts = [name for name, goes_on in seen.contracts if goes_on]
    in_force = seen.status in ("active", "past_due")
    if not in_force or subscription["cancelAt"] is not None:
        assert open_contracts == []
    else:
        assert open_contracts == [seen.tier.title()]
    assert seen.credits == seen.metronome_credits == (CREDITS[seen.tier] if in_force else 0)
    customer = backend.stripe.customers.retrieve(backend.stripe_customer())
    transactions = backend.stripe.customers.balance_transactions.list(customer.id, {"limit": 100})
    given = [one.amount for one in transactions.data if one.type == "adjustment"]
    # What was noted as charged was paid: with a card, or out of credit given before.
    credited = Decimal(-sum(given)) / 100
    left = Decimal(-customer.balance) / 100
    assert sum(seen.fees) == sum(seen.paid) + credited - left
    assert left >= 0
    for status in ("stuck", "running", "compensating"):
        assert backend.get("/api/operations", status=status)["data"] == []
    ends = datetime.fromisoformat(subscription["currentPeriodEnd"])
    if seen.status == "active":
        assert ends > datetime.fromisoformat(backend.get("/mock/clock")["data"]["now"])
