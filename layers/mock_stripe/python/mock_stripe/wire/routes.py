"""Which endpoint answers: the table that resources register in, and the paths it is searched by.

@endpoint("POST", "/v1/customers/{customer}/things", MakeThing)
def make(world: World, params: MakeThing, customer: str) -> Object: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mock_stripe.errors import InvalidRequest, UnknownRoute
from mock_stripe.wire.parameters import Parameters
from mock_stripe.world.world import Object

Answer = Callable[..., Object]
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call: its parameters' schema and what does it."""

    method: str
    path: str
    schema: type[Parameters]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Found:
    """The endpoint of a request and the ids in its path."""

    endpoint: Endpoint
    path: dict[str, str]


REMOVED: Final = {
    "/v1/invoices/upcoming": "2025-03-31.basil; use POST /v1/invoices/create_preview",
    "/v1/invoices/upcoming/lines": "2025-03-31.basil; use POST /v1/invoices/create_preview",
    "/v1/subscription_items/*/usage_records": "2025-03-31.basil; use billing meter events",
    "/v1/subscription_items/*/usage_record_summaries": (
        "2025-03-31.basil; use billing meter event summaries"
    ),
}
"""Paths that Stripe once had, and since which version not. `*` stands for an id."""

_NO_IDS: Final = ("/v1/*/search",)
"""Paths that Stripe has where an id would be otherwise, and the double does not serve."""

UNSERVED: Final = (
    "/v1/account", "/v1/account_links", "/v1/account_sessions", "/v1/accounts", "/v1/apple_pay",
    "/v1/application_fees", "/v1/apps", "/v1/balance", "/v1/balance_settings",
    "/v1/billing/alerts", "/v1/billing/feedback_options",
    "/v1/billing_portal", "/v1/charges", "/v1/charges/*/capture", "/v1/checkout", "/v1/climate",
    "/v1/confirmation_tokens", "/v1/country_specs", "/v1/credit_notes/*", "/v1/customer_sessions",
    "/v1/customers/*/balance_transactions/*", "/v1/customers/*/cash_balance",
    "/v1/customers/*/cash_balance_transactions", "/v1/customers/*/discount",
    "/v1/customers/*/funding_instructions", "/v1/customers/*/sources", "/v1/customers/*/tax_ids",
    "/v1/disputes", "/v1/entitlements", "/v1/ephemeral_keys", "/v1/exchange_rates",
    "/v1/file_links", "/v1/files", "/v1/financial_connections", "/v1/forwarding", "/v1/identity",
    "/v1/invoice_rendering_templates", "/v1/invoices/*/attach_payment", "/v1/invoices/*/lines/*",
    "/v1/invoices/*/remove_lines", "/v1/invoices/*/update_lines", "/v1/issuing", "/v1/mandates",
    "/v1/payment_attempt_records", "/v1/payment_intents/*/amount_details_line_items",
    "/v1/payment_intents/*/apply_customer_balance",
    "/v1/payment_intents/*/increment_authorization",
    "/v1/payment_intents/*/verify_microdeposits", "/v1/payment_links",
    "/v1/payment_method_configurations", "/v1/payment_method_domains", "/v1/payment_records",
    "/v1/payouts", "/v1/plans", "/v1/product_catalog", "/v1/products/*/features",
    "/v1/promotion_codes", "/v1/quotes", "/v1/radar", "/v1/refunds/*/cancel", "/v1/reporting",
    "/v1/reviews", "/v1/setup_attempts", "/v1/setup_intents/*/verify_microdeposits",
    "/v1/shipping_rates", "/v1/sigma", "/v1/sources", "/v1/subscription_schedules",
    "/v1/subscriptions/*/discount", "/v1/subscriptions/*/migrate", "/v1/tax", "/v1/tax_codes",
    "/v1/tax_ids", "/v1/tax_rates", "/v1/terminal", "/v1/test_helpers", "/v1/three_d_secure",
    "/v1/tokens", "/v1/topups", "/v1/transfers", "/v1/treasury",
    "/v2/billing/meter_event_session", "/v2/billing/meter_event_stream", "/v2/commerce",
    "/v2/core", "/v2/money_management", "/v2/test_helpers",
)  # fmt: skip
"""What Stripe has and the double does not serve, by the beginning of the path."""

_INSTEAD: Final = {
    "/v1/charges": "create a PaymentIntent",
    "/v1/customers/*/sources": "attach a PaymentMethod",
    "/v1/plans": "create a Price",
    "/v1/sources": "create a PaymentMethod",
    "/v1/tokens": "create a PaymentMethod from a test token, such as tok_visa",
    "/v2/billing/meter_event_session": "send meter events one by one; the stream is for live mode",
    "/v2/billing/meter_event_stream": "send meter events one by one; the stream is for live mode",
}
"""What today's integrations do instead of an older call."""

_literal: Final[dict[tuple[str, str], Endpoint]] = {}
"""Endpoints without ids in their paths, which are found at once."""

_endpoints: Final[dict[tuple[str, int], list[tuple[tuple[str, ...], Endpoint]]]] = {}
"""Endpoints with ids in their paths, by method and number of parts."""


def endpoint(method: str, path: str, schema: type[Parameters]) -> Callable[[A], A]:
    """Registers what answers a method and path; `{name}` parts become arguments."""

    def register(answer: A) -> A:
        made = Endpoint(method, path, schema, answer)
        if "{" not in path:
            _literal[method, path] = made
            return answer
        parts = tuple(path.split("/")[1:])
        table = _endpoints.setdefault((method, len(parts)), [])
        table.append((parts, made))
        # A literal before a parameter in the same place: the first that fits answers.
        table.sort(key=lambda one: [part.startswith("{") for part in one[0]])
        return answer

    return register


def endpoints() -> list[Endpoint]:
    """Returns everything that is answered."""
    with_ids = [one for table in _endpoints.values() for _, one in table]
    return [*_literal.values(), *with_ids]


def find(method: str, path: str) -> Found:
    """Returns what answers a request, by its path, which API Gateway has decoded.

    Raises:
        UnknownRoute: nothing here does; the text says why.
    """
    if (known := _literal.get((method, path))) is not None:
        return Found(known, {})
    parts = path.split("/")[1:]
    for removed, since in REMOVED.items():
        # First: what was removed would pass for an object's id below.
        if _looks_like(removed.split("/")[1:], parts):
            raise UnknownRoute(f"{path} was removed in {since}", code="removed_in_version")
    if any(_looks_like(pattern.split("/")[1:], parts) for pattern in _NO_IDS):
        raise _unserved(method, path, "")
    for pattern, known in _endpoints.get((method, len(parts)), ()):
        values = _match(pattern, parts)
        if values is not None:
            return Found(known, values)
    raise _why_not(method, path)


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            values[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return values


def _why_not(method: str, path: str) -> InvalidRequest:
    parts = path.split("/")[1:]
    for known in UNSERVED:
        pattern = known.split("/")[1:]
        if _looks_like(pattern, parts[: len(pattern)]):
            return _unserved(method, path, _INSTEAD.get(known, ""))
    return UnknownRoute(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we"
        " can help at https://support.stripe.com/."
    )


def _unserved(method: str, path: str, instead: str) -> InvalidRequest:
    hint = f"; {instead} instead" if instead else ""
    return UnknownRoute(
        f"Stripe has {method} {path}, but this double does not serve it{hint}",
        code="not_served_by_double",
    )


def _looks_like(pattern: list[str], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=True)
    )


def call(found: Found, *arguments: Any) -> Object:
    """Does what an endpoint does."""
    return found.endpoint.answer(*arguments, **found.path)
