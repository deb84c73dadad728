"""Requests about threshold alerts."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from backbeat.api.schemas.types import Flag, Id, Name, Number, Schema, UniquenessKey, Upper
from backbeat.application.alerts import NewAlert, Part
from backbeat.models.alerts import (
    LEFT,
    AlertSpecifier,
    AlertType,
    BalanceExclusion,
    FieldChoice,
    FieldFilter,
    FilterEntity,
    GroupValue,
    SeatFilter,
)
from backbeat.models.errors import InvalidArgument, NotFound


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class FieldFilterSchema(Schema):
    """A custom field and the value it must have."""

    entity: FilterEntity
    key: Name
    value: str


class FieldChoiceSchema(Schema):
    """A custom field and the value it must have; without a value, each value by itself."""

    entity: FilterEntity
    key: Name
    value: str | None = None


class ExclusionSchema(Schema):
    """Balances whose custom fields are all of these."""

    custom_field_filters: Annotated[list[FieldFilterSchema], Field(min_length=1)]


class AlertSpecifierSchema(Schema):
    """Balances whose custom fields are all of these, less those that an exclusion names."""

    custom_field_filters: list[FieldChoiceSchema] = []
    exclude: list[ExclusionSchema] = []

    def to_specifier(self) -> AlertSpecifier:
        """Returns the specifier."""
        return AlertSpecifier(
            custom_field_filters=tuple(
                FieldChoice(**dict(one)) for one in self.custom_field_filters
            ),
            exclude=tuple(
                BalanceExclusion(
                    custom_field_filters=tuple(
                        FieldFilter(**dict(one)) for one in excluded.custom_field_filters
                    )
                )
                for excluded in self.exclude
            ),
        )


class GroupValueSchema(Schema):
    """A group of lines; without a value, each value by itself."""

    key: Name
    value: str | None = None


class SeatFilterSchema(Schema):
    """All seats of a key, or one."""

    seat_group_key: Name
    seat_group_value: str | None = None


class CreateAlert(Schema):
    """Creates an alert."""

    alert_type: Annotated[str, BeforeValidator(_lower)]
    name: Name
    threshold: Number
    uniqueness_key: UniquenessKey | None = None
    customer_id: Id | None = None
    credit_type_id: Id | None = None
    billable_metric_id: Id | None = None
    plan_id: str | None = None
    evaluate_on_create: Flag = True
    credit_grant_type_filters: list[str] = []
    custom_field_filters: list[FieldFilterSchema] = []
    group_values: list[GroupValueSchema] = []
    invoice_types_filter: list[str] = []
    seat_filter: SeatFilterSchema | None = None
    alert_specifiers: list[AlertSpecifierSchema] = []
    access_type: Annotated[Literal["SPEND", "QUANTITY"], Upper] | None = None

    @model_validator(mode="after")
    def _known_type(self) -> Self:
        if self.alert_type not in set(AlertType):
            raise ValueError("alert_type: is none of the types of alerts")
        return self

    def to_alert(self) -> NewAlert:
        """Returns the command.

        Raises:
            NotFound: it is about one plan; there are none.
            InvalidArgument: the access type does not fit.
        """
        self._refuse_access_type()
        if self.plan_id is not None:
            raise NotFound("plan", self.plan_id)
        seats = self.seat_filter
        return NewAlert(
            type=AlertType(self.alert_type),
            name=self.name,
            threshold=self.threshold,
            customer_id=self.customer_id,
            credit_type_id=self.credit_type_id,
            billable_metric_id=self.billable_metric_id,
            evaluate_on_create=self.evaluate_on_create,
            field_filters=[FieldFilter(**dict(one)) for one in self.custom_field_filters],
            specifiers=[one.to_specifier() for one in self.alert_specifiers],
            access_type=self.access_type,
            group_values=[GroupValue(**dict(one)) for one in self.group_values],
            seat_filter=None if seats is None else SeatFilter(**dict(seats)),
            invoice_types=[one.upper() for one in self.invoice_types_filter],
            grant_types=self.credit_grant_type_filters,
            uniqueness_key=self.uniqueness_key,
        )

    def _refuse_access_type(self) -> None:
        if self.access_type is None:
            return
        if AlertType(self.alert_type) not in LEFT:
            raise InvalidArgument(f"access_type: is for {' and '.join(sorted(LEFT))} only")
        if self.access_type == "QUANTITY":
            raise InvalidArgument("access_type: no balance is one of quantities; see SPEND")


class ArchiveAlert(Schema):
    """Archives an alert."""

    id: Id
    release_uniqueness_key: Flag = False


class GroupSchema(Schema):
    """One group of lines."""

    key: Name
    value: str


class SeatSchema(Schema):
    """One seat."""

    seat_group_key: Name
    seat_group_value: str


class ChosenSchema(Schema):
    """The custom fields of one group of balances."""

    custom_field_filters: list[FieldFilterSchema]


class GetCustomerAlert(Schema):
    """Asks where an alert stands for a customer, as a whole or in one group or seat."""

    customer_id: Id
    alert_id: Id
    plans_or_contracts: Literal["PLANS", "CONTRACTS"] | None = None
    group_values: list[GroupSchema] = []
    seat_filter: SeatSchema | None = None
    alert_specifiers: list[ChosenSchema] = []

    def to_part(self) -> Part:
        """Returns the part of the alert that is meant."""
        return Part(
            groups={one.key: one.value for one in self.group_values},
            fields=[
                FieldFilter(**dict(one))
                for specifier in self.alert_specifiers
                for one in specifier.custom_field_filters
            ],
            seat=None if self.seat_filter is None else self.seat_filter.seat_group_value,
        )


class ListCustomerAlerts(Schema):
    """Lists where the alerts about a customer stand."""

    customer_id: Id
    alert_statuses: Annotated[
        list[Annotated[Literal["enabled", "disabled", "archived"], BeforeValidator(_lower)]],
        Field(min_length=1),
    ] = ["enabled"]


class ListCustomerAlertsQuery(Schema):
    """Where to go on."""

    next_page: str | None = None


class ResetCustomerAlert(Schema):
    """Forgets where an alert stands for a customer."""

    customer_id: Id
    alert_id: Id
