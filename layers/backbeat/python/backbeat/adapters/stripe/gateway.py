"""Implements `Stripe` by the official SDK.

Writes are retried by the SDK with their idempotency key, after a pause that grows. What it gives
up on is `Away`: nobody knows then whether it was done, and the same key finds out.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import stripe

from backbeat.adapters.stripe.amounts import from_integer, to_integer
from backbeat.ports.providers import Access, Away, Refused
from backbeat.ports.stripe import (
    Card,
    Invoice,
    InvoiceStatus,
    NewLine,
    Payment,
    PaymentStatus,
    SetupIntent,
)

NAME: Final = "Stripe"
_TIMEOUTS: Final = (5, 10)
"""Seconds to connect, and to wait for an answer. A function has 29 seconds in all."""
_RETRIES: Final = 2
_WITH_PAYMENT: Final = {"expand": ["payments.data.payment.payment_intent"]}
_MOST: Final = 100
_TRY_AGAIN: Final = (409, 429)


def client(
    access: Access, *, timeouts: tuple[int, int] = _TIMEOUTS, retries: int = _RETRIES
) -> stripe.StripeClient:
    """Returns the SDK's client of an account, with time-outs and retries set."""
    return stripe.StripeClient(
        access.key,
        base_addresses={"api": access.base_url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeouts),
    )


