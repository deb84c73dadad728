"""What is counted and what is sold: billable metrics and products."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import JsonValue

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
    """What is counted. Each entry of `group_keys` is one simple or compound group key.

    Has either an aggregation or `sql`, whose columns beside the value are its group key.
    `first_place` is where in the order of ingest a metric begins that keeps greatest, latest or
    distinct values.
    """

    id: str
    name: str
    aggregation_type: Aggregation | None = None
    aggregation_key: str | None = None
    event_type_filter: EventTypeFilter | None = None
    property_filters: tuple[PropertyFilter, ...] = ()
    group_keys: tuple[tuple[str, ...], ...] = ()
    custom_fields: dict[str, str] = {}
    sql: str | None = None
    first_place: Decimal | None = None
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def is_counted(self) -> bool:
        """Tells whether events add up: their effect is stored together with them."""
        return self.aggregation_type in (Aggregation.COUNT, Aggregation.SUM)

    @property
    def is_tracked(self) -> bool:
        """Tells whether greatest, latest or distinct values are kept: repeats change none."""
        return self.sql is None and not self.is_counted

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


class ConversionOperation(StrEnum):
    """How a conversion factor is applied."""

    MULTIPLY = "MULTIPLY"
    DIVIDE = "DIVIDE"


class QuantityConversion(Model):
    """From the metric's unit to the unit that is priced."""

    conversion_factor: Decimal
    operation: ConversionOperation
    name: str | None = None


class RoundingMethod(StrEnum):
    """Up and down mean towards plus and minus infinity; a half goes away from zero."""

    ROUND_UP = "ROUND_UP"
    ROUND_DOWN = "ROUND_DOWN"
    ROUND_HALF_UP = "ROUND_HALF_UP"


class QuantityRounding(Model):
    """How the converted quantity of a period is rounded."""

    rounding_method: RoundingMethod
    decimal_places: int


class CompositeScope(StrEnum):
    """Whose spend a composite product is charged on."""

    CONTRACT = "CONTRACT"
    CUSTOMER = "CUSTOMER"


class SqlGranularity(StrEnum):
    """How often a SQL metric is evaluated: each hour, or once for the whole period."""

    HOUR = "HOUR"
    SERVICE_PERIOD = "SERVICE_PERIOD"


class ProductState(Model):
    """How a product is defined from some instant on.

    A composite is charged on the spend of the products it names and of those with one of its
    tags; on that of other composites only with `include_composite_spend`.
    """

    name: str
    created_at: datetime
    starting_at: datetime | None = None
    billable_metric_id: str | None = None
    pricing_group_key: tuple[str, ...] | None = None
    presentation_group_key: tuple[str, ...] | None = None
    quantity_conversion: QuantityConversion | None = None
    quantity_rounding: QuantityRounding | None = None
    composite_product_ids: tuple[str, ...] | None = None
    composite_tags: tuple[str, ...] | None = None
    composite_scope: CompositeScope | None = None
    include_composite_spend: bool = False
    sql_breakdown_granularity: SqlGranularity | None = None
    tags: tuple[str, ...] = ()
    is_refundable: bool = True
    exclude_free_usage: bool = False
    netsuite_internal_item_id: str | None = None
    netsuite_overage_item_id: str | None = None

    @property
    def group_keys(self) -> tuple[str, ...]:
        """The properties that tell this product's groups apart: pricing keys first."""
        pricing, presentation = self.pricing_group_key or (), self.presentation_group_key or ()
        return tuple(dict.fromkeys((*pricing, *presentation)))


class ProductUpdate(Model):
    """A change of a product from `starting_at` on. `changes` holds the new values by field."""

    starting_at: datetime
    created_at: datetime
    changes: dict[str, JsonValue]


class Product(Model):
    """What is sold. `updates` are in the order they were made."""

    id: str
    type: ProductType
    initial: ProductState
    updates: tuple[ProductUpdate, ...] = ()
    custom_fields: dict[str, str] = {}
    archived_at: datetime | None = None

    def state_at(self, instant: datetime) -> ProductState:
        """Returns the definition in force: of the updates begun by then, the last made wins."""
        begun = [update for update in self.updates if update.starting_at <= instant]
        if not begun:
            return self.initial
        fields = self.initial.model_dump()
        for update in begun:
            fields |= {**update.changes, "starting_at": update.starting_at}
        return ProductState.model_validate(fields)
