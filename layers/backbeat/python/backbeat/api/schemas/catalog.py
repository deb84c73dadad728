"""Requests about billable metrics, products and rate cards."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    Limit,
    Name,
    QueryFlag,
    Schema,
    Upper,
)
from backbeat.models.catalog import (
    Aggregation,
    BillableMetric,
    EventTypeFilter,
    PropertyFilter,
)

Values = Annotated[list[str], Field(min_length=1)]


class EventTypeFilterSchema(Schema):
    """Event types to count or to leave out; lists that are given have entries."""

    in_values: Values | None = None
    not_in_values: Values | None = None


class PropertyFilterSchema(Schema):
    """A condition on one property."""

    name: Name
    exists: Flag | None = None
    in_values: Values | None = None
    not_in_values: Values | None = None


class CreateBillableMetric(Schema):
    """Either `sql`, or an aggregation with its filters."""

    name: Name
    aggregation_type: Annotated[Aggregation, Upper] | None = None
    aggregation_key: str | None = None
    event_type_filter: EventTypeFilterSchema | None = None
    property_filters: list[PropertyFilterSchema] = []
    group_keys: list[Annotated[list[Name], Field(min_length=1)]] = []
    custom_fields: CustomFields = {}
    sql: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.sql is None and self.aggregation_type is None:
            raise ValueError("aggregation_type: required unless sql is given")
        for name in (
            "aggregation_type", "aggregation_key", "event_type_filter", "property_filters",
            "group_keys",
        ):  # fmt: skip
            if self.sql is not None and getattr(self, name):
                raise ValueError(f"sql: cannot be combined with {name}")
        return self

    def to_metric(self, metric_id: str, now: datetime) -> BillableMetric:
        """Returns the metric asked for."""
        return BillableMetric(
            id=metric_id,
            name=self.name,
            aggregation_type=self.aggregation_type,
            aggregation_key=self.aggregation_key,
            event_type_filter=None
            if self.event_type_filter is None
            else EventTypeFilter.model_validate(self.event_type_filter.model_dump()),
            property_filters=tuple(
                PropertyFilter.model_validate(condition.model_dump())
                for condition in self.property_filters
            ),
            group_keys=tuple(tuple(key) for key in self.group_keys),
            sql=self.sql,
            custom_fields=self.custom_fields,
            created_at=now,
        )


class RenameBillableMetric(Schema):
    """The name is all that can change."""

    name: Name


class ListBillableMetrics(Schema):
    """A page of the metrics."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    include_archived: QueryFlag = False


class ListCustomerMetrics(ListBillableMetrics):
    """A page of the metrics. `on_current_plan` is about Plans, which are no more."""

    on_current_plan: QueryFlag = False


class Page(Schema):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class CreateCreditType(Schema):
    """A custom pricing unit."""

    name: Name
