"""The main job through the official SDK: usage in, right invoice out, webhooks delivered.

Runs against the local runner and, unchanged, against a deployed stack.
"""

import hashlib
import hmac
import json
import random
from datetime import UTC, datetime
from typing import Any

import httpx
from metronome import Metronome
from metronome.types.v1.usage_ingest_params import Usage

from tests.e2e.conftest import Receiver

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
SECRET = "whsec-main-job"


def move_clock(base_url: str, token: str, body: dict[str, Any]) -> None:
    reply = httpx.post(
        f"{base_url}/mock/clock",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text


def subscribe(base_url: str, token: str, target: str) -> None:
    reply = httpx.post(
        f"{base_url}/webhooks/subscriptions",
        json={"target": target},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert reply.json() == {"data": [target]}


def event(number: int, *, alias: str, day: int, model: str, tokens: str) -> Usage:
    return {
        "transaction_id": f"main-job-{number}",
        "customer_id": alias,
        "event_type": "completion",
        "timestamp": f"2025-01-{day:02}T{number % 24:02}:15:00Z",
        "properties": {"model": model, "region": "eu", "tokens": tokens},
    }


def test_usage_becomes_a_right_invoice_and_signed_webhooks(
    base_url: str, token: str, metronome: Metronome, receiver: Receiver
) -> None:
    move_clock(base_url, token, {"now": "2025-01-01T00:00:00Z"})
    # The SDK has no call for this one.
    httpx.post(
        f"{base_url}/v1/client/config/webhook_secret",
        json={"webhook_secret": SECRET},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    ).raise_for_status()
    subscribe(base_url, token, receiver.url)
    receiver.answers = [500]

    customer = metronome.v1.customers.create(name="Acme", ingest_aliases=["acme-key"]).data
    requests = metronome.v1.billable_metrics.create(
        name="Completions",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["completion"]},
    ).data
    tokens = metronome.v1.billable_metrics.create(
        name="Tokens",
        aggregation_type="SUM",
        aggregation_key="tokens",
        event_type_filter={"in_values": ["completion"]},
        property_filters=[
            {"name": "tokens", "exists": True},
            {"name": "model", "exists": True},
            {"name": "region", "in_values": ["eu", "us"]},
        ],
        group_keys=[["model", "region"]],
    ).data
    per_request = metronome.v1.contracts.products.create(
        name="Requests", type="USAGE", billable_metric_id=requests.id
    ).data
    per_token = metronome.v1.contracts.products.create(
        name="Model tokens",
        type="USAGE",
        billable_metric_id=tokens.id,
        pricing_group_key=["model"],
        presentation_group_key=["region"],
    ).data
    card = metronome.v1.contracts.rate_cards.create(name="List prices").data
    metronome.v1.contracts.rate_cards.rates.add(
        rate_card_id=card.id,
        product_id=per_request.id,
        starting_at="2025-01-01T00:00:00Z",
        entitled=True,
        rate_type="FLAT",
        price=1.5,
    )
    metronome.v1.contracts.rate_cards.rates.add_many(
        rate_card_id=card.id,
        rates=[
            {
                "product_id": per_token.id,
                "starting_at": "2025-01-01T00:00:00Z",
                "entitled": True,
                "rate_type": "FLAT",
                "price": price,
                "pricing_group_values": {"model": model},
            }
            for model, price in [("small", 0.25), ("large", 2)]
        ],
    )
    contract = metronome.v1.contracts.create(
        customer_id=customer.id, rate_card_id=card.id, starting_at="2025-01-01T00:00:00Z"
    ).data

    # The clock stands at the end of January, so that every event lies within the last 34 days.
    move_clock(base_url, token, {"now": "2025-01-31T12:00:00Z"})
    events = [
        # 240 events of a small model with 2.5 tokens each, 10 of a large one with 7.
        *(
            event(n, alias="acme-key", day=1 + n % 30, model="small", tokens="2.5")
            for n in range(240)
        ),
        *(event(n, alias=customer.id, day=5, model="large", tokens="7") for n in range(240, 250)),
    ]
    # Everything is sent twice in shuffled batches; the second sending must not count.
    twice = [*events, *events]
    random.Random(1).shuffle(twice)
    for start in range(0, len(twice), 100):
        metronome.v1.usage.ingest(usage=twice[start : start + 100])

    rows = list(
        metronome.v1.usage.list(
            starting_on=JANUARY,
            ending_before=FEBRUARY,
            window_size="NONE",
            customer_ids=[customer.id],
            billable_metrics=[{"id": requests.id}, {"id": tokens.id, "group_by": {"key": "model"}}],
        )
    )
    by_metric = {row.billable_metric_id: row for row in rows}
    assert by_metric[requests.id].value == 250
    # 240 × 2.5 + 10 × 7
    assert by_metric[tokens.id].value == 670
    assert by_metric[tokens.id].groups == {"small": 600, "large": 70}

    grouped = list(
        metronome.v1.usage.list_with_groups(
            customer_id=customer.id,
            billable_metric_id=tokens.id,
            window_size="DAY",
            starting_on=datetime(2025, 1, 5, tzinfo=UTC),
            ending_before=datetime(2025, 1, 6, tzinfo=UTC),
            group_key=["model", "region"],
        )
    )
    # On the 5th: n = 4, 34, …, 214 of the small model (8 events × 2.5), and all of the large one.
    assert [(row.group, row.value) for row in grouped] == [
        ({"model": "large", "region": "eu"}, 70),
        ({"model": "small", "region": "eu"}, 20),
    ]

    [draft] = metronome.v1.customers.invoices.list(customer_id=customer.id)
    assert draft.status == "DRAFT"
    assert draft.contract_id == contract.id
    assert (draft.start_timestamp, draft.end_timestamp) == (JANUARY, FEBRUARY)
    assert draft.issued_at == datetime(2025, 2, 2, tzinfo=UTC)
    lines = [(line.name, line.quantity, line.unit_price, line.total) for line in draft.line_items]
    assert lines == [
        ("Requests", 250, 1.5, 375),
        ("Model tokens", 70, 2, 140),
        ("Model tokens", 600, 0.25, 150),
    ]
    assert [line.pricing_group_values for line in draft.line_items] == [
        None,
        {"model": "large"},
        {"model": "small"},
    ]
    assert draft.line_items[1].presentation_group_values == {"region": "eu"}
    # 250 × 1.5 + 70 × 2 + 600 × 0.25
    assert draft.total == 665

    # January ends on 1 February and is final a day later.
    move_clock(base_url, token, {"advance": "P2D"})
    final = metronome.v1.customers.invoices.retrieve(
        customer_id=customer.id, invoice_id=draft.id
    ).data
    assert (final.id, final.status, final.total) == (draft.id, "FINALIZED", 665)
    following = list(metronome.v1.customers.invoices.list(customer_id=customer.id, status="DRAFT"))
    assert [(one.start_timestamp, one.total) for one in following] == [(FEBRUARY, 0)]

    # The first delivery was answered with 500, so it comes again.
    received = receiver.wait_for(
        lambda all_: len(all_) >= 3 and all_[0].event["id"] in [one.event["id"] for one in all_[1:]]
    )
    assert {one.event["type"] for one in received} == {"contract.create", "invoice.finalized"}
    for one in received:
        assert one.headers["date"] == one.headers["x-metronome-date"]
        message = one.headers["date"].encode() + b"\n" + one.body
        expected = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        assert one.headers["metronome-webhook-signature"] == expected
    [finalized] = {one.body for one in received if one.event["type"] == "invoice.finalized"}
    assert json.loads(finalized)["properties"] == {
        "invoice_id": draft.id,
        "customer_id": customer.id,
        "invoice_finalized_date": "2025-02-02T00:00:00.000Z",
    }
    [created] = {one.body for one in received if one.event["type"] == "contract.create"}
    assert json.loads(created) == {
        "id": json.loads(created)["id"],
        "type": "contract.create",
        "timestamp": "2025-01-01T00:00:00Z",
        "environment_type": "SANDBOX",
        "contract_id": contract.id,
        "contract_custom_fields": {},
        "customer_id": customer.id,
        "customer_custom_fields": {},
    }
