"""Scheduled invoices: what a contract bills on dates of its own, by date and unit.

Drafts exist from when their term is added and are computed whenever they are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from backbeat.application import catalog, families, open_periods, rate_cards
from backbeat.application.services import Call
from backbeat.application.subscriptions import lines_of
from backbeat.domain import charges, conversions, invoicing, periods
from backbeat.domain import subscriptions as recurring
from backbeat.domain.charges import Billed, Slot
from backbeat.domain.subscriptions import Part
from backbeat.models.balances import Balance
from backbeat.models.catalog import Product
from backbeat.models.charges import Amount, ProServiceInvoice, ScheduledCharge
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, Known, LineItem
from backbeat.models.money import USD, CreditType
from backbeat.models.period import Period
from backbeat.persistence import contracts as persisted
from backbeat.persistence import invoices, keys
from backbeat.persistence.entities import read

Shortfall = Callable[[str], Decimal]
"""Tells what is missing of a postpaid commit, by its id."""

Pay = Callable[[list[LineItem]], list[LineItem]]
"""Lets balances pay lines of subscriptions; other lines of scheduled invoices nobody may pay."""


@dataclass(slots=True)
class Statement:
    """What one scheduled invoice bills. A true-up is of one postpaid commit, and alone."""

    slot: Slot
    credit_type: CreditType
    invoice_id: str
    issued_at: datetime
    trueup_of: Balance | None = None
    amounts: list[Billed] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    services: list[ProServiceInvoice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The scheduled invoices of a contract that are not final, in the order they fall due.

    `next_look` is when something may fall due that has no price yet.
    """

    open: list[Statement]
    next_look: datetime | None

    @property
    def next_due(self) -> datetime | None:
        """When there is something to do next."""
        times = [statement.issued_at for statement in self.open[:1]]
        times += [] if self.next_look is None else [self.next_look]
        return min(times, default=None)


def outlook(
    call: Call,
    contract: Contract,
    *,
    since: datetime | None = None,
    commits: Iterable[Balance] = (),
) -> Outlook:
    """Returns a contract's scheduled invoices that are not final and not due before `since`.

    `commits` are those that will be other than they are stored.
    """
    everything, next_look = _statements(call, contract, {one.id: one for one in commits})
    wanted = [entry for entry in everything if _is_open(entry, since)]
    ids = [entry.invoice_id for entry in wanted]
    final = invoices.stored_ids(call.store, call.tenant, ids)
    opened = [entry for entry in wanted if entry.invoice_id not in final]
    return Outlook(sorted(opened, key=lambda entry: (entry.issued_at, entry.slot)), next_look)


def awaits_usage(call: Call, contract: Contract, trueup: Statement) -> bool:
    """Tells whether usage that may draw the commit of a true-up is not final yet."""
    commit = trueup.trueup_of
    if commit is None:
        return False
    drawing = [*_drawing(call, commit, contract)]
    ends = {one.id: end for one, end in drawing}
    return any(
        period.starting_at < ends.get(other.id, period.starting_at)
        for customer_id in dict.fromkeys(one.customer_id for one, _ in drawing)
        for other, period, _ in open_periods.of_customer(call, customer_id)
    )


def assemble(
    call: Call,
    contract: Contract,
    customer: Customer,
    statement: Statement,
    shortfall: Shortfall,
    pay: Pay,
) -> Invoice:
    """Returns the draft of a scheduled invoice. Nothing is written."""
    lines = tuple(
        _lines(call, contract, statement, shortfall, pay, invoice_id=statement.invoice_id)
    )
    return Invoice(
        id=statement.invoice_id,
        customer_id=customer.id,
        contract_id=contract.id,
        type=InvoiceType.SCHEDULED,
        status=InvoiceStatus.DRAFT,
        credit_type=statement.credit_type,
        scheduled_at=statement.slot.scheduled_at,
        apart=statement.slot.apart or None,
        issued_at=statement.issued_at,
        known=rate_cards.known_now(call, contract),
        line_items=lines,
        total=invoicing.total(lines, statement.credit_type),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
        custom_fields=contract.fields_of(statement.invoice_id),
        billable_status=invoicing.billable_status(customer, statement.issued_at),
        reseller_royalty=charges.royalty_of(contract, lines, at=statement.issued_at),
    )


