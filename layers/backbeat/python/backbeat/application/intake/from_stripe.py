"""What is done about events of Stripe.

Each is a hint that something may have changed: what is done begins with asking Stripe. So events
may come late, twice, in any order, and before the answer to the call that caused them.
"""

from collections.abc import Mapping
from typing import Any, Final

from backbeat.application import connections
from backbeat.application.handlers import accounts, operations, settlements
from backbeat.application.intake import collecting, notices
from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation, OperationStatus, PaymentState
from backbeat.models.errors import Conflict
from backbeat.models.inbound import ProviderName
from backbeat.persistence.unit_of_work import UnitOfWork

Body = Mapping[str, Any]

_NOTHING: Final = "of nothing that is billed here"


def about_invoice(call: Call, type_: str, body: Body) -> str:
    """`invoice.*`: it may have been paid, or not, or be void."""
    invoice_id = str(_object(body).get("id", ""))
    operation = settlements.payment_changed(call, invoice_id)
    if operation is not None:
        return _in_words(operation)
    return collecting.look(call, invoice_id) or _NOTHING


def about_payment(call: Call, type_: str, body: Body) -> str:
    """`payment_intent.*` and `charge.*`: the payment of an invoice may have moved on."""
    thing = _object(body)
    intent = thing.get("payment_intent") if thing.get("object") == "charge" else thing.get("id")
    if intent is None:
        return _NOTHING
    if type_ == "charge.refunded" and thing.get("refunded"):
        return collecting.refunded(call, str(intent)) or _told(call, "payment_refunded", body)
    seen = collecting.look(call, str(intent))
    return seen or _about_open_operation(call, thing.get("customer"))


def about_refund(call: Call, type_: str, body: Body) -> str:
    """`refund.*`: what `charge.refunded` does not say is that a refund failed."""
    if type_ == "refund.failed":
        return _told(call, "refund_failed", body)
    return "the charge says what was given back"


def about_dispute(call: Call, type_: str, body: Body) -> str:
    """`charge.dispute.*`: somebody has to answer it, at Stripe."""
    return _told(call, type_.removeprefix("charge.").replace(".", "_"), body)


def about_payment_method(call: Call, type_: str, body: Body) -> str:
    """`payment_method.*` and `setup_intent.*`: there may be another way to pay, or one less."""
    thing = _object(body)
    customer = thing.get("customer")
    if type_ == "payment_method.detached":
        # By then the method is nobody's: the event says whose it was.
        before = body.get("data", {}).get("previous_attributes") or {}
        return _about_lost_method(call, before.get("customer"), body)
    if type_ in _NEW_METHODS and customer is not None:
        operation = settlements.payment_method_added(call, str(customer))
        return _NOTHING if operation is None else _in_words(operation)
    return "noted"


def about_customer(call: Call, type_: str, body: Body) -> str:
    """`customer.*`: what invoices are paid with may have changed, or the customer is gone."""
    id_ = _object(body).get("id")
    if id_ is None:
        return _NOTHING
    account = accounts.of_customer(call, ProviderName.STRIPE, str(id_))
    if account is None:
        return _NOTHING
    if type_ == "customer.deleted":
        return _told(call, "stripe_customer_deleted", body, account)
    if _has_other_default(body) and account.operation_id is not None:
        return _in_words(_tried_again(call, account.operation_id))
    operation = settlements.payment_method_added(call, str(id_))
    return "noted" if operation is None else _in_words(operation)


def about_subscription(call: Call, type_: str, body: Body) -> str:
    """`customer.subscription.*`: plans are contracts in Metronome, and no subscriptions at Stripe.

    One that somebody made there for a customer of ours would be charged beside the plan.
    """
    account = _account(call, _object(body).get("customer"))
    if account is None:
        return _NOTHING
    if type_ == "customer.subscription.created":
        return _told(call, "subscription_made_elsewhere", body, account)
    return "the plan is not a subscription at Stripe"


_UNPAID: Final = (PaymentState.FAILED, PaymentState.METHOD_REQUIRED)
_NEW_METHODS: Final = (
    "payment_method.attached",
    "payment_method.automatically_updated",
    "setup_intent.succeeded",
)


def _has_other_default(body: Body) -> bool:
    before = body.get("data", {}).get("previous_attributes") or {}
    return "default_payment_method" in (before.get("invoice_settings") or {})


def _tried_again(call: Call, operation_id: str) -> Operation:
    """Tries a declined renewal with what the customer pays with now, before its next turn."""
    operation = operations.get(call, operation_id)
    failed = operation.status is OperationStatus.WAITING and operation.payment in _UNPAID
    if not operation.renews or not failed:
        return operation
    try:
        return settlements.payment_retried(call, operation_id)
    except Conflict:
        return operations.get(call, operation_id)


def _about_open_operation(call: Call, customer: object) -> str:
    """Intents and charges do not name their invoice: what is open of the customer is looked at."""
    account = _account(call, customer)
    if account is None or account.operation_id is None:
        return _NOTHING
    invoice_id = operations.get(call, account.operation_id).stripe_invoice_id
    looked_at = None if invoice_id is None else settlements.payment_changed(call, invoice_id)
    return _NOTHING if looked_at is None else _in_words(looked_at)


def _about_lost_method(call: Call, customer: object, body: Body) -> str:
    account = _account(call, customer)
    if account is None or account.stripe_customer_id is None:
        return _NOTHING
    if connections.stripe(call).default_card(account.stripe_customer_id) is not None:
        return "there is another way to pay"
    return _told(call, "payment_method_missing", body, account)


def _told(call: Call, type_: str, body: Body, account: Account | None = None) -> str:
    """Tells the product of what somebody has to look at."""
    thing = _object(body)
    whose = account or _account(call, thing.get("customer"))
    work = UnitOfWork(call.store)
    notices.tell(
        call,
        work,
        type_,
        fact=str(body.get("id")),
        properties={
            "entity_id": None if whose is None else whose.id,
            "stripe_event_id": body.get("id"),
            "stripe_id": thing.get("id"),
            "payment_intent_id": thing.get("payment_intent"),
            "reason": thing.get("reason") or thing.get("failure_reason"),
            "status": thing.get("status"),
        },
    )
    return f"told: billing.{type_}"


def _account(call: Call, customer: object) -> Account | None:
    if not isinstance(customer, str):
        return None
    return accounts.of_customer(call, ProviderName.STRIPE, customer)


def _object(body: Body) -> Mapping[str, Any]:
    content = body.get("data")
    thing = content.get("object") if isinstance(content, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def _in_words(operation: Operation) -> str:
    return f"operation {operation.id} is {operation.status}, payment {operation.payment}"