@contextmanager
def failures() -> Iterator[None]:
    """Turns what the SDK raises into `Refused` and `Away`."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.APIError) as error:
        raise Away(NAME, str(error.user_message or error)) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        message = str(error.user_message or error)
        if status in _TRY_AGAIN or status >= 500:
            raise Away(NAME, message) from error
        raise Refused(NAME, message, status=status, code=error.code or "") from error


class StripeGateway:
    """An account at Stripe."""

    def __init__(self, access: Access) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: the SDK's parameter types are those of one API version only.
        self._v1: Any = client(access).v1

    def create_customer(
        self, *, name: str, email: str, metadata: Mapping[str, str], key: str
    ) -> str:
        """Implements `Stripe`."""
        fields = {"name": name, "email": email, "metadata": dict(metadata)}
        with failures():
            return str(self._v1.customers.create(fields, _once(key)).id)

    def customer_with(self, *, email: str, metadata: Mapping[str, str]) -> str | None:
        """Implements `Stripe`."""
        with failures():
            listed = self._v1.customers.list({"email": email, "limit": _MOST})
            for customer in listed.auto_paging_iter():
                has = dict(customer.to_dict().get("metadata") or {})
                if all(has.get(name) == value for name, value in metadata.items()):
                    return str(customer.id)
        return None

    def delete_customer(self, customer_id: str, *, key: str) -> None:
        """Implements `Stripe`."""
        with failures(), suppress_gone():
            self._v1.customers.delete(customer_id, None, _once(key))

    def cards(self, customer_id: str) -> list[Card]:
        """Implements `Stripe`."""
        with failures():
            listed = self._v1.payment_methods.list({"customer": customer_id, "limit": _MOST})
            return [_card(method) for method in listed.auto_paging_iter()]

    def attach(self, customer_id: str, payment_method: str, *, key: str) -> Card:
        """Implements `Stripe`."""
        with failures():
            return _card(
                self._v1.payment_methods.attach(
                    payment_method, {"customer": customer_id}, _once(key)
                )
            )

    def detach(self, payment_method: str, *, key: str) -> None:
        """Implements `Stripe`."""
        with failures():
            self._v1.payment_methods.detach(payment_method, None, _once(key))

    def default_card(self, customer_id: str) -> str | None:
        """Implements `Stripe`."""
        with failures():
            customer = self._v1.customers.retrieve(customer_id).to_dict()
            settings = customer.get("invoice_settings") or {}
            return _id(settings.get("default_payment_method"))

    def set_default_card(self, customer_id: str, payment_method: str, *, key: str) -> None:
        """Implements `Stripe`."""
        settings = {"invoice_settings": {"default_payment_method": payment_method}}
        with failures():
            self._v1.customers.update(customer_id, settings, _once(key))

    def create_setup_intent(
        self, customer_id: str, *, payment_method: str | None, key: str
    ) -> SetupIntent:
        """Implements `Stripe`."""
        fields: dict[str, Any] = {
            "customer": customer_id,
            "usage": "off_session",
            "payment_method_types": ["card"],
        }
        if payment_method is not None:
            fields |= {"payment_method": payment_method, "confirm": True}
        with failures():
            return _setup_intent(self._v1.setup_intents.create(fields, _once(key)))

    def setup_intent(self, setup_intent_id: str) -> SetupIntent:
        """Implements `Stripe`."""
        with failures():
            return _setup_intent(self._v1.setup_intents.retrieve(setup_intent_id))

    def create_invoice(
        self, customer_id: str, *, currency: str, metadata: Mapping[str, str], key: str
    ) -> Invoice:
        """Implements `Stripe`."""
        fields = {
            "customer": customer_id,
            "currency": currency,
            "metadata": dict(metadata),
            "auto_advance": False,
            "collection_method": "charge_automatically",
            "pending_invoice_items_behavior": "exclude",
        }
        return self._changed(lambda: self._v1.invoices.create(fields, _once(key)))

    def add_line(
        self, invoice_id: str, customer_id: str, line: NewLine, *, currency: str, key: str
    ) -> None:
        """Implements `Stripe`."""
        fields = {
            "customer": customer_id,
            "invoice": invoice_id,
            "amount": to_integer(line.amount, currency),
            "currency": currency,
            "description": line.description,
            "period": {
                "start": int(line.starting_at.timestamp()),
                "end": int(line.ending_before.timestamp()),
            },
        }
        with failures():
            self._v1.invoice_items.create(fields, _once(key))

    def finalize(self, invoice_id: str, *, key: str) -> Invoice:
        """Implements `Stripe`."""
        with suppress_done():
            return self._changed(
                lambda: self._v1.invoices.finalize_invoice(
                    invoice_id, {"auto_advance": False}, _once(key)
                )
            )
        return self.invoice(invoice_id)

    def pay(
        self, invoice_id: str, *, payment_method: str | None, off_session: bool, key: str
    ) -> Invoice:
        """Implements `Stripe`."""
        fields: dict[str, Any] = {"off_session": off_session}
        if payment_method is not None:
            fields["payment_method"] = payment_method
        with failures(), suppress_declined():
            self._v1.invoices.pay(invoice_id, fields, _once(key))
        return self.invoice(invoice_id)

    def void(self, invoice_id: str, *, key: str) -> Invoice:
        """Implements `Stripe`."""
        before = self.invoice(invoice_id)
        if before.status is InvoiceStatus.VOID:
            return before
        if before.status is InvoiceStatus.DRAFT:
            with failures(), suppress_gone():
                self._v1.invoices.delete(invoice_id, None, _once(key))
            return before
        return self._changed(lambda: self._v1.invoices.void_invoice(invoice_id, None, _once(key)))

    def invoice(self, invoice_id: str) -> Invoice:
        """Implements `Stripe`."""
        with failures():
            return _invoice(self._v1.invoices.retrieve(invoice_id, dict(_WITH_PAYMENT)))

    def invoices(self, customer_id: str) -> list[Invoice]:
        """Implements `Stripe`."""
        # Stripe expands four levels: of a list's payments, the intents would be the fifth.
        fields = {"customer": customer_id, "limit": _MOST, "expand": ["data.payments"]}
        with failures():
            listed = [
                _invoice(invoice) for invoice in self._v1.invoices.list(fields).auto_paging_iter()
            ]
        return [self.invoice(one.id) if one.status is InvoiceStatus.OPEN else one for one in listed]

    def refund(self, payment_intent_id: str, *, key: str) -> None:
        """Implements `Stripe`."""
        with failures():
            try:
                self._v1.refunds.create({"payment_intent": payment_intent_id}, _once(key))
            except stripe.InvalidRequestError as error:
                if error.code != "charge_already_refunded":
                    raise

    def credit(
        self, customer_id: str, amount: Decimal, *, currency: str, description: str, key: str
    ) -> str:
        """Implements `Stripe`."""
        fields = {
            # Below zero is what the customer has to their credit.
            "amount": -to_integer(amount, currency),
            "currency": currency,
            "description": description,
        }
        with failures():
            made = self._v1.customers.balance_transactions.create(customer_id, fields, _once(key))
            return str(made.id)

    def was_credited(self, customer_id: str, description: str) -> bool:
        """Implements `Stripe`."""
        with failures():
            listed = self._v1.customers.balance_transactions.list(customer_id, {"limit": _MOST})
            return any(one.description == description for one in listed.auto_paging_iter())

    def balance(self, customer_id: str) -> Decimal:
        """Implements `Stripe`."""
        with failures():
            customer = self._v1.customers.retrieve(customer_id).to_dict()
            return -from_integer(customer.get("balance") or 0, customer.get("currency") or "usd")

    def _changed(self, change: Callable[[], Any]) -> Invoice:
        with failures():
            changed = change()
        return self.invoice(str(changed.id))


@contextmanager
def suppress_declined() -> Iterator[None]:
    """Lets a payment that was refused or needs something pass: the invoice says how it stands."""
    with suppress(stripe.CardError):
        try:
            yield
        except stripe.InvalidRequestError as error:
            if error.code not in _NOT_NOW:
                raise


_NOT_NOW: Final = (
    "invoice_already_paid",
    "invoice_no_payment_method",
    "invoice_no_customer_line_items",
    "invoice_payment_intent_requires_action",
    "payment_intent_action_required",
)


@contextmanager
def suppress_gone() -> Iterator[None]:
    """Lets what is not there any more pass."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise


