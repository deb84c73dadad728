"""Final invoices in the form and within the limits of billing providers.

Owns: cents, collapsed lines, what is skipped or refused. Does not own: sending.
Times: days until an invoice is due.
Invariants: the lines of what is sent add up to the total rounded half up to cents; nothing is
rounded before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.models.external_invoices import ProviderInvoice, ProviderLine
from backbeat.models.invoices import Invoice, LineItem
from backbeat.models.money import USD

_MOST_LINES: Final = 250
_LARGEST_CENTS: Final = 99_999_999
_SMALLEST_CENTS: Final = 50
"""What a provider charges at least: 0.50 USD. Decision: other currencies likewise."""
_DAYS_UNTIL_DUE: Final = 30
_CENTS_A_UNIT: Final = 100


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not sent, as the account wants none of such amounts."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Not sent: no provider takes such an amount."""

    reason: str


def prepared(
    invoice: Invoice,
    *,
    provider: str,
    configuration: Mapping[str, object],
    options: Mapping[str, object],
) -> ProviderInvoice | Skipped | TooLarge:
    """Returns an invoice as its provider takes it; the limits are Stripe's.

    `configuration` is the customer's account there, `options` are those of our own account.
    """
    total = cents(invoice.total, invoice)
    if options.get("skip_zero_dollar_invoices") and abs(total) < _SMALLEST_CENTS:
        return Skipped()
    if provider == "stripe" and abs(total) > _LARGEST_CENTS:
        return TooLarge("Amount must be no more than 999,999.99")
    in_draft = configuration.get(
        "leave_stripe_invoices_in_draft", options.get("leave_invoices_in_draft")
    )
    sent_by_hand = configuration.get("stripe_collection_method") == "send_invoice"
    return ProviderInvoice(
        currency=invoice.credit_type.name.partition(" ")[0],
        lines=_lines(invoice, total),
        total_cents=total,
        auto_advance=not in_draft,
        days_until_due=(invoice.net_payment_terms_days or _DAYS_UNTIL_DUE)
        if sent_by_hand
        else None,
    )


def cents(amount: Decimal, invoice: Invoice) -> int:
    """Returns an amount of an invoice in cents, rounded half up: USD is in cents already."""
    factor = 1 if invoice.credit_type.id == USD.id else _CENTS_A_UNIT
    return int((amount * factor).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _lines(invoice: Invoice, total: int) -> tuple[ProviderLine, ...]:
    billed = [line for line in invoice.line_items if line.credit_type.id == invoice.credit_type.id]
    if len(billed) > _MOST_LINES:
        return (ProviderLine(f"{len(billed)} line items", 1, total),)
    # One fraction among the quantities, and all are said in words.
    whole = all(_is_whole(line) for line in billed)
    lines = [
        ProviderLine(line.name, int(line.quantity or 1), cents(line.total, invoice))
        if whole
        else ProviderLine(_in_words(line), 1, cents(line.total, invoice))
        for line in billed
    ]
    if lines:
        missing = total - sum(line.amount_cents for line in lines)
        last = lines[-1]
        lines[-1] = ProviderLine(last.text, last.quantity, last.amount_cents + missing)
    return tuple(lines)


def _is_whole(line: LineItem) -> bool:
    return line.quantity is None or line.quantity == line.quantity.to_integral_value()


def _in_words(line: LineItem) -> str:
    if line.quantity is None:
        return line.name
    return f"{line.name} (quantity {format(line.quantity.normalize(), 'f')})"
