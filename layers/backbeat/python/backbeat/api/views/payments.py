"""Payments as the API shows them, and as a sandbox's controls do."""

from collections.abc import Iterable

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import present, timestamp
from backbeat.models.payments import (
    Payment,
    PaymentOutcome,
    PaymentScript,
    PaymentStatus,
    ScriptedOutcome,
    ScriptedPayment,
)


def payment_view(payment: Payment) -> dict[str, object]:
    """Returns one payment of an invoice."""
    paid = payment.status is PaymentStatus.PAID
    return present(
        id=payment.id,
        invoice_id=payment.invoice_id,
        customer_id=payment.customer_id,
        contract_id=payment.contract_id,
        payment_gateway=_gateway_view(payment),
        fiat_credit_type=credit_type_view(payment.currency),
        revenue_system_payments=[],
        amount=payment.amount,
        amount_paid=payment.amount if paid else 0,
        status=payment.status.value,
        error_message=None if payment.error is None else payment.error.message,
        created_at=timestamp(payment.created_at),
        updated_at=timestamp(payment.updated_at),
    )


def payment_script_view(
    script: PaymentScript, payments: Iterable[ScriptedPayment]
) -> dict[str, object]:
    """Returns what becomes of the next payments, and what became of those so far."""
    return {
        "script": [
            {
                "customer_id": customer_id or None,
                "outcomes": [_outcome(one) for one in outcomes],
            }
            for customer_id, outcomes in sorted(script.outcomes.items())
            if outcomes
        ],
        "tax": None if script.tax is None else script.tax.model_dump(),
        "payments": [
            {
                "payment_intent_id": one.payment_intent_id,
                "customer_id": one.customer_id,
                "amount": one.amount,
                "credit_type": credit_type_view(one.currency),
                "outcome": _outcome(one.outcome),
            }
            for one in sorted(payments, key=lambda one: one.payment_intent_id)
        ],
    }


def _outcome(outcome: PaymentOutcome | ScriptedOutcome) -> str:
    return outcome.value.lower()


def _gateway_view(payment: Payment) -> dict[str, object] | None:
    if payment.payment_intent_id is None:
        return None
    error = payment.error
    known = (
        {}
        if error is None
        else present(type=error.type, code=error.code, decline_code=error.decline_code)
    )
    stripe = present(payment_intent_id=payment.payment_intent_id, error=known or None)
    return {"type": "stripe", "stripe": stripe}
