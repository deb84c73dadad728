"""Contracts below others: who pays, and on whose invoices usage appears."""

from dataclasses import dataclass
from typing import Final

from backbeat.application import contracts
from backbeat.application.services import Call
from backbeat.models.contracts import (
    ChildRole,
    Contract,
    HierarchyLink,
    InvoiceConsolidation,
    ParentRole,
    Payer,
    StatementBehavior,
)
from backbeat.models.errors import InvalidArgument
from backbeat.persistence import contracts as persisted
from backbeat.persistence.unit_of_work import UnitOfWork

_MOST_NODES: Final = 10


@dataclass(frozen=True, slots=True)
class NewRole:
    """A new contract's place in a hierarchy: a child where `parent` is given, else a parent."""

    parent: HierarchyLink | None = None
    payer: Payer | None = None
    usage_statement_behavior: StatementBehavior | None = None
    invoice_consolidation_type: InvoiceConsolidation | None = None


def join(call: Call, work: UnitOfWork, contract: Contract, wanted: NewRole) -> Contract:
    """Returns the contract in its place; a child's parent is changed with the work.

    Raises:
        NotFound: there is no such parent.
        InvalidArgument: the place is not to be had.
    """
    if wanted.parent is None:
        if wanted.payer is not None or wanted.usage_statement_behavior is not None:
            raise InvalidArgument("hierarchy_configuration.parent: required for a child")
        role = ParentRole(invoice_consolidation_type=wanted.invoice_consolidation_type)
        return contract.model_copy(update={"parent_role": role})
    if wanted.invoice_consolidation_type is not None:
        raise InvalidArgument("hierarchy_configuration: a contract is a parent or a child")
    if (
        wanted.usage_statement_behavior is StatementBehavior.CONSOLIDATE
        and wanted.payer is not Payer.PARENT
    ):
        raise InvalidArgument("hierarchy_configuration.payer: CONSOLIDATE needs PARENT")
    _add_to_parent(call, work, contract, wanted.parent)
    child = ChildRole(
        parent=wanted.parent,
        payer=wanted.payer,
        usage_statement_behavior=wanted.usage_statement_behavior,
    )
    return contract.model_copy(update={"child_role": child})


def _add_to_parent(call: Call, work: UnitOfWork, contract: Contract, parent: HierarchyLink) -> None:
    before = contracts.stored(call, parent.customer_id, parent.contract_id)
    above = before.contract
    if above.archived_at is not None:
        raise InvalidArgument("hierarchy_configuration.parent: the contract is archived")
    if above.child_role is not None:
        raise InvalidArgument("hierarchy_configuration.parent: it has a parent itself")
    role = above.parent_role or ParentRole()
    active = [link for link in role.children if _is_active(call, link)]
    if len(active) + 2 > _MOST_NODES:
        raise InvalidArgument(
            f"hierarchy_configuration.parent: it has {_MOST_NODES - 1} active children already"
        )
    role = role.model_copy(update={"children": (*role.children, contract.link)})
    changed = above.model_copy(update={"parent_role": role})
    work.add(persisted.replace(call.tenant, before, changed))


def _is_active(call: Call, link: HierarchyLink) -> bool:
    found = persisted.find(call.store, call.tenant, link.customer_id, link.contract_id)
    if found is None or found.contract.archived_at is not None:
        return False
    end = found.contract.ending_before
    return end is None or call.now < end
