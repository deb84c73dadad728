"""What is asked for when a contract is to be created."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from backbeat.application.balances import NewBalance
from backbeat.application.charges import WantedCharges
from backbeat.application.contract_terms import NewOverride
from backbeat.application.hierarchies import NewRole
from backbeat.application.recharge_terms import NewPrepaid, NewTracker
from backbeat.application.recurring_terms import NewRecurring
from backbeat.application.subscription_changes import NewSubscription
from backbeat.application.transitions import NewTransition
from backbeat.models.contracts import ProviderChoice
from backbeat.models.overrides import Prioritization
from backbeat.models.schedules import Frequency, StatementDay
from backbeat.models.threshold_billing import SpendThreshold


@dataclass(frozen=True, slots=True)
class NewUsageFilter:
    """A usage filter as asked for; without `starting_at` it holds from the contract's start."""

    group_key: str
    group_values: tuple[str, ...]
    starting_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract as asked for. Dates lie on UTC hours; package and price list go by id or alias."""

    customer_id: str
    starting_at: datetime
    ending_before: datetime | None = None
    package_id: str | None = None
    package_alias: str | None = None
    rate_card_id: str | None = None
    rate_card_alias: str | None = None
    name: str | None = None
    uniqueness_key: str | None = None
    frequency: Frequency = Frequency.MONTHLY
    statement_day: StatementDay = StatementDay.FIRST_OF_MONTH
    billing_anchor_date: datetime | None = None
    invoice_generation_starting_at: datetime | None = None
    overrides: Sequence[NewOverride] = ()
    charges: WantedCharges = field(default_factory=WantedCharges)
    subscriptions: Sequence[NewSubscription] = ()
    balances: Sequence[NewBalance] = ()
    recurring: Sequence[NewRecurring] = ()
    prepaid_threshold: NewPrepaid | None = None
    spend_threshold: SpendThreshold | None = None
    spend_trackers: Sequence[NewTracker] = ()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    scheduled_charges_on_usage_invoices: Literal["ALL"] | None = None
    usage_filter: NewUsageFilter | None = None
    transition: NewTransition | None = None
    hierarchy: NewRole | None = None
    net_payment_terms_days: int | None = None
    total_contract_value: Decimal | None = None
    salesforce_opportunity_id: str | None = None
    netsuite_sales_order_id: str | None = None
    billing_provider: ProviderChoice | None = None
    revenue_system: ProviderChoice | None = None
    custom_fields: dict[str, str] | None = None
