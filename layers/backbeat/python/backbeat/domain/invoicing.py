"""Lines into invoices.

Owns: the identity, dates and total of a usage invoice. Does not own: how lines are computed.
Times: a usage invoice is final a grace period after its period ends, and says so from the start.
Invariants: the total is the sum of the lines; draft and final invoice are one id.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.domain import identity
from backbeat.models.balances import BalanceType
from backbeat.models.contracts import Contract, HierarchyLink, Payer
from backbeat.models.customers import BillableStatus, Customer
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineItem
from backbeat.models.money import EXACT, CreditType
from backbeat.models.period import HOUR, Period, hour_of

GRACE: Final = timedelta(hours=24)
"""How long after its period a usage invoice still takes usage in."""


def usage_invoice_id(contract_id: str, period: Period) -> str:
    """Returns the id of a period's usage invoice, the same for draft and final (decision D-11)."""
    return identity.invoice_id(contract_id, contract_id, InvoiceType.USAGE, period.starting_at)


def consolidated_id(parent: Invoice) -> str:
    """Returns the id of the invoice that consolidates a parent's usage with its children's."""
    return identity.invoice_id(parent.contract_id, parent.id, InvoiceType.USAGE_CONSOLIDATED)


def successor_id(void: Invoice) -> str:
    """Returns the id of the invoice that replaces a void one: the next generation's."""
    return identity.invoice_id(void.contract_id, void.id, "GENERATION", void.generation + 1)


def finalizes_at(period: Period) -> datetime:
    """Returns the cut-off of a period's usage invoice."""
    return period.ending_before + GRACE


def late_arrival(hour: datetime, received_at: datetime) -> datetime | None:
    """Returns the hour in which usage of an hour arrived, if it may have missed an invoice.

    Periods end on hours, so before the end of the hour and the grace period after it no period
    that the hour is a part of is cut off.
    """
    return hour_of(received_at) if hour + HOUR + GRACE <= received_at else None


def draft(
    contract: Contract,
    customer: Customer,
    period: Period,
    *,
    credit_type: CreditType,
    lines: Callable[[str], Sequence[LineItem]],
    invoice_id: str | None = None,
) -> Invoice:
    """Returns the draft of a period. `lines` is given the invoice id and returns the lines.

    `invoice_id` is given where the draft takes the place of a void invoice.
    """
    invoice_id = invoice_id or usage_invoice_id(contract.id, period)
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
        total=total(line_items, credit_type),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
        custom_fields=contract.fields_of(invoice_id),
        billable_status=billable_status(customer, period.starting_at),
        payer=payer(contract),
    )


def payer(contract: Contract) -> HierarchyLink | None:
    """Returns who pays the usage of a contract that is in a hierarchy; None outside of one."""
    child = contract.child_role
    if child is not None:
        return child.parent if child.payer is Payer.PARENT else contract.link
    return None if contract.parent_role is None else contract.link


def billable_status(customer: Customer, instant: datetime) -> BillableStatus:
    """Returns a customer's status for periods that start, or charges issued, at an instant."""
    change = customer.billable_status_at(instant)
    return BillableStatus.BILLABLE if change is None else change.value


def finalize(invoice: Invoice, *, at: datetime) -> Invoice:
    """Returns the draft as a final invoice: its numbers are those of the draft."""
    return invoice.model_copy(update={"status": InvoiceStatus.FINALIZED, "finalized_at": at})


def regenerated(invoice: Invoice, void: Invoice, *, at: datetime) -> Invoice:
    """Returns the draft as the invoice that replaces a void one.

    Decision D-55: it is final at once and issued now.
    """
    return invoice.model_copy(
        update={
            "status": InvoiceStatus.FINALIZED,
            "issued_at": at,
            "finalized_at": at,
            "generation": void.generation + 1,
            "regenerated_from_invoice_id": void.id,
        }
    )


def is_needless(invoice: Invoice) -> bool:
    """Tells whether a final invoice need not be: a true-up where nothing is missing."""
    return any(line.postpaid_commit_id for line in invoice.line_items) and invoice.total == 0


def total(lines: Sequence[LineItem], credit_type: CreditType) -> Decimal:
    """Returns the sum of the lines in the unit of the invoice, unrounded.

    What lines in other units come to is in the lines that convert them.
    """
    amount = Decimal(0)
    for line in lines:
        # What a postpaid commit covers is paid by this invoice all the same.
        if line.credit_type.id == credit_type.id and line.applied_type != BalanceType.POSTPAID:
            amount = EXACT.add(amount, line.total)
    return amount
