"""Requests that change a contract."""

from typing import Annotated, Literal

from pydantic import Field

from backbeat.api.schemas.balance_edits import AddedCommitSchema, BalanceEditsSchema
from backbeat.api.schemas.balances import CommitSchema, CreditSchema
from backbeat.api.schemas.charges import ChargeEditsSchema, ChargesSchema, IdSchema
from backbeat.api.schemas.contracts import (
    BillingProviderSchema,
    ContractOfCustomer,
    PaymentDays,
    RevenueSystemSchema,
)
from backbeat.api.schemas.overrides import OverrideSchema
from backbeat.api.schemas.recurring import (
    RecurringCommitSchema,
    RecurringCommitUpdateSchema,
    RecurringCreditSchema,
    RecurringCreditUpdateSchema,
)
from backbeat.api.schemas.subscriptions import SubscriptionEditSchema, SubscriptionSchema
from backbeat.api.schemas.threshold_billing import (
    PrepaidThresholdSchema,
    PrepaidUpdateSchema,
    SpendThresholdSchema,
    SpendTrackerSchema,
    SpendUpdateSchema,
)
from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Name,
    Number,
    Schema,
    UniquenessKey,
    Upper,
)
from backbeat.application.contract_edits import Changes
from backbeat.models.contracts import UsageFilter
from backbeat.models.edits import Amendment, EndDate, PaymentTerms, Renaming


class EffectiveSchema(Schema):
    """From when on a provider is used."""

    effective_at: Annotated[Literal["START_OF_CURRENT_PERIOD"], Upper]


class BillingProviderUpdateSchema(Schema):
    """A billing provider for a contract that has none."""

    billing_provider_configuration: BillingProviderSchema
    schedule: EffectiveSchema


class RevenueSystemUpdateSchema(Schema):
    """A revenue system for a contract that has none."""

    revenue_system_configuration: RevenueSystemSchema
    schedule: EffectiveSchema


class EditContract(ContractOfCustomer, ChargeEditsSchema, BalanceEditsSchema):
    """Changes to make together. A field given as null takes the value away."""

    uniqueness_key: UniquenessKey | None = None
    add_commits: list[AddedCommitSchema] = []
    add_credits: list[CreditSchema] = []
    add_overrides: list[OverrideSchema] = []
    remove_overrides: list[IdSchema] = []
    add_subscriptions: list[SubscriptionSchema] = []
    update_subscriptions: list[SubscriptionEditSchema] = []
    add_recurring_commits: list[RecurringCommitSchema] = []
    add_recurring_credits: list[RecurringCreditSchema] = []
    update_recurring_commits: list[RecurringCommitUpdateSchema] = []
    update_recurring_credits: list[RecurringCreditUpdateSchema] = []
    add_prepaid_balance_threshold_configuration: PrepaidThresholdSchema | None = None
    update_prepaid_balance_threshold_configuration: PrepaidUpdateSchema | None = None
    add_spend_threshold_configuration: SpendThresholdSchema | None = None
    update_spend_threshold_configuration: SpendUpdateSchema | None = None
    add_spend_trackers: list[SpendTrackerSchema] = []
    archive_spend_trackers: list[Name] = []
    add_billing_provider_configuration_update: BillingProviderUpdateSchema | None = None
    add_revenue_system_configuration_update: RevenueSystemUpdateSchema | None = None
    update_contract_name: Name | None = None
    update_contract_end_date: HourTimestamp | None = None
    update_net_payment_terms_days: PaymentDays | None = None
    allow_contract_ending_before_finalized_invoice: Flag = True

    def to_changes(self) -> Changes:
        """Returns the changes asked for."""
        given = self.model_fields_set
        provider = self.add_billing_provider_configuration_update
        revenue = self.add_revenue_system_configuration_update
        recharge = self.add_prepaid_balance_threshold_configuration
        recharging = self.update_prepaid_balance_threshold_configuration
        spend = self.add_spend_threshold_configuration
        spending = self.update_spend_threshold_configuration
        return Changes(
            uniqueness_key=self.uniqueness_key,
            add_overrides=[override.to_override() for override in self.add_overrides],
            remove_overrides=[removed.id for removed in self.remove_overrides],
            charges=self.to_charges(),
            add_subscriptions=[entry.to_subscription() for entry in self.add_subscriptions],
            update_subscriptions=[entry.to_edit() for entry in self.update_subscriptions],
            add_recurring=[
                *(entry.to_recurring() for entry in self.add_recurring_commits),
                *(entry.to_recurring() for entry in self.add_recurring_credits),
            ],
            update_recurring=[
                *(entry.to_update() for entry in self.update_recurring_commits),
                *(entry.to_update() for entry in self.update_recurring_credits),
            ],
            add_prepaid_threshold=None if recharge is None else recharge.to_prepaid(),
            update_prepaid_threshold=None if recharging is None else recharging.to_prepaid_edit(),
            add_spend_threshold=None if spend is None else spend.to_spend(),
            update_spend_threshold=None if spending is None else spending.to_edit(),
            add_spend_trackers=[one.to_tracker() for one in self.add_spend_trackers],
            archive_spend_trackers=self.archive_spend_trackers,
            add_balances=[
                *(commit.to_balance() for commit in self.add_commits),
                *(credit.to_balance() for credit in self.add_credits),
            ],
            update_balances=self.to_updates(),
            archive_balances=self.to_removals(),
            add_billing_provider=None
            if provider is None
            else provider.billing_provider_configuration.to_choice(),
            add_revenue_system=None
            if revenue is None
            else revenue.revenue_system_configuration.to_choice(),
            rename=Renaming(name=self.update_contract_name)
            if "update_contract_name" in given
            else None,
            end=EndDate(ending_before=self.update_contract_end_date)
            if "update_contract_end_date" in given
            else None,
            payment_terms=PaymentTerms(days=self.update_net_payment_terms_days)
            if "update_net_payment_terms_days" in given
            else None,
            allow_ending_before_finalized_invoice=(
                self.allow_contract_ending_before_finalized_invoice
            ),
        )


