"""When a contract's balance or spend asks for a charge, what it buys and what it costs.

Owns: crossing a line, the amounts, the invoice and the commit of a charge.
Does not own: who collects the money, when it is looked, storage.
Times: what is bought can be drawn from the hour in which it is paid on; spend, all of its period.
Invariants: a recharge brings the balance to where it is to be; tax is never part of what is
granted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.domain.charges import FIXED_LINE
from backbeat.domain.identity import derived_id
from backbeat.domain.packages import moved
from backbeat.domain.periods import add_months
from backbeat.domain.watched_balances import meets_all
from backbeat.models.alerts import FieldFilter
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.charges import Amount, PointSchedule, ScheduleItem
from backbeat.models.contracts import Contract
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import EXACT, CreditType, add, subtract
from backbeat.models.period import Period, hour_of
from backbeat.models.threshold_billing import (
    PrepaidThreshold,
    SpendSource,
    SpendThreshold,
    SpendTracker,
    TrackedSpend,
    Workflow,
    WorkflowKind,
)

_MONTHS_OPEN_ENDED = 12


def counts(
    balance: Balance,
    contract: Contract,
    unit: CreditType,
    excluded: Iterable[Sequence[FieldFilter]] = (),
) -> bool:
    """Tells whether a balance is part of what a contract's prepaid threshold watches.

    Decision 8: postpaid commits are not. What is single seats' own is not either.
    """
    fields = contract.custom_fields if balance.contract_id == contract.id else {}
    if any(meets_all(balance, fields, filters) for filters in excluded):
        return False
    return (
        balance.type is not BalanceType.POSTPAID
        and balance.credit_type.id == unit.id
        and balance.archived_at is None
        and (balance.seats is None or not balance.seats.is_individual)
        and balance.contract_id in (None, contract.id)
        and (not balance.applicable_contract_ids or contract.id in balance.applicable_contract_ids)
    )


def recharge(threshold: PrepaidThreshold, balance: Decimal) -> Decimal | None:
    """Returns what a recharge grants, unrounded; None while the balance is above the line."""
    if not threshold.is_enabled or balance > threshold.threshold_amount:
        return None
    return subtract(threshold.recharge_to_amount, balance)


def due_spend(threshold: SpendThreshold, accrued: Decimal) -> Decimal | None:
    """Returns the spend to charge, all of it; None while it is below the line."""
    if not threshold.is_enabled or accrued < threshold.threshold_amount or accrued <= 0:
        return None
    return accrued


def price(
    threshold: SpendThreshold, granted: Decimal, *, per_unit: Decimal, discounted: bool
) -> Decimal:
    """Returns what is charged for what is granted: `per_unit` each, less the discount."""
    charged = EXACT.multiply(granted, per_unit)
    if threshold.payment_fraction is None or not discounted:
        return charged
    return EXACT.multiply(charged, threshold.payment_fraction)


def is_discounted(threshold: SpendThreshold, contract: Contract, period: Period | None) -> bool:
    """Tells whether a charge in a usage period is discounted.

    The charge that reaches the cap is, in full; those after it are not.
    """
    cap = threshold.discount_cap
    if threshold.payment_fraction is None or cap is None:
        return threshold.payment_fraction is not None
    return period is None or all(
        tracker.accumulated(period) < cap.amount
        for tracker in contract.spend_trackers
        if tracker.alias == cap.tracker_alias
    )


def with_spend(
    contract: Contract, workflow: Workflow, period: Period | None, at: datetime
) -> Contract:
    """Returns the contract with a paid charge added up by the trackers that it concerns."""
    manual = workflow.kind is WorkflowKind.MANUAL_COMMIT
    bought = _Purchase(
        SpendSource.MANUAL if manual else SpendSource.THRESHOLD_RECHARGE,
        workflow.currency,
        discounted=workflow.discounted,
        spends=(TrackedSpend(at=at, amount=workflow.charge),),
    )
    return _tracked(contract, bought, period)


def with_purchases(
    contract: Contract, commits: Iterable[Balance], period: Period | None, at: datetime
) -> Contract:
    """Returns the contract with commits that were added by hand, and wait for no payment, added up.

    Decision: each payment counts when it is due, one of the past when the commit is added; what is
    changed of its payments afterwards does not count.
    """
    for commit in commits:
        schedule = commit.invoice_schedule
        if schedule is not None and commit.type is BalanceType.PREPAID:
            spends = tuple(
                TrackedSpend(at=max(item.timestamp, at), amount=item.amount.total)
                for item in schedule.items
            )
            bought = _Purchase(
                SpendSource.MANUAL,
                schedule.credit_type,
                discounted=commit.counts_as_discounted,
                spends=spends,
            )
            contract = _tracked(contract, bought, period)
    return contract


@dataclass(frozen=True, slots=True)
class _Purchase:
    source: SpendSource
    currency: CreditType
    discounted: bool
    spends: tuple[TrackedSpend, ...]


def _tracked(contract: Contract, bought: _Purchase, period: Period | None) -> Contract:
    """What lies before `period` is over, and forgotten."""
    return contract.model_copy(
        update={
            "spend_trackers": tuple(
                tracker.model_copy(update={"spends": (*_kept(tracker, period), *bought.spends)})
                if _counts_spend(tracker, bought)
                else tracker
                for tracker in contract.spend_trackers
            )
        }
    )


def _kept(tracker: SpendTracker, period: Period | None) -> Iterable[TrackedSpend]:
    return (one for one in tracker.spends if period is None or one.at >= period.starting_at)


def _counts_spend(tracker: SpendTracker, bought: _Purchase) -> bool:
    return tracker.credit_type.id == bought.currency.id and any(
        (not specifier.sources or bought.source in specifier.sources)
        and specifier.discounted in (None, bought.discounted)
        for specifier in tracker.specifiers
    )


def total(workflow: Workflow) -> Decimal:
    """Returns what is to be paid, tax included."""
    return add(workflow.charge, Decimal(0) if workflow.tax is None else workflow.tax.amount)


def workflow_id(contract: Contract) -> str:
    """Returns the id of a contract's next charge."""
    return derived_id("workflow", contract.id, contract.workflows + 1)


