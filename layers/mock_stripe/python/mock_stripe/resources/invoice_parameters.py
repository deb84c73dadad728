"""What calls about invoices may be sent."""

from typing import Literal

from pydantic import Field

from mock_stripe.resources.coupons import GivenDiscount
from mock_stripe.resources.invoice_items import Period
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    Boolean,
    Created,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
)


class CreateInvoice(Parameters):
    customer: str
    auto_advance: Boolean = False
    collection_method: Literal["charge_automatically", "send_invoice"] = "charge_automatically"
    currency: Currency | None = None
    days_until_due: int | None = Field(None, ge=0)
    default_payment_method: str | None = None
    description: Text = None
    discounts: list[GivenDiscount] = []
    footer: Text = None
    metadata: Metadata = {}
    pending_invoice_items_behavior: Literal["exclude", "include"] = "exclude"
    subscription: str | None = None


class UpdateInvoice(Parameters):
    auto_advance: Boolean | None = None
    default_payment_method: Text = None
    description: Text = None
    footer: Text = None
    metadata: Metadata = {}


class FinalizeInvoice(Parameters):
    auto_advance: Boolean | None = None


class PayInvoice(Parameters):
    forgive: Boolean = False
    off_session: Boolean = True
    paid_out_of_band: Boolean = False
    payment_method: str | None = None


class NewLine(Nested):
    amount: Amount
    description: Text = None
    metadata: Metadata = {}
    period: Period | None = None


class AddLines(Parameters):
    lines: list[NewLine] = Field(min_length=1)


class ListInvoices(ListParameters):
    collection_method: str | None = None
    created: Created = None
    customer: str | None = None
    status: Literal["draft", "open", "paid", "uncollectible", "void"] | None = None
    subscription: str | None = None


class ListInvoicePayments(ListParameters):
    invoice: str | None = None
    status: str | None = None
