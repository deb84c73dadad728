"""Agreements: which customer pays by which price list, from when, in which periods."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from backbeat.models.base import Model
from backbeat.models.charges import (
    Discount,
    ProService,
    ProServiceInvoice,
    ResellerRoyalty,
    ScheduledCharge,
)
from backbeat.models.overrides import Override, Prioritization
from backbeat.models.recurring import RecurringBalance
from backbeat.models.schedules import StatementSchedule
from backbeat.models.subscriptions import Subscription
from backbeat.models.threshold_billing import PrepaidThreshold, SpendThreshold, SpendTracker


class UsageFilter(Model):
    """From `starting_at` on, only events whose property has one of the values are rated."""

    group_key: str
    group_values: tuple[str, ...]
    starting_at: datetime


class FilterSegment(Model):
    """A usage filter while it is the one in force; without end it goes on."""

    filter: UsageFilter
    starting_at: datetime
    ending_before: datetime | None = None


class TransitionType(StrEnum):
    """How a contract follows another one."""

    RENEWAL = "RENEWAL"
    SUPERSEDE = "SUPERSEDE"


class TrueUpBehavior(StrEnum):
    """What becomes of the true-up of the earlier contract's postpaid commits."""

    REMOVE = "REMOVE"
    AS_IS = "AS_IS"


class Transition(Model):
    """One contract following another; both bear it."""

    type: TransitionType
    from_contract_id: str
    to_contract_id: str
    trueup: TrueUpBehavior | None = None


class Payer(StrEnum):
    """Who pays for a child contract."""

    SELF = "SELF"
    PARENT = "PARENT"


class StatementBehavior(StrEnum):
    """Whether a child's usage appears on its parent's consolidated invoices."""

    CONSOLIDATE = "CONSOLIDATE"
    SEPARATE = "SEPARATE"


class InvoiceConsolidation(StrEnum):
    """How a parent's invoices take in those of its children."""

    CONCATENATE = "CONCATENATE"
    NONE = "NONE"


class HierarchyLink(Model):
    """A contract of a hierarchy; its members may be different customers."""

    contract_id: str
    customer_id: str


class ParentRole(Model):
    """The top of a hierarchy."""

    children: tuple[HierarchyLink, ...] = ()
    invoice_consolidation_type: InvoiceConsolidation | None = None


class ChildRole(Model):
    """A contract below another one."""

    parent: HierarchyLink
    payer: Payer | None = None
    usage_statement_behavior: StatementBehavior | None = None


class ProviderChoice(Model):
    """Which of the customer's billing provider or revenue system configurations is meant.

    Either by id, or by provider and delivery method.
    """

    configuration_id: str | None = None
    provider: str | None = None
    delivery_method: str | None = None


class DraftFields(Model):
    """The custom fields of an invoice that is not final yet; `id` is the invoice's."""

    id: str
    custom_fields: dict[str, str] = {}


