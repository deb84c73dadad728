"""What subscribers are told: the webhook catalogue, one module for each kind of subject.

Owns: type, id and body of each notification. Does not own: delivery, signatures, who wants them.
Times: system events, which are flat, carry seconds; events with `properties` milliseconds.
Invariants: the same fact always has the same id, so a repeated delivery can be recognised.
"""

from backbeat.domain.notices.alerts import alert_changed
from backbeat.domain.notices.balances import balance_changed
from backbeat.domain.notices.contracts import (
    contract_archived,
    contract_created,
    contract_edited,
)
from backbeat.domain.notices.invoices import invoice_finalized
from backbeat.domain.notices.lifecycle import at_offset, occurred
from backbeat.domain.notices.payment_gates import (
    action_required,
    external_initiate,
    payment_status,
    threshold_reached,
)
from backbeat.domain.notices.shapes import Change

__all__ = [
    "Change",
    "action_required",
    "alert_changed",
    "at_offset",
    "balance_changed",
    "contract_archived",
    "contract_created",
    "contract_edited",
    "external_initiate",
    "invoice_finalized",
    "occurred",
    "payment_status",
    "threshold_reached",
]
