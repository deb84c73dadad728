"""Requests of profile `mock`. What the older mock did not look at is not looked at here."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from backbeat.api.schemas.types import Name, Number, Schema, parse_timestamp
from backbeat.application.older_mock.contracts import Changes, Ending, NewSubscription
from backbeat.application.older_mock.invoices import InvoiceFilter, NewInvoice
from backbeat.application.older_mock.payments import Threshold
from backbeat.models.older_mock import GivenCredit, GivenItem, GivenRecurring, MockOverride


def _instant(value: object) -> datetime:
    """Returns what JavaScript reads as a date, as far as it names one."""
    if isinstance(value, str) and len(value) == len("2025-01-15"):
        value = f"{value}T00:00:00Z"
    if isinstance(value, str) and "T" in value and not value.upper().endswith("Z"):
        time = value.partition("T")[2]
        value = value if "+" in time or "-" in time else f"{value}Z"
    return parse_timestamp(value)


Instant = Annotated[datetime, BeforeValidator(_instant)]


class CreateCustomer(Schema):
    """A customer."""

    name: Name
    ingest_aliases: list[str] = []
    customer_billing_provider_configurations: list[dict[str, Any]] = []


class CreateContract(Schema):
    """A contract. The first four are needed; the rest of the body is ignored."""

    name: str | None = None
    customer_id: str | None = None
    starting_at: Instant | None = None
    rate_card_id: str | None = None
    uniqueness_key: str | None = None


class OfCustomer(Schema):
    """Names a customer, in a query."""

    customer_id: str | None = None
    covering_date: Instant | None = None


class OfContract(Schema):
    """Names a customer's contract."""

    contract_id: str | None = None
    customer_id: str | None = None


class ById(Schema):
    """Names one thing by its id."""

    id: str | None = None


class _SubscriptionEnd(Schema):
    subscription_id: str
    ending_before: Instant | None = None


class _RecurringEnd(Schema):
    recurring_credit_id: str
    ending_before: Instant | None = None


class _Archived(Schema):
    id: str


class _SubscriptionRate(Schema):
    product_id: str
    billing_frequency: str = "MONTHLY"


class _Subscription(Schema):
    temporary_id: str | None = None
    starting_at: Instant
    initial_quantity: Number = Decimal(1)
    custom_fields: dict[str, str] = {}
    subscription_rate: _SubscriptionRate

    def to_subscription(self) -> NewSubscription:
        return NewSubscription(
            temporary_id=self.temporary_id,
            product_id=self.subscription_rate.product_id,
            billing_frequency=self.subscription_rate.billing_frequency,
            quantity=self.initial_quantity,
            starting_at=self.starting_at,
            custom_fields=self.custom_fields,
        )


class _SubscriptionConfig(Schema):
    subscription_id: str | None = None


class _AccessAmount(Schema):
    unit_price: Number = Decimal(0)


class _RecurringCredit(Schema):
    product_id: str
    starting_at: Instant
    access_amount: _AccessAmount = _AccessAmount()
    subscription_config: _SubscriptionConfig = _SubscriptionConfig()

    def to_recurring(self) -> GivenRecurring:
        return GivenRecurring(
            product_id=self.product_id,
            starting_at=self.starting_at,
            amount=self.access_amount.unit_price,
            subscription_id=self.subscription_config.subscription_id,
        )


class _ScheduleItem(Schema):
    amount: Number = Decimal(0)
    starting_at: Instant
    ending_before: Instant


class _AccessSchedule(Schema):
    credit_type_id: str | None = None
    schedule_items: list[_ScheduleItem] = []


class _Credit(Schema):
    product_id: str
    access_schedule: _AccessSchedule = _AccessSchedule()
    custom_fields: dict[str, str] = {}
    subscription_config: _SubscriptionConfig = _SubscriptionConfig()

    def to_credit(self) -> GivenCredit:
        return GivenCredit(
            product_id=self.product_id,
            items=tuple(
                GivenItem.model_validate(dict(item)) for item in self.access_schedule.schedule_items
            ),
            subscription_id=self.subscription_config.subscription_id,
            credit_type_id=self.access_schedule.credit_type_id,
            custom_fields=self.custom_fields,
        )


class _Override(Schema):
    product_id: str | None = None
    starting_at: Instant | None = None
    entitled: bool | None = None


class EditContract(OfContract):
    """Changes of a contract. Other keys than these are ignored."""

    uniqueness_key: str | None = None
    update_subscriptions: list[_SubscriptionEnd] = []
    update_recurring_credits: list[_RecurringEnd] = []
    archive_credits: list[_Archived] = []
    add_subscriptions: list[_Subscription] = []
    add_recurring_credits: list[_RecurringCredit] = []
    add_credits: list[_Credit] = []
    add_overrides: list[_Override] = []
    add_prepaid_balance_threshold_configuration: dict[str, Any] | None = None
    update_prepaid_balance_threshold_configuration: dict[str, Any] | None = None

    def to_changes(self, new_id: Callable[[str], str]) -> Changes:
        """Returns the changes asked for."""
        return Changes(
            uniqueness_key=self.uniqueness_key,
            update_subscriptions=[
                Ending(one.subscription_id, one.ending_before) for one in self.update_subscriptions
            ],
            update_recurring_credits=[
                Ending(one.recurring_credit_id, one.ending_before)
                for one in self.update_recurring_credits
            ],
            archive_credits=[one.id for one in self.archive_credits],
            add_subscriptions=[one.to_subscription() for one in self.add_subscriptions],
            add_recurring_credits=[one.to_recurring() for one in self.add_recurring_credits],
            add_credits=[one.to_credit() for one in self.add_credits],
            add_overrides=[
                MockOverride(id=new_id("override"), **dict(one)) for one in self.add_overrides
            ],
            threshold=Threshold(
                add=self.add_prepaid_balance_threshold_configuration,
                update=self.update_prepaid_balance_threshold_configuration,
            ),
        )


class CreateInvoice(Schema):
    """An invoice with its lines."""

    contract_id: str | None = None
    type: str = "USAGE"
    status: str = "FINALIZED"
    line_items: list[dict[str, Any]] = []
    start_timestamp: Instant | None = None
    end_timestamp: Instant | None = None
    due_date: Instant | None = None

    def to_invoice(self) -> NewInvoice:
        """Returns the invoice asked for."""
        return NewInvoice(
            contract_id=self.contract_id,
            type=self.type,
            status=self.status.upper(),
            line_items=self.line_items,
            amounts=[_Line.model_validate(line).amount for line in self.line_items],
            start_timestamp=self.start_timestamp,
            end_timestamp=self.end_timestamp,
            due_date=self.due_date,
        )


class _Line(Schema):
    amount: Number = Decimal(0)


class ListInvoices(Schema):
    """Filters by status and start."""

    status: str | None = None
    starting_on: Instant | None = None
    ending_before: Instant | None = None
    sort: Literal["date_asc", "date_desc"] = "date_desc"
    limit: Annotated[int, Field(ge=1)] = 100

    def to_filter(self) -> InvoiceFilter:
        """Returns the filter meant."""
        status = None if self.status is None else self.status.upper()
        return InvoiceFilter(status, self.starting_on, self.ending_before)


class _Event(Schema):
    customer_id: Name
    event_type: Name
    timestamp: Name


class Ingest(Schema):
    """Usage, which nothing looks at."""

    usage: list[_Event]


class _Option(Schema):
    key: str
    value: str


class EmbeddableUrl(Schema):
    """A customer's dashboard."""

    customer_id: Name
    dashboard: Name
    dashboard_options: list[_Option] = []
