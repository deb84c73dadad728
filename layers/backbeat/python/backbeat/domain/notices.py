"""What subscribers are told, in the payload shapes of the webhook catalogue.

Owns: type, id and body of each notification. Does not own: delivery, signatures.
Times: flat events carry seconds, events with `properties` milliseconds.
Invariants: the same fact always has the same id, so a repeated delivery can be recognised.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from backbeat.domain.identity import derived_id
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.edits import ContractEdit
from backbeat.models.invoices import Invoice
from backbeat.models.notifications import Notification


def contract_created(
    contract: Contract, customer: Customer, *, environment_type: str
) -> Notification:
    """Tells that a contract was created."""
    fields = _contract_fields(contract, customer, environment_type, at=contract.created_at)
    return _notice("contract.create", contract.id, fields, at=contract.created_at)


def contract_edited(
    contract: Contract, customer: Customer, edit: ContractEdit, *, environment_type: str
) -> Notification:
    """Tells that a contract was edited, amended, ended or given a usage filter."""
    fields = _contract_fields(contract, customer, environment_type, at=edit.timestamp)
    return _notice("contract.edit", edit.id, fields, at=edit.timestamp)


def contract_archived(
    contract: Contract, customer: Customer, *, environment_type: str, at: datetime
) -> Notification:
    """Tells that a contract was archived."""
    fields = _contract_fields(contract, customer, environment_type, at=at)
    return _notice("contract.archive", contract.id, fields, at=at)


def invoice_finalized(invoice: Invoice, *, at: datetime) -> Notification:
    """Tells that an invoice was finalized."""
    properties = {
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "invoice_finalized_date": _milliseconds(at),
    }
    return _notice("invoice.finalized", invoice.id, {"properties": properties}, at=at)


def _contract_fields(
    contract: Contract, customer: Customer, environment_type: str, *, at: datetime
) -> dict[str, object]:
    return {
        "timestamp": _seconds(at),
        "environment_type": environment_type,
        "contract_id": contract.id,
        "contract_custom_fields": contract.custom_fields,
        "customer_id": customer.id,
        "customer_custom_fields": customer.custom_fields,
    }


def _notice(
    type_: str, subject_id: str, fields: Mapping[str, object], *, at: datetime
) -> Notification:
    id_ = derived_id("notification", type_, subject_id)
    body = json.dumps({"id": id_, "type": type_, **fields}, separators=(",", ":"))
    return Notification(id=id_, type=type_, body=body, created_at=at)


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _milliseconds(instant: datetime) -> str:
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
