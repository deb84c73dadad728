"""Which right a route needs."""

import pytest

from backbeat.api import scopes
from backbeat.models.api_keys import ALL_SCOPES, Scope, granted


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/ingest", "metronome"),
        ("POST", "/mock/clock", "metronome"),
        ("GET", "/webhooks/deliveries", "metronome:read"),
        ("POST", "/webhooks/redeliver", "metronome"),
        ("GET", "/v1/customers", "metronome:read"),
        ("POST", "/v1/customers", "metronome"),
        ("POST", "/v1/contracts/list", "metronome:read"),
        ("POST", "/v2/contracts/getEditHistory", "metronome:read"),
        ("POST", "/v1/events/search", "metronome:read"),
        ("POST", "/v1/contracts/customerBalances/getNetBalance", "metronome:read"),
        ("POST", "/v1/dashboards/getEmbeddableUrl", "metronome"),
        ("PATCH", "/v1/client/billing-config/stripe", "metronome"),
        ("GET", "/mock/clock", "metronome:read"),
        ("GET", "/mock/requests", "metronome"),
        ("GET", "/api/roles", "keys:admin"),
        ("PUT", "/api/roles/{role}", "keys:admin"),
        ("POST", "/metering/v1/simulations/what-if", "metering:read"),
        ("POST", "/metering/v1/simulations/runs", "metering:write"),
        ("GET", "/api/keys", "keys:admin"),
        ("POST", "/api/keys/{key}/rotate", "keys:admin"),
        ("GET", "/api/subscription/{entity_id}", "billing:read"),
        ("POST", "/api/tier/preview", "billing:read"),
        ("POST", "/api/subscription/{entity_id}/cancel/preview", "billing:read"),
        ("POST", "/api/subscription/{entity_id}/cancel", "billing:write"),
        ("POST", "/api/entitlements/{entity_id}/check", "billing:read"),
        ("POST", "/api/tier/change", "billing:write"),
        ("DELETE", "/api/customers/{entity_id}/payment-methods/{id}", "billing:write"),
        ("PATCH", "/api/v1/customers/{customer_id}", "billing:write"),
        ("GET", "/metering/v1/events", "metering:read"),
        ("POST", "/metering/v1/usage/projection", "metering:read"),
        ("POST", "/metering/v1/check", "metering:read"),
        ("POST", "/metering/v1/events/ingest", "metering:write"),
        ("POST", "/metering/v1/adjustments", "metering:write"),
        ("POST", "/metering/v1/adjustments/{adjustment_id}/approve", "metering:admin"),
        ("POST", "/metering/v1/adjustments/{adjustment_id}/revert", "metering:admin"),
        ("PATCH", "/metering/v1/mappings/{mapping_id}", "metering:admin"),
        ("GET", "/metering/v1/mappings", "metering:read"),
        ("POST", "/metering/v1/periods/finalize", "metering:admin"),
        ("GET", "/metering/v1/reconciliation/summary", "metering:read"),
        ("PATCH", "/metering/v1/reconciliation/settings", "metering:admin"),
    ],
)
def test_the_right_follows_from_path_and_method(method: str, path: str, scope: str) -> None:
    assert scopes.needed(method, path) == scope


def test_who_may_write_may_read() -> None:
    assert granted(frozenset({Scope.BILLING_WRITE})) == {Scope.BILLING_READ, Scope.BILLING_WRITE}
    assert granted(frozenset({Scope.METERING_ADMIN})) == {
        Scope.METERING_READ,
        Scope.METERING_WRITE,
        Scope.METERING_ADMIN,
    }
    assert granted(frozenset({Scope.METRONOME})) == {Scope.METRONOME, Scope.METRONOME_READ}
    assert granted(ALL_SCOPES) == ALL_SCOPES
