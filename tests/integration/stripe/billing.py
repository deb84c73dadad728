"""What tests of billing share: prices, subscriptions on a test clock, and usage."""

from typing import Any

from tests.integration.stripe.conftest import Shop

NOVEMBER = 1793491200  # 2026-11-01T00:00:00Z
DECEMBER = 1796083200  # 2026-12-01T00:00:00Z
JANUARY = 1798761600  # 2027-01-01T00:00:00Z
HOUR = 3600


def price(shop: Shop, unit_amount: str | None = None, **fields: Any) -> str:
    """Makes a monthly price, by default per unit, in cents."""
    wanted: dict[str, Any] = {
        "currency": "usd",
        "product_data": {"name": "Thing"},
        "recurring": {"interval": "month"},
        **fields,
    }
    if unit_amount is not None:
        wanted["unit_amount_decimal"] = unit_amount
    return str(shop.v1.prices.create(wanted).id)


def meter(shop: Shop, name: str = "calls", formula: str = "sum") -> str:
    made = shop.v1.billing.meters.create(
        {
            "display_name": name,
            "event_name": name,
            "default_aggregation": {"formula": formula},
        }
    )
    return str(made.id)


def metered(meter_id: str) -> dict[str, Any]:
    return {"recurring": {"interval": "month", "usage_type": "metered", "meter": meter_id}}


def use(shop: Shop, customer: str, value: str, timestamp: int, name: str = "calls") -> None:
    shop.v1.billing.meter_events.create(
        {
            "event_name": name,
            "payload": {"stripe_customer_id": customer, "value": value},
            "timestamp": timestamp,
        }
    )


def subscribe(shop: Shop, customer: str, *prices: str, **fields: Any) -> Any:
    items = [{"price": one} for one in prices]
    return shop.v1.subscriptions.create({"customer": customer, "items": items, **fields})


def item_of(subscription: Any, number: int = 0) -> str:
    return str(subscription["items"].data[number].id)


def invoices(shop: Shop, customer: str) -> list[Any]:
    """Returns a customer's invoices, oldest first."""
    return list(shop.v1.invoices.list({"customer": customer, "limit": 100}).data)[::-1]


def amounts(invoice: Any) -> list[int]:
    return [line.amount for line in invoice.lines.data]
