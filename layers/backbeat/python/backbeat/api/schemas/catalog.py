"""Requests about billable metrics, products and rate cards."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Limit,
    Name,
    Price,
    QueryFlag,
    Schema,
    Timestamp,
    Upper,
)
from backbeat.application import catalog
from backbeat.application.rate_cards import NewRate, Selector
from backbeat.models.catalog import (
    Aggregation,
    BillableMetric,
    EventTypeFilter,
    Product,
    ProductState,
    ProductType,
    PropertyFilter,
)
from backbeat.models.errors import NotBuilt
from backbeat.models.money import USD
from backbeat.models.rates import RateType

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
        if self.sql is not None and self.aggregation_type is not None:
            raise ValueError("sql: cannot be combined with aggregation_type")
        return self

    def to_metric(self, metric_id: str, now: datetime) -> BillableMetric:
        """Returns the metric asked for.

        Raises:
            NotBuilt: SQL metrics are not part of Backbeat yet.
        """
        if self.aggregation_type is None:
            raise NotBuilt("sql: SQL metrics are not built yet")
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


class Page(Schema):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class CreateProduct(Schema):
    """A product and its first state."""

    name: Name
    type: Annotated[ProductType, Upper]
    billable_metric_id: Id | None = None
    pricing_group_key: list[Name] | None = None
    presentation_group_key: list[Name] | None = None
    tags: list[str] = []
    is_refundable: Flag = True
    exclude_free_usage: Flag = False
    netsuite_internal_item_id: str | None = None
    netsuite_overage_item_id: str | None = None
    quantity_conversion: dict[str, object] | None = None
    quantity_rounding: dict[str, object] | None = None
    custom_fields: CustomFields = {}

    def to_product(self, product_id: str, now: datetime) -> Product:
        """Returns the product asked for.

        Raises:
            NotBuilt: quantity conversion and rounding are not part of Backbeat yet.
        """
        if self.quantity_conversion or self.quantity_rounding:
            raise NotBuilt("quantity_conversion and quantity_rounding are not built yet")
        pricing, presentation = self.pricing_group_key, self.presentation_group_key
        return Product(
            id=product_id,
            type=self.type,
            initial=ProductState(
                name=self.name,
                created_at=now,
                billable_metric_id=self.billable_metric_id,
                pricing_group_key=None if pricing is None else tuple(pricing),
                presentation_group_key=None if presentation is None else tuple(presentation),
                tags=tuple(self.tags),
                is_refundable=self.is_refundable,
                exclude_free_usage=self.exclude_free_usage,
                netsuite_internal_item_id=self.netsuite_internal_item_id,
                netsuite_overage_item_id=self.netsuite_overage_item_id,
            ),
            custom_fields=self.custom_fields,
        )


class ListProducts(Schema):
    """Which products to list; only the ones that are not archived exist so far."""

    archive_filter: str = "NOT_ARCHIVED"


class CreateRateCard(Schema):
    """An empty price list in one currency."""

    name: Name
    description: str | None = None
    fiat_credit_type_id: Id | None = None
    credit_type_conversions: list[dict[str, object]] = []
    aliases: list[dict[str, object]] = []
    custom_fields: CustomFields = {}


class ListRateCards(Schema):
    """Takes no fields; the documentation closes this body."""

    model_config = ConfigDict(extra="forbid")


class RateSchema(Schema):
    """A dated price. `price` is per unit, in the unit of the credit type (USD: cents)."""

    product_id: Id
    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None
    entitled: Flag
    rate_type: Annotated[RateType, Upper]
    price: Price | None = None
    tiers: list[dict[str, object]] | None = None
    credit_type_id: Id | None = None
    pricing_group_values: dict[str, str] = {}
    billing_frequency: str | None = None
    commit_rate: dict[str, object] | None = None

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.rate_type is RateType.FLAT and self.price is None:
            raise ValueError("price: required for a FLAT rate")
        return self

    def to_rate(self) -> NewRate:
        """Returns the rate asked for.

        Raises:
            InvalidArgument: the credit type is unknown.
            NotBuilt: the rate type or a commit rate is not part of Backbeat yet.
        """
        if self.price is None or self.rate_type is not RateType.FLAT:
            raise NotBuilt(f"rate_type: {self.rate_type} rates are not built yet")
        if self.commit_rate is not None:
            raise NotBuilt("commit_rate: not built yet")
        unit = self.credit_type_id
        return NewRate(
            product_id=self.product_id,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            entitled=self.entitled,
            rate_type=self.rate_type,
            price=self.price,
            credit_type=USD if unit is None else catalog.credit_type(unit),
            pricing_group_values=self.pricing_group_values,
        )


class AddRate(RateSchema):
    """One rate for a card."""

    rate_card_id: Id


class AddRates(Schema):
    """Several rates for a card, all or none."""

    rate_card_id: Id
    rates: Annotated[list[RateSchema], Field(min_length=1)]


class RateSelector(Schema):
    """Which rates are meant: every field that is given must match."""

    product_id: Id | None = None
    product_tags: list[str] | None = None
    pricing_group_values: dict[str, str] | None = None
    partial_pricing_group_values: dict[str, str] | None = None
    billing_frequency: Annotated[str, StringConstraints(to_upper=True)] | None = None


class GetRates(Schema):
    """The rates in force at an instant."""

    rate_card_id: Id
    at: Timestamp
    selectors: list[RateSelector] = []

    def to_selectors(self) -> list[Selector]:
        """Returns the selectors; a rate is wanted when any of them matches."""
        return [
            Selector(
                product_id=wanted.product_id,
                product_tags=None
                if wanted.product_tags is None
                else frozenset(wanted.product_tags),
                pricing_group_values=wanted.pricing_group_values,
                partial_pricing_group_values=wanted.partial_pricing_group_values,
            )
            for wanted in self.selectors
        ]
