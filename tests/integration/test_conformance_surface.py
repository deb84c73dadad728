"""Conformance checklist, items 28 to 32: what holds for the API as a whole."""

from typing import Any

import pytest

from tests.integration.worked.world import JSON, World

NOBODY = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"


def test_conformance_28_idempotency_keys() -> None:
    world = World()

    def post(body: object, key: str) -> tuple[int, Any]:
        return world.call("POST", "/v1/customers", body, headers={"idempotency-key": key})

    taken = {"name": "Acme", "ingest_aliases": ["acme"]}
    first = post(taken, "one")
    assert first[0] == 200
    assert post(taken, "one") == first
    refused = post({**taken, "name": "Other"}, "two")
    assert refused[0] == 409
    # The reason is gone, and the key still answers what it answered.
    customer = first[1]["data"]["id"]
    world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": []})
    assert post({**taken, "name": "Other"}, "two") == refused
    assert post({"name": "Else"}, "one")[0] == 409
    assert [one["name"] for one in world.get("/v1/customers")] == ["Acme"]


UNKNOWN_ON_V1: list[tuple[str, JSON]] = [
    ("/v1/contracts/get", {"contract_id": NOBODY}),
    ("/v1/contracts/archive", {"contract_id": NOBODY, "void_invoices": True}),
    ("/v1/contracts/updateEndDate", {"contract_id": NOBODY}),
    ("/v1/contract-pricing/products/get", {"id": NOBODY}),
    ("/v1/contract-pricing/rate-cards/get", {"id": NOBODY}),
    ("/v1/packages/get", {"package_id": NOBODY}),
    ("/v1/billable-metrics/archive", {"id": NOBODY}),
    ("/v1/invoices/void", {"id": NOBODY}),
]
UNKNOWN_WITH_CODE: list[tuple[str, JSON, str]] = [
    ("/v2/contracts/get", {"contract_id": NOBODY}, "ContractNotFound"),
    ("/v2/contracts/getEditHistory", {"contract_id": NOBODY}, "ContractNotFound"),
    ("/v2/contracts/list", {"customer_id": NOBODY}, "CustomerNotFound"),
    (
        "/v1/contracts/getSubscriptionQuantityHistory",
        {"contract_id": NOBODY, "subscription_id": NOBODY},
        "ContractNotFound",
    ),
    (
        "/v1/contracts/getSubscriptionSeatsHistory",
        {"contract_id": NOBODY, "subscription_id": NOBODY},
        "ContractNotFound",
    ),
    ("/v1/packages/listContractsOnPackage", {"package_id": NOBODY}, "PackageNotFound"),
]


def test_conformance_29_unknown_ids() -> None:
    world = World()
    owner = {"customer_id": world.customer()}
    for path, body in UNKNOWN_ON_V1:
        world.refused(path, {**owner, **body}, 404)
    for path in (
        f"/v1/customers/{NOBODY}",
        f"/v1/customers/{owner['customer_id']}/invoices/{NOBODY}",
    ):
        assert world.call("GET", path)[0] == 404
    for path, body, code in UNKNOWN_WITH_CODE:
        assert world.refused(path, {**owner, **body}, 400)["code"] == code


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/<customer>/previewEvents",
        "/v1/customers/<customer>/invoices/spend-breakdowns",
        "/v1/contract-pricing/rate-cards/list",
        "/v1/packages/list",
        "/v1/packages/archive",
    ],
)
def test_conformance_30_unknown_fields(path: str) -> None:
    world = World()
    customer = world.customer()
    package = world.post("/v1/packages/create", {"name": "Team"})["id"]
    bodies: dict[str, JSON] = {
        "previewEvents": {"events": [{"event_type": "use"}]},
        "spend-breakdowns": {
            "starting_on": "2025-01-01T00:00:00Z",
            "ending_before": "2025-01-02T00:00:00Z",
        },
        "archive": {"package_id": package},
    }
    where = path.replace("<customer>", customer)
    body = bodies.get(path.rsplit("/", 1)[1], {})
    assert "surprise" in world.refused(where, {**body, "surprise": 1})["message"]
    world.post(where, body)
    # Anywhere else it is as if it were not there.
    world.post("/v1/customers", {"name": "Beta", "surprise": 1})
    world.post("/v1/contract-pricing/products/list", {"surprise": 1})


def test_conformance_31_page_tokens() -> None:
    world = World()
    before = [world.customer() for _ in range(3)]
    seen: list[str] = []
    query: dict[str, object] = {"limit": 1}
    for _ in range(10):
        _, page = world.call("GET", "/v1/customers", query=query)
        seen += [one["id"] for one in page["data"]]
        if page["next_page"] is None:
            break
        if len(seen) < 3:
            world.customer()
        query["next_page"] = page["next_page"]
    assert [id_ for id_ in seen if id_ in before] == sorted(before, key=seen.index)
    assert len(seen) == len(set(seen))
    assert {*before} <= {*seen}
    assert page["next_page"] is None


def test_conformance_32_unregistered_custom_fields() -> None:
    world = World()
    customer = world.customer()
    fields = {"custom_fields": {"unheard": "of"}}
    for path, body, listed in (
        ("/v1/customers", {"name": "Beta"}, None),
        (
            "/v1/contracts/create",
            {"customer_id": customer, "starting_at": "2025-01-01T00:00:00Z"},
            ("/v2/contracts/list", {"customer_id": customer}),
        ),
        (
            "/v1/contract-pricing/products/create",
            {"name": "A", "type": "FIXED"},
            ("/v1/contract-pricing/products/list", {}),
        ),
        (
            "/v1/contract-pricing/rate-cards/create",
            {"name": "A"},
            ("/v1/contract-pricing/rate-cards/list", {}),
        ),
        (
            "/v1/billable-metrics/create",
            {"name": "A", "aggregation_type": "COUNT"},
            None,
        ),
    ):
        error = world.refused(path, {**body, **fields})
        assert error["message"] == "Invalid custom field keys"
        if listed is not None:
            assert world.post(*listed) == []
    assert [one["id"] for one in world.get("/v1/customers")] == [customer]
    assert world.get("/v1/billable-metrics") == []
