"""The older way to create a billable metric: its filter is a JSON Schema of the events it counts.

Understood are schemas that say which event types and which values of properties are wanted. What
a metric cannot express is refused rather than left out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from backbeat.api.schemas.types import Name, Schema, Upper
from backbeat.models.catalog import Aggregation, BillableMetric, EventTypeFilter, PropertyFilter
from backbeat.models.errors import InvalidArgument

JsonSchema = Mapping[str, object]

_SILENT: Final = {"$schema", "$id", "title", "description", "type", "additionalProperties"}
"""Keywords that say nothing about which events are wanted."""
_EVENT_FIELDS: Final = {"event_type", "properties", "timestamp", "customer_id", "transaction_id"}


class CreateOlderMetric(Schema):
    """An aggregation over the events that a JSON Schema describes."""

    name: Name
    aggregate: Annotated[Aggregation, Upper]
    aggregate_key: Name | None = None
    filter: dict[str, object]
    group_keys: list[Name] = []
    group_values: Annotated[list[str], Field(min_length=1)] | None = None

    def to_metric(self, metric_id: str, now: datetime) -> BillableMetric:
        """Returns the metric asked for, each of its group keys a simple one.

        Raises:
            InvalidArgument: the filter says something that a metric cannot express, or
                `group_values` come without exactly one group key.
        """
        event_types, conditions = _read(self.filter)
        if self.group_values is not None:
            if len(self.group_keys) != 1:
                raise InvalidArgument("group_values: need exactly one of group_keys")
            key = self.group_keys[0]
            wanted = conditions.get(key) or PropertyFilter(name=key)
            conditions[key] = wanted.model_copy(update={"in_values": tuple(self.group_values)})
        used = [*self.group_keys, *([] if self.aggregate_key is None else [self.aggregate_key])]
        for name in used:
            known = conditions.get(name) or PropertyFilter(name=name)
            conditions[name] = known.model_copy(update={"exists": True})
        return BillableMetric(
            id=metric_id,
            name=self.name,
            aggregation_type=self.aggregate,
            aggregation_key=self.aggregate_key,
            event_type_filter=event_types,
            property_filters=tuple(conditions.values()),
            group_keys=tuple((key,) for key in dict.fromkeys(self.group_keys)),
            created_at=now,
        )


def _read(schema: JsonSchema) -> tuple[EventTypeFilter | None, dict[str, PropertyFilter]]:
    event_types: EventTypeFilter | None = None
    conditions: dict[str, PropertyFilter] = {}
    for name, inner in _members(schema, "filter", known=_EVENT_FIELDS):
        if name == "event_type":
            wanted, unwanted = _values(inner, "filter.properties.event_type")
            event_types = EventTypeFilter(in_values=wanted, not_in_values=unwanted)
        elif name == "properties":
            conditions = dict(_conditions(inner))
        elif set(inner) - _SILENT:
            raise InvalidArgument(f"filter.properties.{name}: cannot be filtered by")
    return event_types, conditions


def _conditions(schema: JsonSchema) -> Iterator[tuple[str, PropertyFilter]]:
    where = "filter.properties.properties"
    required = set(_texts(schema.get("required", []), f"{where}.required"))
    members = dict(_members(schema, where))
    for name in sorted(required | members.keys()):
        wanted, unwanted = _values(members.get(name, {}), f"{where}.properties.{name}")
        yield (
            name,
            PropertyFilter(
                name=name,
                exists=True if name in required else None,
                in_values=wanted,
                not_in_values=unwanted,
            ),
        )


def _members(
    schema: JsonSchema, where: str, *, known: set[str] | None = None
) -> Iterator[tuple[str, JsonSchema]]:
    """Yields the schemas of an object's members."""
    _refuse(set(schema) - _SILENT - {"properties", "required"}, where)
    members = schema.get("properties", {})
    if not isinstance(members, Mapping):
        raise InvalidArgument(f"{where}.properties: must be an object")
    if known is not None:
        _refuse(set(members) - known, f"{where}.properties")
    for name, inner in members.items():
        if not isinstance(inner, Mapping):
            raise InvalidArgument(f"{where}.properties.{name}: must be an object")
        yield name, inner


def _values(
    schema: JsonSchema, where: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Returns the wanted and the unwanted values; None where the schema does not say."""
    _refuse(set(schema) - _SILENT - {"enum", "const", "not"}, where)
    inner = schema.get("not")
    if inner is None:
        return _listed(schema, where), None
    if not isinstance(inner, Mapping):
        raise InvalidArgument(f"{where}.not: must be an object")
    _refuse(set(inner) - _SILENT - {"enum", "const"}, f"{where}.not")
    return _listed(schema, where), _listed(inner, f"{where}.not")


def _listed(schema: JsonSchema, where: str) -> tuple[str, ...] | None:
    if "const" in schema:
        return _texts([schema["const"]], f"{where}.const")
    return _texts(schema["enum"], f"{where}.enum") if "enum" in schema else None


def _texts(values: object, where: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidArgument(f"{where}: must be a list of texts")
    return tuple(values)


def _refuse(keywords: set[str], where: str) -> None:
    if keywords:
        raise InvalidArgument(f"{where}: {sorted(keywords)} cannot be expressed by a metric")
