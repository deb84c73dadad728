"""What is done about an event, by its type.

Events are hints: they may come late, twice, and in any order. So each begins with looking at the
object as it is now, and does what that asks for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from backbeat.application.intake import about_meters, from_metronome, from_stripe
from backbeat.application.services import Call
from backbeat.models.inbound import ProviderName

Body = Mapping[str, Any]

Handler = Callable[[Call, str, Body], str]
"""Gets the caller, the event's type and body, and returns in words what was done."""

_HANDLERS: Final[Mapping[ProviderName, Mapping[str, Handler]]] = {
    ProviderName.STRIPE: {
        "invoice.": from_stripe.about_invoice,
        "payment_intent.": from_stripe.about_payment,
        "charge.": from_stripe.about_payment,
        "charge.dispute.": from_stripe.about_dispute,
        "charge.refund.": from_stripe.about_refund,
        "refund.": from_stripe.about_refund,
        "payment_method.": from_stripe.about_payment_method,
        "setup_intent.": from_stripe.about_payment_method,
        "customer.created": from_stripe.about_customer,
        "customer.updated": from_stripe.about_customer,
        "customer.deleted": from_stripe.about_customer,
        "customer.subscription.": from_stripe.about_subscription,
        "v1.billing.meter.": about_meters.about_report,
    },
    ProviderName.METRONOME: {
        "invoice.finalized": from_metronome.about_final_invoice,
        "invoice.billing_provider_error": from_metronome.about_refused_invoice,
        "payment_gate.external_initiate": from_metronome.about_asked_payment,
        "payment_gate.": from_metronome.about_gate,
        "contract.": from_metronome.about_contract,
        "alerts.": from_metronome.about_alert,
        "commit.": from_metronome.about_balance,
        "credit.": from_metronome.about_balance,
    },
}
"""By type, or by the beginning of types that ends in a dot. The longest beginning counts."""


def handle(call: Call, type_: str, provider: ProviderName, body: Body) -> str | None:
    """Does what an event asks for, and says what that was; None where its type asks for nothing."""
    handler = _handler(_HANDLERS[provider], type_)
    return None if handler is None else handler(call, type_, body)


def _handler(handlers: Mapping[str, Handler], type_: str) -> Handler | None:
    if type_ in handlers:
        return handlers[type_]
    parts = type_.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found = handlers.get(".".join(parts[:length]) + ".")
        if found is not None:
            return found
    return None
