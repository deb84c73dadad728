"""Requests about configurations of lifecycle notifications."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.types import Flag, Id, Name, Schema, UniquenessKey, Upper, Whole
from backbeat.application.catalog import ArchiveFilter

_PAGE = 400


class OffsetPolicySchema(Schema):
    """A type of event, and how far from it."""

    type: str
    offset: str


class PolicySchema(Schema):
    """A type of event; with an offset, some time from it."""

    type: str
    offset: str | None = None


class CreateConfig(Schema):
    """Creates a notification at an offset from events."""

    name: Name
    policy: OffsetPolicySchema
    uniqueness_key: UniquenessKey | None = None


class NameConfig(Schema):
    """Names a configuration."""

    id: Id


class EditConfig(Schema):
    """Changes an offset by its id, or switches a type of system event, which has none."""

    id: Id | None = None
    is_enabled: Flag | None = None
    policy: PolicySchema

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.id is None:
            if self.is_enabled is None:
                raise ValueError("is_enabled: is required for a system event, id for an offset")
            if self.policy.offset is not None:
                raise ValueError("policy.offset: a system event has none")
        elif self.is_enabled is not None:
            raise ValueError("is_enabled: is for system events, which have no id")
        elif self.policy.offset is None:
            raise ValueError("policy.offset: is required")
        return self


class ListOffsets(Schema):
    """Lists the configurations with an offset."""

    limit: Annotated[Whole, Field(ge=1, le=_PAGE)] = _PAGE
    cursor: str | None = None
    archive_filter: Annotated[ArchiveFilter, Upper] = ArchiveFilter.NOT_ARCHIVED


class ListSystem(Schema):
    """Lists the types of system events."""