@contextmanager
def suppress_done() -> Iterator[None]:
    """Lets the finalization of an invoice pass that is final already."""
    try:
        yield
    except Refused as refused:
        if refused.code != "invoice_not_editable":
            raise


_OF_PAYMENT: Final = {
    "paid": PaymentStatus.SUCCEEDED,
    "open": PaymentStatus.REQUIRES_PAYMENT_METHOD,
}
"""How far an intent is by what an invoice says of its payment; such as are open are looked up."""


def _once(key: str) -> Any:
    return {"idempotency_key": key}


def _id(value: Any) -> str | None:
    """Returns an id, or that of an object in its place."""
    if value is None:
        return None
    return value if isinstance(value, str) else str(value["id"])


def _card(given: Any) -> Card:
    method = given.to_dict()
    card = method.get("card") or {}
    return Card(
        str(method["id"]),
        str(method["type"]),
        card.get("brand"),
        card.get("last4"),
        card.get("exp_month"),
        card.get("exp_year"),
    )


def _setup_intent(given: Any) -> SetupIntent:
    intent = given.to_dict()
    return SetupIntent(
        str(intent["id"]),
        str(intent["status"]),
        intent.get("client_secret"),
        _id(intent.get("payment_method")),
    )


def _invoice(given: Any) -> Invoice:
    invoice = given.to_dict()
    currency = str(invoice["currency"])
    return Invoice(
        id=str(invoice["id"]),
        status=InvoiceStatus(invoice["status"]),
        customer_id=_id(invoice["customer"]) or "",
        currency=currency,
        total=from_integer(invoice["total"], currency),
        amount_due=from_integer(invoice["amount_due"], currency),
        amount_paid=from_integer(invoice["amount_paid"], currency),
        created_at=datetime.fromtimestamp(invoice["created"], UTC),
        number=invoice.get("number"),
        hosted_url=invoice.get("hosted_invoice_url"),
        metadata=dict(invoice.get("metadata") or {}),
        payment=_payment(invoice),
    )


def _payment(invoice: Any) -> Payment | None:
    payments = invoice.get("payments") or {}
    for made in reversed(payments.get("data") or []):
        intent = made["payment"].get("payment_intent")
        if isinstance(intent, str):
            return Payment(intent, _OF_PAYMENT.get(made["status"], PaymentStatus.CANCELED))
        if intent is not None:
            error = intent.get("last_payment_error") or {}
            return Payment(
                str(intent["id"]),
                PaymentStatus(intent["status"]),
                intent.get("client_secret"),
                error.get("decline_code") or error.get("code"),
                error.get("message"),
            )
    return None
