"""When a contract's balance or spend asks for a charge, what it buys and what it costs.

Owns: crossing a line, the amounts, the invoice and the commit of a charge.
Does not own: who collects the money, when it is looked, storage.
Times: what is bought can be drawn from the hour in which it is paid on; spend, all of its period.
Invariants: a recharge brings the balance to where it is to be; tax is never part of what is
granted.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from backbeat.domain.charges import FIXED_LINE
from backbeat.domain.identity import derived_id
from backbeat.domain.periods import add_months
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.charges import Amount, PointSchedule, ScheduleItem
from backbeat.models.contracts import Contract
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import EXACT, CreditType, add, subtract
from backbeat.models.period import Period, hour_of
from backbeat.models.threshold_billing import (
    PrepaidThreshold,
    SpendThreshold,
    Workflow,
    WorkflowKind,
)

_MONTHS_OPEN_ENDED = 12


def counts(balance: Balance, contract: Contract, unit: CreditType) -> bool:
    """Tells whether a balance is part of what a contract's prepaid threshold watches.

    Decision 8: postpaid commits are not. What is single seats' own is not either.
    """
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


def price(threshold: SpendThreshold, granted: Decimal, *, per_unit: Decimal) -> Decimal:
    """Returns what is charged for what is granted: `per_unit` each, less the discount."""
    charged = EXACT.multiply(granted, per_unit)
    if threshold.payment_fraction is None:
        return charged
    return EXACT.multiply(charged, threshold.payment_fraction)


def total(workflow: Workflow) -> Decimal:
    """Returns what is to be paid, tax included."""
    return add(workflow.charge, Decimal(0) if workflow.tax is None else workflow.tax.amount)


def workflow_id(contract: Contract) -> str:
    """Returns the id of a contract's next charge."""
    return derived_id("workflow", contract.id, contract.workflows + 1)


def commit_id(workflow: Workflow) -> str:
    """Returns the id of the commit that a charge buys."""
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
    twelve months. Decision 3: spend covers its whole period.
    """
    id_, terms = commit_id(workflow), workflow.commit
    start = hour_of(at)
    end = contract.ending_before or add_months(start, _MONTHS_OPEN_ENDED)
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
