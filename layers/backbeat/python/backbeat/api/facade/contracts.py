"""Contracts of the facade: one tier of one customer."""

from typing import Any, Final

from backbeat.api.facade import plans
from backbeat.api.requests import parse
from backbeat.api.schemas.contract_edits import EditContract
from backbeat.api.schemas.contracts import CreateContract
from backbeat.api.schemas.facade import ChangeFacadeContract, CreateFacadeContract
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application import balances, contract_creation, contract_edits, contracts, customers
from backbeat.application.facade import agreements, notices
from backbeat.application.services import Call
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.tiers import Cadence

_MARK: Final = "facade:"


def create(call: Call, body: CreateFacadeContract) -> Contract:
    """Agrees on a tier with a customer, from this hour on.

    Raises:
        NotFound: the customer, or the rate card, does not exist.
        InvalidArgument: there is no such tier, or it takes a quote.
        Conflict: the customer has an active contract.
    """
    customer = customers.get(call, body.customer_id)
    tier = plans.tier_of(call, body.tier)
    before = of_customer(call, customer)
    active = next((one for one in before if _status(call, one) == "active"), None)
    if active is not None and not body.another:
        raise Conflict("customer_id: has an active contract", conflicting_id=active.id)
    notices.switch_on(call)
    starting_at = agreements.hour_of(call.now)
    wanted = {
        **plans.terms(
            call,
            tier,
            body.billing_period,
            starting_at=starting_at,
            rate_card_id=body.rate_card_id,
        ),
        "customer_id": customer.id,
        # Asked twice at once, it is made once.
        "uniqueness_key": f"{_MARK}{customer.id}:{len(before)}",
    }
    return contract_creation.create(call, parse(wanted, CreateContract).to_contract())


def get(call: Call, contract_id: str) -> Contract:
    """Returns a contract of the facade.

    Raises:
        NotFound: there is none of the id.
    """
    contract = agreements.located(call, contract_id)
    if not _is_of_facade(contract):
        raise NotFound("contract", contract_id)
    return contract


def of_customer(call: Call, customer: Customer) -> list[Contract]:
    """Returns a customer's contracts of the facade."""
    return [one for one in contracts.of_customer(call, customer) if _is_of_facade(one)]


def cancel(call: Call, contract: Contract, *, at_period_end: bool) -> Contract:
    """Ends a contract at once, or with its period; what is left of its credits ends with it.

    Once more changes nothing, unless it is sooner.
    """
    end = (
        agreements.period_end(contract, cadence_of(contract), call.now)
        if at_period_end
        else agreements.ended_at_once(contract, call.now)
    )
    if contract.ending_before is not None and contract.ending_before <= end:
        agreements.note_cancellation(call, contract.id, contract.ending_before)
        return contract
    agreements.note_cancellation(call, contract.id, end)
    return _end(call, contract, {"update_contract_end_date": end.isoformat()}, end.isoformat())


def change(call: Call, contract: Contract, body: ChangeFacadeContract) -> Contract:
    """Cancels a contract, or moves its end.

    Raises:
        Conflict: it is canceled.
        InvalidArgument: the end does not fit.
    """
    if body.status is not None:
        return cancel(call, contract, at_period_end=False)
    if agreements.cancellation(call, contract.id) is not None:
        raise Conflict("The contract is cancelled", conflicting_id=contract.id)
    if body.end_date is not None and body.end_date <= contract.starting_at:
        raise InvalidArgument("end_date: must be after the contract's start")
    end = optional(body.end_date)
    return _end(call, contract, {"update_contract_end_date": end}, None)


def cadence_of(contract: Contract) -> Cadence:
    """Returns how long the periods of a contract are."""
    return Cadence((contract.name or "").rpartition(" ")[2])


def view(call: Call, contract: Contract) -> dict[str, object]:
    """Returns a contract as the facade shows it."""
    canceled = agreements.cancellation(call, contract.id)
    end = contract.ending_before or agreements.period_end(contract, cadence_of(contract), call.now)
    return {
        "id": contract.id,
        "customer_id": contract.customer_id,
        "tier": (contract.name or "").rpartition(" ")[0],
        "status": _status(call, contract),
        "billing_period": cadence_of(contract).value,
        "start_date": timestamp(contract.starting_at),
        "end_date": timestamp(end),
        "rate_card_id": contract.rate_card_id,
        "created_at": timestamp(contract.created_at),
        **present(
            cancelled_at=None if canceled is None else timestamp(canceled.canceled_at),
            cancels_at=None if canceled is None else timestamp(canceled.effective_at),
        ),
    }


def _status(call: Call, contract: Contract) -> str:
    canceled = agreements.cancellation(call, contract.id)
    if canceled is not None:
        at_once = canceled.effective_at <= agreements.ended_at_once(contract, canceled.canceled_at)
        return "cancelled" if at_once or canceled.effective_at <= call.now else "active"
    over = contract.ending_before is not None and contract.ending_before <= call.now
    return "expired" if over or contract.archived_at is not None else "active"


def _end(
    call: Call, contract: Contract, changes: dict[str, Any], credits_end: str | None
) -> Contract:
    wanted = {"customer_id": contract.customer_id, "contract_id": contract.id, **changes}
    if credits_end is not None:
        wanted["update_credits"] = _shortened(call, contract, credits_end)
    body = parse(wanted, EditContract)
    contract_edits.change(call, contract.customer_id, contract.id, body.to_changes())
    return contracts.get(call, contract.customer_id, contract.id)


def _shortened(call: Call, contract: Contract, end: str) -> list[dict[str, object]]:
    """Returns the edits that end what is left of a contract's credits."""
    edits: list[dict[str, object]] = []
    for balance in balances.of_customer(call, contract.customer_id):
        if balance.contract_id != contract.id or balance.archived_at is not None:
            continue
        items = [
            {"id": segment.id, "ending_before": end}
            for segment in balance.segments
            if segment.starting_at.isoformat() < end < segment.ending_before.isoformat()
        ]
        if items:
            schedule = {"update_schedule_items": items}
            edits.append({"credit_id": balance.id, "access_schedule": schedule})
    return edits


def _is_of_facade(contract: Contract) -> bool:
    return (contract.uniqueness_key or "").startswith(_MARK)
