"""What contracts bill for commits."""

from collections.abc import Iterable

from backbeat.application import billing, contracts, scheduled_invoices
from backbeat.application.services import Call
from backbeat.domain import charges
from backbeat.models.balances import Balance
from backbeat.models.charges import ScheduledCharge
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument
from backbeat.persistence import contracts as persisted
from backbeat.persistence import invoices
from backbeat.persistence.unit_of_work import UnitOfWork


def billed(call: Call, contract: Contract, commits: Iterable[Balance]) -> Contract:
    """Returns a contract that bills some commits as their schedules say now.

    What is new, or newly dated, and would lie on an invoice that is final lies on one of its own.
    """
    before = {
        (item.id, item.timestamp) for one in _payments(contract) for item in one.schedule.items
    }
    for commit in commits:
        contract = charges.with_payment(contract, commit)
    new = {
        item.id
        for one in _payments(contract)
        for item in one.schedule.items
        if (item.id, item.timestamp) not in before
    }
    if not new:
        return contract
    invoice_of = charges.invoice_ids(contract, scheduled_invoices.currency_of(call, contract))
    ids = {item_id: id_ for item_id, id_ in invoice_of.items() if item_id in new}
    final = invoices.stored_ids(call.store, call.tenant, [*dict.fromkeys(ids.values())])
    late = {item_id for item_id, invoice_id in ids.items() if invoice_id in final}
    return charges.set_apart(contract, late, call.services.ids.new()) if late else contract


def bill(call: Call, work: UnitOfWork, commits: Iterable[Balance], contract_id: str) -> Contract:
    """Adds to the work what a contract bills for commits of its customer. Returns the contract.

    Raises:
        NotFound: the customer has no such contract.
        InvalidArgument: it is archived.
    """
    commits = list(commits)
    before = contracts.stored(call, commits[0].customer_id, contract_id)
    if before.contract.archived_at is not None:
        raise InvalidArgument("invoice_contract_id: the contract is archived")
    after = billed(call, before.contract, commits)
    if after != before.contract:
        work.add(persisted.replace(call.tenant, before, after))
        work.add(*billing.reschedule(call, after, commits))
    return after


def _payments(contract: Contract) -> list[ScheduledCharge]:
    return [one for one in contract.scheduled_charges if one.commit_id is not None]
