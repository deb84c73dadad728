"""Events and what became of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

_LONGEST: Final = {
    "metric": 100,
    "customer_ref": 255,
    "idempotency_key": 255,
    "resource_id": 255,
}
"""As the server takes them."""


def _now() -> datetime:
    # Usage happens when it is told of, unless it is said when.
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Some usage of a customer. The key makes sure that it counts once, however often it is sent.

    `ts` is when the usage happened; it must have a time zone. `meta` is JSON, as it is at that
    moment: what is made of it later changes nothing.

    Raises:
        ValueError: a field cannot be sent; it would have all events refused that go with it.
    """

    metric: str
    customer_ref: str
    quantity: Decimal | int = 1
    ts: datetime = field(default_factory=_now)
    idempotency_key: str = field(default_factory=lambda: str(uuid4()))
    resource_id: str | None = None
    meta: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.ts.tzinfo is None:
            raise ValueError("ts: needs a time zone, such as datetime.UTC")
        if not Decimal(self.quantity).is_finite() or self.quantity < 0:
            raise ValueError("quantity: must be a number, not below 0")
        for name, longest in _LONGEST.items():
            text = getattr(self, name)
            if text is not None and not 1 <= len(text) <= longest:
                raise ValueError(f"{name}: must have 1 to {longest} characters")
        if self.meta is not None:
            try:
                said = json.loads(json.dumps(self.meta, allow_nan=False))
            except (TypeError, ValueError, RecursionError) as error:
                raise ValueError(f"meta: cannot be written as JSON: {error}") from error
            object.__setattr__(self, "meta", said)

    def document(self) -> dict[str, Any]:
        """Returns the event as it is sent. A quantity goes as text, with every digit."""
        return {
            "metric": self.metric,
            "customer_ref": self.customer_ref,
            "quantity": str(self.quantity),
            "ts": self.ts.isoformat(),
            "idempotency_key": self.idempotency_key,
            "source": "sdk",
            **({} if self.resource_id is None else {"resource_id": self.resource_id}),
            **({} if self.meta is None else {"meta": dict(self.meta)}),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an event: accepted, duplicate, pending (for review) or error."""

    event: Event
    status: str
    error: str | None = None
    warning: str | None = None
    adjustment_id: str | None = None