def payment_id(workflow: Workflow) -> str:
    """Returns the id of the payment that a charge waits for."""
    return derived_id("payment", workflow.id)


def granted(balance: Balance) -> Decimal:
    """Returns all that a balance gives access to, in its unit."""
    return add(*(segment.amount for segment in balance.segments))


def commit_id(workflow: Workflow) -> str:
    """Returns the id of the commit that a charge buys."""
    if workflow.bought is not None:
        return workflow.bought.id
    return derived_id("recharge", workflow.id)


def lines(workflow: Workflow, product_name: str) -> Iterable[LineItem]:
    """Yields the lines of a charge's invoice: the commit, and tax where it is known beforehand."""
    yield LineItem(
        id=derived_id(workflow.invoice_id, "commit"),
        type=LineType.COMMIT_PURCHASE,
        name=workflow.commit.name or product_name,
        product_id=workflow.commit.product_id,
        product_type=FIXED_LINE,
        quantity=Decimal(1),
        unit_price=workflow.charge,
        total=workflow.charge,
        credit_type=workflow.currency,
        commit_id=commit_id(workflow),
    )
    if workflow.tax is not None:
        yield LineItem(
            id=derived_id(workflow.invoice_id, "tax"),
            type=LineType.SCHEDULED,
            name=workflow.tax.name or "Tax",
            product_id=workflow.commit.product_id,
            product_type=FIXED_LINE,
            quantity=Decimal(1),
            unit_price=workflow.tax.amount,
            total=workflow.tax.amount,
            credit_type=workflow.currency,
        )


def bought(
    workflow: Workflow, contract: Contract, period: Period | None, product_name: str, at: datetime
) -> Balance:
    """Returns the commit that a paid charge buys. `period` is the usage period it runs in.

    Decision 1: a recharge can be drawn from the hour it is paid in to the contract's end, or for
    twelve months; with a duration, for that long after the period. Decision 3: spend covers its
    whole period. What was added by hand is as it was asked for, and billed by the charge's invoice.
    """
    id_, terms = commit_id(workflow), workflow.commit
    if workflow.bought is not None:
        return _paid_for(workflow.bought, at)
    start = hour_of(at)
    end = contract.ending_before or add_months(start, _MONTHS_OPEN_ENDED)
    if terms.duration is not None and period is not None:
        end = moved(period.ending_before, terms.duration)
        end = end if contract.ending_before is None else min(end, contract.ending_before)
    if workflow.kind is WorkflowKind.SPEND and period is not None:
        start, end = period
    paid = ScheduleItem(
        id=derived_id(id_, 0),
        timestamp=workflow.started_at,
        amount=Amount(unit_price=workflow.charge),
    )
    return Balance(
        id=id_,
        sequence=0,
        customer_id=workflow.customer_id,
        contract_id=workflow.contract_id,
        type=BalanceType.PREPAID,
        rate_type=terms.rate_type,
        name=terms.name or product_name,
        description=terms.description,
        priority=terms.priority,
        product_id=terms.product_id,
        credit_type=workflow.unit,
        segments=(
            AccessSegment(
                id=derived_id("segment", id_, 0),
                amount=workflow.granted,
                starting_at=start,
                ending_before=end,
            ),
        ),
        # It is on the charge's own invoice; the schedule says what it cost.
        invoice_schedule=PointSchedule(
            credit_type=workflow.currency, items=(paid,), do_not_invoice=True
        ),
        rollover_fraction=terms.rollover_fraction,
        applicable_product_ids=terms.applicable_product_ids,
        applicable_product_tags=terms.applicable_product_tags,
        specifiers=terms.specifiers,
        created_at=at,
    )


def _paid_for(commit: Balance, at: datetime) -> Balance:
    schedule = commit.invoice_schedule
    paid = None if schedule is None else schedule.model_copy(update={"do_not_invoice": True})
    return commit.model_copy(update={"invoice_schedule": paid, "created_at": at})
