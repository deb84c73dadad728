"""Changing commits and credits one by one: edits, earlier ends, archiving, manual entries."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from backbeat.application import (
    balance_edits,
    billing,
    commit_payments,
    consequences,
    contracts,
    customers,
    outbox,
)
from backbeat.application.attempts import insistently
from backbeat.application.balance_book import Book
from backbeat.application.services import Call
from backbeat.domain import notices
from backbeat.models.balance_edits import BalanceRemoval, BalanceUpdate
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.persistence.unit_of_work import UnitOfWork


def edit(call: Call, customer_id: str, update: BalanceUpdate) -> None:
    """Changes a commit or credit, all or nothing. Drafts follow at once, final invoices stay.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: there is no such balance, or the change does not fit.
    """
    field = "commit_id" if update.is_commit else "credit_id"

    def change(book: Book) -> Balance:
        try:
            balance = balance_edits.find(book, update.balance_id, is_commit=update.is_commit)
            return balance_edits.updated(call, book, balance, update, field)
        except NotFound as unknown:
            # The documentation has a code for an unknown customer only.
            raise InvalidArgument(f"{field}: {unknown.message}") from unknown

    _change(call, customer_id, change, notices.Change.EDIT)


def archive(call: Call, customer_id: str, removal: BalanceRemoval) -> None:
    """Archives a commit or credit.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: there is no such balance, or final invoices draw it or bill it.
    """
    field = "commit_id" if removal.is_commit else "credit_id"

    def change(book: Book) -> Balance:
        try:
            balance = balance_edits.find(book, removal.balance_id, is_commit=removal.is_commit)
        except NotFound as unknown:
            raise InvalidArgument(f"{field}: {unknown.message}") from unknown
        return balance_edits.archived(call, balance, field)

    _change(call, customer_id, change, notices.Change.ARCHIVE)


def end(
    call: Call,
    customer_id: str,
    balance_id: str,
    *,
    is_commit: bool,
    access_ending_before: datetime | None,
    invoices_ending_before: datetime | None = None,
) -> None:
    """Ends a balance of a customer earlier; what is left expires then.

    Raises:
        NotFound: the customer or its commit or credit does not exist.
        InvalidArgument: the balance cannot be ended then.
    """

    def change(book: Book) -> Balance:
        balance = balance_edits.find(book, balance_id, is_commit=is_commit)
        if balance.contract_id is not None:
            # Those of contracts end with them, or are edited.
            raise NotFound("commit" if is_commit else "credit", balance_id)
        return balance_edits.ended(
            call,
            balance,
            access_ending_before=access_ending_before,
            invoices_ending_before=invoices_ending_before,
        )

    _change(call, customer_id, change, notices.Change.EDIT)


def disable_trueup(call: Call, customer_id: str, contract_id: str, commit_id: str) -> None:
    """Makes sure that what is missing of a postpaid commit is never billed.

    Raises:
        NotFound: the customer or the contract's commit does not exist.
        InvalidArgument: it is not POSTPAID, or was billed already.
    """

    def change(book: Book) -> Balance:
        contracts.get(call, customer_id, contract_id)
        commit = balance_edits.find(book, commit_id, is_commit=True)
        return balance_edits.without_trueup(commit, contract_id)

    _change(call, customer_id, change, notices.Change.EDIT)


def _change(
    call: Call,
    customer_id: str,
    change: Callable[[Book], Balance],
    kind: notices.Change,
) -> None:
    customer = customers.get(call, customer_id)
    for payer in insistently(partial(_attempt, call, customer, change, kind)):
        billing.catch_up(call, payer)


def _attempt(
    call: Call, customer: Customer, change: Callable[[Book], Balance], kind: notices.Change
) -> list[Contract]:
    """Makes the change, and returns the contracts that bill something else since."""
    book = Book(call, customer.id)
    after = change(book)
    before = book.get(after.id)
    if after == before:
        return []
    book.put(after)
    work = UnitOfWork(call.store)
    work.add(*book.effects())
    payers = [
        commit_payments.bill(call, work, [after], payer_id)
        for payer_id in _payers(call, before, after)
    ]
    contract = None
    if after.contract_id is not None:
        contract = contracts.get(call, customer.id, after.contract_id)
        if contract.archived_at is not None:
            raise InvalidArgument("the contract of the balance is archived")
    consequences.add(call, work, customer.id)
    told = notices.balance_changed(
        after,
        contract,
        customer,
        kind,
        environment_type=call.services.environment_type,
        at=call.now,
        edit_id=call.services.ids.new() if kind is notices.Change.EDIT else None,
    )
    outbox.commit(call, work, [told])
    return payers


def _payers(call: Call, before: Balance, after: Balance) -> list[str]:
    """Returns the contracts that bill something else after a change."""
    named = (before.invoiced_by, after.invoiced_by)
    found = [contract_id for contract_id in dict.fromkeys(named) if contract_id is not None]
    return [
        contract_id
        for contract_id in found
        if contracts.get(call, after.customer_id, contract_id).archived_at is None
    ]
