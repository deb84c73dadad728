"""Usage of a whole hierarchy on one invoice of its parent.

It is a view: its lines are copies of those of the parent's and the children's usage invoices, so it
is final when all of them are, and nothing is stored.
"""

from collections.abc import Iterable, Iterator, Sequence

from backbeat.application import open_periods, settled_drafts
from backbeat.application.services import Call
from backbeat.domain import invoicing, notices
from backbeat.domain.identity import derived_id
from backbeat.models.contracts import Contract, InvoiceConsolidation, StatementBehavior
from backbeat.models.customers import Customer
from backbeat.models.invoices import (
    Constituent,
    Invoice,
    InvoiceStatus,
    InvoiceType,
    LineItem,
    Origin,
)
from backbeat.models.notifications import Notification
from backbeat.models.period import Period
from backbeat.persistence import contracts, invoices, keys
from backbeat.persistence.entities import read
from backbeat.persistence.unit_of_work import UnitOfWork


def of_customer(call: Call, customer: Customer, own: Iterable[Invoice]) -> Iterator[Invoice]:
    """Yields a customer's consolidated invoices. `own` are all its other invoices."""
    parents = {
        contract.id: contract
        for contract in contracts.of_customer(call.store, call.tenant, customer.id)
        if _concatenates(contract)
    }
    if not parents:
        return
    below = {id_: _below(call, parent) for id_, parent in parents.items()}
    for invoice in own:
        if invoice.type is InvoiceType.USAGE and invoice.contract_id in parents:
            children = [one for one in below[invoice.contract_id] if _joins(one, invoice)]
            if children:
                yield _joined(invoice, children)


def completed_by(
    call: Call, work: UnitOfWork, contract: Contract, final: Invoice
) -> Notification | None:
    """Returns what tells of the consolidated invoice that is final with one of its parts.

    Parts that become final at the same time take turns: all of them change the parent's contract,
    or look whether it was changed. So the last one finds the others.
    """
    parent = _consolidating(call, contract) if final.type is InvoiceType.USAGE else None
    if parent is None:
        return None
    if parent.contract.id != contract.id:
        work.add(contracts.replace(call.tenant, parent, parent.contract))
    together = _parts(call, parent.contract, final)
    if together is None:
        return None
    told = notices.invoice_finalized(_joined(*together), at=call.now)
    # A part that comes later, or anew, changes an invoice that was told of.
    known = call.store.get(keys.notification(call.tenant, told.id))
    return told if known is None else None


def _consolidating(call: Call, contract: Contract) -> contracts.Stored | None:
    """Returns the parent on whose invoices the usage of a contract appears, itself included."""
    child, link = contract.child_role, contract.link
    if child is not None:
        if child.usage_statement_behavior is not StatementBehavior.CONSOLIDATE:
            return None
        link = child.parent
    elif not _concatenates(contract):
        return None
    parent = contracts.find(call.store, call.tenant, link.customer_id, link.contract_id)
    return parent if parent is not None and _concatenates(parent.contract) else None


def _parts(
    call: Call, parent: Contract, final: Invoice
) -> tuple[Invoice, Sequence[Invoice]] | None:
    """Returns the parent's invoice and those of its children with which `final` is put together.

    None while one of them is open, or where there are no children's.
    """
    above = final
    if final.contract_id != parent.id:
        own = invoices.of_customer(call.store, call.tenant, parent.customer_id)
        matching = [one for one in own if _is_part(one, parent) and _joins(final, one)]
        if not matching:
            return None
        above = matching[-1]
    children = [final] if final.contract_id != parent.id else []
    for child in _consolidated(call, parent):
        for other, period, _ in open_periods.of_customer(call, child.customer_id):
            is_other = (other.id, period.starting_at) != (final.contract_id, final.start_timestamp)
            if other.id == child.id and is_other and _lies_in(period, above.period):
                return None
        stored = invoices.of_customer(call.store, call.tenant, child.customer_id)
        children += [one for one in stored if _is_part(one, child) and _joins(one, above)]
    return (above, children) if children else None


