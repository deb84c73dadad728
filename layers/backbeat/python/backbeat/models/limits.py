"""How much usage is allowed."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model


class CapMode(StrEnum):
    """What happens to usage above a cap: it is refused, or taken with a warning."""

    HARD = "hard"
    SOFT = "soft"


class Cap(Model):
    """The most that a counter may reach in a billing period, of one customer or of each."""

    id: str
    metric: str
    customer_ref: str | None = None
    limit: Decimal
    mode: CapMode
    created_at: datetime
