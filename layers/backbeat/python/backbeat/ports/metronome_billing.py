"""What is done in Metronome about its invoices once they are final, and about gated charges."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line of an invoice. `total` is in the unit of the invoice, which is cents for USD."""

    name: str
    product_id: str | None
    total: Decimal
    starting_at: datetime | None
    ending_before: datetime | None


@dataclass(frozen=True, slots=True)
class BilledInvoice:
    """An invoice with its lines, in the unit of `credit_type`.

    `is_sent`: Metronome itself hands it to a billing provider.
    """

    id: str
    customer_id: str
    type: str
    status: str
    credit_type: str
    total: Decimal
    issued_at: datetime | None
    is_sent: bool
    lines: Sequence[BilledLine]


class MetronomeBilling(Protocol):
    """One account. All calls raise `Refused` or `Away`, and may be repeated."""

    def invoice(self, customer_id: str, invoice_id: str) -> BilledInvoice:
        """Returns an invoice with its lines."""
        ...

    def finalized(self, customer_id: str, since: datetime) -> Iterator[BilledInvoice]:
        """Yields the final invoices of a customer that were issued at an instant or later."""
        ...

    def note(self, invoice_id: str, fields: Mapping[str, str]) -> None:
        """Writes custom fields on an invoice; keys that are not registered are registered."""
        ...

    def release(self, workflow_id: str, *, paid: bool) -> None:
        """Decides a gated charge that is collected elsewhere; one that is decided is left."""
        ...