def _is_part(invoice: Invoice, contract: Contract) -> bool:
    return (
        invoice.contract_id == contract.id
        and invoice.type is InvoiceType.USAGE
        and invoice.status is InvoiceStatus.FINALIZED
    )


def _concatenates(contract: Contract) -> bool:
    role = contract.parent_role
    return role is not None and role.invoice_consolidation_type is InvoiceConsolidation.CONCATENATE


def _consolidated(call: Call, parent: Contract) -> Iterator[Contract]:
    """Yields the contracts below a parent whose usage appears on its invoices, in their order."""
    for link in () if parent.parent_role is None else parent.parent_role.children:
        child = contracts.find(call.store, call.tenant, link.customer_id, link.contract_id)
        if child is None or child.contract.child_role is None:
            continue
        behavior = child.contract.child_role.usage_statement_behavior
        if behavior is StatementBehavior.CONSOLIDATE:
            yield child.contract


def _below(call: Call, parent: Contract) -> list[Invoice]:
    """Returns the usage invoices of the children that are consolidated, in their order."""
    found = []
    for child in _consolidated(call, parent):
        customer = read(call.store, keys.customer(call.tenant, child.customer_id), Customer)
        if customer is None:
            continue
        by_id = {one.id: one for one in settled_drafts.of_customer(call, customer)}
        stored = invoices.of_customer(call.store, call.tenant, customer.id)
        by_id |= {one.id: one for one in stored if one.type is InvoiceType.USAGE}
        found += [
            one
            for one in sorted(by_id.values(), key=lambda one: (one.issued_at, one.id))
            if one.contract_id == child.id and one.status is not InvoiceStatus.VOID
        ]
    return found


def _joins(child: Invoice, parent: Invoice) -> bool:
    """Tells whether a child's invoice is of the same usage as the parent's, in one currency."""
    return _lies_in(child.period, parent.period) and child.credit_type == parent.credit_type


def _lies_in(mine: Period | None, whole: Period | None) -> bool:
    """Tells whether a child's period lies inside the parent's and both are issued on one day.

    An invoice that was made anew is issued later, and belongs where the first one did.
    """
    return (
        mine is not None
        and whole is not None
        and mine.within(whole) == mine
        and invoicing.finalizes_at(mine).date() == invoicing.finalizes_at(whole).date()
    )


def _joined(parent: Invoice, children: Sequence[Invoice]) -> Invoice:
    together = [parent, *children]
    id_ = invoicing.consolidated_id(parent)
    lines = tuple(_copied(line, one, id_) for one in together for line in one.line_items)
    return parent.model_copy(
        update={
            "id": id_,
            "type": InvoiceType.USAGE_CONSOLIDATED,
            "status": _status(parent, children),
            "finalized_at": max(
                (one.finalized_at for one in together if one.finalized_at is not None),
                default=None,
            ),
            "line_items": lines,
            "total": invoicing.total(lines, parent.credit_type),
            "reseller_royalty": None,
            "regenerated_from_invoice_id": None,
            "constituents": tuple(
                Constituent(
                    customer_id=one.customer_id, contract_id=one.contract_id, invoice_id=one.id
                )
                for one in together
            ),
        }
    )


def _status(parent: Invoice, children: Iterable[Invoice]) -> InvoiceStatus:
    if parent.status is InvoiceStatus.FINALIZED and any(
        one.status is InvoiceStatus.DRAFT for one in children
    ):
        return InvoiceStatus.DRAFT
    return parent.status


def _copied(line: LineItem, invoice: Invoice, consolidated_id: str) -> LineItem:
    origin = Origin(
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        invoice_id=invoice.id,
        line_item_id=line.id,
    )
    return line.model_copy(
        update={"id": derived_id(consolidated_id, invoice.id, line.id), "origin": origin}
    )
