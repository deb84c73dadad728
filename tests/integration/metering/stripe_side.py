"""Stripe as the tests see it: through the official SDK, and what only the double can do."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.integration.product import Product

JANUARY = 1735689600  # 2025-01-01T00:00:00Z
FEBRUARY = 1738368000  # 2025-02-01T00:00:00Z
HOUR = 3600


class StripeSide:
    """One world of the double. Untyped: tests read whatever objects carry."""

    def __init__(self, product: Product, client: Any, token: str) -> None:
        self.client = client
        self.v1 = client.v1
        self._product = product
        self._token = token

    def meter(self, name: str = "calls", formula: str = "sum", **fields: Any) -> str:
        made = self.v1.billing.meters.create(
            {
                "display_name": name,
                "event_name": name,
                "default_aggregation": {"formula": formula},
                **fields,
            }
        )
        return str(made.id)

    def customer(self, **fields: Any) -> str:
        customer = self.v1.customers.create(fields)
        method = self.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        self.v1.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": method.id}}
        )
        return str(customer.id)

    def total(
        self, meter_id: str, customer: str, start: int = JANUARY, end: int = FEBRUARY
    ) -> Decimal:
        found = self.v1.billing.meters.event_summaries.list(
            meter_id, {"customer": customer, "start_time": start, "end_time": end}
        )
        return sum((Decimal(str(one.aggregated_value)) for one in found.data), Decimal(0))

    def send(self, customer: str, value: str, at: datetime, name: str = "calls") -> None:
        """Sends an event as a stranger would, past the product."""
        self.v1.billing.meter_events.create(
            {
                "event_name": name,
                "payload": {"stripe_customer_id": customer, "value": value},
                "timestamp": int(at.timestamp()),
            }
        )

    def on_a_clock(self, frozen_time: int = JANUARY) -> tuple[str, str]:
        """Returns a test clock, and a customer on it."""
        clock = str(self.v1.test_helpers.test_clocks.create({"frozen_time": frozen_time}).id)
        return clock, self.customer(test_clock=clock)

    def subscribe(self, customer: str, meter_id: str, cents: str = "0.4") -> str:
        """Subscribes a customer to a monthly price of a meter's units."""
        price = self.v1.prices.create(
            {
                "currency": "usd",
                "product_data": {"name": "Calls"},
                "unit_amount_decimal": cents,
                "recurring": {"interval": "month", "usage_type": "metered", "meter": meter_id},
            }
        )
        made = self.v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}]})
        return str(made.id)

    def invoices(self, customer: str) -> list[Any]:
        """Returns a customer's invoices, oldest first."""
        return list(self.v1.invoices.list({"customer": customer, "limit": 100}).data)[::-1]

    def control(self, path: str, /, **body: Any) -> Any:
        """Uses one of the controls under `/mock/stripe`."""
        reply = self._product.post(f"/mock/stripe/{path}", body, token=self._token)
        assert reply.status == 200, reply
        return reply.body

    def meter_events(self, **wanted: Any) -> Any:
        return self.control("meter_events", **wanted)

    def work_off(self) -> int:
        return self._product.work_off_stripe()

    def advance(self, clock: str, to: int) -> None:
        self.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to})
        self.work_off()
        while self.v1.test_helpers.test_clocks.retrieve(clock).status == "advancing":
            pass
