"""What the SDK's classes document about an object, and where an answer differs from it.

The SDK's classes are generated from Stripe's description of its API: each field with its type.
What is not optional must be there, what is there must be documented and of its type. Fields that
are optional may be absent at Stripe only in some states; those that the double leaves out are
named in `LEFT_OUT`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

from stripe import Dispute, ListObject, PaymentIntent, PaymentMethod, Refund, StripeObject
from stripe._error_object import ErrorObject
from stripe._object_classes import get_object_class
from stripe._stripe_object import UntypedStripeObject
from stripe.events._event_classes import get_v2_event_class

METHODS = frozenset(
    name
    for name, hint in PaymentMethod.__annotations__.items()
    if name != "card" and name in str(PaymentMethod.__annotations__["type"])
)
"""The ways to pay that the double does not serve: everything but cards."""

_OF_ERRORS = frozenset(ErrorObject.__annotations__) - {"message", "type"}
_NEXT_ACTIONS = frozenset(PaymentIntent.NextAction.__annotations__) - {"type", "use_stripe_sdk"}

LEFT_OUT: Mapping[str, frozenset[str]] = {
    # Shown when they are expanded, or at creation only.
    "charge": frozenset(
        {"refunds", "authorization_code", "level3", "presentment_details", "radar_options"}
        | {"transfer"}
    ),
    "coupon": frozenset({"applies_to", "currency_options"}),
    "customer": frozenset(
        {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}
        | {"business_name", "individual_name"}
    ),
    "invoice": frozenset(
        {"confirmation_secret", "payments", "amount_paid_off_stripe", "threshold_reason"}
        | {"status_details"}
    ),
    "plan": frozenset({"tiers"}),
    "product": frozenset({"tax_details"}),
    "price": frozenset({"currency_options", "tiers"}),
    "webhook_endpoint": frozenset({"secret"}),
    # One of several ways to say the same thing.
    "billing.credit_grant.applicability_config.scope": frozenset({"price_type", "prices"}),
    "credit_note.refunds": frozenset({"type"}),
    "payment_intent.next_action": _NEXT_ACTIONS,
    "setup_intent.next_action": _NEXT_ACTIONS,
    "invoice.last_finalization_error": _OF_ERRORS,
    "payment_intent.last_payment_error": _OF_ERRORS,
    "setup_intent.last_setup_error": _OF_ERRORS,
    "test_helpers.test_clock.status_details": frozenset({"advancing"}),
    # Other ways to pay than cards, and what banks say about cards.
    "charge.fraud_details": frozenset({"stripe_report", "user_report"}),
    "charge.outcome": frozenset({"rule"}),
    "charge.payment_method_details": frozenset(
        {"ach_credit_transfer", "ach_debit", "sepa_credit_transfer", "stripe_account", "wechat"}
    ),
    "charge.payment_method_details.card": frozenset(
        {"capture_before", "description", "electronic_commerce_indicator", "iin", "issuer", "moto"}
        | {"setup_credential_usage", "stored_credential_usage", "transaction_link_id"}
    ),
    "payment_intent.payment_method_options.card": frozenset(
        {"capture_method", "request_extended_authorization", "request_incremental_authorization"}
        | {"request_multicapture", "request_overcapture", "require_cvc_recollection"}
        | {"setup_credential_usage", "setup_future_usage", "stored_credential_usage"}
        | {"statement_descriptor_suffix_kana", "statement_descriptor_suffix_kanji"}
    ),
    "payment_method": frozenset({"radar_options"}),
    "payment_method.card": frozenset({"description", "iin", "issuer"}),
    "refund.destination_details": frozenset(
        name for name in Refund.DestinationDetails.__annotations__ if name not in ("card", "type")
    ),
    "refund.destination_details.card": frozenset({"reference", "reference_type"}),
    "setup_intent.payment_method_options.card": frozenset({"setup_credential_usage"}),
    # Parts of Stripe that the double does not play: Connect, checkout, several currencies, mail.
    "customer_balance_transaction": frozenset({"checkout_session"}),
    "event": frozenset({"account", "context"}),
    "event.data": frozenset({"previous_attributes"}),
    "dispute": frozenset({"intended_submission_method", "payment_method_details"}),
    "dispute.evidence": frozenset(Dispute.Evidence.__annotations__) - {"enhanced_evidence"},
    "dispute.evidence_details.enhanced_eligibility": frozenset(
        Dispute.EvidenceDetails.EnhancedEligibility.__annotations__
    ),
    "dispute.evidence.enhanced_evidence": frozenset(
        Dispute.Evidence.EnhancedEvidence.__annotations__
    ),
    "invoice.issuer": frozenset({"account"}),
    "invoice.parent.subscription_details": frozenset({"subscription_proration_date"}),
    "invoiceitem": frozenset({"frozen_fields", "invoicing_rules"}),
    "payment_intent": frozenset(
        {"hooks", "payment_details", "payment_record", "presentment_details"}
    ),
    "payment_intent.amount_details": frozenset(
        {"discount_amount", "error", "line_items", "shipping", "tax"}
    ),
    "payment_intent.amount_details.tip": frozenset({"amount"}),
    "refund": frozenset(
        {"customer", "customer_account", "description", "instructions_email", "next_action"}
        | {"failure_balance_transaction", "failure_reason", "payment_method", "pending_reason"}
        | {"presentment_details"}
    ),
    "setup_intent": frozenset({"attach_to_self"}),
    "subscription": frozenset({"presentment_details"}),
    "subscription.billing_mode": frozenset({"updated_at"}),
    "subscription.invoice_settings.issuer": frozenset({"account"}),
    "v2.core.event": frozenset({"snapshot_event"}),
}

IN_STATE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("billing.meter", "inactive"): ("status_transitions.deactivated_at",),
    ("charge", "failed"): ("failure_code", "failure_message", "outcome.reason"),
    ("charge", "succeeded"): ("outcome.type", "payment_method_details.card.last4"),
    ("invoice", "open"): ("number", "hosted_invoice_url", "status_transitions.finalized_at"),
    ("invoice", "paid"): ("number", "invoice_pdf", "status_transitions.paid_at"),
    ("invoice", "uncollectible"): ("number", "status_transitions.marked_uncollectible_at"),
    ("invoice", "void"): ("number", "status_transitions.voided_at"),
    ("invoice_payment", "paid"): ("amount_paid", "status_transitions.paid_at"),
    ("payment_intent", "canceled"): ("canceled_at",),
    ("payment_intent", "requires_action"): ("next_action.type", "payment_method"),
    ("payment_intent", "requires_capture"): ("latest_charge", "payment_method"),
    ("payment_intent", "requires_confirmation"): ("payment_method",),
    ("payment_intent", "succeeded"): ("latest_charge", "payment_method"),
    ("refund", "failed"): ("failure_reason",),
    ("refund", "succeeded"): ("balance_transaction",),
    ("setup_intent", "requires_action"): ("next_action.type", "payment_method"),
    ("setup_intent", "succeeded"): ("payment_method",),
    ("subscription", "canceled"): ("canceled_at", "ended_at"),
    ("subscription", "incomplete_expired"): ("ended_at",),
    ("subscription", "trialing"): ("trial_end", "trial_start"),
    ("test_helpers.test_clock", "advancing"): ("status_details.advancing.target_frozen_time",),
}
"""What is not empty in a state, though it may be in others."""


def differences(answer: Any, where: str = "") -> Iterator[str]:
    """Yields how an answer differs from what the SDK documents, each with its place."""
    if _names_itself(answer):
        yield from _object(answer, where or answer["object"])


def _object(thing: dict[str, Any], where: str) -> Iterator[str]:
    kind = thing["object"]
    if thing.get("deleted") or thing.keys() == {"id", "object"}:
        return
    if kind == "list":
        yield from _list(thing, where)
        return
    found = _class_of(kind, thing)
    if found is StripeObject:
        yield f"{where}: the SDK has no class for {kind}"
        return
    yield from _fields(thing, found, kind, where)
    if kind == "event":
        yield from _object(thing["data"]["object"], f"{where}.data.object")
        changes = thing["type"].endswith((".updated", ".automatically_updated", ".detached"))
        if changes != ("previous_attributes" in thing["data"]):
            yield f"{where}.data.previous_attributes: go with changes"
    for path in IN_STATE.get((kind, thing.get("status") or ""), ()):
        if _at(thing, path) is None:
            yield f"{where}.{path}: empty though {thing['status']}"


def _at(thing: Any, path: str) -> Any:
    for step in path.split("."):
        thing = thing.get(step) if isinstance(thing, dict) else None
    return thing


def _class_of(kind: str, thing: dict[str, Any]) -> type:
    if kind == "v2.core.event":
        event: type = get_v2_event_class(thing["type"])
        return event
    return get_object_class("V2" if kind.startswith("v2.") else "V1", kind)


def _list(thing: dict[str, Any], where: str) -> Iterator[str]:
    for name, type_ in (("data", list), ("has_more", bool), ("url", str)):
        if not isinstance(thing.get(name), type_):
            yield f"{where}.{name}: {thing.get(name)!r}"
    for number, one in enumerate(thing["data"]):
        yield from _object(one, f"{where}.data[{number}]")


def _fields(thing: dict[str, Any], class_: type, kind: str, where: str) -> Iterator[str]:
    documented = _documented(class_)
    for name in sorted(thing.keys() - documented.keys()):
        yield f"{where}.{name}: not documented"
    for name, hint in documented.items():
        if name in thing:
            yield from _value(thing[name], hint, f"{kind}.{name}", f"{where}.{name}")
        elif not _is_optional(hint):
            yield f"{where}.{name}: missing"
        elif name not in LEFT_OUT.get(kind, ()) and not _is_other(name, thing, documented):
            yield f"{where}.{name}: left out ({kind})"


def _is_other(name: str, thing: dict[str, Any], documented: dict[str, Any]) -> bool:
    """Tells whether a field goes with another `type` than the thing has, or is another way to pay.

    Whatever has types documents a field for each, and has one of them.
    """
    if name in METHODS and "card" in documented:
        return True
    types = [one for one in get_args(documented.get("type")) if get_origin(one) is Literal]
    return any(name in get_args(one) for one in types) and thing.get("type") != name


@cache
def _documented(class_: type) -> dict[str, Any]:
    return {
        name: hint
        for one in reversed(class_.__mro__)
        if one is not object and one is not StripeObject
        for name, hint in vars(one).get("__annotations__", {}).items()
        if get_origin(hint) is not ClassVar and not name.startswith("_") and name != "deleted"
    }


def _is_optional(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _value(value: Any, hint: Any, kind: str, where: str) -> Iterator[str]:
    origin = get_origin(hint)
    if origin is Union:
        yield from _one_of(value, get_args(hint), kind, where)
    elif origin is list:
        yield from _several(value, get_args(hint)[0], kind, where)
    elif origin is Literal:
        if value not in get_args(hint):
            yield f"{where}: {value!r} is none of {get_args(hint)}"
    elif origin in (ListObject, UntypedStripeObject):
        yield from _generic(value, hint, kind, where)
    elif isinstance(hint, ForwardRef) or _names_itself(value):
        yield from _referred(value, hint, where)
    elif isinstance(hint, type) and issubclass(hint, StripeObject):
        yield from _nested(value, hint, kind, where)
    elif not _is_plain(value, hint):
        yield f"{where}: {value!r} is no {hint}"


def _names_itself(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("object"), str)


def _several(value: Any, hint: Any, kind: str, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is no list"
        return
    for number, one in enumerate(value):
        yield from _value(one, hint, kind, f"{where}[{number}]")


def _referred(value: Any, hint: Any, where: str) -> Iterator[str]:
    if _names_itself(value):
        yield from _object(value, where)
    else:
        yield f"{where}: {value!r} is no {hint}"


def _nested(value: Any, hint: type, kind: str, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
    elif hint is not StripeObject:
        yield from _fields(value, hint, kind, where)


def _one_of(value: Any, hints: tuple[Any, ...], kind: str, where: str) -> Iterator[str]:
    """Differs from all alternatives. Open lists of values are taken to be closed."""
    if value is not None:
        hints = tuple(hint for hint in hints if hint is not NoneType)
    if any(get_origin(hint) is Literal for hint in hints):
        hints = tuple(hint for hint in hints if hint is not str)
    found = []
    for hint in hints:
        differing = list(_value(value, hint, kind, where))
        if not differing:
            return
        found.append(differing)
    yield from max(found, key=lambda one: (isinstance(value, dict | list), -len(one)))


def _generic(value: Any, hint: Any, kind: str, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
    elif get_origin(hint) is ListObject:
        yield from _list(value, where)
    else:
        for name, one in value.items():
            yield from _value(one, get_args(hint)[0], kind, f"{where}[{name}]")


def _is_plain(value: Any, hint: Any) -> bool:
    if hint is NoneType:
        return value is None
    if hint is Any:
        return True
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is Decimal:
        return isinstance(value, str) and _is_decimal(value)
    return isinstance(value, hint)


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
