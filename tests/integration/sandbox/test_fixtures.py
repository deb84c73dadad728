"""Worlds written by hand."""

import copy
import json
import time
from typing import Any

import pytest

from tests.integration.examples import FIXTURE
from tests.integration.product import Product, Reply
from tests.integration.targets import Targets

PATIENCE = 10
"""Seconds after which an answer counts as late."""

WORLD = """\
# 40 images at 2.05 cents.
clock: 2025-01-20T00:00:00Z
billable_metrics:
  images:
    name: Images
    aggregation_type: SUM
    aggregation_key: images
    property_filters: [{name: images, exists: true}]
products:
  images: {name: Images, type: USAGE, billable_metric_id: $billable_metrics.images}
rate_cards:
  list:
    name: List
    rates:
      - product_id: $products.images
        starting_at: 2025-01-01T00:00:00Z
        entitled: true
        rate_type: FLAT
        price: 2.05
customers:
  acme: {name: Acme, ingest_aliases: [acme]}
contracts:
  acme:
    customer_id: $customers.acme
    rate_card_id: $rate_cards.list
    starting_at: 2025-01-01T00:00:00Z
usage:
  - transaction_id: order-1
    customer_id: acme
    event_type: image_generation
    timestamp: 2025-01-19T12:00:00Z
    properties: {images: 40}
"""


def load(product: Product, fixture: object) -> Reply:
    text = fixture if isinstance(fixture, str) else json.dumps(fixture)
    return product.request("POST", "/mock/fixtures", text=text)


def test_a_world_in_one_call(product: Product) -> None:
    ids = load(product, WORLD).data["ids"]
    assert {section: list(made) for section, made in ids.items()} == {
        "billable_metrics": ["images"],
        "products": ["images"],
        "rate_cards": ["list"],
        "customers": ["acme"],
        "contracts": ["acme"],
    }
    customer_id = ids["customers"]["acme"]
    [draft] = product.get(f"/v1/customers/{customer_id}/invoices").data
    # 40 × 2.05 cents, exactly.
    assert draft["total"] == 82
    assert product.get("/mock/clock").data["frozen_at"] == "2025-01-20T00:00:00+00:00"


def test_json_does_the_same(product: Product) -> None:
    ids = load(product, FIXTURE).data["ids"]
    [draft] = product.get(f"/v1/customers/{ids['customers']['acme']}/invoices").data
    # One call at half a cent, which the credit of 100 cents pays.
    assert [line["total"] for line in draft["line_items"]] == [0.5, -0.5]
    assert product.get("/webhooks/subscriptions").data == ["https://example.com/hook"]


def test_it_takes_the_place_of_what_was_there(product: Product) -> None:
    product.post("/v1/customers", {"name": "Earlier"})
    load(product, WORLD)
    assert [one["name"] for one in product.get("/v1/customers").data] == ["Acme"]


def test_its_webhooks_are_sent(product: Product, targets: Targets) -> None:
    load(product, FIXTURE)
    product.work_off_webhooks()
    types = [one["type"] for one in targets.events("https://example.com/hook")]
    assert "contract.create" in types


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"planets": {}}, ["planets"]),
        ({"clock": "yesterday"}, ["clock"]),
        ({"customers": []}, ["customers"]),
        ({"customers": {"acme": {"name": 17}}}, ["customers.acme", "name"]),
        ({"products": {"p": {"name": "P", "type": "USAGE"}}}, ["products.p", "billable_metric"]),
        (
            {"contracts": {"c": {"customer_id": "$customers.nobody"}}},
            ["contracts.c", "$customers.nobody"],
        ),
        ({"usage": [{"transaction_id": "x"}]}, ["usage[0:]", "customer_id"]),
        ({"webhook_targets": ["nowhere"]}, ["webhook_targets[0]"]),
        ({"custom_fields": [{"key": "x"}]}, ["custom_fields[0]", "entity"]),
    ],
)
def test_a_mistake_is_named_and_nothing_is_changed(
    changes: dict[str, Any], named: list[str], product: Product
) -> None:
    product.post("/v1/customers", {"name": "Earlier"})
    before = product.get("/mock/fixtures").body
    reply = load(product, {**copy.deepcopy(FIXTURE), **changes})
    assert reply.status == 400, reply
    for text in named:
        assert text in reply.body["message"]
    assert product.get("/mock/fixtures").body == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- b",
        "a: [",
        "a: &x [1]\nb: *x",
        "!!python/object:os.system {}",
        "clock: !!float x",
        '{"clock": ',
        "\x00",
        # What would keep the parser, or whoever writes the number out, busy for minutes.
        "a: " + "[" * 20_000,
        "a: " + "{a: " * 20_000,
        "credit_types: {a: {name: 1.0e+999999999}}",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_no_fixture(text: str, product: Product) -> None:
    begun = time.monotonic()
    reply = load(product, text)
    assert reply.status == 400, reply
    assert reply.body["code"] == "InvalidArgument"
    assert time.monotonic() - begun < PATIENCE
