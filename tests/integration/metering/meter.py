"""Metering as its callers see it: short ways to use its API."""

from decimal import Decimal
from typing import Any

from tests.integration.product import DEMO, Product, Reply


class Meter:
    """One token's metering. The stage's clock stands at 2025-01-15T12:00Z."""

    def __init__(self, product: Product, token: str = DEMO) -> None:
        self.product = product
        self.token = token

    def post(self, path: str, body: object = None) -> Reply:
        return self.product.post(f"/metering/v1/{path}", body, token=self.token)

    def get(self, path: str, **query: str) -> Reply:
        return self.product.get(f"/metering/v1/{path}", token=self.token, **query)

    def counter(self, name: str = "calls", aggregation: str = "sum", **fields: object) -> Any:
        return self.post("counters", {"name": name, "aggregation": aggregation, **fields}).data

    def send(self, *events: dict[str, Any], key: str | None = None) -> Any:
        """Sends events and returns the answer, which must be one."""
        reply = self.product.request(
            "POST",
            "/metering/v1/events/ingest",
            {"events": list(events)},
            token=self.token,
            headers={} if key is None else {"idempotency-key": key},
        )
        assert reply.status == 200, reply
        return reply.body

    def sell(self, cents: int) -> None:
        """Makes a counter of calls, and a contract of acme's that prices each of them."""

        def create(path: str, **body: Any) -> Any:
            return self.product.post(path, body, token=self.token).data

        product = create(
            "/v1/contract-pricing/products/create",
            name="Calls",
            type="USAGE",
            billable_metric_id=self.counter()["billable_metric_id"],
        )
        card = create("/v1/contract-pricing/rate-cards/create", name="List")
        create(
            "/v1/contract-pricing/rate-cards/addRate",
            rate_card_id=card["id"],
            product_id=product["id"],
            starting_at="2025-01-01T00:00:00Z",
            entitled=True,
            rate_type="FLAT",
            price=cents,
        )
        customer = create("/v1/customers", name="Acme", ingest_aliases=["acme"])
        create(
            "/v1/contracts/create",
            customer_id=customer["id"],
            rate_card_id=card["id"],
            starting_at="2025-01-01T00:00:00Z",
        )

    def statuses(self, *events: dict[str, Any]) -> list[str]:
        return [result["status"] for result in self.send(*events)["results"]]

    def current(self, customer_ref: str = "acme", metric: str = "calls") -> Decimal:
        found = self.get("usage/current", customer_ref=customer_ref, metric=metric).data
        return Decimal(found["metrics"][0]["current"])


def event(
    quantity: object = 1,
    ts: str = "2025-01-15T11:00:00Z",
    *,
    metric: str = "calls",
    customer_ref: str = "acme",
    **fields: Any,
) -> dict[str, Any]:
    return {
        "metric": metric,
        "customer_ref": customer_ref,
        "quantity": quantity,
        "ts": ts,
        **fields,
    }
