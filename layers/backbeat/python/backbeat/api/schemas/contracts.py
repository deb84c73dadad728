"""Requests about contracts."""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Schema,
    Timestamp,
    UniquenessKey,
    Upper,
)
from backbeat.application.contracts import NewContract
from backbeat.models.errors import NotBuilt
from backbeat.models.schedules import Frequency, StatementDay


class StatementScheduleSchema(Schema):
    """When usage periods begin."""

    frequency: Annotated[Frequency, Upper]
    day: Annotated[StatementDay, Upper] = StatementDay.FIRST_OF_MONTH
    billing_anchor_date: HourTimestamp | None = None
    invoice_generation_starting_at: HourTimestamp | None = None

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        if self.day is StatementDay.CUSTOM_DATE and self.billing_anchor_date is None:
            raise ValueError("billing_anchor_date: required with day CUSTOM_DATE")
        return self


class CreateContract(Schema):
    """A contract."""

    model_config = ConfigDict(extra="allow")

    customer_id: Id
    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None
    rate_card_id: Id | None = None
    name: Name | None = None
    uniqueness_key: UniquenessKey | None = None
    usage_statement_schedule: StatementScheduleSchema = StatementScheduleSchema(
        frequency=Frequency.MONTHLY
    )
    net_payment_terms_days: Annotated[int, Field(ge=0)] | None = None
    custom_fields: CustomFields = {}

    def to_contract(self) -> NewContract:
        """Returns the contract asked for.

        Raises:
            NotBuilt: it has terms that Backbeat would have to bill by and cannot yet.
        """
        given = self.model_extra or {}
        unbuilt = [name for name in _UNBUILT if given.get(name) not in (None, [], {})]
        if unbuilt:
            raise NotBuilt(f"{', '.join(unbuilt)}: not built yet")
        schedule = self.usage_statement_schedule
        return NewContract(
            customer_id=self.customer_id,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            rate_card_id=self.rate_card_id,
            name=self.name,
            uniqueness_key=self.uniqueness_key,
            frequency=schedule.frequency,
            statement_day=schedule.day,
            billing_anchor_date=schedule.billing_anchor_date,
            invoice_generation_starting_at=schedule.invoice_generation_starting_at,
            net_payment_terms_days=self.net_payment_terms_days,
            custom_fields=self.custom_fields,
        )


_UNBUILT: Final = (
    "commits",
    "credits",
    "discounts",
    "hierarchy_configuration",
    "overrides",
    "package_alias",
    "package_id",
    "prepaid_balance_threshold_configuration",
    "professional_services",
    "rate_card_alias",
    "recurring_commits",
    "recurring_credits",
    "reseller_royalties",
    "scheduled_charges",
    "spend_threshold_configuration",
    "subscriptions",
    "transition",
    "usage_filter",
)


class GetContract(Schema):
    """Names a contract of a customer."""

    customer_id: Id
    contract_id: Id
    include_balance: Flag = False
    include_ledgers: Flag = False


class ListContracts(Schema):
    """A customer's contracts."""

    customer_id: Id
    covering_date: Timestamp | None = None
    starting_at: Timestamp | None = None
    include_archived: Flag = False
    include_balance: Flag = False
    include_ledgers: Flag = False

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        if self.covering_date is not None and self.starting_at is not None:
            raise ValueError("covering_date: cannot be combined with starting_at")
        return self
