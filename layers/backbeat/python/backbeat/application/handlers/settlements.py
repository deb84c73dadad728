"""What inbound webhooks and dunning call: something may have happened to a payment.

None of these trusts what it is told: each makes the operation look at the provider. They may be
called late, twice, in any order, and before the answer to the call that caused the event. All
return the operation as it stands afterwards, or None where the event is of nothing that the
handlers know, and raise `Retryable` if others kept changing it.
"""

from backbeat.application.handlers import accounts, catalogues, looks, operations
from backbeat.application.services import Call
from backbeat.domain.tiers import catalogue as tiers
from backbeat.models.accounts import Afterwards, Operation, OperationStatus, PaymentState
from backbeat.models.tiers import Cadence
from backbeat.persistence import accounts as stored
from backbeat.ports.connections import ProviderName


def payment_changed(call: Call, stripe_invoice_id: str) -> Operation | None:
    """Something happened to the payment of an invoice at Stripe: it was paid, failed, or waits.

    For `invoice.paid`, `invoice.payment_failed`, `invoice.payment_action_required`,
    `invoice.voided`, and for `payment_intent.*` with the invoice of the intent.
    """
    operation_id = stored.operation_of_invoice(call.store, call.tenant, stripe_invoice_id)
    if operation_id is None:
        return None
    return _looked_at(call, operation_id)


def payment_method_added(call: Call, stripe_customer_id: str) -> Operation | None:
    """A customer at Stripe has another way to pay: what waits for one goes on.

    For `payment_method.attached`, `setup_intent.succeeded` and `customer.updated`.
    """
    account = accounts.of_customer(call, ProviderName.STRIPE, stripe_customer_id)
    if account is None or account.operation_id is None:
        return None
    operation = operations.get(call, account.operation_id)
    if operation.payment is not PaymentState.METHOD_REQUIRED:
        return operation
    return _looked_at(call, operation.id)


def payment_retried(call: Call, operation_id: str, payment_method: str | None = None) -> Operation:
    """Tries a declined payment of a renewal again, as dunning does by its schedule.

    Raises:
        NotFound: there is no such operation.
        Conflict: it is over.
    """
    after = operations.retry(call, operation_id, payment_method)
    return _followed_up(call, after)


def payment_given_up(call: Call, operation_id: str, afterwards: Afterwards) -> Operation:
    """Ends the attempts to collect a renewal: its invoice is void, the plan is ended or changed.

    DOWNGRADE is to the lowest tier, which costs nothing.

    Raises:
        NotFound: there is no such operation.
        Conflict: it is over.
    """
    offered = catalogues.current(call)
    lowest = tiers.plan(offered, offered.tiers[0].id, Cadence.MONTHLY)
    after = operations.abandon(
        call,
        operation_id,
        code="unpaid",
        message="The renewal was not paid in time",
        afterwards=afterwards,
        downgrade=lowest,
    )
    return _followed_up(call, after)


def _looked_at(call: Call, operation_id: str) -> Operation:
    operation = operations.get(call, operation_id)
    if operation.status is OperationStatus.WAITING:
        operation = operations.run(call, operation_id)
    return _followed_up(call, operation)


def _followed_up(call: Call, operation: Operation) -> Operation:
    if operation.status.is_over:
        looks.at_account(call, operation.entity_id)
    return operation
