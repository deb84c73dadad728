"""The payments of the billing handlers: Stripe, or whoever speaks its API.

Amounts are decimals in whole units of their currency (dollars), and must be exact in its smallest
unit: the caller rounds, by its own rule. All calls raise `Refused` or `Away`. Every write takes an
idempotency `key`: repeated with it, the first answer comes again and nothing happens twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class InvoiceStatus(StrEnum):
    """Stripe's words."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


class PaymentStatus(StrEnum):
    """Stripe's words for how far a payment intent is."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class Payment:
    """The payment intent of an invoice. `error_code` and `error_message`: of the last attempt."""

    id: str
    status: PaymentStatus
    client_secret: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it stands. Amounts are in whole units of the currency.

    `payment` is None while it is a draft and where there is nothing to pay.
    """

    id: str
    status: InvoiceStatus
    customer_id: str
    currency: str
    total: Decimal
    amount_due: Decimal
    amount_paid: Decimal
    created_at: datetime
    number: str | None
    hosted_url: str | None
    metadata: Mapping[str, str]
    payment: Payment | None

    @property
    def is_undecided(self) -> bool:
        """Whether an attempt to pay would decide something."""
        return self.status is InvoiceStatus.OPEN and (
            self.payment is None
            or self.payment.status
            in (PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION)
        )


@dataclass(frozen=True, slots=True)
class NewLine:
    """An amount for an invoice, for the time `[starting_at, ending_before)`."""

    description: str
    amount: Decimal
    starting_at: datetime
    ending_before: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """A way to pay. Without `brand` and `last4` it is no card."""

    id: str
    type: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None


@dataclass(frozen=True, slots=True)
class SetupIntent:
    """What a browser needs to save a way to pay; `payment_method` once it did."""

    id: str
    status: str
    client_secret: str | None
    payment_method: str | None


class Stripe(Protocol):
    """One account."""

    def create_customer(
        self, *, name: str, email: str, metadata: Mapping[str, str], key: str
    ) -> str:
        """Creates a customer and returns the id."""
        ...

    def customer_with(self, *, email: str, metadata: Mapping[str, str]) -> str | None:
        """Returns the customer with an e-mail address that bears all of the metadata."""
        ...

    def delete_customer(self, customer_id: str, *, key: str) -> None:
        """Deletes a customer; one that is gone is fine."""
        ...

    def cards(self, customer_id: str) -> list[Card]:
        """Returns a customer's ways to pay, newest first."""
        ...

    def attach(self, customer_id: str, payment_method: str, *, key: str) -> Card:
        """Gives a customer a way to pay."""
        ...

    def detach(self, payment_method: str, *, key: str) -> None:
        """Takes a way to pay from its customer."""
        ...

    def default_card(self, customer_id: str) -> str | None:
        """Returns what the customer's invoices are paid with."""
        ...

    def set_default_card(self, customer_id: str, payment_method: str, *, key: str) -> None:
        """Says what the customer's invoices are paid with."""
        ...

    def create_setup_intent(
        self, customer_id: str, *, payment_method: str | None, key: str
    ) -> SetupIntent:
        """Begins to save a way to pay; with one it is confirmed at once."""
        ...

    def setup_intent(self, setup_intent_id: str) -> SetupIntent:
        """Returns how far a setup intent is."""
        ...

    def create_invoice(
        self, customer_id: str, *, currency: str, metadata: Mapping[str, str], key: str
    ) -> Invoice:
        """Creates an empty draft that nobody but us finalizes and collects."""
        ...

    def add_line(
        self, invoice_id: str, customer_id: str, line: NewLine, *, currency: str, key: str
    ) -> None:
        """Adds an amount to a draft."""
        ...

    def finalize(self, invoice_id: str, *, key: str) -> Invoice:
        """Makes a draft final. An invoice with nothing to pay is paid then."""
        ...

    def pay(
        self, invoice_id: str, *, payment_method: str | None, off_session: bool, key: str
    ) -> Invoice:
        """Attempts to collect an invoice and returns how it stands; a decline does not raise.

        With `off_session` nobody is there to authenticate.
        """
        ...

    def void(self, invoice_id: str, *, key: str) -> Invoice:
        """Takes an open invoice back, a draft is deleted. A paid one is `Refused`."""
        ...

    def invoice(self, invoice_id: str) -> Invoice:
        """Returns an invoice."""
        ...

    def invoices(self, customer_id: str) -> list[Invoice]:
        """Returns a customer's invoices, newest first."""
        ...

    def refund(self, payment_intent_id: str, *, key: str) -> None:
        """Gives back what a payment took. One that was given back already is fine."""
        ...

    def credit(
        self, customer_id: str, amount: Decimal, *, currency: str, description: str, key: str
    ) -> str:
        """Gives a customer credit for the next invoices; returns the transaction's id."""
        ...

    def was_credited(self, customer_id: str, description: str) -> bool:
        """Tells whether a customer was given credit with exactly this description."""
        ...

    def balance(self, customer_id: str) -> Decimal:
        """Returns what the customer has to their credit, in whole units of the currency."""
        ...
