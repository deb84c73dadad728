"""Drafts after commits and credits have paid for them.

Balances may serve several periods and contracts, so a customer's open periods are settled together:
by their end, then by the start of the contract, each drawing what the ones before it left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from backbeat.application import drafts, open_periods
from backbeat.application.drafts import AS_IT_STANDS, Reading
from backbeat.application.services import Call
from backbeat.domain import ledgers
from backbeat.domain.drawdown import Source
from backbeat.models.balances import Balance, Deduction
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, LineType
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.persistence import balances
from backbeat.ports.store import Effect


def of_customer(
    call: Call, customer: Customer, reading: Reading = AS_IT_STANDS
) -> Iterator[Invoice]:
    """Yields the drafts of the customer's open usage periods, in the order they are settled."""
    waiting = sorted(open_periods.of_customer(call, customer.id), key=_order)
    owned = [balance for _, balance in balances.of_customer(call.store, call.tenant, customer.id)]
    drawn: list[Deduction] = []
    for contract, period in waiting:
        draft = assemble(call, contract, customer, period, owned, drawn, reading)
        drawn += deductions(draft, owned)
        yield draft


def find(call: Call, customer: Customer, contract: Contract, period: Period) -> Invoice:
    """Returns the draft of one open period, settled after the ones before it."""
    if not balances.of_customer(call.store, call.tenant, customer.id):
        return drafts.assemble(call, contract, customer, period)
    for draft in of_customer(call, customer):
        if (draft.contract_id, draft.start_timestamp) == (contract.id, period.starting_at):
            return draft
    raise LookupError(f"the period of {contract.id} from {period.starting_at} is not open")


def drawn(call: Call, customer: Customer) -> dict[str, list[Deduction]]:
    """Returns what the drafts there are now draw, by balance."""
    owned = [balance for _, balance in balances.of_customer(call.store, call.tenant, customer.id)]
    return drawn_by(of_customer(call, customer), owned) if owned else {}


def drawn_by(settled: Iterable[Invoice], owned: Sequence[Balance]) -> dict[str, list[Deduction]]:
    """Returns what some drafts draw, by balance, in the order they were settled."""
    found: dict[str, list[Deduction]] = {}
    segments = {segment.id: balance for balance in owned for segment in balance.segments}
    for draft in settled:
        for deduction in deductions(draft, owned):
            found.setdefault(segments[deduction.segment_id].id, []).append(deduction)
    return found


def alone(
    call: Call, contract: Contract, customer: Customer, period: Period, reading: Reading
) -> Invoice:
    """Returns the draft of a period paid from what finalized invoices have left."""
    owned = [balance for _, balance in balances.of_customer(call.store, call.tenant, customer.id)]
    return assemble(call, contract, customer, period, owned, (), reading)


def again(
    call: Call, contract: Contract, customer: Customer, period: Period, reading: Reading
) -> Invoice:
    """Returns a period's invoice computed again: it may draw what it drew, and what is left.

    A draft finds what the open periods before it leave.
    """
    owned = [
        _without(balance, reading.invoice_id)
        for _, balance in balances.of_customer(call.store, call.tenant, customer.id)
    ]
    drawn: list[Deduction] = []
    for other in sorted(open_periods.of_customer(call, customer.id), key=_order) if owned else ():
        if _order(other) >= _order((contract, period)):
            break
        before = assemble(call, other[0], customer, other[1], owned, drawn)
        drawn += deductions(before, owned)
    return assemble(call, contract, customer, period, owned, drawn, reading)


def draw(call: Call, invoice: Invoice) -> Iterator[Effect]:
    """Yields the effects that keep what a final invoice draws, if no balance has changed."""
    stored = balances.of_customer(call.store, call.tenant, invoice.customer_id)
    made = deductions(invoice, [balance for _, balance in stored])
    for item, balance in stored:
        mine = {segment.id for segment in balance.segments}
        added = tuple(one for one in made if one.segment_id in mine)
        if added:
            changed = balance.model_copy(update={"deductions": (*balance.deductions, *added)})
            yield balances.replace(call.tenant, changed, item)


def give_back(call: Call, customer_id: str, invoice_ids: Iterable[str]) -> Iterator[Effect]:
    """Yields the effects that take back what some invoices drew."""
    taken_back = {*invoice_ids}
    for item, balance in balances.of_customer(call.store, call.tenant, customer_id):
        kept = tuple(one for one in balance.deductions if one.invoice_id not in taken_back)
        if kept != balance.deductions:
            changed = balance.model_copy(update={"deductions": kept})
            yield balances.replace(call.tenant, changed, item)


def assemble(
    call: Call,
    contract: Contract,
    customer: Customer,
    period: Period,
    owned: Sequence[Balance],
    drawn: Sequence[Deduction],
    reading: Reading = AS_IT_STANDS,
) -> Invoice:
    """Returns the draft of a period, paid from what the deductions given have left."""
    may_serve = [balance for balance in owned if balance.contract_id in (None, contract.id)]
    sources = ledgers.sources(may_serve, drawn)
    paying = tuple(source for source in sources if _meets(source, period))
    return drafts.assemble(call, contract, customer, period, replace(reading, sources=paying))


def deductions(invoice: Invoice, owned: Sequence[Balance]) -> list[Deduction]:
    """Returns what an invoice draws, one entry for each segment.

    An entry is dated the end of the invoice's period, or of the segment where that is earlier.
    """
    ends = {segment.id: segment.ending_before for one in owned for segment in one.segments}
    amounts: dict[str, Decimal] = {}
    for line in invoice.line_items:
        if line.type is LineType.APPLIED and line.commit_segment_id in ends:
            before = amounts.get(line.commit_segment_id, Decimal(0))
            amounts[line.commit_segment_id] = EXACT.subtract(before, line.total)
    period_end = invoice.end_timestamp or invoice.issued_at
    return [
        Deduction(
            segment_id=segment_id,
            invoice_id=invoice.id,
            contract_id=invoice.contract_id,
            amount=amount,
            timestamp=min(period_end, ends[segment_id]),
        )
        for segment_id, amount in amounts.items()
    ]


def _without(balance: Balance, invoice_id: str | None) -> Balance:
    """Returns a balance as if an invoice had drawn nothing from it."""
    kept = tuple(one for one in balance.deductions if one.invoice_id != invoice_id)
    return balance.model_copy(update={"deductions": kept})


def _order(waiting: tuple[Contract, Period]) -> tuple[datetime, datetime, str]:
    contract, period = waiting
    return period.ending_before, contract.starting_at, contract.id


def _meets(source: Source, period: Period) -> bool:
    return source.segment.period.within(period) is not None
