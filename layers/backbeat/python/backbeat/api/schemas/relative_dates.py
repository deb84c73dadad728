"""Distances in time in requests."""

from typing import Annotated

from pydantic import Field

from backbeat.api.schemas.types import Schema, Upper, Whole
from backbeat.models.schedules import RelativeDate, RelativeUnit


class OffsetSchema(Schema):
    """How long after the contract's start; may be nothing."""

    value: Annotated[Whole, Field(ge=0)]
    unit: Annotated[RelativeUnit, Upper]

    def to_date(self) -> RelativeDate:
        """Returns the stored form."""
        return RelativeDate(value=self.value, unit=self.unit)


class DurationSchema(OffsetSchema):
    """How long something lasts."""

    value: Annotated[Whole, Field(ge=1)]
