"""Contracts as they will be, before anything is written."""

from backbeat.application import (
    charges,
    contract_terms,
    contracts,
    rate_cards,
    recharge_terms,
    recurring_terms,
    subscription_changes,
)
from backbeat.application.new_contracts import NewContract
from backbeat.application.services import Call
from backbeat.domain import contracts as rules
from backbeat.domain import periods, recurring
from backbeat.models.contracts import Contract, UsageFilter
from backbeat.models.errors import InvalidArgument
from backbeat.models.schedules import StatementSchedule


def draw_up(call: Call, wanted: NewContract) -> Contract:
    """Returns a contract with its terms. Nothing is written.

    Raises:
        NotFound: the rate card does not exist.
        InvalidArgument: a term does not fit.
    """
    return _with_terms(call, _bare(call, wanted), wanted)


def _bare(call: Call, wanted: NewContract) -> Contract:
    """Returns the contract without its terms."""
    if wanted.ending_before is not None and wanted.ending_before <= wanted.starting_at:
        raise InvalidArgument("ending_before: must be after starting_at")
    anchor = periods.anchor_of(
        wanted.frequency,
        wanted.statement_day,
        starting_at=wanted.starting_at,
        custom=wanted.billing_anchor_date,
    )
    return Contract(
        id=call.services.ids.new(),
        customer_id=wanted.customer_id,
        package_id=wanted.package_id,
        rate_card_id=_rate_card_id(call, wanted),
        starting_at=wanted.starting_at,
        ending_before=wanted.ending_before,
        name=wanted.name,
        uniqueness_key=wanted.uniqueness_key,
        usage_statement_schedule=StatementSchedule(frequency=wanted.frequency, anchor=anchor),
        invoice_generation_starting_at=wanted.invoice_generation_starting_at,
        multiplier_override_prioritization=wanted.prioritization,
        scheduled_charges_on_usage_invoices=wanted.scheduled_charges_on_usage_invoices,
        net_payment_terms_days=wanted.net_payment_terms_days,
        total_contract_value=wanted.total_contract_value,
        salesforce_opportunity_id=wanted.salesforce_opportunity_id,
        netsuite_sales_order_id=wanted.netsuite_sales_order_id,
        billing_provider=wanted.billing_provider,
        revenue_system=wanted.revenue_system,
        custom_fields=wanted.custom_fields or {},
        created_at=call.now,
    )


def _with_terms(call: Call, contract: Contract, wanted: NewContract) -> Contract:
    overrides = contract_terms.overrides(call, contract, wanted.overrides, field="overrides")
    filters: tuple[UsageFilter, ...] = ()
    if wanted.usage_filter is not None:
        asked = wanted.usage_filter
        first = UsageFilter(
            group_key=asked.group_key,
            group_values=asked.group_values,
            starting_at=asked.starting_at or contract.starting_at,
        )
        contracts.refuse_bad_filter(call, contract, first)
        filters = (first,)
    contract = contract.model_copy(
        update={
            "overrides": overrides,
            "terms_added": len(overrides),
            "usage_filters": filters,
        }
    )
    billed = charges.changes(call, contract, wanted.charges)
    subscribed = subscription_changes.changes(
        call, contract, add=wanted.subscriptions, field="subscriptions"
    )
    contract = rules.with_terms(contract, billed, subscribed, at=call.now)
    templates = recurring_terms.changes(
        call,
        contract,
        add=wanted.recurring,
        subscription_ids=subscription_changes.temporary_ids(wanted.subscriptions, subscribed),
    )
    contract = recurring.changed(contract, templates)
    ids = recurring_terms.temporary_ids(wanted.recurring, templates)
    named = tuple(recurring_terms.naming(override, ids) for override in contract.overrides)
    contract = contract.model_copy(update={"overrides": named})
    tracked = {"spend_trackers": recharge_terms.trackers(call, wanted.spend_trackers)}
    contract = contract.model_copy(update=tracked)
    return contract.model_copy(update=_thresholds(call, contract, wanted))


def _thresholds(call: Call, contract: Contract, wanted: NewContract) -> dict[str, object]:
    found: dict[str, object] = {}
    if wanted.prepaid_threshold is not None:
        found["prepaid_threshold"] = recharge_terms.prepaid(
            call,
            contract,
            wanted.prepaid_threshold,
            field="prepaid_balance_threshold_configuration",
        )
    if wanted.spend_threshold is not None:
        found["spend_threshold"] = recharge_terms.spend(
            call, contract, wanted.spend_threshold, field="spend_threshold_configuration"
        )
    return found


def _rate_card_id(call: Call, wanted: NewContract) -> str | None:
    """Returns the price list's id; an alias is looked up once, as of the contract's start."""
    card_id = wanted.rate_card_id
    if wanted.rate_card_alias is not None:
        card_id = contract_terms.card_of_alias(call, wanted.rate_card_alias, wanted.starting_at)
    if card_id is not None and rate_cards.get(call, card_id).archived_at is not None:
        raise InvalidArgument("rate_card_id: the rate card is archived")
    return card_id
