"""Making the balances of recurring commits and credits, and keeping those to come up to date.

Each template makes a balance one period ahead. Seats added in a period bring more when their time
comes. Both are work of one kind, done instant by instant, in the order of the templates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backbeat.application import scheduled_invoices
from backbeat.application.balance_book import Book
from backbeat.application.services import Call
from backbeat.domain import access, charges, notices, seats
from backbeat.domain import recurring as rules
from backbeat.domain.identity import derived_id
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract, TransitionType
from backbeat.models.customers import Customer
from backbeat.models.notifications import Notification
from backbeat.models.recurring import RecurringBalance
from backbeat.persistence import balances, contracts, invoices
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Effect

_KEPT: Final = ("custom_fields", "deductions", "manual_entries", "sequence", "uniqueness_key")
"""What a balance that is yet to begin keeps when its template changes."""


@dataclass(frozen=True, slots=True)
class Made:
    """The contract with what pays for new balances, how they are stored and what to tell."""

    contract: Contract
    effects: Sequence[Effect]
    told: Sequence[Notification]


def first_due(contract: Contract) -> datetime | None:
    """Returns when a new contract's templates have something to do for the first time."""
    firsts = (next(rules.occurrences(t, contract), None) for t in contract.recurring_balances)
    return min((first.made_at for first in firsts if first is not None), default=None)


def next_due(contract: Contract, *, after: datetime) -> datetime | None:
    """Returns when the templates have something to do again."""
    return min(
        (
            instant
            for template in contract.recurring_balances
            for instant in rules.instants_after(template, contract, after)
        ),
        default=None,
    )


def resumed_due(call: Call, contract: Contract) -> datetime | None:
    """Returns when a changed contract's templates have something to do.

    That may be in the past: a template that ended and goes on makes what it left out.
    """
    if not contract.recurring_balances:
        return None
    stored = {balance.id for balance in _children(call, contract)}
    instants = []
    for template in contract.recurring_balances:
        for occurrence in rules.occurrences(template, contract):
            if rules.child_id(template, occurrence.period) not in stored:
                instants.append(occurrence.made_at)
                break
        instants += rules.instants_after(template, contract, call.now)
    return min(instants, default=None)


def made(call: Call, contract: Contract, customer: Customer, *, at: datetime) -> Made:
    """Returns what the templates make at an instant. What is there already stays as it is."""
    effects: list[Effect] = []
    told: list[Notification] = []
    for template in sorted(contract.recurring_balances, key=lambda entry: entry.sequence):
        for occurrence in rules.made_at(template, contract, at):
            child = rules.child(template, contract, occurrence)
            if balances.find(call.store, call.tenant, customer.id, child.id) is not None:
                continue
            child = _billed_apart(call, contract, child)
            contract = charges.with_payment(contract, child)
            effects.append(balances.insert(call.tenant, child))
            told.append(_told(call, contract, customer, child))
            for following, successor in _successors(call, contract, child):
                effects.append(balances.insert(call.tenant, successor))
                told.append(_told(call, following, customer, successor))
        effects += _seats_added(call, contract, template, at)
    return Made(contract, effects, told)


def follow(call: Call, book: Book, before: Contract, contract: Contract) -> Contract:
    """Makes in the book what a change of a contract makes of the balances that are there.

    Those that have not begun are made anew, or taken away, where they come out other than by the
    contract before: what was changed of them alone stays as long as their template does.
    Those that have begun stay, but for seats that were added to them. Returns the contract with
    what pays for them now.
    """
    if not contract.recurring_balances:
        return contract
    templates = {template.id: template for template in contract.recurring_balances}
    for stored in book.balances:
        if stored.contract_id != contract.id:
            continue
        template = templates.get(stored.recurring_id or "")
        if template is None or stored.archived_at is not None:
            continue
        if stored.segments[0].starting_at <= call.now:
            after: Balance | None = _with_seats(stored, template, contract, until=call.now)
        else:
            after = _anew(stored, template, contract)
            if after is not None and after == _made_before(stored, before):
                continue
            unpaid = stored.model_copy(update={"invoice_schedule": None})
            contract = charges.with_payment(contract, unpaid if after is None else after)
        if after is None:
            book.drop(stored.id)
            for one in book.balances:
                if (
                    one.rolled_over_from is not None
                    and one.rolled_over_from.balance_id == stored.id
                ):
                    book.drop(one.id)
        else:
            book.put(after)
    return contract


