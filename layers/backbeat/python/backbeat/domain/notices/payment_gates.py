"""Events about charges that a threshold brought about.

Owns: what is told when a line is crossed, a payment is asked for, and decided. Does not own: when.
Times: milliseconds where a line is crossed, seconds where a payment is decided.
Invariants: each step of a charge is told of once.
"""

from datetime import datetime
from decimal import Decimal

from backbeat.domain.notices.shapes import event, milliseconds, seconds
from backbeat.models.notifications import Notification
from backbeat.models.threshold_billing import GateType, Workflow, WorkflowState


def threshold_reached(workflow: Workflow, *, at: datetime) -> Notification:
    """Tells that a line was crossed."""
    properties = {**_subject(workflow), "timestamp": milliseconds(at)}
    return event("payment_gate.threshold_reached", properties, fact=workflow.id, at=at)


def external_initiate(workflow: Workflow, total: Decimal, *, at: datetime) -> Notification:
    """Asks whoever collects elsewhere to do so, in the unit of the currency (USD: cents)."""
    currency = workflow.currency.name.split(" ")[0]
    properties = {
        **_subject(workflow),
        "workflow_id": workflow.id,
        "invoice_id": workflow.invoice_id,
        "invoice_total": total,
        "invoice_currency": currency,
    }
    return event("payment_gate.external_initiate", properties, fact=workflow.id, at=at)


def action_required(workflow: Workflow, *, at: datetime) -> Notification:
    """Tells that the customer has to confirm a payment."""
    properties = {
        **_subject(workflow),
        "invoice_id": workflow.invoice_id,
        "error_message": None if workflow.error is None else workflow.error.message,
        "billing_provider": _provider(workflow),
    }
    return event(
        "payment_gate.payment_pending_action_required", properties, fact=workflow.id, at=at
    )


def payment_status(workflow: Workflow, *, at: datetime) -> Notification:
    """Tells that a payment was made, or failed."""
    paid = workflow.state is WorkflowState.PAID
    properties = {
        **_subject(workflow),
        "invoice_id": workflow.invoice_id,
        "payment_status": "paid" if paid else "failed",
        "timestamp": seconds(at),
        "error_message": None if workflow.error is None else workflow.error.message,
        "billing_provider": _provider(workflow),
    }
    return event("payment_gate.payment_status", properties, fact=workflow.id, at=at)


def _subject(workflow: Workflow) -> dict[str, object]:
    return {
        "workflow_type": workflow.kind.value,
        "customer_id": workflow.customer_id,
        "contract_id": workflow.contract_id,
    }


def _provider(workflow: Workflow) -> dict[str, object] | None:
    if workflow.gate is not GateType.STRIPE or workflow.payment_intent_id is None:
        return None
    stripe: dict[str, object] = {"payment_intent_id": workflow.payment_intent_id}
    error = workflow.error
    if error is not None and error.code is not None:
        stripe["error"] = {
            name: value for name, value in error.model_dump().items() if value is not None
        }
    return {"type": "stripe", "stripe": stripe}
