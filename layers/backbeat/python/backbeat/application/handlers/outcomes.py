"""What operations leave behind: how payments are read, and the subscription afterwards."""

from datetime import datetime
from typing import Final

from backbeat.models.accounts import (
    Account,
    Afterwards,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentState,
    ScheduledChange,
    Subscription,
    SubscriptionStatus,
    Trouble,
)
from backbeat.models.tiers import Plan, Quote
from backbeat.ports.stripe import Invoice, InvoiceStatus, PaymentStatus

_STATES: Final = {
    PaymentStatus.REQUIRES_ACTION: PaymentState.ACTION_REQUIRED,
    PaymentStatus.PROCESSING: PaymentState.PROCESSING,
    PaymentStatus.REQUIRES_CAPTURE: PaymentState.PROCESSING,
    PaymentStatus.SUCCEEDED: PaymentState.PAID,
}


_KNOWN_UNPAID: Final = (SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED)


def line_text(operation: Operation) -> str:
    """Returns what an operation's charge is for, as invoices of both providers say it."""
    plan, before, quote = operation.plan, operation.before, operation.quote
    if plan is None:
        return f"{'Plan' if before is None else _named(before)}, cancelled{_days(quote)}"
    text = _named(plan)
    if operation.kind is not OperationKind.CHANGE or before is None or quote is None:
        return text
    return f"{text} instead of {_named(before)}{_days(quote)}"


def _days(quote: Quote | None) -> str:
    if quote is None or quote.days_total is None or quote.unused == 0:
        return ""
    return f", {quote.days_left} of {quote.days_total} days left"


def _named(plan: Plan) -> str:
    return f"{plan.tier.title()}, {plan.cadence.value}"


def as_seen(operation: Operation, invoice: Invoice) -> Operation:
    """Returns an operation with the state of its payment as the invoice has it."""
    payment = invoice.payment
    state = PaymentState.FAILED
    if invoice.status is InvoiceStatus.PAID:
        state = PaymentState.PAID
    elif invoice.status is InvoiceStatus.OPEN and payment is not None:
        state = _STATES.get(payment.status, PaymentState.FAILED)
    return operation.model_copy(
        update={
            "payment": state,
            "payment_intent_id": None if payment is None else payment.id,
        }
    )


def declined(operation: Operation, invoice: Invoice, now: datetime) -> Operation:
    """Returns an operation whose payment was refused, with the reason."""
    payment = invoice.payment
    if invoice.status is not InvoiceStatus.OPEN:
        code, message = "invoice_void", f"The invoice is {invoice.status.value}"
    elif payment is None or payment.error_message is None:
        code, message = "payment_failed", "The payment failed"
    else:
        code, message = payment.error_code or "payment_failed", payment.error_message
    trouble = Trouble(step=operation.step, code=code, message=message, at=now)
    return operation.model_copy(update={"payment": PaymentState.FAILED, "trouble": trouble})


def past_due(account: Account, now: datetime) -> Account | None:
    """Returns an account whose renewal is not paid; None where that is known."""
    subscription = account.subscription
    if subscription is None or subscription.status in _KNOWN_UNPAID:
        return None
    late = subscription.model_copy(update={"status": SubscriptionStatus.PAST_DUE})
    return account.model_copy(update={"subscription": late, "updated_at": now})


def settled(account: Account, operation: Operation, now: datetime) -> Account:
    """Returns an account after an operation, free for the next one."""
    free = account.model_copy(update={"operation_id": None, "updated_at": now})
    if operation.status is OperationStatus.COMPENSATING:
        return _given_up(free, operation, now)
    return free.model_copy(update={"subscription": _subscription(free, operation, now)})


def _given_up(account: Account, operation: Operation, now: datetime) -> Account:
    """Returns an account after an operation that failed: as it was, or with its end ahead."""
    subscription = account.subscription
    if subscription is None:
        return account
    match operation.afterwards:
        case Afterwards.NOTHING:
            return account
        case Afterwards.CANCEL:
            changes: dict[str, object] = {"cancel_at": now}
        case Afterwards.DOWNGRADE:
            assert operation.downgrade is not None  # noqa: S101 - whoever gave it up said to what
            change = ScheduledChange(plan=operation.downgrade, at=now, asked_at=now)
            changes = {"scheduled": change}
    return account.model_copy(update={"subscription": subscription.model_copy(update=changes)})


def _subscription(account: Account, operation: Operation, now: datetime) -> Subscription | None:
    before, plan, quote = account.subscription, operation.plan, operation.quote
    if operation.kind is OperationKind.CANCEL:
        return None if before is None else _canceled(before, operation, now)
    if operation.kind is OperationKind.RESUME and before is not None:
        return before.model_copy(update={"cancel_at": None})
    if plan is None or quote is None:
        return before
    if operation.kind is OperationKind.RENEW and before is not None:
        return before.model_copy(
            update={
                "status": SubscriptionStatus.ACTIVE,
                "anchor": quote.anchor,
                "starting_at": quote.starting_at,
                "ending_before": quote.ending_before,
            }
        )
    return Subscription(
        plan=plan,
        status=SubscriptionStatus.ACTIVE,
        anchor=quote.anchor,
        starting_at=quote.starting_at,
        ending_before=quote.ending_before,
        contract_id=operation.contract_id,
        contract_start=quote.at,
    )


def _canceled(before: Subscription, operation: Operation, now: datetime) -> Subscription:
    at = operation.ends_at
    if at is not None and at > now:
        return before.model_copy(update={"cancel_at": at, "scheduled": None})
    return before.model_copy(
        update={
            "status": SubscriptionStatus.CANCELED,
            "cancel_at": None,
            "canceled_at": at or operation.created_at,
            "scheduled": None,
        }
    )
