"""Drafts after commits and credits have paid for them.

Balances may serve several periods and contracts, so the open periods of a customer, and of those it
shares balances with, are settled together, each drawing what the ones before it left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from backbeat.application import customers, drafts, families, open_periods
from backbeat.application.drafts import AS_IT_STANDS, Reading
from backbeat.application.families import Family
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
    family = families.of_customer(call, customer)
    for draft in _settled(call, family, reading, of=customer):
        if draft.customer_id == customer.id:
            yield draft


def find(call: Call, customer: Customer, contract: Contract, period: Period) -> Invoice:
    """Returns the draft of one open period, settled after the ones before it."""
    family = families.of_customer(call, customer)
    if not family.stored:
        as_open = _open(call, contract, period, AS_IT_STANDS)
        return drafts.assemble(call, contract, customer, period, as_open)
    for draft in _settled(call, family):
        if (draft.contract_id, draft.start_timestamp) == (contract.id, period.starting_at):
            return draft
    raise LookupError(f"the period of {contract.id} from {period.starting_at} is not open")


def drawn(call: Call, customer: Customer) -> dict[str, list[Deduction]]:
    """Returns what the drafts there are now draw of a customer's balances, by balance.

    Those of others may, too, where it shares a balance with contracts below its own.
    """
    family = families.of_customer(call, customer)
    settled = (draft for draft in _settled(call, family))
    return drawn_by(settled, [one for one in family.owned if one.customer_id == customer.id])


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
    owned = families.of_customer(call, customer).owned
    return assemble(call, contract, customer, period, owned, (), reading)


def again(
    call: Call, contract: Contract, customer: Customer, period: Period, reading: Reading
) -> Invoice:
    """Returns a period's invoice computed again: it may draw what it drew, and what is left.

    A draft finds what the open periods before it leave.
    """
    family = families.of_customer(call, customer)
    owned = [_without(balance, reading.invoice_id) for balance in family.owned]
    drawn: list[Deduction] = []
    for other in families.open_usage(call, family) if owned else ():
        if family.order(other) >= family.order((contract, period)):
            break
        payer = family.customers[other[0].customer_id]
        as_open = _open(call, *other, AS_IT_STANDS)
        before = assemble(call, other[0], payer, other[1], owned, drawn, as_open)
        drawn += deductions(before, owned)
    return assemble(call, contract, customer, period, owned, drawn, reading)


def draw(call: Call, invoice: Invoice) -> Iterator[Effect]:
    """Yields the effects that keep what a final invoice draws, if no balance has changed."""
    customer = customers.get(call, invoice.customer_id)
    family = families.of_customer(call, customer)
    made = deductions(invoice, family.owned)
    for item, balance in family.stored:
        mine = {segment.id for segment in balance.segments}
        added = tuple(one for one in made if one.segment_id in mine)
        if added:
            changed = balance.model_copy(update={"deductions": (*balance.deductions, *added)})
            yield balances.replace(call.tenant, changed, item)


def give_back(call: Call, customer_id: str, invoice_ids: Iterable[str]) -> Iterator[Effect]:
    """Yields the effects that take back what some invoices drew."""
    taken_back = {*invoice_ids}
    family = families.of_customer(call, customers.get(call, customer_id))
    for item, balance in family.stored:
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
    reading: Reading,
) -> Invoice:
    """Returns the draft of a period, paid from what the deductions given have left."""
    serving = [balance for balance in owned if families.may_serve(balance, contract)]
    paying = tuple(
        replace(source, shared=source.balance.contract_id not in (None, contract.id))
        for source in ledgers.sources(serving, drawn)
        if _meets(source, period)
    )
    return drafts.assemble(call, contract, customer, period, replace(reading, sources=paying))


def _settled(
    call: Call,
    family: Family,
    reading: Reading = AS_IT_STANDS,
    *,
    of: Customer | None = None,
) -> Iterator[Invoice]:
    """Yields the drafts of a family, each paid from what those before it left.

    The reading is of one customer's; the others are as they stand.
    """
    owned = family.owned
    drawn: list[Deduction] = []
    for contract, period in families.open_usage(call, family):
        customer = family.customers[contract.customer_id]
        read_as = reading if of is None or of.id == customer.id else AS_IT_STANDS
        as_open = _open(call, contract, period, read_as)
        draft = assemble(call, contract, customer, period, owned, drawn, as_open)
        drawn += deductions(draft, owned)
        yield draft


def _open(call: Call, contract: Contract, period: Period, reading: Reading) -> Reading:
    """Returns the reading of an open period: usage that came after its cut-off is not in it."""
    return replace(reading, received_before=open_periods.received_before(call, contract, period))


def deductions(invoice: Invoice, owned: Sequence[Balance]) -> list[Deduction]:
    """Returns what an invoice draws, one entry for each segment.

    An entry is dated the end of the invoice's period, or of the segment where that is earlier.
    """
    ends = {segment.id: segment.ending_before for one in owned for segment in one.segments}
    amounts: dict[str, Decimal] = {}
    by_seat: dict[str, dict[str, Decimal]] = {}
    for line in invoice.line_items:
        if line.type is LineType.APPLIED and line.commit_segment_id in ends:
            _take(amounts, line.commit_segment_id, line.total)
            if line.applied_seat is not None:
                parts = by_seat.setdefault(line.commit_segment_id, {})
                _take(parts, line.applied_seat, line.total)
    period_end = invoice.end_timestamp or invoice.issued_at
    return [
        Deduction(
            segment_id=segment_id,
            invoice_id=invoice.id,
            contract_id=invoice.contract_id,
            amount=amount,
            timestamp=min(period_end, ends[segment_id]),
            by_seat=by_seat.get(segment_id, {}),
        )
        for segment_id, amount in amounts.items()
    ]


def _take(amounts: dict[str, Decimal], name: str, total: Decimal) -> None:
    """Adds what a negative line takes off."""
    amounts[name] = EXACT.subtract(amounts.get(name, Decimal(0)), total)


def _without(balance: Balance, invoice_id: str | None) -> Balance:
    """Returns a balance as if an invoice had drawn nothing from it."""
    kept = tuple(one for one in balance.deductions if one.invoice_id != invoice_id)
    return balance.model_copy(update={"deductions": kept})


def _meets(source: Source, period: Period) -> bool:
    return source.segment.period.within(period) is not None