def _successors(
    call: Call, contract: Contract, child: Balance
) -> Iterator[tuple[Contract, Balance]]:
    """Yields what a new balance rolls over into, where a renewal of its contract is known."""
    for transition in contract.transitions:
        if (
            transition.from_contract_id != contract.id
            or transition.type is not TransitionType.RENEWAL
        ):
            continue
        following = contracts.find(
            call.store, call.tenant, contract.customer_id, transition.to_contract_id
        )
        if following is None or following.contract.archived_at is not None:
            continue
        if access.can_roll_over(child, following.contract.starting_at):
            yield following.contract, access.successor(child, following.contract)


def _children(call: Call, contract: Contract) -> Iterator[Balance]:
    for _, balance in balances.of_customer(call.store, call.tenant, contract.customer_id):
        if balance.contract_id == contract.id and balance.recurring_id is not None:
            yield balance


def _anew(stored: Balance, template: RecurringBalance, contract: Contract) -> Balance | None:
    """Returns a balance as its template makes it now, None when it no longer does."""
    start = stored.segments[0].starting_at
    for occurrence in rules.occurrences(template, contract):
        if occurrence.period.starting_at == start:
            fresh = rules.child(template, contract, occurrence)
            return fresh.model_copy(update={name: getattr(stored, name) for name in _KEPT})
        if occurrence.period.starting_at > start:
            break
    return None


def _made_before(stored: Balance, before: Contract) -> Balance | None:
    """Returns a balance as its template made it before a change of the contract."""
    for template in before.recurring_balances:
        if template.id == stored.recurring_id:
            return _anew(stored, template, before)
    return None


def _seats_added(
    call: Call, contract: Contract, template: RecurringBalance, at: datetime
) -> Iterator[Effect]:
    """Yields what seats that are added at an instant change of the balance that runs then."""
    if template.link is None:
        return
    for occurrence in rules.occurrences(template, contract):
        if occurrence.period.starting_at > at:
            return
        if not occurrence.period.covers(at):
            continue
        id_ = rules.child_id(template, occurrence.period)
        item = balances.find(call.store, call.tenant, contract.customer_id, id_)
        if item is None:
            return
        stored = from_item(item, Balance)
        after = _with_seats(stored, template, contract, until=at)
        if after != stored and stored.archived_at is None:
            yield balances.replace(call.tenant, after, item)


def _with_seats(
    stored: Balance, template: RecurringBalance, contract: Contract, *, until: datetime
) -> Balance:
    subscription = rules.subscription_of(template, contract)
    if stored.seats is None or subscription is None:
        return stored
    grant = seats.adjusted(stored.seats, subscription, until=until)
    return stored.model_copy(update={"seats": grant})


def _billed_apart(call: Call, contract: Contract, child: Balance) -> Balance:
    """Returns a new balance, paid on an invoice of its own where its date's is final already."""
    if child.invoice_schedule is None:
        return child
    [item] = child.invoice_schedule.items
    currency = scheduled_invoices.currency_of(call, contract)
    billed = charges.with_payment(contract, child)
    invoice_id = charges.invoice_ids(billed, currency)[item.id]
    if not invoices.stored_ids(call.store, call.tenant, [invoice_id]):
        return child
    apart = item.model_copy(update={"apart": derived_id("apart", child.id)})
    schedule = child.invoice_schedule.model_copy(update={"items": (apart,)})
    return child.model_copy(update={"invoice_schedule": schedule})


def _told(call: Call, contract: Contract, customer: Customer, child: Balance) -> Notification:
    # One that was taken away and is made again has the same id, but is another fact.
    again = f"{child.id}#{contract.edits}" if contract.edits else None
    return notices.balance_changed(
        child,
        contract,
        customer,
        notices.Change.CREATE,
        environment_type=call.services.environment_type,
        at=call.now,
        edit_id=again,
    )
