"""Contracts that follow others."""

from dataclasses import dataclass
from typing import NamedTuple

from backbeat.application import billing, contract_balances, contract_edits, contracts
from backbeat.application.balance_book import Book
from backbeat.application.services import Call
from backbeat.domain import access
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.contracts import Contract, Transition, TransitionType, TrueUpBehavior
from backbeat.models.customers import Customer
from backbeat.models.edits import EndDate
from backbeat.models.errors import InvalidArgument
from backbeat.models.notifications import Notification
from backbeat.persistence import contracts as persisted
from backbeat.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class NewTransition:
    """Which of the customer's contracts a new one follows, and how."""

    type: TransitionType
    from_contract_id: str
    trueup: TrueUpBehavior | None = None


class Followed(NamedTuple):
    """The new contract, what rolls over into it, and what to tell about the earlier one."""

    contract: Contract
    rolled_over: list[Balance]
    told: list[Notification]


def follow(
    call: Call, work: UnitOfWork, customer: Customer, contract: Contract, wanted: NewTransition
) -> Followed:
    """Adds to the work what becomes of the earlier contract: it ends where the new one starts.

    Both bear the transition. Of what is left then, a RENEWAL rolls over as much as the balances
    allow. Decision D-35: SUPERSEDE ends the earlier contract in the same way; it only rolls nothing
    over.

    Raises:
        NotFound: the customer has no such contract.
        InvalidArgument: it is archived, was followed before, or starts no earlier.
    """
    billing.settle(call, contracts.get(call, customer.id, wanted.from_contract_id))
    before = contracts.stored(call, customer.id, wanted.from_contract_id)
    earlier = before.contract
    if earlier.archived_at is not None:
        raise InvalidArgument("transition.from_contract_id: the contract is archived")
    if any(made.from_contract_id == earlier.id for made in earlier.transitions):
        raise InvalidArgument("transition.from_contract_id: another contract follows it already")
    if earlier.starting_at >= contract.starting_at:
        raise InvalidArgument("starting_at: must be after that of the contract it follows")
    made = Transition(
        type=wanted.type,
        from_contract_id=earlier.id,
        to_contract_id=contract.id,
        trueup=wanted.trueup,
    )
    marked = earlier.model_copy(update={"transitions": (*earlier.transitions, made)})
    following = contract.model_copy(update={"transitions": (*contract.transitions, made)})
    book = Book(call, customer.id)
    renews = wanted.type is TransitionType.RENEWAL
    start = contract.starting_at
    if wanted.trueup is TrueUpBehavior.REMOVE:
        _remove_trueups(book, earlier)
    told: list[Notification] = []
    if earlier.ending_before is not None and earlier.ending_before <= start:
        after = contract_balances.billed(call, book, marked)
        work.add(persisted.replace(call.tenant, before, after))
        if after.scheduled_charges != marked.scheduled_charges:
            work.add(*billing.reschedule(call, after, book.changed))
    else:
        end = EndDate(ending_before=start, keeps_trueups=True, rolls_over=renews)
        edit = contract_edits.blank_edit(call, earlier).model_copy(
            update={"update_contract_end_date": end}
        )
        stored = before._replace(contract=marked)
        _, told = contract_edits.record(call, work, stored, customer, edit, book)
    rolling = [
        one
        for one in book.balances
        if renews and one.contract_id == earlier.id and access.can_roll_over(one, start)
    ]
    rolled_over = [access.successor(one, following) for one in rolling]
    for successor in rolled_over:
        book.put(successor)
    work.add(*book.effects())
    return Followed(following, rolled_over, told)


def _remove_trueups(book: Book, contract: Contract) -> None:
    for balance in book.balances:
        if balance.type is BalanceType.POSTPAID and balance.invoiced_by == contract.id:
            book.put(balance.model_copy(update={"trueup_disabled": True}))
