"""Commits that an edit adds and that are there once they are paid."""

from collections.abc import Sequence
from dataclasses import dataclass

from backbeat.application import balance_claims, payment_gates
from backbeat.application.services import Call
from backbeat.domain import identity, periods
from backbeat.domain import recharging as rules
from backbeat.domain.identity import derived_id
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.edits import ContractEdit
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import add
from backbeat.models.notifications import Notification
from backbeat.models.threshold_billing import (
    GateType,
    PaymentGate,
    TaxType,
    ThresholdCommit,
    Workflow,
    WorkflowKind,
)
from backbeat.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class GatedCommit:
    """A commit as it will be, and what stands before it."""

    balance: Balance
    gate: PaymentGate


def refuse_bad_gate(call: Call, gate: PaymentGate, field: str) -> None:
    """Refuses a payment gate whose tax does not go with it, or behind which there is nobody.

    Raises:
        InvalidArgument: names what does not fit.
    """
    place = f"{field}.payment_gate_config"
    if gate.type is GateType.STRIPE and not call.services.sandbox:
        raise InvalidArgument(
            f"{place}.payment_gate_type: this stage has nobody who collects STRIPE payments"
        )
    if gate.tax_type in (TaxType.STRIPE, TaxType.ANROK) and gate.type is not GateType.STRIPE:
        raise InvalidArgument(f"{place}.tax_type: {gate.tax_type} needs the STRIPE gate")
    if (gate.tax_type is TaxType.PRECALCULATED) is (gate.tax is None):
        raise InvalidArgument(f"{place}.precalculated_tax_config: goes together with PRECALCULATED")


def checked(call: Call, balance: Balance, gate: PaymentGate, field: str) -> GatedCommit:
    """Returns a commit that is to be paid first.

    Raises:
        InvalidArgument: it is not one that one payment pays for.
    """
    refuse_bad_gate(call, gate, field)
    schedule = balance.invoice_schedule
    if balance.type is not BalanceType.PREPAID:
        raise InvalidArgument(f"{field}.payment_gate_config: only PREPAID commits are paid first")
    if schedule is None or schedule.do_not_invoice or len(schedule.items) != 1:
        raise InvalidArgument(
            f"{field}.invoice_schedule: with a payment gate it is one amount, and invoiced"
        )
    return GatedCommit(balance, gate)


def refuse_failed(call: Call, wanted: Sequence[GatedCommit]) -> None:
    """Refuses an edit that asked for nothing but commits, of which none could be paid.

    Decision 5: told of either way. Nothing came of the edit, and its uniqueness key is free again.

    Raises:
        InvalidArgument: says why the first of them was not paid.
    """
    errors = [payment_gates.why_failed(call, _workflow_id(one.balance)) for one in wanted]
    if errors and all(error is not None for error in errors):
        message = "" if errors[0] is None else errors[0].message
        raise InvalidArgument(f"add_commits[0].payment_gate_config: {message}")


def tracked(call: Call, contract: Contract, added: Sequence[Balance]) -> Contract:
    """Returns the contract with commits that wait for no payment added up by its trackers."""
    if not contract.spend_trackers:
        return contract
    period = next(periods.usage_periods_from(contract, call.now), None)
    return rules.with_purchases(contract, added, period, call.now)


def begin(
    call: Call,
    work: UnitOfWork,
    contract: Contract,
    wanted: Sequence[GatedCommit],
    edit: ContractEdit,
    *,
    does_nothing_else: bool,
) -> tuple[Contract, list[Notification]]:
    """Adds the charges of commits that are to be paid first to the work of their edit.

    Returns the contract that waits for them, and what to tell. The uniqueness key of an edit that
    `does_nothing_else` may be used again if the payment fails.
    """
    told: list[Notification] = []
    for one in wanted:
        workflow = _workflow(call, contract, one)
        key = edit.uniqueness_key if does_nothing_else and len(wanted) == 1 else None
        workflow = workflow.model_copy(update={"edit_key": key})
        balance_claims.claim(call, work, one.balance)
        told += payment_gates.begin(call, work, workflow)
        contract = contract.model_copy(update={"open_gates": (*contract.open_gates, workflow.id)})
    return contract, told


def _workflow(call: Call, contract: Contract, wanted: GatedCommit) -> Workflow:
    balance, gate, schedule = wanted.balance, wanted.gate, wanted.balance.invoice_schedule
    if schedule is None:
        raise LookupError(f"nothing is to be paid for {balance.id}")
    id_ = _workflow_id(balance)
    charge = add(*(item.amount.total for item in schedule.items))
    currency = schedule.credit_type
    return Workflow(
        id=id_,
        kind=WorkflowKind.MANUAL_COMMIT,
        customer_id=balance.customer_id,
        contract_id=contract.id,
        state=payment_gates.STATE_BY_GATE[gate.type],
        unit=balance.credit_type,
        granted=rules.granted(balance),
        currency=currency,
        charge=charge,
        tax=payment_gates.tax_on(call, gate, id_, balance.customer_id, charge, currency),
        commit=ThresholdCommit(product_id=balance.product_id, name=balance.name),
        gate=gate.type,
        on_session=gate.on_session,
        invoice_id=identity.invoice_id(contract.id, contract.id, "GATE", id_),
        bought=balance,
        discounted=balance.counts_as_discounted,
        started_at=call.now,
    )


def _workflow_id(balance: Balance) -> str:
    return derived_id("gated", balance.id)