class Contract(Model):
    """An agreement. Without `ending_before` it is open-ended.

    `terms_added` counts the terms ever added: it gives each its sequence number. `edits` counts
    the changes after creation, each of which is stored beside the contract.
    Usage before `invoice_generation_starting_at` is billed elsewhere: it has no invoice here.
    `usage_filters` are in the order they were set: from its start on, each replaces the earlier.
    `issue_dates` are those of scheduled invoices that were moved, by invoice id. `draft_fields` are
    the custom fields of its drafts, which lie nowhere themselves.
    `workflows` counts the charges of its thresholds, `open_workflow_id` is the one that waits for
    its payment; `open_gates` are those of commits that were added by hand.
    """

    id: str
    customer_id: str
    package_id: str | None = None
    rate_card_id: str | None = None
    starting_at: datetime
    ending_before: datetime | None = None
    name: str | None = None
    uniqueness_key: str | None = None
    usage_statement_schedule: StatementSchedule
    invoice_generation_starting_at: datetime | None = None
    overrides: tuple[Override, ...] = ()
    multiplier_override_prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    scheduled_charges_on_usage_invoices: Literal["ALL"] | None = None
    scheduled_charges: tuple[ScheduledCharge, ...] = ()
    discounts: tuple[Discount, ...] = ()
    professional_services: tuple[ProService, ...] = ()
    professional_service_invoices: tuple[ProServiceInvoice, ...] = ()
    reseller_royalties: tuple[ResellerRoyalty, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    recurring_balances: tuple[RecurringBalance, ...] = ()
    prepaid_threshold: PrepaidThreshold | None = None
    spend_threshold: SpendThreshold | None = None
    spend_trackers: tuple[SpendTracker, ...] = ()
    open_workflow_id: str | None = None
    workflows: int = 0
    open_gates: tuple[str, ...] = ()
    issue_dates: dict[str, datetime] = {}
    draft_fields: tuple[DraftFields, ...] = ()
    usage_filters: tuple[UsageFilter, ...] = ()
    terms_added: int = 0
    edits: int = 0
    transitions: tuple[Transition, ...] = ()
    parent_role: ParentRole | None = None
    child_role: ChildRole | None = None
    net_payment_terms_days: int | None = None
    total_contract_value: Decimal | None = None
    salesforce_opportunity_id: str | None = None
    netsuite_sales_order_id: str | None = None
    billing_provider: ProviderChoice | None = None
    revenue_system: ProviderChoice | None = None
    custom_fields: dict[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        """Tells whether the contract runs at the instant."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )

    def fields_of(self, invoice_id: str) -> dict[str, str]:
        """Returns the custom fields that a draft of the contract was given."""
        found = (one.custom_fields for one in self.draft_fields if one.id == invoice_id)
        return next(found, {})

    @property
    def link(self) -> HierarchyLink:
        """This contract as a member of a hierarchy."""
        return HierarchyLink(contract_id=self.id, customer_id=self.customer_id)


class WorkKind(StrEnum):
    """What scheduled work is about, in the order in which work of one instant is done."""

    USAGE = "usage"
    SCHEDULED = "scheduled"
    RECURRING = "recurring"
    THRESHOLDS = "thresholds"
    PAYMENTS = "payments"
    LIFECYCLE_SWEEP = "lifecycle_sweep"
    LIFECYCLE = "lifecycle"
    ALERT_SWEEP = "alert_sweep"
    ALERTS = "alerts"
    OPERATION = "operation"
    ACCOUNT = "account"
    DUNNING = "dunning"
    COLLECTING = "collecting"
    BACKFILL = "backfill"


class Look(Model):
    """A look at a customer's alerts.

    Usage that is counted before a look is `begun` is seen by it. `facts` counts the changes of
    contracts, balances and invoices: what was read while it stood still fits together.
    """

    begun: bool = False
    facts: int = 0
    cause: str | None = None
    last_at: datetime | None = None


class DueItem(Model):
    """The next scheduled work of a kind, at `due_at`: a contract's, or a customer's as a whole.

    USAGE: finalize the usage invoice of the period from `period_start`. SCHEDULED: finalize the
    next scheduled invoice; everything issued before `period_start` is final. RECURRING: make the
    recurring commits and credits, and add the seats, of the instant `period_start`. THRESHOLDS:
    charge a customer whose contracts say so, or see how far a charge is. PAYMENTS: see how far the
    payments of a customer's invoices are. LIFECYCLE: tell of starts
    and ends; what was due until `period_start` is told. ALERTS: hold the customer's alerts against
    what is known. OPERATION: go on with a change of the billing handlers, whose id stands for the
    customer's; ACCOUNT: renew, change or end a subscription of theirs, likewise of an entity;
    DUNNING: act on a renewal that is not paid, likewise of its operation; COLLECTING: on an invoice
    of usage, likewise of it. BACKFILL: count the next
    rows of the backfill that `contract_id` names. A SWEEP asks for such work of every customer,
    from the `position` on.
    Whoever was given it holds a lease until `leased_until` (real time, whatever the sandbox's).
    A parked item is work that cannot be done until somebody mends the reason. `opened_at` is when
    the period came to be billed here, where that was after its cut-off.
    """

    customer_id: str
    contract_id: str
    kind: WorkKind = WorkKind.USAGE
    period_start: datetime
    due_at: datetime
    opened_at: datetime | None = None
    leased_until: datetime | None = None
    parked: str | None = None
    look: Look | None = None
    position: str | None = None