def waiting(call: Call, contracts: Iterable[Contract]) -> Iterator[tuple[Contract, Statement]]:
    """Yields the scheduled invoices of some contracts that are not final, each with its own."""
    for contract in contracts:
        if contract.archived_at is not None or not _bills_on_dates(contract):
            continue
        key = keys.due_item(call.tenant, contract.customer_id, contract.id, WorkKind.SCHEDULED)
        due = read(call.store, key, DueItem)
        if due is not None:
            for statement in outlook(call, contract, since=due.period_start).open:
                yield contract, statement


def joined_lines(
    call: Call, contract: Contract, period: Period, currency: CreditType, *, invoice_id: str
) -> Iterator[LineItem]:
    """Yields the lines of dated amounts that are billed with the usage of a period."""
    joining = list(charges.joining(contract, period, currency))
    products = _products(call, [entry.term.product_id for entry in joining])
    for entry in joining:
        yield _billed_line(call, contract, entry, products, invoice_id=invoice_id)


def anew(
    call: Call,
    contract: Contract,
    before: Invoice,
    shortfall: Shortfall,
    pay: Pay,
    *,
    invoice_id: str,
    known: Known | None = None,
) -> tuple[LineItem, ...]:
    """Returns the lines that a scheduled invoice has by the terms given, on one of that id.

    With `known`, prices are those that were known then.
    """
    if before.scheduled_at is None:
        return before.line_items
    slot = Slot(before.scheduled_at, before.credit_type.id, before.apart or "")
    everything, _ = _statements(call, contract, {}, known=known)
    return tuple(
        line
        for statement in everything
        if statement.slot == slot
        for line in _lines(
            call, contract, statement, shortfall, pay, invoice_id=invoice_id, known=known
        )
    )


def currency_of(call: Call, contract: Contract) -> CreditType:
    """Returns the currency of a contract's usage invoices."""
    if contract.rate_card_id is None:
        return USD
    return rate_cards.get(call, contract.rate_card_id).fiat_credit_type


def _statements(
    call: Call,
    contract: Contract,
    commits: Mapping[str, Balance],
    *,
    known: Known | None = None,
) -> tuple[list[Statement], datetime | None]:
    """Returns all scheduled invoices that are known of, and when to look for more.

    What is missing of `commits` is told from them instead of the stored ones.
    """
    found: dict[Slot, Statement] = {}
    next_look: datetime | None = None
    if not _bills_on_dates(contract):
        return [], None
    currency = currency_of(call, contract)
    for entry in charges.billed(contract):
        if not charges.joins_usage_invoice(contract, entry, currency):
            statement = _at(contract, found, entry.slot, entry.credit_type)
            statement.amounts.append(entry)
            _await_usage(call, statement, contract, commits)
    lines = lines_of(call, contract, known=known)
    for subscription in contract.subscriptions:
        for part in recurring.scheduled_parts(subscription, contract, now=call.now):
            price = lines.price(part)
            if price is not None:
                # What is priced in a custom unit is converted into the card's currency.
                unit = price.credit_type if price.credit_type.is_currency else currency
                slot = Slot(part.at, unit.id, part.apart or "")
                _at(contract, found, slot, unit).parts.append(part)
            elif part.at > call.now:
                next_look = part.at if next_look is None else min(next_look, part.at)
    for service in contract.professional_service_invoices:
        slot = Slot(service.issued_at, currency.id, service.id)
        _at(contract, found, slot, currency).services.append(service)
    return list(found.values()), next_look


def _at(
    contract: Contract, found: dict[Slot, Statement], slot: Slot, credit_type: CreditType
) -> Statement:
    if slot not in found:
        id_ = charges.slot_id(contract.id, slot)
        issued_at = contract.issue_dates.get(id_, slot.scheduled_at)
        found[slot] = Statement(slot, credit_type, id_, issued_at)
    return found[slot]


def _is_open(statement: Statement, since: datetime | None) -> bool:
    """Tells whether a statement may still have to be billed, as far as can be told without it."""
    if statement.trueup_of is not None:
        # When a true-up falls due changes with the usage it waits for.
        return not statement.trueup_of.trueups
    return since is None or statement.issued_at >= since


def _await_usage(
    call: Call, statement: Statement, contract: Contract, commits: Mapping[str, Balance]
) -> None:
    """Lets a true-up be issued when the last usage that may draw its commit is final.

    Decision: that is the last usage invoice whose period meets the commit's access, even if the
    contract goes on.
    """
    term = statement.amounts[-1].term
    if not isinstance(term, ScheduledCharge) or not term.is_trueup or term.commit_id is None:
        return
    key = keys.balance(call.tenant, contract.customer_id, term.commit_id)
    commit = commits.get(term.commit_id) or read(call.store, key, Balance)
    if commit is None:
        return
    statement.trueup_of = commit
    for drawing, end in _drawing(call, commit, contract):
        last = end - timedelta(microseconds=1)
        period = next(periods.usage_periods_from(drawing, last), None)
        if period is not None and period.starting_at < end:
            final_at = invoicing.finalizes_at(period)
            statement.issued_at = max(statement.issued_at, final_at)


