"""The twelve calls of a tutorial shop that sells generated images, as it makes them."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

from metronome import Metronome

PRICES = {"standard": 2, "high-res": 5, "ultra": 10}
"""Cents per image, by tier."""

EFFECTIVE_AT = "2025-09-01T00:00:00Z"


def test_its_flow_ends_with_a_bill_of_70_cents(metronome: Metronome) -> None:
    alias = f"demo-{uuid.uuid4()}"

    # The metric is looked for by name before it is made, and by id ever after.
    known = [metric for metric in metronome.v1.billable_metrics.list() if metric.name == "Images"]
    assert known == []
    metric_id = metronome.v1.billable_metrics.create(
        name="Images",
        aggregation_type="SUM",
        aggregation_key="num_images",
        event_type_filter={"in_values": ["image_generation"]},
        property_filters=[
            {"name": "image_type", "exists": True},
            {"name": "num_images", "exists": True},
        ],
        group_keys=[["image_type"]],
    ).data.id
    metric = metronome.v1.billable_metrics.retrieve(billable_metric_id=metric_id).data
    assert (metric.name, metric.aggregation_key) == ("Images", "num_images")
    assert [one.id for one in metronome.v1.billable_metrics.list()] == [metric_id]

    # Pricing is by tier, in cents.
    product_id = metronome.v1.contracts.products.create(
        name="Image generation",
        type="USAGE",
        billable_metric_id=metric_id,
        pricing_group_key=["image_type"],
        presentation_group_key=["image_type"],
    ).data.id
    card_id = metronome.v1.contracts.rate_cards.create(
        name="Image prices", description="Per image, by tier"
    ).data.id
    for tier, price in PRICES.items():
        rate = metronome.v1.contracts.rate_cards.rates.add(
            rate_card_id=card_id,
            product_id=product_id,
            starting_at=EFFECTIVE_AT,
            entitled=True,
            rate_type="FLAT",
            price=price,
            pricing_group_values={"image_type": tier},
        ).data
        assert rate.price == price
    listed = metronome.v1.contracts.rate_cards.rates.list(rate_card_id=card_id, at=EFFECTIVE_AT)
    by_tier = {
        rate.pricing_group_values["image_type"]: rate.rate.price
        for rate in listed
        if rate.pricing_group_values
    }
    assert by_tier == PRICES

    # The customer is looked up by alias, made if missing, and put on a contract without a name.
    assert list(metronome.v1.customers.list(ingest_alias=alias)) == []
    metronome.v1.customers.create(name="Demo Customer", ingest_aliases=[alias])
    [customer] = metronome.v1.customers.list(ingest_alias=alias)
    contract_id = metronome.v1.contracts.create(
        customer_id=customer.id, rate_card_id=card_id, starting_at=EFFECTIVE_AT
    ).data.id

    # One event per image. Its properties are texts, its time is in whole seconds.
    now = datetime.now(UTC)
    images = [*["standard"] * 10, *["high-res"] * 4, *["ultra"] * 3]
    for number, tier in enumerate(images):
        for _ in range(2 if number == 0 else 1):
            metronome.v1.usage.ingest(
                usage=[
                    {
                        "transaction_id": f"{alias}-{number:04}",
                        "customer_id": alias,
                        "event_type": "image_generation",
                        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "properties": {
                            "image_type": tier,
                            "num_images": "1",
                            "model": "nova-v2",
                            "region": "us-west-2",
                        },
                    }
                ]
            )

    # Usage of the day by tier, times the price: cents become dollars on the page.
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for grouping in ({"group_key": ["image_type"]}, {"group_by": {"key": "image_type"}}):
        used = {}
        for row in metronome.v1.usage.list_with_groups(
            customer_id=customer.id,
            billable_metric_id=metric_id,
            window_size="DAY",
            starting_on=today,
            ending_before=today + timedelta(days=1),
            **grouping,
        ):
            assert row.group_key == "image_type"
            used[row.group_value] = row.value
        assert used == Counter(images)
        amounts = {tier: count * PRICES[str(tier)] for tier, count in used.items() if count}
        assert amounts == {"standard": 20, "high-res": 20, "ultra": 30}

    # The draft of this month says the same.
    [draft] = metronome.v1.customers.invoices.list(customer_id=customer.id, status="DRAFT")
    assert draft.contract_id == contract_id
    lines = {
        line.pricing_group_values["image_type"]: (line.quantity, line.unit_price, line.total)
        for line in draft.line_items
        if line.pricing_group_values
    }
    assert lines == {"standard": (10, 2, 20), "high-res": (4, 5, 20), "ultra": (3, 10, 30)}
    assert draft.total == 70
