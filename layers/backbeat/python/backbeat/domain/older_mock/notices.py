"""What the older mock tells subscribers, beside what everybody is told.

Owns: the flat contract events, payment results and low-balance alerts of profile `mock`.
Does not own: delivery, signatures.
Times: these events carry none.
Invariants: each has an id of its own, since the older mock repeats facts.
"""

import json
from datetime import datetime
from decimal import Decimal

from backbeat.domain.notices.shapes import event
from backbeat.models.notifications import Notification
from backbeat.models.older_mock import MockContract


def contract_told(
    contract: MockContract, type_: str, *, id_: str, environment_type: str, at: datetime
) -> Notification:
    """Tells that a contract was created or updated, under the older mock's names."""
    fields = {
        "id": id_,
        "type": type_,
        "contract_id": contract.id,
        "customer_id": contract.customer_id,
        "environment_type": environment_type,
    }
    body = json.dumps(fields, separators=(",", ":"))
    return Notification(id=id_, type=type_, body=body, created_at=at)


def payment_told(contract: MockContract, *, is_paid: bool, fact: str, at: datetime) -> Notification:
    """Tells how a simulated payment ended."""
    properties = {
        "contract_id": contract.id,
        "customer_id": contract.customer_id,
        "payment_status": "paid" if is_paid else "failed",
    }
    return event("payment_gate.payment_status", properties, fact=fact, at=at)


def low_balance_told(
    contract: MockContract,
    *,
    alert_id: str,
    threshold: Decimal,
    remaining: Decimal,
    fact: str,
    at: datetime,
) -> Notification:
    """Tells that a balance was set to its threshold or below."""
    properties = {
        "alert_id": alert_id,
        "customer_id": contract.customer_id,
        "threshold": threshold,
        "remaining_balance": remaining,
        "contract_id": contract.id,
    }
    return event(
        "alerts.low_remaining_contract_credit_and_commit_balance_reached",
        properties,
        fact=fact,
        at=at,
    )
