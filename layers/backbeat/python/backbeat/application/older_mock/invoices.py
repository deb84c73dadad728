"""Invoices of profile `mock`: made by hand, with the lines that are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.application.older_mock import contracts, customers
from backbeat.application.older_mock.json_text import Fields, encoded
from backbeat.application.older_mock.profile import new_id
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.money import EXACT
from backbeat.models.older_mock import MockInvoice
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Query, Version

_FINAL = "FINALIZED"


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice as asked for. `amounts` are those of its lines."""

    contract_id: str | None
    type: str
    status: str
    line_items: Sequence[Fields]
    amounts: Sequence[Decimal]
    start_timestamp: datetime | None
    end_timestamp: datetime | None
    due_date: datetime | None


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices are wanted."""

    status: str | None
    starting_on: datetime | None
    ending_before: datetime | None

    def wants(self, invoice: MockInvoice) -> bool:
        """Tells whether an invoice passes."""
        start = invoice.start_timestamp
        return (
            self.status in (None, invoice.status)
            and (self.starting_on is None or self.starting_on <= start)
            and (self.ending_before is None or start < self.ending_before)
        )


def create(call: Call, customer_id: str, new: NewInvoice) -> MockInvoice:
    """Creates an invoice; its total is the exact sum of its lines.

    Raises:
        NotFound: the customer or the contract does not exist.
        InvalidArgument: the contract or the lines are missing.
    """
    if new.contract_id is None:
        raise InvalidArgument("contract_id is required")
    customers.get(call, customer_id)
    contracts.get(call, customer_id, new.contract_id)
    if not new.line_items:
        raise InvalidArgument("line_items must be a non-empty array")
    total = Decimal(0)
    for amount in new.amounts:
        total = EXACT.add(total, amount)
    invoice = MockInvoice(
        id=new_id(call, "inv"),
        customer_id=customer_id,
        contract_id=new.contract_id,
        type="SUBSCRIPTION" if new.type == "SUBSCRIPTION" else "USAGE",
        status=new.status,
        external_id=new_id(call, "stripe_inv"),
        external_status=_FINAL if new.status == _FINAL else "DRAFT",
        line_items=encoded([{"id": new_id(call, "line"), **line} for line in new.line_items]),
        total=total,
        issued_at=call.now,
        start_timestamp=new.start_timestamp or call.now,
        end_timestamp=new.end_timestamp,
        due_date=new.due_date,
    )
    key = keys.older_mock_invoice(call.tenant, invoice.id)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, invoice), Absent()))
    work.commit()
    return invoice


def of_customer(call: Call, customer_id: str, wanted: InvoiceFilter) -> list[MockInvoice]:
    """Returns a customer's invoices, the oldest first; nobody is looked for."""
    found = (
        from_item(item, MockInvoice)
        for item in walk(call.store, Query(keys.older_mock_invoices(call.tenant)))
    )
    mine = [one for one in found if one.customer_id == customer_id and wanted.wants(one)]
    return sorted(mine, key=lambda one: (one.issued_at, one.id))


def get(call: Call, customer_id: str, invoice_id: str) -> MockInvoice:
    """Returns a customer's invoice.

    Raises:
        NotFound: the customer has no such invoice.
    """
    item = call.store.get(keys.older_mock_invoice(call.tenant, invoice_id))
    invoice = None if item is None else from_item(item, MockInvoice)
    if invoice is None or invoice.customer_id != customer_id:
        raise NotFound("invoice", invoice_id)
    return invoice


def void(call: Call, invoice_id: str) -> None:
    """Makes an invoice VOIDED, whatever it was.

    Raises:
        NotFound: there is no such invoice.
    """
    key = keys.older_mock_invoice(call.tenant, invoice_id)
    item = call.store.get(key)
    if item is None:
        raise NotFound("invoice", invoice_id)
    voided = from_item(item, MockInvoice).model_copy(update={"status": "VOIDED"})
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, voided, version=item.version + 1), Version(item.version)))
    work.commit()
