"""The commits and credits of a contract as it is edited, ended and followed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backbeat.application import balance_edits, balances, commit_payments, gated_commits
from backbeat.application.balance_book import Book
from backbeat.application.balances import NewBalance
from backbeat.application.gated_commits import GatedCommit
from backbeat.application.services import Call
from backbeat.domain import access, notices
from backbeat.domain.identity import derived_id
from backbeat.models.balance_edits import BalanceChanges, BalanceRemoval, BalanceUpdate
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.edits import ContractEdit, EndDate
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.notifications import Notification
from backbeat.models.threshold_billing import GateType


class Checked(NamedTuple):
    """Changes that fit, and the ids of new balances by the temporary ones they were asked with.

    `gated` are new commits that are there once they are paid.
    """

    changes: BalanceChanges
    temporary_ids: Mapping[str, str]
    gated: Sequence[GatedCommit]


def changes(
    call: Call,
    book: Book,
    contract: Contract,
    *,
    add: Sequence[NewBalance],
    update: Sequence[BalanceUpdate],
    archive: Sequence[BalanceRemoval],
    prefix: str,
) -> Checked:
    """Makes changes of a contract's balances in the book, and returns them checked and complete.

    `prefix` is what the request puts before the names of the lists to add.

    Raises:
        InvalidArgument: something does not fit, or would touch what is final.
    """
    added, gated, ids = _added(call, book, contract, add, prefix)
    for one in update:
        field = f"update_{_kind(one)} {one.balance_id}"
        balance = _owned(book, contract, one, field)
        try:
            book.put(balance_edits.updated(call, book, balance, one, field))
        except NotFound as unknown:
            raise InvalidArgument(f"{field}: {unknown.message}") from unknown
    for removal in archive:
        field = f"archive_{_kind(removal)} {removal.balance_id}"
        balance = _owned(book, contract, removal, field)
        book.put(balance_edits.archived(call, balance, field))
    made = BalanceChanges(
        add_balances=tuple(added),
        update_balances=tuple(update),
        archive_balances=tuple(archive),
    )
    return Checked(made, ids, gated)


def end(call: Call, book: Book, contract: Contract, wanted: EndDate) -> None:
    """Ends in the book what a contract's new end cuts off. A later end lengthens nothing."""
    before, end = contract.ending_before, wanted.ending_before
    is_earlier = end is not None and (before is None or end < before)
    for balance in book.balances:
        after = balance
        if balance.contract_id == contract.id:
            if before is not None and before <= call.now:
                after = access.cut(after, before)
            if end is not None and is_earlier:
                keeps = wanted.rolls_over and bool(balance.rollover_fraction)
                after = access.cut(after, end, keeps_unused=keeps)
        if end is not None and is_earlier and balance.invoiced_by == contract.id:
            after = access.without_later_payments(after, end, keeps_trueup=wanted.keeps_trueups)
        book.put(after)


def billed(call: Call, book: Book, contract: Contract) -> Contract:
    """Returns a contract that bills what the book changes of commits it bills."""
    named = [
        one for one in book.changed if contract.id in (one.contract_id, one.invoice_contract_id)
    ]
    return commit_payments.billed(call, contract, named)


def told(
    call: Call, book: Book, contract: Contract, customer: Customer, edit: ContractEdit
) -> Iterator[Notification]:
    """Yields what to tell about the balances that an edit added, changed and archived."""
    by_change = {
        notices.Change.CREATE: [one.id for one in edit.add_balances],
        notices.Change.EDIT: [one.balance_id for one in edit.update_balances],
        notices.Change.ARCHIVE: [one.balance_id for one in edit.archive_balances],
    }
    for change, ids in by_change.items():
        for balance_id in dict.fromkeys(ids):
            yield notices.balance_changed(
                book.get(balance_id),
                contract,
                customer,
                change,
                environment_type=call.services.environment_type,
                at=call.now,
                # One edit may change several.
                edit_id=derived_id(edit.id, balance_id) if change is notices.Change.EDIT else None,
            )


def _added(
    call: Call, book: Book, contract: Contract, wanted: Sequence[NewBalance], prefix: str
) -> tuple[list[Balance], list[GatedCommit], dict[str, str]]:
    made: list[Balance] = []
    gated: list[GatedCommit] = []
    ids: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for sequence, new in enumerate(wanted):
        kind = "credits" if new.type is BalanceType.CREDIT else "commits"
        field = f"{prefix}{kind}[{numbers[kind]}]"
        balance = balances.checked(
            call,
            contract.customer_id,
            new,
            contract_id=contract.id,
            sequence=sequence,
            field=f"{field}.",
        )
        numbers[kind] += 1
        if new.gate is None or new.gate.type is GateType.NONE:
            book.put(balance)
            made.append(balance)
        else:
            gated.append(gated_commits.checked(call, balance, new.gate, field))
        if new.temporary_id is not None:
            ids[new.temporary_id] = balance.id
    return made, gated, ids


def _kind(change: BalanceUpdate | BalanceRemoval) -> str:
    return "commits" if change.is_commit else "credits"


def _owned(
    book: Book, contract: Contract, change: BalanceUpdate | BalanceRemoval, field: str
) -> Balance:
    try:
        return balance_edits.find(
            book, change.balance_id, is_commit=change.is_commit, contract_id=contract.id
        )
    except NotFound as unknown:
        raise InvalidArgument(f"{field}: {unknown.message}") from unknown
