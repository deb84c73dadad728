"""Function `catalog`: billable metrics, products, rate cards and rates."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.product import Product, World, event

METRICS = "/v1/billable-metrics"
PRODUCTS = "/v1/contract-pricing/products"
CARDS = "/v1/contract-pricing/rate-cards"


class TestMetrics:
    def test_a_metric_is_what_was_created(self, product: Product) -> None:
        product.custom_field("billable_metric", "team")
        body = {
            "name": "Tokens",
            "aggregation_type": "SUM",
            "aggregation_key": "tokens",
            "event_type_filter": {"in_values": ["call"], "not_in_values": ["test"]},
            "property_filters": [
                {"name": "tokens", "exists": True},
                {"name": "region", "in_values": ["eu"], "not_in_values": ["us"]},
            ],
            "group_keys": [["region"]],
            "custom_fields": {"team": "ai"},
        }
        metric_id = product.post(f"{METRICS}/create", body).data["id"]
        assert product.get(f"{METRICS}/{metric_id}").data == {"id": metric_id, **body}

    def test_kinds_are_read_in_any_case(self, product: Product) -> None:
        body = {"name": "Calls", "aggregation_type": "count"}
        metric_id = product.post(f"{METRICS}/create", body).data["id"]
        assert product.get(f"{METRICS}/{metric_id}").data["aggregation_type"] == "COUNT"

    def test_renaming_and_archiving(self, product: Product, world: World) -> None:
        path = f"{METRICS}/{world.metric_id}"
        assert product.request("PUT", path, {"name": "All calls"}).status == 200
        assert product.get(path).data["name"] == "All calls"
        assert product.post(f"{METRICS}/archive", {"id": world.metric_id}).status == 200
        assert product.get(path).data["archived_at"] == "2025-01-15T12:00:00+00:00"
        assert [one["id"] for one in product.get(METRICS).data] == [world.tokens_metric_id]
        everything = product.get(METRICS, include_archived="true").data
        assert {one["id"] for one in everything} == {world.metric_id, world.tokens_metric_id}
        again = product.post(f"{METRICS}/archive", {"id": world.metric_id})
        assert (again.status, "id" in again.body["message"]) == (400, True)

    def test_an_archived_metric_goes_on_metering(self, product: Product, world: World) -> None:
        product.post(f"{METRICS}/archive", {"id": world.metric_id})
        product.post("/v1/ingest", [event("later")])
        [invoice] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
        assert invoice["total"] == 28

    def test_it_counts_what_is_received_after_its_creation(
        self, product: Product, world: World
    ) -> None:
        new = product.post(f"{METRICS}/create", {"name": "New", "aggregation_type": "COUNT"})
        product.post("/v1/ingest", [event("after")])
        rows = product.post(
            "/v1/usage",
            {
                "window_size": "NONE",
                "starting_on": "2025-01-01T00:00:00Z",
                "ending_before": "2025-02-01T00:00:00Z",
                "billable_metrics": [{"id": new.data["id"]}, {"id": world.metric_id}],
            },
        ).data
        by_metric = {row["billable_metric_id"]: row["value"] for row in rows}
        assert by_metric == {new.data["id"]: 1, world.metric_id: 4}


class TestProducts:
    def test_a_product_is_what_was_created(self, product: Product, world: World) -> None:
        product.custom_field("contract_product", "team")
        body = {
            "name": "Model tokens",
            "type": "usage",
            "billable_metric_id": world.tokens_metric_id,
            "presentation_group_key": ["model"],
            "tags": ["ai"],
            "custom_fields": {"team": "ai"},
        }
        product_id = product.post(f"{PRODUCTS}/create", body).data["id"]
        shown = product.post(f"{PRODUCTS}/get", {"id": product_id}).data
        assert (shown["id"], shown["type"], shown["custom_fields"]) == (
            product_id,
            "USAGE",
            {"team": "ai"},
        )
        assert shown["initial"] == shown["current"]
        for field in ("name", "billable_metric_id", "presentation_group_key", "tags"):
            assert shown["initial"][field] == body[field]
        assert "pricing_group_key" not in shown["initial"]

    def test_they_are_listed(self, product: Product, world: World) -> None:
        listed = product.post(f"{PRODUCTS}/list", {}).data
        assert [one["initial"]["name"] for one in listed].count("Calls") == 1
        assert len(listed) == 2
        assert product.post(f"{PRODUCTS}/list", {"archive_filter": "ARCHIVED"}).data == []


class TestRateCards:
    def test_a_card_is_what_was_created(self, product: Product) -> None:
        product.custom_field("rate_card", "a")
        body = {"name": "List", "description": "For everybody", "custom_fields": {"a": "b"}}
        card_id = product.post(f"{CARDS}/create", body).data["id"]
        shown = product.post(f"{CARDS}/get", {"id": card_id}).data
        assert {name: shown[name] for name in body} == body
        assert shown["fiat_credit_type"]["name"] == "USD (cents)"
        assert [one["id"] for one in product.post(f"{CARDS}/list", {}).data] == [card_id]

    def test_a_card_in_another_currency(self, product: Product) -> None:
        [euro] = [one for one in product.get("/v1/credit-types/list").data if one["name"] == "EUR"]
        body = {"name": "Europe", "fiat_credit_type_id": euro["id"]}
        card_id = product.post(f"{CARDS}/create", body).data["id"]
        shown = product.post(f"{CARDS}/get", {"id": card_id}).data
        assert shown["fiat_credit_type"] == {"id": euro["id"], "name": "EUR"}


class TestRates:
    def rates(self, product: Product, world: World, at: str, **selector: Any) -> list[Decimal]:
        body: dict[str, Any] = {"rate_card_id": world.rate_card_id, "at": at}
        if selector:
            body["selectors"] = [selector]
        return [one["rate"]["price"] for one in product.post(f"{CARDS}/getRates", body).data]

    def add(self, product: Product, world: World, **changes: Any) -> Any:
        body = {
            "rate_card_id": world.rate_card_id,
            "product_id": world.product_id,
            "starting_at": "2025-01-20T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": 3,
            **changes,
        }
        reply = product.post(f"{CARDS}/addRate", body)
        assert reply.status == 200, reply
        return reply.data

    def test_prices_keep_every_digit(self, product: Product, world: World) -> None:
        price = "0.000000000000000000123456789012345678"
        text = (
            f'{{"rate_card_id": "{world.rate_card_id}", "product_id": "{world.product_id}",'
            f' "starting_at": "2025-01-20T00:00:00Z", "entitled": true, "rate_type": "FLAT",'
            f' "price": {price}}}'
        )
        added = product.request("POST", f"{CARDS}/addRate", text=text)
        assert added.data["price"] == Decimal(price)
        assert self.rates(product, world, "2025-01-21T00:00:00Z")[-1] == Decimal(price)

    def test_a_later_rate_supersedes_while_it_lasts(self, product: Product, world: World) -> None:
        self.add(product, world, price=5, ending_before="2025-01-25T00:00:00Z")
        product_id = {"product_id": world.product_id}
        assert self.rates(product, world, "2025-01-19T23:00:00Z", **product_id) == [2]
        assert self.rates(product, world, "2025-01-20T00:00:00Z", **product_id) == [5]
        assert self.rates(product, world, "2025-01-24T23:59:59Z", **product_id) == [5]
        assert self.rates(product, world, "2025-01-25T00:00:00Z", **product_id) == [2]
        assert self.rates(product, world, "2024-12-31T00:00:00Z", **product_id) == []

    @pytest.mark.parametrize(
        ("selector", "prices"),
        [
            ({"pricing_group_values": {"model": "small"}}, [Decimal("0.5")]),
            ({"pricing_group_values": {"model": "large"}}, []),
            ({"partial_pricing_group_values": {"model": "small"}}, [Decimal("0.5")]),
            ({"pricing_group_values": {}}, [2]),
            ({"product_tags": ["none"]}, []),
        ],
    )
    def test_selectors(
        self, selector: dict[str, Any], prices: list[Any], product: Product, world: World
    ) -> None:
        assert self.rates(product, world, "2025-01-15T00:00:00Z", **selector) == prices

    def test_many_are_added_all_or_none(self, product: Product, world: World) -> None:
        rate = {
            "product_id": world.product_id,
            "starting_at": "2025-01-20T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": 7,
        }
        bad = {**rate, "pricing_group_values": {"model": "small"}}
        body = {"rate_card_id": world.rate_card_id, "rates": [rate, bad]}
        reply = product.post(f"{CARDS}/addRates", body)
        assert reply.status == 400
        assert "rates.1.pricing_group_values" in reply.body["message"]
        assert self.rates(product, world, "2025-01-21T00:00:00Z") == [2, Decimal("0.5")]
        body["rates"] = [{**rate, "starting_at": f"2025-01-20T{hour:02}:00:00Z", "price": hour}
                         for hour in range(24)]  # fmt: skip
        assert product.post(f"{CARDS}/addRates", body).status == 200
        assert self.rates(product, world, "2025-01-20T13:30:00Z")[-1] == 13

    def test_a_new_rate_changes_the_draft_at_once(self, product: Product, world: World) -> None:
        self.add(product, world, starting_at="2025-01-01T00:00:00Z", price=10)
        [invoice] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
        # 3 calls × 10 + 30 tokens × 0.5
        assert invoice["total"] == 45


def test_every_currency_is_a_credit_type(product: Product) -> None:
    listed = product.get("/v1/credit-types/list").data
    names = [one["name"] for one in listed]
    assert names == sorted(names)
    assert {"USD (cents)", "EUR", "GBP"} <= set(names)
    assert all(one["is_currency"] for one in listed)
