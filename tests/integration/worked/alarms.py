"""A world with a webhook target, to see which alerts it is told of."""

from dataclasses import replace
from itertools import count
from typing import Any

from tests.integration.targets import Targets
from tests.integration.worked.world import JSON, World

HOOK = "https://hooks.example.com/"


class Alarms(World):
    """A sandbox whose webhooks arrive here."""

    def __init__(self, now: str = "2025-01-01T00:00:00Z", **settings: str) -> None:
        super().__init__(now, **settings)
        self.targets = Targets()
        self.services = replace(self.services, http=self.targets)
        self.post("/webhooks/subscriptions", {"target": HOOK})
        self._now = now
        self._seen = 0
        self._balances = count(1)

    def clock(self, now: str) -> None:
        """Moves the clock; what falls due on the way is done."""
        super().clock(now)
        self._now = now

    def settle(self) -> None:
        """Does what is due now, as the queue would."""
        self.clock(self._now)

    def alert(self, type: str, threshold: object, **fields: Any) -> str:
        """Creates an alert and returns its id."""
        body = {"alert_type": type, "name": "watch", "threshold": threshold, **fields}
        return str(self.post("/v1/alerts/create", body)["id"])

    def status(self, customer: str, alert: str, **wanted: Any) -> str | None:
        """Returns where an alert stands for a customer."""
        body = {"customer_id": customer, "alert_id": alert, **wanted}
        shown: JSON = self.post("/v1/customer-alerts/get", body)
        status: str | None = shown["customer_status"]
        return status

    def told(self, prefix: str = "alerts.") -> list[JSON]:
        """Returns the events of some types that arrived since the last time, in order."""
        self.settle()
        arrived = self.targets.events(HOOK)
        new, self._seen = arrived[self._seen :], len(arrived)
        return [event for event in new if event["type"].startswith(prefix)]

    def top_up(self, customer: str, amount: object, **fields: Any) -> str:
        """Gives a customer a credit for the year and returns its id."""
        item = {
            "amount": amount,
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2026-01-01T00:00:00Z",
        }
        body = {
            "customer_id": customer,
            "product_id": self.product(type="FIXED"),
            "name": f"credit {next(self._balances)}",
            "priority": 1,
            "access_schedule": {"schedule_items": [item]},
            **fields,
        }
        return str(self.post("/v1/contracts/customerCredits/create", body)["id"])
