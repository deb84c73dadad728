"""Steps that move money: an invoice at Stripe, its payment, and giving back."""

from backbeat.application import connections
from backbeat.application.handlers import outcomes
from backbeat.application.handlers.accounts import stripe_customer_of
from backbeat.application.handlers.progress import Fails, Progress, Waits, is_old, quoted
from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation, OperationStatus, PaymentState, Step
from backbeat.persistence import accounts as stored
from backbeat.ports.providers import Refused
from backbeat.ports.stripe import InvoiceStatus, NewLine


def invoice(call: Call, operation: Operation, account: Account) -> Progress:
    """Drafts the invoice."""
    stripe, customer = connections.stripe(call), stripe_customer_of(account)
    metadata = {"entity_id": account.id, "operation_id": operation.id}
    made = None
    if is_old(call, operation):
        listed = stripe.invoices(customer)
        made = next((one for one in listed if metadata.items() <= one.metadata.items()), None)
    if made is None:
        made = stripe.create_invoice(
            customer,
            currency=quoted(operation).currency,
            metadata=metadata,
            key=operation.key(Step.INVOICE),
        )
    changed = operation.model_copy(
        update={"stripe_invoice_id": made.id, "payment": PaymentState.PENDING}
    )
    pointer = stored.names_operation(call.tenant, made.id, operation.id)
    return Progress(changed, None, (pointer,))


def line(call: Call, operation: Operation, account: Account) -> Progress:
    """Puts what is charged on the draft."""
    stripe, quote, id_ = connections.stripe(call), quoted(operation), _invoice_id(operation)
    if is_old(call, operation) and stripe.invoice(id_).total:
        return Progress(operation)
    line = NewLine(outcomes.line_text(operation), quote.net, quote.at, quote.ending_before)
    stripe.add_line(
        id_,
        stripe_customer_of(account),
        line,
        currency=quote.currency,
        key=operation.key(Step.LINE),
    )
    return Progress(operation)


def finalize(call: Call, operation: Operation, account: Account) -> Progress:
    """Makes the invoice final, so that it can be paid."""
    connections.stripe(call).finalize(_invoice_id(operation), key=operation.key(Step.FINALIZE))
    return Progress(operation)


def payment(call: Call, operation: Operation, account: Account) -> Progress:
    """Collects the invoice, or finds out how far that is.

    What the provider says counts and not what a webhook told, so that those may come late, twice,
    or before the answer to the call that caused them.
    """
    stripe, id_ = connections.stripe(call), _invoice_id(operation)
    invoice = stripe.invoice(id_)
    operation = outcomes.as_seen(operation, invoice)
    if invoice.is_undecided and operation.attempted < operation.attempt:
        method = operation.payment_method or stripe.default_card(stripe_customer_of(account))
        if method is None:
            waiting = operation.model_copy(update={"payment": PaymentState.METHOD_REQUIRED})
            raise _waits(call, waiting, account)
        invoice = stripe.pay(
            id_,
            payment_method=method,
            off_session=operation.renews,
            key=operation.key(Step.PAYMENT),
        )
        operation = outcomes.as_seen(operation, invoice).model_copy(
            update={"attempted": operation.attempt}
        )
    match operation.payment:
        case PaymentState.PAID:
            return Progress(operation)
        case PaymentState.ACTION_REQUIRED | PaymentState.PROCESSING:
            raise _waits(call, operation, account)
        case _:
            declined = outcomes.declined(operation, invoice, call.now)
            if operation.renews and invoice.status is InvoiceStatus.OPEN:
                raise Waits(declined, outcomes.past_due(account, call.now))
            trouble = declined.trouble
            code, message = (
                ("payment_failed", "The payment failed")
                if trouble is None
                else (trouble.code, trouble.message)
            )
            raise Fails(declined, code, message)


def credit(call: Call, operation: Operation, account: Account) -> Progress:
    """Gives back what the old plan cost more, or what is left of it, for the next invoices."""
    quote, stripe, customer = (
        quoted(operation),
        connections.stripe(call),
        stripe_customer_of(account),
    )
    text = f"{outcomes.line_text(operation)} ({operation.id})"
    if is_old(call, operation) and stripe.was_credited(customer, text):
        return Progress(operation)
    stripe.credit(
        customer,
        -quote.net,
        currency=quote.currency,
        description=text,
        key=operation.key(Step.CREDIT),
    )
    return Progress(operation)


def refund(call: Call, operation: Operation, account: Account) -> Progress:
    """Gives back what was paid for a change that is not made: money, and credit that was used."""
    stripe, key = connections.stripe(call), operation.key(Step.REFUND)
    paid = stripe.invoice(_invoice_id(operation))
    if operation.payment_intent_id is not None:
        stripe.refund(operation.payment_intent_id, key=key)
    used, text = paid.total - paid.amount_due, f"Not used ({operation.id})"
    if used > 0 and not (is_old(call, operation) and stripe.was_credited(paid.customer_id, text)):
        stripe.credit(
            paid.customer_id, used, currency=paid.currency, description=text, key=f"{key}:credit"
        )
    return Progress(operation.model_copy(update={"payment": PaymentState.REFUNDED}))


def withdraw(call: Call, operation: Operation, account: Account) -> Progress:
    """Takes the invoice back of a change that is not made."""
    stripe, id_ = connections.stripe(call), _invoice_id(operation)
    try:
        stripe.void(id_, key=operation.key(Step.WITHDRAW))
    except Refused:
        if stripe.invoice(id_).status is not InvoiceStatus.PAID:
            raise
        # It was paid in the last moment: then the change is made.
        update = {"status": OperationStatus.RUNNING, "step": Step.PAYMENT}
        return Progress(operation.model_copy(update=update))
    return Progress(operation)


def _waits(call: Call, operation: Operation, account: Account) -> Exception:
    given_up = operation.gives_up_at is not None and call.now >= operation.gives_up_at
    if given_up and operation.payment is not PaymentState.PROCESSING:
        return Fails(operation, "expired", "Nobody completed the payment in time")
    if operation.renews and operation.payment is not PaymentState.PROCESSING:
        return Waits(operation, outcomes.past_due(account, call.now))
    return Waits(operation)


def _invoice_id(operation: Operation) -> str:
    assert operation.stripe_invoice_id is not None  # noqa: S101 - a step before made it
    return operation.stripe_invoice_id
