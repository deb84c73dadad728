"""What is counted and what is sold: billable metrics and products."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class Aggregation(StrEnum):
    """How a metric turns events into a quantity."""

    COUNT = "COUNT"
    SUM = "SUM"
    MAX = "MAX"
    UNIQUE = "UNIQUE"
    LATEST = "LATEST"


class EventTypeFilter(Model):
    """Which event types a metric looks at; an event passes when every given list lets it."""

    in_values: tuple[str, ...] | None = None
    not_in_values: tuple[str, ...] | None = None


class PropertyFilter(Model):
    """A condition on one property. `exists` None means present or absent."""

    name: str
    exists: bool | None = None
    in_values: tuple[str, ...] | None = None
    not_in_values: tuple[str, ...] | None = None


class BillableMetric(Model):
    """What is counted. Each entry of `group_keys` is one simple or compound group key."""

    id: str
    name: str
    aggregation_type: Aggregation
    aggregation_key: str | None = None
    event_type_filter: EventTypeFilter | None = None
    property_filters: tuple[PropertyFilter, ...] = ()
    group_keys: tuple[tuple[str, ...], ...] = ()
    custom_fields: dict[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def cell_keys(self) -> tuple[str, ...]:
        """All properties that any group key names, sorted: the dimensions of a usage cell."""
        return tuple(sorted({name for key in self.group_keys for name in key}))


class ProductType(StrEnum):
    """What kind of thing is sold."""

    USAGE = "USAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    COMPOSITE = "COMPOSITE"
    FIXED = "FIXED"
    PRO_SERVICE = "PRO_SERVICE"


class ProductState(Model):
    """How a product is defined from some instant on."""

    name: str
    created_at: datetime
    billable_metric_id: str | None = None
    pricing_group_key: tuple[str, ...] | None = None
    presentation_group_key: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    is_refundable: bool = True
    exclude_free_usage: bool = False
    netsuite_internal_item_id: str | None = None
    netsuite_overage_item_id: str | None = None


class Product(Model):
    """What is sold."""

    id: str
    type: ProductType
    initial: ProductState
    custom_fields: dict[str, str] = {}
    archived_at: datetime | None = None
