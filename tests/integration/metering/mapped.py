"""Usage that is told to a meter at Stripe."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.integration.metering.meter import Meter
from tests.integration.metering.stripe_side import StripeSide


@dataclass(frozen=True)
class Mapped:
    """A counter whose usage is told to a meter."""

    meter: Meter
    side: StripeSide
    id: str
    meter_id: str
    customer: str

    def push(self) -> Any:
        [result] = self.meter.post("pushes", {"mapping_id": self.id}).data
        return result

    @property
    def told(self) -> Decimal:
        return self.side.total(self.meter_id, self.customer)

    def log(self) -> list[tuple[Any, str]]:
        """Returns deltas and how they went, in order."""
        listed = self.meter.get(f"mappings/{self.id}/pushes").data
        return [(one["delta"], one["status"]) for one in reversed(listed)]


def wanted(meter_id: str, customer: str, ref: str = "acme", **fields: Any) -> dict[str, Any]:
    target = {"meter_id": meter_id, "stripe_customer_id": customer}
    return {"metric": "calls", "customer_ref": ref, "stripe": target, **fields}
