"""Drafts after commits and credits have paid for them.

Balances may serve several periods and contracts, so the open periods of a customer, and of those it
shares balances with, are settled together, each drawing what the ones before it left. Among them
are scheduled invoices with subscriptions, which balances pay as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from backbeat.application import catalog, drafts, families, open_periods, scheduled_invoices
from backbeat.application.balance_book import Book
from backbeat.application.drafts import AS_IT_STANDS, Reading
from backbeat.application.scheduled_invoices import Statement
from backbeat.application.services import Call
from backbeat.domain import access, drawdown, ledgers
from backbeat.domain.drawdown import Source
from backbeat.models.balances import Balance, Deduction, Rollover, TrueUp
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, LineItem, LineType
from backbeat.models.money import subtract
from backbeat.models.period import Period
from backbeat.persistence import contracts as persisted

Bill = tuple[Contract, Period | Statement]
"""What waits to be billed: usage of a period, or a scheduled invoice."""


class Purse:
    """What a customer's open periods are paid from: each finds what those before it have left.

    `book` holds the facts, to which what an invoice draws is added when it becomes final.
    `balances` are those facts as they are now: cut where contracts have ended, and with what has
    rolled over.
    """

    def __init__(self, call: Call, customer: Customer) -> None:
        """Reads the balances of the customer, and of those it shares balances with."""
        self._family = families.of_customer(call, customer)
        self.book = Book(call, customer.id, self._family.stored)
        self.drawn: list[Deduction] = []
        self._call = call
        self._customer = customer
        self._contracts = self._family.contracts if self.book.balances else {}
        self._owned = {one.id: self._as_ended(one) for one in self.book.balances}
        self._tags_of = catalog.tags_of_products(call) if self._names_tags else {}
        self._rolled: dict[str, tuple[Rollover, ...]] = {}
        self._is_settled = False
        self._billed: dict[str, Invoice] = {}

    @property
    def is_empty(self) -> bool:
        """Tells whether there is nothing at all to pay with."""
        return not self._owned

    @property
    def balances(self) -> list[Balance]:
        """The customer's balances; one into which nothing rolled over is none."""
        return [
            one
            for one in self._owned.values()
            if one.customer_id == self._customer.id and not self._is_void(one)
        ]

    def drafts(self, reading: Reading = AS_IT_STANDS) -> Iterator[Invoice]:
        """Yields the drafts of the customer's open usage periods, in the order they are settled.

        Those of the others it shares balances with are settled among them, as they stand.
        """
        for contract, due in self._open_bills:
            if isinstance(due, Statement):
                self.bill(contract, due)
            elif contract.customer_id == self._customer.id:
                yield self.draft(contract, due, self._cut_off(contract, due, reading))
            else:
                self.draft(contract, due, self._cut_off(contract, due))
        self._roll_over()
        self._is_settled = True

    def settle(self) -> "Purse":
        """Settles all open periods, unless they are. Returns the purse, by now complete."""
        if not self._is_settled and not self.is_empty:
            for _ in self.drafts():
                pass
        return self

    def scheduled_drafts(self, own: Iterable[tuple[Contract, Statement]]) -> list[Invoice]:
        """Returns the drafts of the customer's scheduled invoices that are given.

        What they draw is missing to each other, and to nothing else that is still to come.
        """
        self.settle()
        drawn = list(self.drawn)
        mine = {statement.invoice_id: (contract, statement) for contract, statement in own}
        others = [bill for bill in self._statements if bill[1].invoice_id not in mine]
        billed = [
            self._billed.get(statement.invoice_id) or self.bill(contract, statement)
            for contract, statement in sorted([*mine.values(), *others], key=self._order)
        ]
        self.drawn = drawn
        return [one for one in billed if one.id in mine]

    def bill(self, contract: Contract, statement: Statement) -> Invoice:
        """Returns the draft of a scheduled invoice, paid from what those before it have left."""
        draft = scheduled_invoices.assemble(
            self._call,
            contract,
            self._family.customers[contract.customer_id],
            statement,
            self.shortfall,
            lambda lines: self.pay(contract, lines),
        )
        self.take(draft)
        self._billed[draft.id] = draft
        return draft

    def pay(self, contract: Contract, lines: list[LineItem]) -> list[LineItem]:
        """Returns lines of subscriptions, paid from what is left by now. Nothing is drawn."""
        starts = [line.starting_at for line in lines if line.starting_at is not None]
        ends = [line.ending_before for line in lines if line.ending_before is not None]
        if self.is_empty or not starts or not ends:
            return lines
        sources = self.sources(contract, Period(min(starts), max(ends)))
        return subscriptions_paid(lines, sources, contract)

    def draw_before(self, contract: Contract, due: Period | Statement) -> None:
        """Draws what is billed before a period or a scheduled invoice."""
        if self.is_empty:
            return
        everything = [*self._usage_bills, *self._statements]
        for other, earlier in sorted(everything, key=self._order):
            if self._order((other, earlier)) >= self._order((contract, due)):
                break
            if isinstance(earlier, Statement):
                self.bill(other, earlier)
            else:
                self.draft(other, earlier, self._cut_off(other, earlier))

    def alone(self, contract: Contract, period: Period) -> Invoice:
        """Returns the draft of an open period before anything pays for it."""
        reading = self._cut_off(contract, period)
        return drafts.assemble(self._call, contract, self._customer, period, reading)

    def draft(self, contract: Contract, period: Period, reading: Reading = AS_IT_STANDS) -> Invoice:
        """Returns the draft of a period, paid from what the ones before it have left."""
        draft = self.assemble(contract, period, reading)
        self.take(draft)
        return draft

    def take(self, invoice: Invoice) -> None:
        """Lets what an invoice draws be missing to those that come after it."""
        self.drawn += self.deductions(invoice)

    def assemble(
        self, contract: Contract, period: Period, reading: Reading = AS_IT_STANDS
    ) -> Invoice:
        """Returns the draft of a period, paid from what is left by now. Nothing is drawn."""
        customer = self._family.customers[contract.customer_id]
        paying = self.sources(contract, period)
        return drafts.assemble(
            self._call, contract, customer, period, replace(reading, sources=paying)
        )

    def sources(self, contract: Contract, period: Period) -> tuple[Source, ...]:
        """Returns what is left by now to pay for a period of a contract."""
        self._roll_over(contract)
        serving = [one for one in self._owned.values() if families.may_serve(one, contract)]
        return tuple(
            replace(source, shared=source.balance.contract_id not in (None, contract.id))
            for source in ledgers.sources(serving, self.drawn, tags_of=self._tags_of)
            if _meets(source, period)
        )

    def serves(self, customer_id: str) -> bool:
        """Tells whether a customer's invoices are paid from it, too."""
        return customer_id in self._family.customers

    def drawn_from(self, balance: Balance) -> list[Deduction]:
        """Returns what the drafts draw from a balance."""
        mine = {segment.id for segment in balance.segments}
        return [one for one in self.drawn if one.segment_id in mine]

    def shortfall(self, commit_id: str) -> Decimal:
        """Returns what is missing of a postpaid commit after all open periods."""
        commit = self.settle()._owned.get(commit_id)
        return Decimal(0) if commit is None else ledgers.shortfall(commit, self.drawn)

    def deductions(self, invoice: Invoice) -> list[Deduction]:
        """Returns what an invoice draws, one entry for each segment.

        An entry is dated the end of the invoice's period, or of the segment where that is earlier.
        """
        ends = {
            segment.id: segment.ending_before
            for one in self._owned.values()
            for segment in one.segments
        }
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

    def draw(self, invoice: Invoice) -> None:
        """Adds what a final invoice draws, and what it bills of postpaid commits, to the book.

        What rolled over becomes a fact with the first invoice that draws it, at the latest with
        the last one of the contract it comes from.
        """
        made = self.deductions(invoice)
        drawn_of = {one.segment_id for one in made}
        for pending in self._awaiting():
            origin = pending.rolled_over_from
            ends_here = origin is not None and origin.contract_id == invoice.contract_id
            if drawn_of & {segment.id for segment in pending.segments} or (
                ends_here and self._is_last(invoice)
            ):
                self._settle_rollover(pending)
        for balance in self.book.balances:
            mine = {segment.id for segment in balance.segments}
            added = tuple(one for one in made if one.segment_id in mine)
            if added:
                self.book.put(
                    balance.model_copy(update={"deductions": (*balance.deductions, *added)})
                )
        for line in invoice.line_items:
            if line.postpaid_commit_id is not None:
                self._true_up(invoice, line.postpaid_commit_id, line.total)

    def give_back(self, invoice_ids: Iterable[str]) -> None:
        """Takes back what some invoices drew, as if they were void."""
        self.book.give_back(invoice_ids)
        self._owned = {one.id: self._as_ended(one) for one in self.book.balances}

    def settle_rollovers(self, contract_id: str) -> None:
        """Makes facts of what rolled over from a contract, in the book."""
        self.settle()
        for pending in self._awaiting():
            origin = pending.rolled_over_from
            if origin is not None and origin.contract_id == contract_id:
                self._settle_rollover(pending)

    @cached_property
    def _open_usage(self) -> list[open_periods.Open]:
        return families.open_usage(self._call, self._family)

    @property
    def _usage_bills(self) -> list[Bill]:
        return [(one.contract, one.period) for one in self._open_usage]

    def _cut_off(
        self, contract: Contract, period: Period, reading: Reading = AS_IT_STANDS
    ) -> Reading:
        """Returns the reading of a period: usage that came too late for it is not in it."""
        for one in self._open_usage:
            if one.contract.id == contract.id and one.period == period:
                return replace(reading, received_before=one.received_before)
        return reading

    @cached_property
    def _statements(self) -> list[tuple[Contract, Statement]]:
        """What is billed of subscriptions on scheduled invoices, by all who draw the balances."""
        subscribed = [one for one in self._contracts.values() if one.subscriptions]
        return [
            (contract, statement)
            for contract, statement in scheduled_invoices.waiting(self._call, subscribed)
            if statement.parts
        ]

    @property
    def _open_bills(self) -> list[Bill]:
        """What is open, in the order in which it is paid.

        A scheduled invoice that comes after all open usage is none of it: it is not spent yet.
        """
        last = max((one.period.ending_before for one in self._open_usage), default=None)
        before = [
            bill for bill in self._statements if last is not None and _billed_at(bill[1]) < last
        ]
        return sorted([*self._usage_bills, *before], key=self._order)

    def _order(self, bill: Bill) -> tuple[object, ...]:
        """Returns a bill's place: usage by its end, what is scheduled by its date, after that."""
        contract, due = bill
        place = self._family.order(contract)
        if isinstance(due, Statement):
            return _billed_at(due), True, *place, due.slot
        return _billed_at(due), False, *place

    @property
    def _names_tags(self) -> bool:
        return any(
            one.applicable_product_tags or any(part.product_tags for part in one.specifiers)
            for one in self._owned.values()
        )

    def _as_ended(self, balance: Balance) -> Balance:
        contract = self._contracts.get(balance.contract_id or "")
        if contract is None:
            return balance
        return access.as_ended(balance, contract.ending_before, self._call.now)

    def _awaiting(self, served: Contract | None = None) -> list[Balance]:
        return [
            one
            for one in self._owned.values()
            if one.awaits_rollover and (served is None or families.may_serve(one, served))
        ]

    def _roll_over(self, served: Contract | None = None) -> None:
        """Fills balances, those that serve a contract, with what is left of those they follow."""
        for pending in self._awaiting(served):
            if pending.id in self._rolled or pending.rolled_over_from is None:
                continue
            contract = self._contracts.get(pending.contract_id or "")
            origin = self._owned.get(pending.rolled_over_from.balance_id)
            if contract is None or origin is None:
                continue
            moved = access.rolled_over(origin, contract, self.drawn)
            self._rolled[pending.id] = moved
            self._owned[pending.id] = access.with_rollover(pending, moved)
            self._owned[origin.id] = origin.model_copy(
                update={"rollovers": (*origin.rollovers, *moved)}
            )

    def _settle_rollover(self, pending: Balance) -> None:
        self._roll_over(self._contracts.get(pending.contract_id or ""))
        moved = self._rolled.get(pending.id, ())
        if pending.rolled_over_from is None:
            return
        if not moved:
            self.book.drop(pending.id)
            return
        filled = access.with_rollover(self.book.get(pending.id), moved)
        self.book.put(filled.model_copy(update={"awaits_rollover": False}))
        origin = self.book.get(pending.rolled_over_from.balance_id)
        self.book.put(origin.model_copy(update={"rollovers": (*origin.rollovers, *moved)}))

    def _is_void(self, balance: Balance) -> bool:
        return (
            balance.awaits_rollover and balance.id in self._rolled and not self._rolled[balance.id]
        )

    def _is_last(self, invoice: Invoice) -> bool:
        contract, until = self._contracts.get(invoice.contract_id), invoice.end_timestamp
        end = None if contract is None else contract.ending_before
        return end is not None and until is not None and until >= end

    def _true_up(self, invoice: Invoice, commit_id: str, amount: Decimal) -> None:
        commit = self.book.get(commit_id)
        billed = TrueUp(
            invoice_id=invoice.id,
            contract_id=invoice.contract_id,
            amount=amount,
            timestamp=max(
                invoice.scheduled_at or invoice.issued_at,
                *(segment.ending_before for segment in self._owned[commit_id].segments),
            ),
        )
        self.book.put(commit.model_copy(update={"trueups": (*commit.trueups, billed)}))


