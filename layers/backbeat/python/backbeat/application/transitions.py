"""Contracts that follow others."""

from dataclasses import dataclass

from backbeat.application import contract_edits, contracts
from backbeat.application.services import Call
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


def follow(
    call: Call, work: UnitOfWork, customer: Customer, contract: Contract, wanted: NewTransition
) -> tuple[Contract, list[Notification]]:
    """Adds to the work what becomes of the earlier contract: it ends where the new one starts.

    Both bear the transition. Returns the new contract and what to tell about the earlier one.
    Decision D-35: SUPERSEDE ends the earlier contract in the same way; it only rolls nothing over.

    Raises:
        NotFound: the customer has no such contract.
        InvalidArgument: it is archived, was followed before, or starts no earlier.
    """
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
    if earlier.ending_before is not None and earlier.ending_before <= contract.starting_at:
        work.add(persisted.replace(call.tenant, before, marked))
        return following, []
    edit = contract_edits.blank_edit(call, earlier).model_copy(
        update={"update_contract_end_date": EndDate(ending_before=contract.starting_at)}
    )
    _, told = contract_edits.record(call, work, before._replace(contract=marked), customer, edit)
    return following, [told]
