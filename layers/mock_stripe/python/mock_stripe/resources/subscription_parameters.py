"""What subscriptions are made and changed with."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from mock_stripe.resources import (
    prices,
)
from mock_stripe.resources.coupons import GivenDiscount
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    Boolean,
    Created,
    Fraction,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    empty_is_none,
)

MOST_ITEMS: Final = 20


class PriceData(Nested):
    """A price described inside another call."""

    currency: Currency
    product: str
    recurring: prices.Recurring
    tax_behavior: Literal["exclusive", "inclusive", "unspecified"] | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Fraction | None = None


class NewItem(Nested):
    metadata: Metadata = {}
    price: str | None = None
    price_data: PriceData | None = None
    quantity: int | None = Field(None, ge=0)


class ChangedItem(NewItem):
    clear_usage: Boolean = False
    deleted: Boolean = False
    id: str | None = None


class BillingMode(Nested):
    type: Literal["classic", "flexible"]


class CancellationDetails(Nested):
    comment: Text = None
    feedback: Text = None


class TrialEnd(Nested):
    missing_payment_method: Literal["cancel", "create_invoice", "pause"]


class TrialSettings(Nested):
    end_behavior: TrialEnd


class PaymentSettings(Nested):
    payment_method_types: list[str] | None = None
    save_default_payment_method: Literal["off", "on_subscription"] | None = None


class SubscriptionParameters(Parameters):
    """What creating and changing have in common."""

    cancel_at: int | None = None
    cancel_at_period_end: Boolean | None = None
    collection_method: Literal["charge_automatically", "send_invoice"] | None = None
    days_until_due: int | None = Field(None, ge=0)
    default_payment_method: Text = None
    description: Text = None
    discounts: list[GivenDiscount] = []
    metadata: Metadata = {}
    off_session: Boolean = False
    payment_settings: PaymentSettings | None = None
    trial_settings: TrialSettings | None = None


class CreateSubscription(SubscriptionParameters):
    customer: str
    items: list[NewItem] = Field(min_length=1, max_length=MOST_ITEMS)
    billing_cycle_anchor: int | None = None
    billing_mode: BillingMode = BillingMode(type="flexible")
    currency: Currency | None = None
    payment_behavior: Literal[
        "allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"
    ] = "allow_incomplete"
    proration_behavior: Literal["create_prorations", "none"] = "create_prorations"
    trial_end: int | Literal["now"] | None = None
    trial_period_days: int | None = Field(None, ge=1, le=730)


class Anchor(Nested):
    type: Literal["now", "unchanged"]


class PauseCollection(Nested):
    """What becomes of invoices while nothing is collected, and when that ends by itself."""

    behavior: Literal["keep_as_draft", "mark_uncollectible", "void"]
    resumes_at: int | None = None


class UpdateSubscription(SubscriptionParameters):
    billing_cycle_anchor: Anchor | Literal["now", "unchanged"] = "unchanged"
    cancellation_details: CancellationDetails | None = None
    items: list[ChangedItem] = []
    pause_collection: Annotated[PauseCollection | None, BeforeValidator(empty_is_none)] = None
    payment_behavior: Literal[
        "allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"
    ] = "allow_incomplete"
    proration_behavior: Literal["always_invoice", "create_prorations", "none"] = "create_prorations"
    proration_date: int | None = None
    trial_end: int | Literal["now"] | None = None


class OutstandingUsage(Nested):
    type: Literal["none", "now"]


class UnusedTime(Nested):
    type: Literal["item_current_period_start", "none", "now"]


class BillFor(Nested):
    outstanding_usage_through: OutstandingUsage = OutstandingUsage(type="now")
    unused_time_from: UnusedTime = UnusedTime(type="now")


class PauseSubscription(Parameters):
    bill_for: BillFor = BillFor()
    invoicing_behavior: Literal["invoice", "pending_invoice_item"] = "pending_invoice_item"
    type: Literal["subscription"] = "subscription"


class ResumeSubscription(Parameters):
    billing_cycle_anchor: Literal["now", "unchanged"] = "now"
    payment_behavior: Literal["resume_on_payment_attempt", "resume_on_payment_success"] = (
        "resume_on_payment_attempt"
    )
    proration_behavior: Literal["always_invoice", "create_prorations", "none"] = "create_prorations"


class CancelSubscription(Parameters):
    cancellation_details: CancellationDetails | None = None
    invoice_now: Boolean = False
    prorate: Boolean = False


class ListSubscriptions(ListParameters):
    created: Created = None
    customer: str | None = None
    price: str | None = None
    status: str | None = None
    test_clock: str | None = None


PENDING_ALLOWS: Final = {
    "expand",
    "items",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
}
"""What may be sent beside `payment_behavior=pending_if_incomplete`."""
