"""Whatever a body or an id says, the handlers' answer is about the request."""

from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import NOON
from tests.integration.handlers.shop import Backend
from tests.integration.test_fuzz import NASTY, places, values, with_value

ENTITY = {"id": "eve", "type": "user", "name": "Eve", "email": "eve@example.com"}
BODIES: dict[str, Any] = {
    "/api/onboard": {
        "entity": ENTITY,
        "tier": "enterprise",
        "billingPeriod": "yearly",
        "quote": {"price": 10, "credits": 5},
        "paymentMethodId": "pm_card_visa",
    },
    "/api/tier/preview": {
        "entityId": "ada",
        "newTier": "team",
        "billingPeriod": "yearly",
        "effectiveDate": "2025-02-01T00:00:00Z",
    },
    "/api/tier/change": {"entityId": "ada", "newTier": "free", "when": "period_end"},
    "/api/subscription/ada/cancel": {"when": "period_end"},
    "/api/subscription/ada/cancel/preview": {"when": "now"},
    "/api/subscription/ada/reactivate": {"paymentMethodId": "pm_card_visa"},
    "/api/customers/ada/payment-methods": {"paymentMethodId": "pm_card_visa", "default": True},
    "/api/entitlements/ada/check": {"limit": "maxStorageGB", "quantity": 3},
    "/api/catalog/apply": {
        "catalogue": {
            "version": "2",
            "tiers": [
                {
                    "id": "basic",
                    "name": "Basic",
                    "monthly_price": 0,
                    "yearly_price": 0,
                    "credits": 10,
                    "limits": {"maxStorageGB": 3},
                }
            ],
        }
    },
}
READ = ["onboarding/{}", "subscription/{}", "customers/{}/credits", "entitlements/{}"]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Any]:
    path = draw(st.sampled_from(sorted(BODIES)))
    at = draw(st.sampled_from(list(places(BODIES[path]))))
    return path, with_value(BODIES[path], at, draw(values))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=requests(), id_=st.sampled_from(NASTY) | st.text(min_size=1, max_size=8))
def test_no_request_is_an_internal_error(
    backend: Backend, request: tuple[str, Any], id_: str
) -> None:
    if backend.http.get("/api/subscription/ada").status_code == 404:
        backend.freeze(NOON)
        backend.onboard("pro")
    path, body = request
    reply = backend.http.post(path, json=body)
    assert reply.status_code < 500, (path, body, reply.text)
    for read in READ:
        found = backend.http.get(f"/api/{read.format(quote(id_, safe=''))}")
        assert found.status_code < 500, (read, id_, found.text)
