"""Requests about products."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Number,
    Schema,
    Upper,
)
from backbeat.application.catalog import ArchiveFilter
from backbeat.models.catalog import (
    CompositeScope,
    ConversionOperation,
    Product,
    ProductState,
    ProductType,
    ProductUpdate,
    RoundingMethod,
    SqlGranularity,
)

_LONG_NAMES: Final = {"PROFESSIONAL_SERVICE": "PRO_SERVICE"}


def _type(value: object) -> object:
    text = value.upper() if isinstance(value, str) else value
    return _LONG_NAMES.get(text, text) if isinstance(text, str) else text


class QuantityConversionSchema(Schema):
    """From the metric's unit to the unit that is priced."""

    conversion_factor: Annotated[Number, Field(gt=0)]
    operation: Annotated[ConversionOperation, Upper]
    name: str | None = None


class QuantityRoundingSchema(Schema):
    """How the converted quantity is rounded. More places than a quantity has digits mean none."""

    rounding_method: Annotated[RoundingMethod, Upper]
    decimal_places: Annotated[Number, Field(ge=0, le=20, multiple_of=Decimal(1))]


class _Definition(Schema):
    """What creating and updating a product have in common; what is not given is left as it is."""

    billable_metric_id: Id | None = None
    pricing_group_key: list[Name] | None = None
    presentation_group_key: list[Name] | None = None
    quantity_conversion: QuantityConversionSchema | None = None
    quantity_rounding: QuantityRoundingSchema | None = None
    composite_product_ids: list[Id] | None = None
    composite_tags: list[Name] | None = None
    include_composite_spend: Flag = False
    sql_breakdown_granularity: Annotated[SqlGranularity, Upper] | None = None
    tags: list[str] = []
    is_refundable: Flag = True
    exclude_free_usage: Flag = False
    netsuite_internal_item_id: str | None = None
    netsuite_overage_item_id: str | None = None


class CreateProduct(_Definition):
    """A product and its first definition."""

    name: Name
    type: Annotated[ProductType, BeforeValidator(_type)]
    composite_scope: Annotated[CompositeScope, Upper] | None = None
    custom_fields: CustomFields = {}

    def to_product(self, product_id: str, now: datetime) -> Product:
        """Returns the product asked for."""
        state = self.model_dump(exclude={"type", "custom_fields"}, exclude_none=True)
        return Product(
            id=product_id,
            type=self.type,
            initial=ProductState.model_validate({**state, "created_at": now}),
            custom_fields=self.custom_fields,
        )


class UpdateProduct(_Definition):
    """New values from an instant on. Conversion and rounding can be taken away with null."""

    product_id: Id
    starting_at: HourTimestamp
    name: Name | None = None

    @model_validator(mode="after")
    def _values(self) -> Self:
        for name in self.model_fields_set - {"quantity_conversion", "quantity_rounding"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name}: cannot be null")
        return self

    def to_update(self, now: datetime) -> ProductUpdate:
        """Returns the change asked for, with nothing but what was given."""
        changes = self.model_dump(
            mode="json", exclude={"product_id", "starting_at"}, exclude_unset=True
        )
        return ProductUpdate.model_validate(
            {"starting_at": self.starting_at, "created_at": now, "changes": changes}
        )


class GetProduct(Schema):
    """Names a product."""

    id: Id


class ArchiveProduct(Schema):
    """Names a product."""

    product_id: Id


class ListProducts(Schema):
    """Which products to list."""

    archive_filter: Annotated[ArchiveFilter, Upper] = ArchiveFilter.NOT_ARCHIVED
