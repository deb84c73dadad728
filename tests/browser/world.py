"""A world worth looking at: usage of two months, tiers, a price change, balances, alerts."""

from dataclasses import dataclass
from typing import Any, Final

import httpx

HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(1)>"
"""A customer's name, and a product's, that no page may take for markup."""

NOW: Final = "2025-02-20T12:00:00Z"


@dataclass(frozen=True)
class World:
    """Ids of what `build` made. All of it belongs to the token of `http`."""

    http: httpx.Client
    token: str
    metric_id: str
    images_id: str
    storage_id: str
    card_id: str
    acme: str
    globex: str
    hostile: str
    acme_contract: str
    credit_id: str
    commit_id: str

    def get(self, path: str, **query: str) -> Any:
        return _answered(self.http.get(path, params=query))

    def post(self, path: str, body: object = None, **query: str) -> Any:
        return _answered(self.http.post(path, json=body or {}, params=query))


def build(base_url: str, token: str) -> World:
    """Makes the world and leaves its clock at `NOW`.

    Acme uses, a day, 40 + day standard images at 2 cents and 3 high ones at 10 (from February 15 on
    12), and 2 units of storage a day, the first 20 a month at 50 cents, the rest at 25. 5 dollars
    of credit pay images first; a commit of 200 dollars the rest.
    """
    http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def create(path: str, **body: object) -> str:
        id_: str = _answered(http.post(path, json=body))["data"]["id"]
        return id_

    _answered(http.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"}))
    metric_id = create(
        "/v1/billable-metrics/create",
        name="Images",
        aggregation_type="SUM",
        aggregation_key="images",
        event_type_filter={"in_values": ["image_generation"]},
        property_filters=[
            {"name": "images", "exists": True},
            {"name": "quality", "exists": True},
        ],
        group_keys=[["quality"]],
    )
    storage_metric = create(
        "/v1/billable-metrics/create",
        name="Gigabyte days",
        aggregation_type="SUM",
        aggregation_key="gigabytes",
        event_type_filter={"in_values": ["storage"]},
        property_filters=[{"name": "gigabytes", "exists": True}],
    )
    images_id = create(
        "/v1/contract-pricing/products/create",
        name="Image generation",
        type="USAGE",
        billable_metric_id=metric_id,
        pricing_group_key=["quality"],
        presentation_group_key=["quality"],
    )
    storage_id = create(
        "/v1/contract-pricing/products/create",
        name="Storage",
        type="USAGE",
        billable_metric_id=storage_metric,
    )
    seats_id = create("/v1/contract-pricing/products/create", name="Team seat", type="SUBSCRIPTION")
    fixed_id = create("/v1/contract-pricing/products/create", name="Prepayment", type="FIXED")
    create("/v1/contract-pricing/products/create", name=HOSTILE, type="FIXED")
    card_id = create(
        "/v1/contract-pricing/rate-cards/create", name="List prices", description="2025"
    )
    january = "2025-01-01T00:00:00Z"

    def flat(quality: str, price: int, since: str) -> dict[str, object]:
        return {
            "product_id": images_id,
            "starting_at": since,
            "entitled": True,
            "rate_type": "FLAT",
            "price": price,
            "pricing_group_values": {"quality": quality},
        }

    _answered(
        http.post(
            "/v1/contract-pricing/rate-cards/addRates",
            json={
                "rate_card_id": card_id,
                "rates": [
                    flat("standard", 2, january),
                    flat("high", 10, january),
                    flat("high", 12, "2025-02-15T00:00:00Z"),
                    {
                        "product_id": storage_id,
                        "starting_at": january,
                        "entitled": True,
                        "rate_type": "TIERED",
                        "tiers": [{"size": 20, "price": 50}, {"price": 25}],
                    },
                    {
                        "product_id": seats_id,
                        "starting_at": january,
                        "entitled": True,
                        "rate_type": "FLAT",
                        "price": 2900,
                        "billing_frequency": "MONTHLY",
                    },
                ],
            },
        )
    )
    acme, globex, hostile = (
        create("/v1/customers", name=name, ingest_aliases=[alias])
        for name, alias in [("Acme", "acme"), ("Globex", "globex"), (HOSTILE, "hostile")]
    )
    terms = {"rate_card_id": card_id, "starting_at": january}
    acme_contract = create(
        "/v1/contracts/create",
        customer_id=acme,
        name="Acme 2025",
        subscriptions=[
            {
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seats_id},
                "collection_schedule": "ADVANCE",
                "initial_quantity": 3,
                "proration": {
                    "is_prorated": True,
                    "invoice_behavior": "BILL_IMMEDIATELY",
                },
            }
        ],
        **terms,
    )
    for customer in (globex, hostile):
        create("/v1/contracts/create", customer_id=customer, net_payment_terms_days=30, **terms)
    credit_id = create(
        "/v1/contracts/customerCredits/create",
        customer_id=acme,
        name="Welcome credit",
        product_id=fixed_id,
        priority=1,
        applicable_product_ids=[images_id],
        access_schedule={
            "schedule_items": [
                {
                    "amount": 500,
                    "starting_at": january,
                    "ending_before": "2025-03-01T00:00:00Z",
                }
            ]
        },
    )
    commit_id = create(
        "/v1/contracts/customerCommits/create",
        customer_id=acme,
        name="Prepaid commit",
        type="PREPAID",
        product_id=fixed_id,
        priority=2,
        access_schedule={
            "schedule_items": [
                {
                    "amount": 20000,
                    "starting_at": january,
                    "ending_before": "2026-01-01T00:00:00Z",
                }
            ]
        },
        invoice_contract_id=acme_contract,
        invoice_schedule={
            "schedule_items": [{"unit_price": 20000, "quantity": 1, "timestamp": january}]
        },
    )
    _answered(
        http.post(
            "/v1/alerts/create",
            json={
                "alert_type": "spend_threshold_reached",
                "name": f"Spend over 10 dollars {HOSTILE}",
                "threshold": 1000,
                "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
            },
        )
    )
    _use(http, "2025-01", range(1, 32), "2025-01-31T23:59:59Z")
    _use(http, "2025-02", range(1, 20), NOW)
    return World(
        http,
        token,
        metric_id,
        images_id,
        storage_id,
        card_id,
        acme,
        globex,
        hostile,
        acme_contract,
        credit_id,
        commit_id,
    )


def _use(http: httpx.Client, month: str, days: range, until: str) -> None:
    _answered(http.post("/mock/clock", json={"now": until}))
    events: list[dict[str, object]] = []
    for day in days:
        for customer, kind, properties in [
            ("acme", "image_generation", {"images": str(40 + day), "quality": "standard"}),
            ("acme", "image_generation", {"images": "3", "quality": "high"}),
            ("acme", "storage", {"gigabytes": "2"}),
            ("globex", "image_generation", {"images": "25", "quality": "standard"}),
            ("hostile", "image_generation", {"images": "1", "quality": HOSTILE}),
            ("hostile", "image_generation", {"images": "1", "quality": "high"}),
        ]:
            number = len(events)
            events.append(
                {
                    "transaction_id": f"{month}-{number}",
                    "customer_id": customer,
                    "event_type": kind,
                    "timestamp": f"{month}-{day:02}T10:00:00Z",
                    "properties": properties,
                }
            )
    for start in range(0, len(events), 100):
        _answered(http.post("/v1/ingest", json=events[start : start + 100]))


def _answered(reply: httpx.Response) -> Any:
    assert reply.status_code == 200, (reply.request.url, reply.status_code, reply.text)
    return reply.json() if reply.content else None
