"""Archiving contracts."""

from typing import Final

from backbeat.application import (
    billing,
    consequences,
    contracts,
    customers,
    invoices,
    outbox,
    settled_drafts,
)
from backbeat.application.attempts import insistently
from backbeat.application.balance_book import Book
from backbeat.application.services import Call
from backbeat.domain import notices
from backbeat.models.errors import InvalidArgument
from backbeat.persistence import contracts as persisted
from backbeat.persistence.unit_of_work import UnitOfWork

_VOIDED_AT_ONCE: Final = 80


def archive(call: Call, customer_id: str, contract_id: str, *, void_invoices: bool) -> None:
    """Ends a contract for good: no drafts, no further invoices, and out of the lists.

    With `void_invoices` its finalized invoices become VOID, else they stay.

    Raises:
        NotFound: the customer or the contract does not exist.
        InvalidArgument: it is archived already.
    """
    customers.get(call, customer_id)
    insistently(lambda: billing.settle(call, contracts.get(call, customer_id, contract_id)))
    insistently(lambda: _archive(call, customer_id, contract_id, void_invoices=void_invoices))


def _archive(call: Call, customer_id: str, contract_id: str, *, void_invoices: bool) -> None:
    customer = customers.get(call, customer_id)
    before = contracts.stored(call, customer_id, contract_id)
    if before.contract.archived_at is not None:
        raise InvalidArgument("contract_id: the contract is already archived")
    # Read first: an invoice finalized from here on changes this work and makes the commit fail.
    work = UnitOfWork(call.store)
    work.add(*billing.cancel(call, before.contract))
    consequences.add(call, work, customer_id)
    purse = settled_drafts.Purse(call, customer)
    purse.settle_rollovers(contract_id)
    if void_invoices:
        _void(call, work, purse.book, contract_id)
    environment = call.services.environment_type
    after = before.contract.model_copy(update={"archived_at": call.now})
    told = [notices.contract_archived(after, customer, environment_type=environment, at=call.now)]
    for balance in purse.book.balances:
        if balance.contract_id == contract_id and balance.archived_at is None:
            archived = balance.model_copy(
                update={"archived_at": call.now, "archived_with_contract": True}
            )
            purse.book.put(archived)
            told.append(
                notices.balance_changed(
                    archived,
                    after,
                    customer,
                    notices.Change.ARCHIVE,
                    environment_type=environment,
                    at=call.now,
                )
            )
    work.add(*purse.book.effects())
    work.add(persisted.replace(call.tenant, before, after))
    outbox.commit(call, work, told)


def _void(call: Call, work: UnitOfWork, book: Book, contract_id: str) -> None:
    """Adds the voiding of a contract's final invoices to the work.

    What does not fit one transaction is voided before: until the contract itself is archived, the
    same call goes on where it broke off.
    """
    effects = list(invoices.voiding(call, book, contract_id))
    while len(effects) > _VOIDED_AT_ONCE:
        first = UnitOfWork(call.store)
        first.add(*effects[:_VOIDED_AT_ONCE])
        first.commit()
        effects = effects[_VOIDED_AT_ONCE:]
    work.add(*effects)
