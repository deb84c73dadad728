"""Owners, maintainers and viewers: what each may do, on every route (D-90)."""

import re
from typing import Any

import pytest

from backbeat_local.template import Template
from tests.integration.conftest import nothing_changes
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, Example
from tests.integration.product import Product, Reply
from tests.integration.store import WatchedStore

KEYS = "/api/keys"
ROLES = "/api/roles"
TOKEN = "/oauth/token"

OPEN = re.compile(
    r"/(|health|console.*|demo.*|widget|widget\.js|widget/\{path\+\}|openapi\.json|reference|"
    r"oauth/token|dashboards/embedded|webhooks/(stripe|metronome).*|metering/health/.*|"
    r"(mock/)?stripe/\{path\+\})"
)
"""Paths that need no token, or one of another kind."""

ASKED_BY_POST = """
/v1/contract-pricing/products/get /v1/contract-pricing/products/list
/v1/contract-pricing/rate-cards/get /v1/contract-pricing/rate-cards/getNamedSchedule
/v1/contract-pricing/rate-cards/getRateSchedule /v1/contract-pricing/rate-cards/getRates
/v1/contract-pricing/rate-cards/list /v1/contracts/customerBalances/getNetBalance
/v1/contracts/customerBalances/list /v1/contracts/customerCommits/list
/v1/contracts/customerCredits/list /v1/contracts/get /v1/contracts/getContractRateSchedule
/v1/contracts/getNamedSchedule /v1/contracts/getSubscriptionQuantityHistory
/v1/contracts/getSubscriptionSeatsHistory /v1/contracts/list /v1/contracts/listNamedSchedules
/v1/contracts/seatBalances/list /v1/credits/listEntries /v1/credits/listGrants
/v1/customFields/listKeys /v1/customer-alerts/get /v1/customer-alerts/list
/v1/customers/getNamedSchedule /v1/customers/{customer_id}/invoices/spend-breakdowns
/v1/customers/{customer_id}/previewEvents /v1/events/search
/v1/getCustomerBillingProviderConfigurations /v1/getCustomerRevenueSystemConfigurations
/v1/listConfiguredBillingProviders /v1/packages/get /v1/packages/list
/v1/packages/listContractsOnPackage /v1/payments/list /v1/usage /v1/usage/groups
/v1/usage/seats /v2/contracts/get /v2/contracts/getEditHistory /v2/contracts/list
/v2/notifications/get /v2/notifications/offset/list /v2/notifications/system/list
/api/tier/preview /api/subscription/{entity_id}/cancel/preview
/api/entitlements/{entity_id}/check
/metering/v1/check /metering/v1/usage/projection
/metering/v1/simulations/compare /metering/v1/simulations/what-if
""".split()  # noqa: SIM905 - fifty lines otherwise
"""Calls that change nothing although they are not by GET."""


def guarded(template: Template) -> list[tuple[str, str]]:
    """Returns method and path of every route that needs a token."""
    return [
        (route.method, route.path)
        for function in template.functions.values()
        for route in function.routes
        if not OPEN.fullmatch(route.path)
    ]


def may(role: str, method: str, path: str) -> bool:
    if role == "owner":
        return True
    if path.startswith((KEYS, ROLES)):
        return False
    if role == "maintainer":
        return True
    if path.startswith("/mock/") and not path.startswith(("/mock/clock", "/mock/explain")):
        return False
    return method == "GET" or path in ASKED_BY_POST


def made(product: Product, role: str, *, token: str = "demo", name: str = "") -> dict[str, Any]:
    reply = product.post(KEYS, {"name": name or role, "role": role}, token=token)
    assert reply.status == 201, reply
    key: dict[str, Any] = reply.body["data"]
    return key


def send(product: Product, method: str, path: str, token: str | None) -> Reply:
    """Sends what no route can read, so that little is done where it is allowed."""
    return product.request(method, re.sub(r"\{\w+\}", "none", path), text="[", token=token)


def test_the_routes_that_need_a_token(product: Product, template: Template) -> None:
    routes = guarded(template)
    assert len(routes) > 200
    for method, path in routes:
        assert send(product, method, path, None).status == 401, (method, path)


@pytest.mark.parametrize("role", ["owner", "maintainer", "viewer"])
def test_d90_a_role_does_what_it_may_on_every_route(
    role: str, product: Product, template: Template
) -> None:
    key = made(product, role)["key"]
    wrong = []
    for method, path in guarded(template):
        reply = send(product, method, path, key)
        forbidden = reply.status == 403 and reply.body["code"] == "Forbidden"
        if forbidden is may(role, method, path):
            wrong.append((method, path, reply.status))
    assert wrong == []


ASKED = [one for one in EXAMPLES if may("viewer", one.method, one.path)]


