"""What is done about events of Metronome."""

from collections.abc import Mapping
from typing import Any, Final

from backbeat.application import connections
from backbeat.application.handlers import accounts
from backbeat.application.intake import collecting, gates, notices
from backbeat.application.services import Call
from backbeat.models.accounts import Account, SubscriptionStatus
from backbeat.models.errors import InvalidArgument
from backbeat.models.inbound import ProviderName
from backbeat.persistence.unit_of_work import UnitOfWork

Body = Mapping[str, Any]

_IN_FORCE: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
_NOT_OURS: Final = "the customer is not one of ours"


def about_final_invoice(call: Call, type_: str, body: Body) -> str:
    """`invoice.finalized`: it is collected at Stripe, if nobody else does."""
    told = _properties(body)
    try:
        return collecting.collect_final(call, str(told["customer_id"]), str(told["invoice_id"]))
    except KeyError as error:
        raise InvalidArgument(f"The event lacks {error}") from error


def about_refused_invoice(call: Call, type_: str, body: Body) -> str:
    """`invoice.billing_provider_error`: somebody has to mend why it was not taken."""
    return _told(call, "invoice_not_delivered", body)


def about_asked_payment(call: Call, type_: str, body: Body) -> str:
    """`payment_gate.external_initiate`: a charge is held up until it is paid."""
    return gates.collect(call, _properties(body))


def about_gate(call: Call, type_: str, body: Body) -> str:
    """`payment_gate.*`: what became of a charge."""
    if type_ in ("payment_gate.payment_status", "payment_gate.payment_pending_action_required"):
        return _told(call, type_.replace(".", "_"), body)
    return "noted"


def about_contract(call: Call, type_: str, body: Body) -> str:
    """`contract.*`: the contract of a plan may have been changed by somebody else."""
    account = _account(call, body)
    if account is None:
        return _NOT_OURS
    subscription = account.subscription
    contract_id = _properties(body).get("contract_id")
    if subscription is None or subscription.contract_id != contract_id:
        return "noted"
    ended = ended_elsewhere(call, account)
    if ended is None:
        return "the plan's contract is as it should be"
    # By whichever events, and by looking it up: it is told of once.
    return _told(call, "contract_ended_elsewhere", body, fact=ended)


def ended_elsewhere(call: Call, account: Account) -> str | None:
    """Returns how the contract of a plan in force was ended by somebody else, or None.

    Raises:
        ProviderError: Metronome did not answer.
    """
    subscription = account.subscription
    if subscription is None or account.operation_id is not None:
        return None
    if subscription.contract_id is None or subscription.status not in _IN_FORCE:
        return None
    customer = account.metronome_customer_id or ""
    held = connections.metronome(call).contracts(customer)
    contract = next((one for one in held if one.id == subscription.contract_id), None)
    if contract is None or contract.archived:
        return f"{subscription.contract_id}:archived"
    # It ends with the period where that was asked for here.
    if contract.ending_before == subscription.cancel_at:
        return None
    return f"{contract.id}:{contract.ending_before}"


def about_alert(call: Call, type_: str, body: Body) -> str:
    """`alerts.*`: a customer crossed a line that was drawn."""
    return _NOT_OURS if _account(call, body) is None else _told(call, "alert", body)


def about_balance(call: Call, type_: str, body: Body) -> str:
    """`commit.*` and `credit.*`: what a customer can spend changed.

    Nothing of it is kept here: balances are asked for when they are shown.
    """
    return _NOT_OURS if _account(call, body) is None else "balances are read when they are shown"


def _account(call: Call, body: Body) -> Account | None:
    customer = _properties(body).get("customer_id")
    if not isinstance(customer, str):
        return None
    return accounts.of_customer(call, ProviderName.METRONOME, customer)


def _told(call: Call, type_: str, body: Body, *, fact: str | None = None) -> str:
    account = _account(call, body)
    if account is None:
        return _NOT_OURS
    work = UnitOfWork(call.store)
    properties = {"entity_id": account.id, "metronome_event_id": body.get("id"), "event": body}
    notices.tell(call, work, type_, fact=fact or str(body.get("id")), properties=properties)
    return f"told: billing.{type_}"


def _properties(body: Body) -> Mapping[str, Any]:
    """Returns what an event says: some have it below `properties`, others beside their type."""
    given = body.get("properties")
    return given if isinstance(given, Mapping) else body
