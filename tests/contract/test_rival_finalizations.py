"""Two contracts that share a commit are finalized at the same time, on every store.

One runs from beginning to end right before the other writes what it decided by what it had read.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.adapters.clock import StoredClock
from backbeat.application import billing, sandboxes, tenants
from backbeat.application.sandbox_payments import ScriptedPayments, ScriptedTaxes
from backbeat.config import Config
from backbeat.models.contracts import WorkKind
from backbeat.models.errors import Retryable
from backbeat.persistence import keys
from backbeat.ports.store import Key, Store
from tests.integration.product import TestClock
from tests.integration.store import WatchedStore
from tests.integration.worked.test_balances import access
from tests.integration.worked.world import World


class OnStore(World):
    """A world on a store of the test's own, whose clock the test moves."""

    def __init__(self, store: Store) -> None:
        config = Config.model_validate(
            {"BACKBEAT_STATE": ":memory:", "BACKBEAT_SANDBOX": "on", "BACKBEAT_TOKENS": "open"}
        )
        self.time = TestClock(datetime(2025, 1, 20, tzinfo=UTC))
        self.watched = WatchedStore(store)
        self.services = replace(
            bootstrap.build(config, clock=self.time),
            store=self.watched,
            clock_for=lambda tenant: StoredClock(self.watched, tenant, self.time),
            payments=ScriptedPayments(self.watched),
            taxes=ScriptedTaxes(self.watched),
            forget=lambda tenant: None,
        )
        self._numbers = count(1)

    def due(self, customer: str, contract: str) -> Key:
        [tenant] = tenants.marked(self.services)
        return keys.due_item(tenant, customer, contract, WorkKind.USAGE)

    def finalize(self, key: Key) -> None:
        [tenant] = tenants.marked(self.services)
        billing.run(sandboxes.call_for(self.services, tenant), key)


@pytest.mark.parametrize("overtaken", [0, 1])
def test_neither_draws_what_the_other_drew(store: Store, overtaken: int) -> None:
    world = OnStore(store)
    customer, card = world.customer("acme"), world.rate_card()
    products = [world.product(world.metric(event_type=kind)) for kind in ("first", "second")]
    for product in products:
        world.rate(card, product, price=1)
    credit = {
        "customer_id": customer,
        "product_id": world.product(type="FIXED"),
        "priority": 1,
        "access_schedule": access(1000),
    }
    world.post("/v1/contracts/customerCredits/create", credit)
    # Each bills one of the products: the other is not on its list.
    contracts = [
        world.contract(
            customer,
            card,
            f"2025-01-01T0{hour}:00:00Z",
            overrides=[
                {
                    "starting_at": f"2025-01-01T0{hour}:00:00Z",
                    "entitled": False,
                    "product_id": products[1 - hour],
                }
            ],
        )
        for hour in (0, 1)
    ]
    world.use("acme", 700, "2025-01-10T00:00:00Z", event_type="first")
    world.use("acme", 600, "2025-01-10T00:00:00Z", event_type="second")
    world.time.set(datetime(2025, 2, 3, tzinfo=UTC))
    first, second = contracts[overtaken], contracts[1 - overtaken]

    def overtake() -> None:
        world.watched.before = lambda: None
        world.finalize(world.due(customer, second))

    world.watched.before = overtake
    with pytest.raises(Retryable):
        world.finalize(world.due(customer, first))
    world.finalize(world.due(customer, first))

    final = world.invoices(customer, status="FINALIZED", type="USAGE")
    totals: dict[str, Any] = {one["contract_id"]: one["total"] for one in final}
    # The older contract is paid first: 700 of its 700, and 300 of the other's 600.
    assert totals == {contracts[0]: Decimal(0), contracts[1]: Decimal(300)}
    body = {"customer_id": customer, "include_balance": True, "include_ledgers": True}
    [shown] = world.post("/v1/contracts/customerBalances/list", body)
    assert shown["balance"] == 0
    drawn = {
        entry["invoice_id"]: entry["amount"] for entry in shown["ledger"] if "invoice_id" in entry
    }
    by_contract = {one["contract_id"]: drawn[one["id"]] for one in final}
    assert by_contract == {contracts[0]: Decimal(-700), contracts[1]: Decimal(-300)}