@pytest.mark.parametrize("example", ASKED, ids=lambda example: example.name)
def test_d90_what_a_viewer_asks_changes_nothing(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    key = made(product, "viewer")["key"]
    method, path, body = example.filled(estate)
    # That the key is used is noted once an hour.
    product.get("/mock/clock", token=key)
    # The first search of a world looks whether it is from before customers could be found.
    product.get("/search/customers", text="acme")
    with nothing_changes(store):
        reply = product.request(method, path, body, token=key, query=dict(example.query))
    assert reply.status == example.status


class TestKeysOfARole:
    def test_they_are_shown_with_what_they_may_do(self, product: Product) -> None:
        key = made(product, "viewer")
        assert (key["role"], key["scopes"]) == (
            "viewer",
            ["billing:read", "metering:read", "metronome:read"],
        )
        listed = product.get(ROLES).data
        assert [one["id"] for one in listed] == ["owner", "maintainer", "viewer"]
        assert listed[1]["scopes"] == ["billing:write", "metering:admin", "metronome"]

    def test_they_follow_their_role(self, product: Product) -> None:
        key = made(product, "viewer")
        customer = {"name": "Acme"}
        assert product.post("/v1/customers", customer, token=key["key"]).status == 403
        changed = product.request("PUT", f"{ROLES}/viewer", {"scopes": ["metronome"]}, token="demo")
        assert changed.data == {"id": "viewer", "scopes": ["metronome"]}
        assert product.post("/v1/customers", customer, token=key["key"]).status == 200
        assert product.get("/api/dunning-policy", token=key["key"]).status == 403
        assert product.get(f"{KEYS}/{key['id']}").data["scopes"] == ["metronome"]
        # Another account's viewers are as before.
        other = made(product, "viewer", token="other")
        assert product.post("/v1/customers", customer, token=other["key"]).status == 403

    def test_they_are_given_another_role(self, product: Product) -> None:
        key = made(product, "viewer")
        access = product.request(
            "POST",
            TOKEN,
            {
                "grant_type": "client_credentials",
                "client_id": key["id"],
                "client_secret": key["key"],
            },
            token=None,
        ).body
        assert access["scope"] == "billing:read metering:read metronome:read"
        path = f"{KEYS}/{key['id']}"
        changed = product.request("PATCH", path, {"role": "maintainer"}, token="demo").data
        assert changed["role"] == "maintainer"
        assert product.post("/v1/customers", {"name": "A"}, token=key["key"]).status == 200
        # A token does what it was given for, at most.
        token = access["access_token"]
        assert product.post("/v1/customers", {"name": "B"}, token=token).status == 403
        changed = product.request("PATCH", path, {"scopes": ["billing:read"]}, token="demo").data
        assert (changed["role"], changed["scopes"]) == (None, ["billing:read"])
        for text in (key["key"], token):
            assert product.get("/v1/customers", token=text).status == 403
            assert product.get("/api/dunning-policy", token=text).status == 200

    def test_nobody_gives_more_than_he_has(self, product: Product) -> None:
        owner = made(product, "owner")
        body = {"name": "clerk", "scopes": ["keys:admin", "billing:read"]}
        clerk = product.post(KEYS, body).body["data"]
        text = clerk["key"]
        refused = [
            product.post(KEYS, {"name": "x", "role": "viewer"}, token=text),
            product.request("PATCH", f"{KEYS}/{clerk['id']}", {"role": "owner"}, token=text),
            product.request("PUT", f"{ROLES}/viewer", {"scopes": ["metronome"]}, token=text),
            # Its new secret would be shown.
            product.post(f"{KEYS}/{owner['id']}/rotate", {}, token=text),
        ]
        assert [(reply.status, reply.body["code"]) for reply in refused] == [(403, "Forbidden")] * 4
        assert product.get(KEYS, token=owner["key"]).status == 200

    def test_the_owners_role_stays_as_it_is(self, product: Product) -> None:
        body = {"scopes": ["billing:read"]}
        refused = product.request("PUT", f"{ROLES}/owner", body, token="demo")
        assert (refused.status, refused.body["code"]) == (409, "Conflict")
        unknown = product.request("PUT", f"{ROLES}/guest", body, token="demo")
        assert (unknown.status, unknown.body["code"]) == (404, "RoleNotFound")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": "a", "role": "guest"}, "role"),
            ({"name": "a", "role": "viewer", "scopes": ["billing:read"]}, "scopes"),
            ({"name": "a"}, "scopes"),
        ],
    )
    def test_what_is_no_key(self, body: Any, field: str, product: Product) -> None:
        reply = product.post(KEYS, body)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
        assert field in reply.body["message"]

    def test_a_revoked_key_is_not_changed(self, product: Product) -> None:
        key = made(product, "viewer")
        product.post(f"{KEYS}/{key['id']}/revoke")
        path = f"{KEYS}/{key['id']}"
        assert product.request("PATCH", path, {"role": "owner"}, token="demo").status == 409
        unknown = product.request("PATCH", f"{KEYS}/none", {"role": "owner"}, token="demo")
        assert (unknown.status, unknown.body["code"]) == (404, "ApiKeyNotFound")

    def test_what_is_done_with_roles_is_in_the_log_of_changes(self, product: Product) -> None:
        key = made(product, "viewer")
        product.request("PUT", f"{ROLES}/viewer", {"scopes": ["metronome:read"]}, token="demo")
        product.request("PUT", f"{ROLES}/viewer", {"scopes": ["billing:read"]}, token="demo")
        product.request("PATCH", f"{KEYS}/{key['id']}", {"role": "maintainer"}, token="demo")
        entries = product.get("/v1/auditLogs", sort="date_asc").data
        assert [(one["resource_type"], one["resource_id"], one["action"]) for one in entries] == [
            ("api_key", key["id"], "create"),
            ("role", "viewer", "create"),
            ("role", "viewer", "update"),
            ("api_key", key["id"], "update"),
        ]
