"""A token is a world: no route of billing shows or touches another one's entities (N-18)."""

import re
from typing import Any

from backbeat_local.template import Template
from tests.integration.handlers.shop import Backend
from tests.integration.product import Product

FUNCTIONS = ("OnboardingFunction",)
BODIES: dict[str, Any] = {
    "POST /api/subscription/{entity_id}/reactivate": {"paymentMethodId": "pm_card_visa"},
    "POST /api/customers/{entity_id}/payment-methods": {"paymentMethodId": "pm_card_visa"},
    "POST /api/entitlements/{entity_id}/check": {"feature": "api"},
}
NAMED_IN_BODIES: list[tuple[str, Any]] = [
    ("/api/tier/change", {"entityId": "ada", "newTier": "team"}),
    ("/api/tier/preview", {"entityId": "ada", "newTier": "team"}),
]


def test_no_route_of_billing_answers_a_strangers_id_n18(
    backend: Backend, product: Product, template: Template
) -> None:
    backend.onboard("pro")
    [card] = backend.get("/api/customers/ada/payment-methods")["data"]
    # One that waits for its customer to confirm the payment.
    waiting = backend.change("team", 202, paymentMethodId="pm_card_authenticationRequired")
    operation = waiting["operation"]
    before = backend.agreed()
    owned = {
        "entity_id": "ada",
        "payment_method_id": card["id"],
        "operation_id": operation["id"],
    }
    wrong, looked_at = [], 0
    for name in FUNCTIONS:
        for route in template.functions[name].routes:
            names = re.findall(r"\{(\w+)\}", route.path)
            if not names:
                continue
            looked_at += 1
            body = BODIES.get(f"{route.method} {route.path}", {})
            reply = product.request(
                route.method,
                route.path.format_map(owned),
                None if route.method == "GET" else body,
                token="stranger",
            )
            if reply.status != 404:
                wrong.append((route.method, route.path, reply.status, reply.body))
    for path, body in NAMED_IN_BODIES:
        reply = product.post(path, body, token="stranger")
        if reply.status != 404:
            wrong.append(("POST", path, reply.status, reply.body))
    assert wrong == []
    assert looked_at >= 15
    assert backend.agreed() == before
