"""Packages: templates of contracts whose dates count from the contract's start."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from backbeat.models.balances import BalanceSpecifier, BalanceType, RateChoice
from backbeat.models.base import Model
from backbeat.models.charges import Amount
from backbeat.models.contracts import ProviderChoice
from backbeat.models.money import CreditType
from backbeat.models.overrides import OverrideTerms, Prioritization
from backbeat.models.recurring import RecurringTerms
from backbeat.models.schedules import Frequency, RelativeDate, StatementDay
from backbeat.models.subscriptions import CollectionSchedule, Proration, QuantityMode
from backbeat.models.threshold_billing import PrepaidThreshold, SpendThreshold


class PackageAlias(Model):
    """A name a package was given; None is without start or end."""

    name: str
    starting_at: datetime | None = None
    ending_before: datetime | None = None


class PackageAssignment(Model):
    """When a package was made to answer to a name."""

    package_id: str
    starting_at: datetime | None = None
    ending_before: datetime | None = None


class PackageName(Model):
    """A name and every package it was given to, in the order that happened."""

    name: str
    assignments: tuple[PackageAssignment, ...] = ()


class OverrideTemplate(Model):
    """An override that begins some time after the contract; without duration it stays."""

    id: str
    terms: OverrideTerms
    starting_at_offset: RelativeDate
    duration: RelativeDate | None = None


class TemplateItem(Model):
    """A dated amount whose date counts from the contract's start."""

    id: str
    date_offset: RelativeDate
    amount: Amount


class ScheduledChargeTemplate(Model):
    """Something billed on dates that count from the contract's start."""

    id: str
    product_id: str
    name: str | None = None
    credit_type: CreditType
    items: tuple[TemplateItem, ...]
    custom_fields: dict[str, str] = {}


class TemplateSegment(Model):
    """An access segment that begins some time after the contract, and lasts so long."""

    id: str
    amount: Decimal
    starting_at_offset: RelativeDate
    lasts: RelativeDate


class BalanceTemplate(Model):
    """A commit or credit whose dates count from the contract's start.

    It is paid for where it has an `invoice_credit_type`, which is the unit of its `invoice_items`.
    """

    id: str
    type: BalanceType
    product_id: str
    rate_type: RateChoice = RateChoice.LIST_RATE
    name: str | None = None
    description: str | None = None
    priority: Decimal | None = None
    credit_type: CreditType
    segments: tuple[TemplateSegment, ...]
    invoice_credit_type: CreditType | None = None
    invoice_items: tuple[TemplateItem, ...] = ()
    do_not_invoice: bool = False
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()
    custom_fields: dict[str, str] = {}


class SubscriptionTemplate(Model):
    """A subscription; without offset it begins with the contract, without duration it stays.

    `initial_quantity` is a bare quantity or, with seats, how many of them are unassigned.
    """

    id: str
    product_id: str
    frequency: Frequency
    name: str | None = None
    description: str | None = None
    collection_schedule: CollectionSchedule
    proration: Proration
    initial_quantity: Decimal
    quantity_mode: QuantityMode = QuantityMode.QUANTITY_ONLY
    seat_group_key: str | None = None
    starting_at_offset: RelativeDate | None = None
    duration: RelativeDate | None = None
    custom_fields: dict[str, str] = {}


class RecurringTemplate(RecurringTerms):
    """A recurring commit or credit whose start counts from the contract's.

    It has no end of its own unless it `lasts` for some time.
    """

    starting_at_offset: RelativeDate
    lasts: RelativeDate | None = None


class Package(Model):
    """A template. It never changes, but may be archived.

    Its price list is named by id, or by an alias that is looked up for each contract's start.
    """

    id: str
    name: str
    uniqueness_key: str | None = None
    contract_name: str | None = None
    aliases: tuple[PackageAlias, ...] = ()
    rate_card_id: str | None = None
    rate_card_alias: str | None = None
    duration: RelativeDate | None = None
    overrides: tuple[OverrideTemplate, ...] = ()
    multiplier_override_prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    scheduled_charges: tuple[ScheduledChargeTemplate, ...] = ()
    subscriptions: tuple[SubscriptionTemplate, ...] = ()
    recurring_balances: tuple[RecurringTemplate, ...] = ()
    commits: tuple[BalanceTemplate, ...] = ()
    credits: tuple[BalanceTemplate, ...] = ()
    prepaid_threshold: PrepaidThreshold | None = None
    spend_threshold: SpendThreshold | None = None
    scheduled_charges_on_usage_invoices: Literal["ALL"] | None = None
    frequency: Frequency = Frequency.MONTHLY
    statement_day: StatementDay = StatementDay.FIRST_OF_MONTH
    invoice_generation_offset: RelativeDate | None = None
    net_payment_terms_days: int | None = None
    billing_provider: ProviderChoice | None = None
    created_at: datetime
    archived_at: datetime | None = None
