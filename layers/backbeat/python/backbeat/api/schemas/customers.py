"""Requests about customers."""

from typing import Annotated

from pydantic import Field, StringConstraints

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Alias, CustomFields, Id, Limit, Name, QueryFlag, Schema


class CreateCustomer(Schema):
    """`external_id` is an older name for one more alias."""

    name: Name
    ingest_aliases: Annotated[list[Alias], Field(max_length=2000)] = []
    external_id: Alias | None = None
    custom_fields: CustomFields = {}


class ListCustomers(Schema):
    """Filters by alias or ids; lists hold active customers or archived ones."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    ingest_alias: str | None = None
    customer_ids: str | None = None
    only_archived: QueryFlag = False


class SetIngestAliases(Schema):
    """Replaces all aliases."""

    ingest_aliases: Annotated[list[Alias], Field(max_length=2000)]


class SetName(Schema):
    """Renames."""

    name: Annotated[str, StringConstraints(min_length=1)]


class ById(Schema):
    """Names one thing by its id."""

    id: Id
