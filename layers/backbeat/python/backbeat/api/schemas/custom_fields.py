"""Requests about custom fields."""

from typing import Annotated

from pydantic import Field

from backbeat.api.schemas.types import CustomFields, Flag, Id, Name, Schema
from backbeat.models.custom_fields import CustomField, FieldEntity


class AddKey(Schema):
    """A key for a kind of thing."""

    entity: FieldEntity
    key: Name
    enforce_uniqueness: Flag

    def to_field(self) -> CustomField:
        """Returns the custom field asked for."""
        return CustomField(
            entity=self.entity, key=self.key, enforce_uniqueness=self.enforce_uniqueness
        )


class RemoveKey(Schema):
    """A key of a kind of thing."""

    entity: FieldEntity
    key: Name


class ListKeys(Schema):
    """The kinds whose keys are wanted; without any, all."""

    entities: list[FieldEntity] = []


class ListKeysPage(Schema):
    """A page of keys."""

    next_page: str | None = None


class SetValues(Schema):
    """Values to set on one thing."""

    entity: FieldEntity
    entity_id: Id
    custom_fields: Annotated[CustomFields, Field(max_length=90)]


class DeleteValues(Schema):
    """Keys whose values are to be taken off one thing."""

    entity: FieldEntity
    entity_id: Id
    keys: list[str]
