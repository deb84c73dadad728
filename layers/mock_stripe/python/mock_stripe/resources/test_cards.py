"""The test cards and how each behaves, after Stripe's list of test payment methods."""

from dataclasses import dataclass
from typing import Final

from mock_stripe.world.ids import scrambled


@dataclass(frozen=True, slots=True)
class Card:
    """A card and what happens to payments with it.

    `declines` is the `decline_code` of every charge, or "" for none; `code` is the error code that
    goes with it. `authenticates` is when 3D Secure is asked for: never, at setup, or always.
    """

    last4: str
    brand: str = "visa"
    declines: str = ""
    code: str = "card_declined"
    declines_at_attach: bool = False
    authenticates: str = "never"
    disputed: bool = False
    refunds: str = "succeeded"


_MESSAGES: Final = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit."
    ),
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
}

HARD_DECLINES: Final = frozenset(
    {
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    }
)
"""Declines after which a retry makes no sense before there is another payment method."""


def _declined(last4: str, declines: str, code: str = "card_declined") -> Card:
    return Card(last4, declines=declines, code=code, declines_at_attach=True)


CARDS: Final = {
    "visa": Card("4242"),
    "visa_debit": Card("5556"),
    "mastercard": Card("4444", brand="mastercard"),
    "amex": Card("8431", brand="amex"),
    "visa_chargeDeclined": _declined("0002", "generic_decline"),
    "visa_chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds"),
    "visa_chargeDeclinedLostCard": _declined("9987", "lost_card"),
    "visa_chargeDeclinedStolenCard": _declined("9979", "stolen_card"),
    "chargeDeclined": _declined("0002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds"),
    "chargeDeclinedExpiredCard": _declined("0069", "expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": _declined("0127", "incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": _declined("0119", "processing_error", "processing_error"),
    "chargeCustomerFail": Card("0341", declines="generic_decline"),
    "authenticationRequired": Card("3184", authenticates="always"),
    "authenticationRequiredOnSetup": Card("3155", authenticates="setup"),
    "threeDSecure2Required": Card("3220", authenticates="always"),
    "threeDSecureRequiredChargeDeclined": Card(
        "1629", declines="generic_decline", authenticates="always"
    ),
    "createDispute": Card("0259", disputed=True),
    "pendingRefund": Card("7726", refunds="pending"),
    "refundFail": Card("5126", refunds="failed"),
}
"""By what follows `pm_card_` or `tok_` in the test tokens."""

NUMBERS: Final = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "378282246310005": "amex",
    "4000000000000002": "visa_chargeDeclined",
    "4000000000009995": "visa_chargeDeclinedInsufficientFunds",
    "4000000000009987": "visa_chargeDeclinedLostCard",
    "4000000000009979": "visa_chargeDeclinedStolenCard",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000000341": "chargeCustomerFail",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000000000003220": "threeDSecure2Required",
    "4000008400001629": "threeDSecureRequiredChargeDeclined",
    "4000000000000259": "createDispute",
    "4000000000007726": "pendingRefund",
    "4000000000005126": "refundFail",
}
"""The cards by their test numbers."""


def message(decline_code: str) -> str:
    """Returns what the card's holder is told."""
    return _MESSAGES.get(decline_code, "Your card was declined.")


def fingerprint(last4: str) -> str:
    """Returns what is equal for the same card."""
    return scrambled(f"card {last4}", 16)
