"""What profile `mock` keeps: customers, contracts and invoices as the older mock knew them.

Times are texts as they came or ISO 8601 in UTC; ids are whatever text the client sends.
"""

from datetime import datetime
from decimal import Decimal

from backbeat.models.base import Model


class MockCustomer(Model):
    """A customer."""

    id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    configurations: str = "[]"
    """The billing provider configurations, as JSON text."""
    created_at: datetime


class MockSubscription(Model):
    """A subscription; its periods are whole calendar months."""

    id: str
    product_id: str
    billing_frequency: str
    quantity: Decimal
    starting_at: datetime
    ending_before: datetime | None = None
    period_starting_at: datetime
    period_ending_before: datetime
    next_period_ending_before: datetime
    custom_fields: dict[str, str] = {}

    @property
    def tier_id(self) -> str | None:
        """The tier it is of, where it says so."""
        return self.custom_fields.get("tier_id")

    def is_active(self, now: datetime) -> bool:
        """Tells whether it has begun and not ended."""
        return self.starting_at <= now and (self.ending_before is None or self.ending_before > now)


class MockRecurringCredit(Model):
    """A promise of credits; it grants nothing by itself."""

    id: str
    product_id: str
    starting_at: datetime
    ending_before: datetime | None = None
    subscription_id: str | None = None


class MockCredit(Model):
    """A credit on `[starting_at, ending_before)`."""

    id: str
    product_id: str
    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    subscription_id: str | None = None
    credit_type_id: str | None = None
    custom_fields: dict[str, str] = {}
    archived_at: datetime | None = None


class GivenItem(Model):
    """One item of the schedule of a credit to add."""

    amount: Decimal
    starting_at: datetime
    ending_before: datetime


class GivenCredit(Model):
    """A credit to add, with its schedule."""

    product_id: str
    items: tuple[GivenItem, ...]
    subscription_id: str | None = None
    credit_type_id: str | None = None
    custom_fields: dict[str, str] = {}


class GivenRecurring(Model):
    """A recurring credit to add; `amount` is what one period would get."""

    product_id: str
    starting_at: datetime
    amount: Decimal
    subscription_id: str | None = None


class MockOverride(Model):
    """Whether a product is entitled from a time on. Nothing looks at it."""

    id: str
    product_id: str | None = None
    starting_at: datetime | None = None
    entitled: bool | None = None


class MockContract(Model):
    """A contract with all that edits added."""

    id: str
    customer_id: str
    name: str
    rate_card_id: str
    starting_at: datetime
    uniqueness_key: str | None = None
    created_at: datetime
    subscriptions: tuple[MockSubscription, ...] = ()
    recurring_credits: tuple[MockRecurringCredit, ...] = ()
    credits: tuple[MockCredit, ...] = ()
    overrides: tuple[MockOverride, ...] = ()
    threshold: str | None = None
    """The prepaid balance threshold configuration as it was sent, as JSON text."""


class MockBalances(Model):
    """What payment simulations left on each product of a customer."""

    by_product: dict[str, Decimal] = {}


class MockInvoice(Model):
    """An invoice as it was created; `status` is any text in upper case."""

    id: str
    customer_id: str
    contract_id: str
    type: str
    status: str
    external_id: str
    external_status: str
    line_items: str
    """The lines as they were sent, as JSON text."""
    total: Decimal
    issued_at: datetime
    start_timestamp: datetime
    end_timestamp: datetime | None = None
    due_date: datetime | None = None
