"""Usage of a whole hierarchy on one invoice of its parent.

It is a view: its lines are copies of those of the parent's and the children's usage invoices, so it
is final when all of them are, and nothing is stored.
"""

from collections.abc import Iterable, Iterator, Sequence

from backbeat.application import settled_drafts
from backbeat.application.services import Call
from backbeat.domain import invoicing
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
from backbeat.persistence import contracts, invoices, keys
from backbeat.persistence.entities import read


def of_customer(call: Call, customer: Customer, own: Iterable[Invoice]) -> Iterator[Invoice]:
    """Yields a customer's consolidated invoices. `own` are all its other invoices."""
    parents = {
        contract.id: contract
        for contract in contracts.of_customer(call.store, call.tenant, customer.id)
        if contract.parent_role is not None
        and contract.parent_role.invoice_consolidation_type is InvoiceConsolidation.CONCATENATE
    }
    if not parents:
        return
    below = {id_: _below(call, parent) for id_, parent in parents.items()}
    for invoice in own:
        if invoice.type is InvoiceType.USAGE and invoice.contract_id in parents:
            children = [one for one in below[invoice.contract_id] if _joins(one, invoice)]
            if children:
                yield _joined(invoice, children)


def _below(call: Call, parent: Contract) -> list[Invoice]:
    """Returns the usage invoices of the children that are consolidated, in their order."""
    found = []
    for link in () if parent.parent_role is None else parent.parent_role.children:
        child = contracts.find(call.store, call.tenant, link.customer_id, link.contract_id)
        customer = read(call.store, keys.customer(call.tenant, link.customer_id), Customer)
        if child is None or customer is None or child.contract.child_role is None:
            continue
        behavior = child.contract.child_role.usage_statement_behavior
        if behavior is not StatementBehavior.CONSOLIDATE:
            continue
        by_id = {one.id: one for one in settled_drafts.of_customer(call, customer)}
        stored = invoices.of_customer(call.store, call.tenant, customer.id)
        by_id |= {one.id: one for one in stored if one.type is InvoiceType.USAGE}
        found += [
            one
            for one in sorted(by_id.values(), key=lambda one: (one.issued_at, one.id))
            if one.contract_id == child.contract.id and one.status is not InvoiceStatus.VOID
        ]
    return found


def _joins(child: Invoice, parent: Invoice) -> bool:
    """Tells whether a child's period lies inside the parent's and both are issued on one day.

    An invoice that was made anew is issued later, and belongs where the first one did.
    """
    mine, whole = child.period, parent.period
    return (
        mine is not None
        and whole is not None
        and mine.within(whole) == mine
        and invoicing.finalizes_at(mine).date() == invoicing.finalizes_at(whole).date()
        and child.credit_type == parent.credit_type
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
