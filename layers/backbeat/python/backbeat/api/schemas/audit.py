"""Requests to the log of changes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Limit, Schema, Timestamp
from backbeat.application.audit import Wanted

_Named = Annotated[str, Field(min_length=1, max_length=256)]


class ListAuditLogs(Schema):
    """Which entries, from where on. A cursor says all of it itself."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    starting_on: Timestamp | None = None
    ending_before: Timestamp | None = None
    sort: Literal["date_asc", "date_desc"] | None = None
    resource_id: _Named | None = None
    resource_type: _Named | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.resource_id is None) != (self.resource_type is None):
            missing = "resource_id" if self.resource_id is None else "resource_type"
            raise ValueError(f"{missing}: required, resource_id and resource_type go together")
        others = ("starting_on", "ending_before", "sort", "resource_id", "resource_type")
        if self.next_page is not None:
            for name in others:
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: must not be given together with next_page")
        return self

    def wanted(self) -> Wanted:
        """Returns what is wanted without a cursor."""
        thing = None
        if self.resource_type is not None and self.resource_id is not None:
            thing = (self.resource_type, self.resource_id)
        return Wanted(
            starting_at=self.starting_on,
            ending_before=self.ending_before,
            newest_first=self.sort == "date_desc",
            thing=thing,
        )
