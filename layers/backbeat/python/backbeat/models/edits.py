"""Changes of a contract after its creation."""

from datetime import datetime
from decimal import Decimal

from backbeat.models.balance_edits import BalanceChanges
from backbeat.models.balances import Balance
from backbeat.models.base import Model
from backbeat.models.charges import ChargeChanges
from backbeat.models.contracts import ProviderChoice, UsageFilter
from backbeat.models.overrides import Override
from backbeat.models.recurring import RecurringChanges
from backbeat.models.subscriptions import SubscriptionChanges
from backbeat.models.threshold_billing import PrepaidThreshold, SpendThreshold, SpendTracker


class Renaming(Model):
    """A new name; None takes the name away."""

    name: str | None


class EndDate(Model):
    """A new end; None makes the contract open-ended.

    One that another contract begins at may keep what is to be billed of postpaid commits, and what
    rolls over.
    """

    ending_before: datetime | None
    keeps_trueups: bool = False
    rolls_over: bool = False


class PaymentTerms(Model):
    """New days between issue and due date; None takes the terms away."""

    days: int | None


class Amendment(Model):
    """What makes an edit one of the older API's amendments."""

    starting_at: datetime
    salesforce_opportunity_id: str | None = None
    netsuite_sales_order_id: str | None = None
    total_contract_value: Decimal | None = None


class ContractEdit(ChargeChanges, SubscriptionChanges, RecurringChanges, BalanceChanges):
    """One change, made at `timestamp`. Only what it did is set.

    `number` counts the contract's edits from 1. `balances_before` are the commits and credits that
    it changed, by the terms they had before it.
    """

    id: str
    customer_id: str
    contract_id: str
    number: int
    timestamp: datetime
    uniqueness_key: str | None = None
    amendment: Amendment | None = None
    add_overrides: tuple[Override, ...] = ()
    remove_overrides: tuple[str, ...] = ()
    add_usage_filters: tuple[UsageFilter, ...] = ()
    add_billing_provider: ProviderChoice | None = None
    add_revenue_system: ProviderChoice | None = None
    add_prepaid_threshold: PrepaidThreshold | None = None
    update_prepaid_threshold: PrepaidThreshold | None = None
    add_spend_threshold: SpendThreshold | None = None
    update_spend_threshold: SpendThreshold | None = None
    add_spend_trackers: tuple[SpendTracker, ...] = ()
    archive_spend_trackers: tuple[str, ...] = ()
    update_contract_name: Renaming | None = None
    update_contract_end_date: EndDate | None = None
    update_net_payment_terms_days: PaymentTerms | None = None
    balances_before: tuple[Balance, ...] = ()