class AmendContract(ContractOfCustomer, ChargesSchema):
    """Terms to add, in the older form."""

    starting_at: HourTimestamp
    commits: list[CommitSchema] = []
    credits: list[CreditSchema] = []
    overrides: list[OverrideSchema] = []
    total_contract_value: Number | None = None
    salesforce_opportunity_id: str | None = None
    netsuite_sales_order_id: str | None = None
    custom_fields: CustomFields = {}

    def to_changes(self) -> Changes:
        """Returns the changes asked for."""
        return Changes(
            amendment=Amendment(
                starting_at=self.starting_at,
                salesforce_opportunity_id=self.salesforce_opportunity_id,
                netsuite_sales_order_id=self.netsuite_sales_order_id,
                total_contract_value=self.total_contract_value,
            ),
            add_balances=[
                *(commit.to_balance() for commit in self.commits),
                *(credit.to_balance() for credit in self.credits),
            ],
            add_overrides=[override.to_override() for override in self.overrides],
            charges=self.to_charges(),
        )


class UpdateEndDate(ContractOfCustomer):
    """A new end; without one the contract becomes open-ended."""

    ending_before: HourTimestamp | None = None
    allow_ending_before_finalized_invoice: Flag = True

    def to_changes(self) -> Changes:
        """Returns the change asked for."""
        return Changes(
            end=EndDate(ending_before=self.ending_before),
            allow_ending_before_finalized_invoice=self.allow_ending_before_finalized_invoice,
        )


class SetUsageFilter(ContractOfCustomer):
    """Which usage the contract rates from an instant on."""

    group_key: Name
    group_values: Annotated[list[str], Field(min_length=1)]
    starting_at: HourTimestamp

    def to_changes(self) -> Changes:
        """Returns the change asked for."""
        return Changes(
            add_usage_filter=UsageFilter(
                group_key=self.group_key,
                group_values=tuple(self.group_values),
                starting_at=self.starting_at,
            )
        )
