"""A token is a world: no route with an id in its path answers a stranger's (N-18).

Metronome's operations, metering and billing are swept where their examples are.
"""

import re
from typing import Any

import pytest

from backbeat_local.template import Template
from tests.integration.conftest import nothing_changes
from tests.integration.estate import Estate
from tests.integration.product import Product
from tests.integration.store import WatchedStore

FUNCTIONS = ("AccessFunction", "SimulationsFunction", "LegacyFunction", "OlderMockFunction")
SIMULATIONS = "/metering/v1/simulations"
SCENARIO: dict[str, Any] = {
    "name": "secret",
    "inputs": {
        "periodStart": "2026-01-01",
        "periodEnd": "2026-02-01",
        "usageItems": [
            {"metric": "m", "quantity": 1, "price": {"model": "flat", "unitPrice": 1}},
        ],
    },
}
BODIES: dict[str, Any] = {
    "PATCH /api/keys/{key}": {"role": "viewer"},
    "POST /api/keys/{key}/rotate": {},
    "PUT /metering/v1/simulations/scenarios/{scenario_id}": SCENARIO,
    "POST /v1/customers/{customer_id}/addCharge": {
        "charge_id": "<any>",
        "customer_plan_id": "<any>",
        "description": "x",
        "invoice_start_timestamp": "2025-01-01T00:00:00Z",
        "price": 1,
        "quantity": 1,
    },
    "POST /v1/customers/{customer_id}/plans/add": {
        "plan_id": "<any>",
        "starting_on": "2025-01-01T00:00:00Z",
    },
    "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end": {},
    "POST /v1/customers/{customer_id}/billing-config/{billing_provider_type}": {
        "billing_provider_customer_id": "cus_1"
    },
}
EDIT = {"customer_id": "<customer_id>", "update_contract_name": "mine"}
NO_IDS = {"role", "billing_provider_type"}
"""Parameters that name no thing of anybody's."""


@pytest.fixture
def owned(estate: Estate, product: Product) -> dict[str, str]:
    """The ids of what the token `demo` owns."""
    key = product.post("/api/keys", {"name": "own", "role": "viewer"}).body["data"]
    scenario = product.post(f"{SIMULATIONS}/scenarios", SCENARIO).body["id"]
    run = product.post(f"{SIMULATIONS}/runs", {"scenarioId": scenario}).body["runId"]
    batch = product.post(f"{SIMULATIONS}/batch", {"name": "b", "scenarioIds": [scenario]}).body
    return {
        **estate.ids,
        "key": key["id"],
        "scenario_id": scenario,
        "run_id": run,
        "batch_id": batch["batchId"],
        "billing_provider_type": "stripe",
        # Nobody can make plans: any id is a stranger's.
        "plan_id": estate["customer_id"],
        "customer_plan_id": estate["customer_id"],
    }


def body_of(method: str, path: str, owned: dict[str, str]) -> Any:
    if path.endswith("/edit"):
        return {**EDIT, "customer_id": owned["customer_id"]}
    body = BODIES.get(f"{method} {path}")
    if not isinstance(body, dict):
        return None if method == "GET" else {}
    return {name: owned["plan_id"] if value == "<any>" else value for name, value in body.items()}


def test_no_route_answers_a_strangers_id_n18(
    owned: dict[str, str], product: Product, template: Template, store: WatchedStore
) -> None:
    wrong, looked_at = [], 0
    for name in FUNCTIONS:
        for route in template.functions[name].routes:
            names = set(re.findall(r"\{(\w+)\}", route.path)) - NO_IDS
            if not names:
                continue
            looked_at += 1
            with nothing_changes(store):
                reply = product.request(
                    route.method,
                    route.path.format_map(owned),
                    body_of(route.method, route.path, owned),
                    token="stranger",
                    query={"customer_id": owned["customer_id"]},
                )
            if reply.status != 404:
                wrong.append((route.method, route.path, reply.status, reply.body))
    assert wrong == []
    assert looked_at >= 30


def test_lists_and_bodies_of_the_simulator_are_the_callers_own_n18(
    owned: dict[str, str], product: Product
) -> None:
    for kind in ("scenarios", "runs"):
        assert product.get(f"{SIMULATIONS}/{kind}").body[kind]
        assert product.get(f"{SIMULATIONS}/{kind}", token="stranger").body[kind] == []
    metric = {
        "billableMetricId": owned["metric_id"],
        "periodStart": "2025-01-01",
        "periodEnd": "2025-02-01",
        "prices": [{"name": "p", "price": {"model": "flat", "unitPrice": 1}}],
    }
    named = {"name": "b", "scenarioIds": [owned["scenario_id"]]}
    for reply in (
        product.post(f"{SIMULATIONS}/runs", {"scenarioId": owned["scenario_id"]}, token="stranger"),
        product.post(f"{SIMULATIONS}/batch", named, token="stranger"),
        product.post(f"{SIMULATIONS}/what-if", metric, token="stranger"),
    ):
        assert reply.status == 404
