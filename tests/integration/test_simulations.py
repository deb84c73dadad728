"""Function `simulations`: scenarios, runs, batches, comparisons and what-if over usage."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from backbeat.api import json
from tests.integration.product import Product, TestClock, World, event

BASE = "/metering/v1/simulations"


def flat(unit_price: float, **more: Any) -> dict[str, Any]:
    return {"model": "flat", "unitPrice": unit_price, **more}


def scenario(name: str, quantity: int = 10, price: Any = None, **more: Any) -> dict[str, Any]:
    item = {"metric": "calls", "quantity": quantity, "priceConfig": price or flat(1)}
    return {
        "metadata": {"name": name, "tags": more.pop("tags", [])},
        "inputs": {
            "customerId": "acme",
            "periodStart": "2026-01-01T00:00:00Z",
            "periodEnd": "2026-02-01T00:00:00Z",
            "usageItems": [item],
            **more.pop("inputs", {}),
        },
        **more,
    }


def created(product: Product, document: dict[str, Any], token: str = "demo") -> str:
    reply = product.post(f"{BASE}/scenarios", document, token=token)
    assert reply.status == 201, reply
    id_: str = reply.body["id"]
    return id_


def test_a_scenario_lives_t29(product: Product) -> None:
    id_ = created(product, scenario("first", tags=["a", "b"]))
    read = product.get(f"{BASE}/scenarios/{id_}").body
    assert (read["name"], read["metadata"]["tags"], read["active"]) == ("first", ["a", "b"], True)
    # What is read can be sent again.
    sent = {part: read[part] for part in ("metadata", "inputs")}
    sent["inputs"]["usageItems"][0]["quantity"] = 11
    assert product.request("PUT", f"{BASE}/scenarios/{id_}", sent).status == 200
    read = product.get(f"{BASE}/scenarios/{id_}").body
    assert read["inputs"]["usageItems"][0]["quantity"] == 11
    assert product.request("DELETE", f"{BASE}/scenarios/{id_}").status == 204
    assert product.get(f"{BASE}/scenarios/{id_}").body["active"] is False
    assert product.request("DELETE", f"{BASE}/scenarios/{id_}").status == 404
    assert product.request("PUT", f"{BASE}/scenarios/{id_}", scenario("x")).status == 404


def test_scenarios_are_listed_by_tag_and_page(product: Product) -> None:
    for name, tags in (("b", ["x"]), ("a", ["x", "y"]), ("c", ["y"])):
        created(product, scenario(name, tags=tags))

    def names(**query: str) -> list[str]:
        body = product.get(f"{BASE}/scenarios", **query).body
        return [one["name"] for one in body["scenarios"]]

    assert names(tag="y", sortBy="name", sortOrder="asc") == ["a", "c"]
    assert names(sortBy="name", sortOrder="desc", limit="2", offset="1") == ["b", "a"]
    assert product.get(f"{BASE}/scenarios", tag="x").body["total"] == 2
    assert product.get(f"{BASE}/scenarios", limit="0").status == 400


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        # 250 x 0.07
        ({"model": "volume", "tiers": [{"upTo": None, "unitPrice": 0.07}]}, "17.5"),
        # 3 packages of 100
        ({"model": "package", "packageSize": 100, "unitPrice": 5}, "15"),
        (flat(0.01, minimumCharge=5), "5"),
        (flat(1, maximumCharge=50), "50"),
    ],
)
def test_runs_cost_what_w26_says(product: Product, price: Any, expected: str) -> None:
    reply = product.post(f"{BASE}/runs", {"scenario": scenario("w26", 250, price)})
    assert reply.status == 202
    run = product.get(f"{BASE}/runs/{reply.body['runId']}").body
    assert [bill["total"] for bill in run["result"]["invoices"]] == [Decimal(expected)]
    assert run["status"] == "done"


@pytest.mark.parametrize("total", ["1e-999999999", "0e-999999999", "1e999999999"])
def test_a_number_beyond_all_measure_is_refused_at_once(product: Product, total: str) -> None:
    # Written out, it would take a gigabyte.
    document = scenario("far", 1, expected={"total": total})
    reply = product.post(f"{BASE}/runs", {"scenario": document})
    assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert "expected.total" in reply.body["message"]


def test_a_run_of_several_metrics_w27(product: Product) -> None:
    items = [
        {"metric": name, "quantity": quantity, "priceConfig": flat(1)}
        for name, quantity in (("a", 10), ("b", 5), ("c", 4))
    ]
    document = scenario("w27", inputs={"usageItems": items, "taxRate": 10})
    [bill] = product.post(f"{BASE}/runs", {"scenario": document}).body["result"]["invoices"]
    assert (bill["subtotal"], bill["tax"], bill["total"]) == (19, Decimal("1.9"), Decimal("20.9"))


def test_a_run_with_commitment_and_credits_w28(product: Product) -> None:
    reducing = {
        "commitments": [{"amount": 20, "startDate": "2026-01-01", "endDate": "2027-01-01"}],
        "credits": [{"amount": 15, "reason": "sorry"}],
    }
    document = scenario("w28", 50, inputs=reducing)
    [bill] = product.post(f"{BASE}/runs", {"scenario": document}).body["result"]["invoices"]
    assert bill["total"] == 15
    assert bill["credits"] == [{"name": "sorry", "applied": 15, "remaining": 0}]


YEAR = {"startDate": "2026-01-01", "endDate": "2027-01-01"}


@pytest.mark.parametrize(
    ("reducing", "tax", "total"),
    [
        ({"commitments": [{"amount": 5, **YEAR}]}, 0, 5),
        ({"credits": [{"amount": 5}]}, 0, 5),
        ({"taxRate": 10}, 1, 11),
    ],
)
def test_a_bill_of_ten_is_reduced_and_taxed_t40(
    product: Product, reducing: dict[str, Any], tax: int, total: int
) -> None:
    document = scenario("t40", 10, inputs=reducing)
    [bill] = product.post(f"{BASE}/runs", {"scenario": document}).body["result"]["invoices"]
    assert (bill["subtotal"], bill["tax"], bill["total"]) == (10, tax, total)


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        ({"total": Decimal("10.0005")}, "passed"),
        ({"total": Decimal("10.006")}, "different"),
        ({"total": 10, "lineItems": [{"metric": "calls", "subtotal": 9}]}, "different"),
        ({"total": 10, "lineItems": [{"metric": "seats"}]}, "different"),
    ],
)
def test_what_is_near_enough_and_what_is_not_t40(
    product: Product, expected: dict[str, Any], status: str
) -> None:
    text = json.dumps({"scenario": scenario("t40", 10, expected=expected)})
    run = product.request("POST", f"{BASE}/runs", text=text)
    assert run.body["status"] == status


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"usageItems": []}, "usageItems"),
        ({"usageItems": None}, "usageItems"),
        ({"usageItems": [{"metric": "m", "quantity": -1, "price": flat(1)}]}, "quantity"),
        ({"usageItems": [{"metric": "m", "quantity": 1, "price": {"model": "x"}}]}, "model"),
    ],
)
def test_what_cannot_be_priced_is_an_error_t40(
    product: Product, inputs: dict[str, Any], field: str
) -> None:
    reply = product.post(f"{BASE}/runs", {"scenario": scenario("t40", inputs=inputs)})
    assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert field in reply.body["message"]


def test_a_batch_tells_completion_and_success_apart(product: Product) -> None:
    right = created(product, scenario("right", 10, expected={"total": 10}))
    wrong = created(product, scenario("wrong", 10, expected={"total": 11}))
    open_ = created(product, scenario("open", 10))
    started = product.post(f"{BASE}/batch", {"name": "b", "scenarioIds": [right, wrong, open_]})
    assert started.status == 202
    batch = product.get(f"{BASE}/batch/{started.body['batchId']}").body
    counted = [batch[name] for name in ("totalRuns", "completedRuns", "comparedRuns", "passedRuns")]
    assert counted == [3, 3, 2, 1]
    assert [run["status"] for run in batch["runs"]] == ["passed", "different", "done"]
    [different] = product.get(f"{BASE}/runs", status="different").body["runs"]
    assert different["result"]["comparison"]["differences"] == [
        {"field": "total", "metric": None, "expected": "11", "actual": "10.00"}
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"price": {"model": "bulk"}}, "model"),
        ({"price": {"model": "volume", "tiers": []}}, "tiers"),
        ({"price": {"model": "volume", "tiers": [{"upTo": 5, "unitPrice": 1}]}}, "upTo"),
        ({"quantity": -1}, "quantity"),
        ({"inputs": {"periodEnd": "2025-01-01"}}, "periodEnd"),
        ({"inputs": {"usageItems": []}}, "usageItems"),
        ({"inputs": {"typo": 1}}, "typo"),
        ({"expected": {}}, "total"),
    ],
)
def test_invalid_scenarios_are_refused_t29(
    product: Product, changes: dict[str, Any], named: str
) -> None:
    for path, body in (
        ("scenarios", scenario("bad", **changes)),
        ("runs", {"scenario": scenario("bad", **changes)}),
    ):
        reply = product.post(f"{BASE}/{path}", body)
        assert reply.status == 400
        assert named in reply.body["message"]
    assert product.get(f"{BASE}/scenarios").body["total"] == 0


def test_unknown_ids_are_404_t29(product: Product) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    for path in ("scenarios", "runs", "batch"):
        assert product.get(f"{BASE}/{path}/{unknown}").status == 404
    assert product.post(f"{BASE}/runs", {"scenarioId": unknown}).status == 404
    body = {"name": "b", "scenarioIds": [unknown]}
    assert product.post(f"{BASE}/batch", body).status == 404
    assert product.post(f"{BASE}/runs", {}).status == 400


def test_another_tenants_are_404_t29(product: Product) -> None:
    id_ = created(product, scenario("mine"))
    run = product.post(f"{BASE}/runs", {"scenarioId": id_}).body["runId"]
    batch = product.post(f"{BASE}/batch", {"name": "b", "scenarioIds": [id_]}).body["batchId"]
    for path in (f"scenarios/{id_}", f"runs/{run}", f"batch/{batch}"):
        assert product.get(f"{BASE}/{path}", token="other").status == 404
    assert product.post(f"{BASE}/runs", {"scenarioId": id_}, token="other").status == 404
    assert product.get(f"{BASE}/runs", token="other").body["total"] == 0


def test_prices_are_compared(product: Product) -> None:
    body: dict[str, Any] = {
        "prices": [
            {"name": "flat", "priceConfig": flat(0.10)},
            {
                "name": "volume",
                "priceConfig": {
                    "model": "volume",
                    "tiers": [
                        {"upTo": 100, "unitPrice": 0.10},
                        {"upTo": "inf", "unitPrice": 0.08},
                    ],
                },
            },
        ],
        "quantities": {"small": 50, "large": 1000},
    }
    first, second = product.post(f"{BASE}/compare", body).body["prices"]
    assert (first["total"], first["delta"]) == (105, 0)
    # 50 x 0.10 + 1,000 x 0.08
    assert (second["total"], second["delta"]) == (85, -20)
    twice = {**body, "prices": [body["prices"][0]] * 2}
    assert product.post(f"{BASE}/compare", twice).status == 400


def test_what_if_over_real_usage_n23(product: Product) -> None:
    world = World.build(product, "demo")
    batch = [
        event("a", timestamp="2025-01-14T09:00:00Z", properties={"model": "small", "tokens": 100}),
        event("b", timestamp="2025-01-14T11:00:00Z", properties={"model": "small", "tokens": 250}),
        event("c", timestamp="2025-01-15T00:00:00Z", properties={"model": "small", "tokens": 999}),
    ]
    assert product.post("/v1/ingest", batch).status == 200
    body = {
        "billableMetricId": world.tokens_metric_id,
        "periodStart": "2025-01-14T00:00:00Z",
        "periodEnd": "2025-01-15T00:00:00Z",
        "prices": [
            {"name": "now", "priceConfig": flat(0.10)},
            {"name": "cheaper", "priceConfig": flat(0.08)},
        ],
    }
    reply = product.post(f"{BASE}/what-if", body).body
    assert reply["quantities"] == {world.customer_id: 350}
    # 35.00 now, 28.00 then
    assert [one["total"] for one in reply["prices"]] == [35, 28]
    assert reply["prices"][1]["delta"] == -7
    other = product.post(f"{BASE}/what-if", {**body, "customerIds": ["nobody"]})
    assert other.status == 404
    off = product.post(f"{BASE}/what-if", {**body, "periodStart": "2025-01-14T00:30:00Z"})
    assert off.status == 400


def test_what_if_by_months_as_they_are_billed_n23(product: Product, clock: TestClock) -> None:
    world = World.build(product, "demo")
    clock.set(datetime(2025, 2, 10, tzinfo=UTC))
    batch = [
        event("a", timestamp="2025-01-31T23:00:00Z", properties={"model": "s", "tokens": 150}),
        event("b", timestamp="2025-02-01T00:00:00Z", properties={"model": "s", "tokens": 100}),
        event("c", timestamp="2025-02-09T11:00:00Z", properties={"model": "s", "tokens": 20}),
    ]
    assert product.post("/v1/ingest", batch).status == 200
    tiers = [{"upTo": 100, "unitPrice": 1}, {"upTo": None, "unitPrice": 0.1}]
    body = {
        "billableMetricId": world.tokens_metric_id,
        "periodStart": "2025-01-20",
        "periodEnd": "2025-02-10",
        "prices": [
            {"name": "now", "priceConfig": flat(0.5)},
            {"name": "new", "priceConfig": {"model": "graduated", "tiers": tiers}},
        ],
    }
    monthly = product.post(f"{BASE}/what-if", {**body, "interval": "month"}).body
    assert monthly["quantities"] == {world.customer_id: 270}
    now, new = monthly["prices"]
    # 75 + 60; (100 + 50 x 0.10) + (100 + 20 x 0.10) = 105 + 102
    assert (now["total"], new["total"], new["delta"]) == (135, 207, 72)
    assert new["deltas"] == {world.customer_id: 72}
    whole = product.post(f"{BASE}/what-if", body).body
    # 100 + 170 x 0.10
    assert whole["prices"][1]["total"] == 117
    assert product.post(f"{BASE}/what-if", {**body, "interval": "week"}).status == 400
