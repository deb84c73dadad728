"""Lines into invoices.

Owns: the identity, dates and total of a usage invoice. Does not own: how lines are computed.
Times: a usage invoice is final a grace period after its period ends, and says so from the start.
Invariants: the total is the sum of the lines; draft and final invoice are one id.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.domain.identity import derived_id
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineItem
from backbeat.models.money import EXACT, CreditType
from backbeat.models.period import Period

GRACE: Final = timedelta(hours=24)
"""How long after its period a usage invoice still takes usage in."""


def usage_invoice_id(contract_id: str, period: Period) -> str:
    """Returns the id of a period's usage invoice, the same for draft and final (decision D-11)."""
    return derived_id("invoice", contract_id, "USAGE", period.starting_at)


def finalizes_at(period: Period) -> datetime:
    """Returns the cut-off of a period's usage invoice."""
    return period.ending_before + GRACE


def draft(
    contract: Contract,
    customer: Customer,
    period: Period,
    *,
    credit_type: CreditType,
    lines: Callable[[str], Sequence[LineItem]],
) -> Invoice:
    """Returns the draft of a period. `lines` is given the invoice id and returns the lines."""
    invoice_id = usage_invoice_id(contract.id, period)
    line_items = tuple(lines(invoice_id))
    return Invoice(
        id=invoice_id,
        customer_id=customer.id,
        contract_id=contract.id,
        type=InvoiceType.USAGE,
        status=InvoiceStatus.DRAFT,
        credit_type=credit_type,
        start_timestamp=period.starting_at,
        end_timestamp=period.ending_before,
        issued_at=finalizes_at(period),
        line_items=line_items,
        total=total(line_items),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
    )


def finalize(invoice: Invoice) -> Invoice:
    """Returns the draft as a final invoice: nothing but its status differs."""
    return invoice.model_copy(update={"status": InvoiceStatus.FINALIZED})


def total(lines: Sequence[LineItem]) -> Decimal:
    """Returns the sum of the lines, unrounded."""
    amount = Decimal(0)
    for line in lines:
        amount = EXACT.add(amount, line.total)
    return amount
