"""Function `contracts`: creating and reading contracts."""

from typing import Any

import pytest

from tests.integration.product import Product, TestClock, World
from tests.integration.targets import Targets

CREATE = "/v1/contracts/create"
TARGET = "https://example.com/hook"


def create(product: Product, world: World, **changes: Any) -> str:
    body = {
        "customer_id": world.customer_id,
        "rate_card_id": world.rate_card_id,
        "starting_at": "2025-01-10T05:00:00Z",
        **changes,
    }
    reply = product.post(CREATE, body)
    assert reply.status == 200, reply
    id_: str = reply.data["id"]
    return id_


def periods(product: Product, world: World, contract_id: str) -> list[tuple[str, str, str]]:
    """Returns start, end and issue of a contract's invoices."""
    listed = product.get(
        f"/v1/customers/{world.customer_id}/invoices", contract_id=contract_id
    ).data
    return [
        (one["start_timestamp"][:13], one["end_timestamp"][:13], one["issued_at"][:13])
        for one in listed
    ]


def test_a_contract_is_what_was_created(product: Product, world: World) -> None:
    product.custom_field("contract", "seller")
    terms = {
        "name": "Second",
        "ending_before": "2026-01-01T00:00:00Z",
        "net_payment_terms_days": 30,
        "uniqueness_key": "second",
        "custom_fields": {"seller": "ann"},
    }
    contract_id = create(product, world, **terms)
    named = {"customer_id": world.customer_id, "contract_id": contract_id}
    v2 = product.post("/v2/contracts/get", named).data
    v1 = product.post("/v1/contracts/get", named).data
    assert v2["id"] == v1["id"] == contract_id
    assert (v2["starting_at"], v2["ending_before"]) == (
        "2025-01-10T05:00:00+00:00",
        "2026-01-01T00:00:00+00:00",
    )
    for terms_shown in (v2, v1["initial"], v1["current"]):
        for field in ("name", "net_payment_terms_days"):
            assert terms_shown[field] == terms[field]
        assert terms_shown["rate_card_id"] == world.rate_card_id
    for shown in (v1, v2):
        assert (shown["uniqueness_key"], shown["custom_fields"]) == ("second", {"seller": "ann"})


@pytest.mark.parametrize("version", ["v1", "v2"])
class TestLists:
    def listed(self, product: Product, world: World, version: str, **filters: Any) -> list[str]:
        body = {"customer_id": world.customer_id, **filters}
        return [one["id"] for one in product.post(f"/{version}/contracts/list", body).data]

    def test_the_latest_start_comes_first(
        self, version: str, product: Product, world: World
    ) -> None:
        second = create(product, world, starting_at="2025-01-12T00:00:00Z")
        third = create(product, world, starting_at="2025-01-11T00:00:00Z")
        assert self.listed(product, world, version) == [second, third, world.contract_id]

    def test_by_date(self, version: str, product: Product, world: World) -> None:
        ended = create(product, world, ending_before="2025-01-12T00:00:00Z")
        for date, expected in [
            ("2025-01-10T04:59:59Z", [world.contract_id]),
            ("2025-01-10T05:00:00Z", [ended, world.contract_id]),
            ("2025-01-12T00:00:00Z", [world.contract_id]),
        ]:
            assert self.listed(product, world, version, covering_date=date) == expected
        assert self.listed(product, world, version, starting_at="2025-01-05T00:00:00Z") == [ended]


class TestPeriods:
    @pytest.mark.parametrize(
        ("schedule", "expected"),
        [
            ({"frequency": "MONTHLY"}, ("2025-01-10T05", "2025-02-01T00", "2025-02-02T00")),
            (
                {"frequency": "MONTHLY", "day": "CONTRACT_START"},
                ("2025-01-10T05", "2025-02-10T05", "2025-02-11T05"),
            ),
            (
                {
                    "frequency": "MONTHLY",
                    "day": "CUSTOM_DATE",
                    "billing_anchor_date": "2024-12-20T00:00:00Z",
                },
                ("2025-01-10T05", "2025-01-20T00", "2025-01-21T00"),
            ),
            ({"frequency": "WEEKLY"}, ("2025-01-10T05", "2025-01-17T05", "2025-01-18T05")),
            ({"frequency": "QUARTERLY"}, ("2025-01-10T05", "2025-04-01T00", "2025-04-02T00")),
            ({"frequency": "ANNUAL"}, ("2025-01-10T05", "2026-01-01T00", "2026-01-02T00")),
        ],
        ids=["monthly", "contract start", "custom", "weekly", "quarterly", "annual"],
    )
    def test_the_first(
        self,
        schedule: dict[str, str],
        expected: tuple[str, str, str],
        product: Product,
        world: World,
    ) -> None:
        contract_id = create(product, world, usage_statement_schedule=schedule)
        assert periods(product, world, contract_id)[0] == expected

    def test_the_last_ends_with_the_contract(
        self, product: Product, world: World, clock: TestClock
    ) -> None:
        contract_id = create(product, world, ending_before="2025-02-10T00:00:00Z")
        product.post("/mock/clock", {"now": "2025-06-01T00:00:00Z"})
        assert periods(product, world, contract_id) == [
            ("2025-01-10T05", "2025-02-01T00", "2025-02-02T00"),
            ("2025-02-01T00", "2025-02-10T00", "2025-02-11T00"),
        ]
        assert product.tick()["jobs"] == 0

    def test_invoices_may_start_later_than_the_contract(
        self, product: Product, world: World
    ) -> None:
        schedule = {
            "frequency": "MONTHLY",
            "invoice_generation_starting_at": "2025-01-12T00:00:00Z",
        }
        contract_id = create(product, world, usage_statement_schedule=schedule)
        assert periods(product, world, contract_id)[0][0] == "2025-01-12T00"

    def test_a_contract_of_the_future_has_no_draft_yet(
        self, product: Product, world: World
    ) -> None:
        contract_id = create(product, world, starting_at="2025-02-01T00:00:00Z")
        assert periods(product, world, contract_id) == []


class TestStartInThePast:
    def test_periods_that_are_over_are_billed_at_once(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        contract_id = create(product, world, starting_at="2024-11-01T00:00:00Z")
        listed = product.get(
            f"/v1/customers/{world.customer_id}/invoices", contract_id=contract_id
        ).data
        assert [(one["start_timestamp"][:7], one["status"]) for one in listed] == [
            ("2024-11", "FINALIZED"),
            ("2024-12", "FINALIZED"),
            ("2025-01", "DRAFT"),
        ]
        product.work_off_webhooks()
        types = [one["type"] for one in targets.events(TARGET)]
        assert sorted(types) == ["contract.create", *["invoice.finalized"] * 2]


def test_subscribers_are_told(product: Product, world: World, targets: Targets) -> None:
    product.custom_field("contract", "seller")
    product.post("/webhooks/subscriptions", {"target": TARGET})
    contract_id = create(product, world, custom_fields={"seller": "ann"})
    product.work_off_webhooks()
    [told] = targets.events(TARGET)
    assert told == {
        "id": told["id"],
        "type": "contract.create",
        "timestamp": "2025-01-15T12:00:00Z",
        "environment_type": "SANDBOX",
        "contract_id": contract_id,
        "contract_custom_fields": {"seller": "ann"},
        "customer_id": world.customer_id,
        "customer_custom_fields": {},
    }