def of_customer(
    call: Call, customer: Customer, reading: Reading = AS_IT_STANDS
) -> Iterator[Invoice]:
    """Yields the drafts of the customer's open usage periods, in the order they are settled."""
    return Purse(call, customer).drafts(reading)


def settled(call: Call, customer: Customer) -> Purse:
    """Returns what is left after all open periods."""
    return Purse(call, customer).settle()


def find(call: Call, customer: Customer, contract: Contract, period: Period) -> Invoice:
    """Returns the draft of one open period, settled after the ones before it."""
    return up_to(call, customer, contract, period)[0]


def up_to(
    call: Call, customer: Customer, contract: Contract, period: Period
) -> tuple[Invoice, Purse]:
    """Returns the draft of one open period, and the purse that it and those before it drew from."""
    purse = Purse(call, customer)
    if purse.is_empty:
        return purse.alone(contract, period), purse
    for draft in purse.drafts():
        if (draft.contract_id, draft.start_timestamp) == (contract.id, period.starting_at):
            return draft, purse
    raise LookupError(f"the period of {contract.id} from {period.starting_at} is not open")


def scheduled_of(call: Call, customer: Customer, purse: Purse | None = None) -> list[Invoice]:
    """Returns the drafts of a customer's scheduled invoices, paid after those before them."""
    mine = persisted.of_customer(call.store, call.tenant, customer.id)
    own = list(scheduled_invoices.waiting(call, mine))
    if not own:
        return []
    return (purse or Purse(call, customer)).scheduled_drafts(own)


def subscriptions_paid(
    lines: Iterable[LineItem], sources: Iterable[Source], contract: Contract
) -> list[LineItem]:
    """Returns lines of subscriptions after some balances have paid for them."""
    drawn = drawdown.draw(
        lines, sources, contract_id=contract.id, covered_ladder=lambda balance, line: None
    )
    return list(drawn.lines)


def again(
    call: Call, contract: Contract, customer: Customer, period: Period, reading: Reading
) -> Invoice:
    """Returns a period's invoice computed again: it may draw what it drew, and what is left.

    A draft finds what the open periods before it leave.
    """
    purse = Purse(call, customer)
    if reading.invoice_id is not None:
        purse.give_back([reading.invoice_id])
    purse.draw_before(contract, period)
    return purse.assemble(contract, period, reading)


def _billed_at(due: Period | Statement) -> datetime:
    return due.issued_at if isinstance(due, Statement) else due.ending_before


def _take(amounts: dict[str, Decimal], name: str, total: Decimal) -> None:
    """Adds what a negative line takes off."""
    amounts[name] = subtract(amounts.get(name, Decimal(0)), total)


def _meets(source: Source, period: Period) -> bool:
    return source.segment.period.within(period) is not None