def _drawing(call: Call, commit: Balance, payer: Contract) -> Iterator[tuple[Contract, datetime]]:
    """Yields the contracts whose usage may draw a commit, and until when; the payer as given."""
    end = max(segment.ending_before for segment in commit.segments)
    stored = _that_may_draw(call, commit)
    for contract in (payer, *(one for one in stored if one.id != payer.id)):
        if contract.archived_at is not None or not families.may_serve(commit, contract):
            continue
        if commit.applicable_contract_ids and contract.id not in commit.applicable_contract_ids:
            continue
        until = end if contract.ending_before is None else min(end, contract.ending_before)
        if contract.starting_at < until:
            yield contract, until


def _that_may_draw(call: Call, commit: Balance) -> Iterator[Contract]:
    """Yields the contracts of a commit's customer, and of those it may be shared with."""
    owner_ids = [commit.customer_id]
    owner = read(call.store, keys.customer(call.tenant, commit.customer_id), Customer)
    if owner is not None and commit.sharing is not None:
        owner_ids = [*families.of_customer(call, owner).customers]
    for owner_id in owner_ids:
        yield from persisted.of_customer(call.store, call.tenant, owner_id)


def _lines(
    call: Call,
    contract: Contract,
    statement: Statement,
    shortfall: Shortfall,
    pay: Pay,
    *,
    invoice_id: str,
    known: Known | None = None,
) -> Iterator[LineItem]:
    service_ids = {entry.id: entry.product_id for entry in contract.professional_services}
    fields = {entry.id: entry.custom_fields for entry in contract.professional_services}
    products = _products(
        call,
        [
            *(entry.term.product_id for entry in statement.amounts),
            *(
                service_ids[part.professional_service_id]
                for service in statement.services
                for part in service.lines
            ),
        ],
    )
    for entry in statement.amounts:
        due = entry
        if statement.trueup_of is not None:
            missing = Amount(unit_price=shortfall(statement.trueup_of.id))
            due = replace(entry, item=entry.item.model_copy(update={"amount": missing}))
        yield _billed_line(call, contract, due, products, invoice_id=invoice_id)
    for service in statement.services:
        by_service = {
            id_: products[product] for id_, product in service_ids.items() if product in products
        }
        for line in charges.pro_service_lines(
            service, by_service, statement.credit_type, invoice_id=invoice_id
        ):
            values = fields[line.professional_service_id or ""]
            yield line.model_copy(update={"term_custom_fields": values})
    subscriptions = lines_of(call, contract, known=known)
    recurring_lines = pay(
        [
            line
            for part in statement.parts
            for line in subscriptions.of_part(part, invoice_id=invoice_id)
        ]
    )
    yield from recurring_lines
    if contract.rate_card_id is not None:
        card = rate_cards.get(call, contract.rate_card_id)
        at = statement.slot.scheduled_at
        yield from conversions.lines(
            recurring_lines, card, Period(at, at), invoice_id=invoice_id, apart=lambda _: None
        )


def _billed_line(
    call: Call,
    contract: Contract,
    entry: Billed,
    products: Mapping[str, Product],
    *,
    invoice_id: str,
) -> LineItem:
    """Returns the line of a dated amount, with the values of the commit where it bills one."""
    line = charges.line(entry, products[entry.term.product_id], invoice_id=invoice_id)
    commit_id = entry.term.commit_id if isinstance(entry.term, ScheduledCharge) else None
    if commit_id is None:
        return line
    commit = read(call.store, keys.balance(call.tenant, contract.customer_id, commit_id), Balance)
    values = {} if commit is None else commit.custom_fields
    return line.model_copy(update={"commit_custom_fields": values})


def _products(call: Call, product_ids: list[str]) -> dict[str, Product]:
    if not product_ids:
        return {}
    found = catalog.products_of_ids(call, [*dict.fromkeys(product_ids)])
    return {product.id: product for product in found}


def _bills_on_dates(contract: Contract) -> bool:
    return bool(
        contract.scheduled_charges
        or contract.discounts
        or contract.subscriptions
        or contract.professional_service_invoices
    )
