"""Function `access`: API keys with scopes, and tokens for clients."""

import base64
from typing import Any

import pytest

from tests.integration.conftest import Stage, nothing_changes
from tests.integration.product import DEMO, Product, Reply, TestClock, World
from tests.integration.store import WatchedStore

KEYS = "/api/keys"
TOKEN = "/oauth/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def made(product: Product, *scopes: str, name: str = "backend", **more: Any) -> dict[str, Any]:
    reply = product.post(KEYS, {"name": name, "scopes": list(scopes), **more})
    assert reply.status == 201, reply
    key: dict[str, Any] = reply.body["data"]
    return key


def token(product: Product, **body: object) -> Reply:
    wanted = {"grant_type": "client_credentials", **body}
    return product.request("POST", TOKEN, wanted, token=None)


class TestKeys:
    def test_a_key_opens_the_sandbox_it_was_made_in(self, product: Product) -> None:
        created = product.post("/v1/customers", {"name": "Acme"}).data
        key = made(product, "metronome")
        listed = product.get("/v1/customers", token=key["key"]).data
        assert [customer["id"] for customer in listed] == [created["id"]]
        by_header = product.request(
            "GET", "/v1/customers", token=None, headers={"x-api-key": key["key"]}
        )
        assert by_header.data == listed

    def test_its_text_is_shown_once_and_stored_nowhere(
        self, stage: Stage, product: Product
    ) -> None:
        headers = {"idempotency-key": "once"}
        body = {"name": "backend", "scopes": ["billing:read"]}
        reply = product.request("POST", KEYS, body, headers=headers)
        key = reply.body["data"]
        rotated = product.post(f"{KEYS}/{key['id']}/rotate", {}).data
        assert reply.headers["cache-control"] == "no-store"
        shown = product.get(f"{KEYS}/{key['id']}").data
        assert "key" not in shown
        assert [one["ends_in"] for one in shown["secrets"]] == [
            key["key"][-4:],
            rotated["key"][-4:],
        ]
        product.get("/mock/requests")
        with stage.database.read() as content:
            everything = "\n".join(content.iterdump())
        assert key["id"] in everything
        assert key["key"] not in everything
        assert rotated["key"] not in everything

    @pytest.mark.parametrize(
        ("scope", "method", "path", "allowed"),
        [
            ("billing:read", "GET", "/v1/customers", False),
            ("billing:write", "POST", KEYS, False),
            ("metronome", "GET", "/v1/customers", True),
            ("metronome", "GET", KEYS, False),
            ("keys:admin", "GET", KEYS, True),
            ("keys:admin", "GET", "/v1/customers", False),
            ("keys:admin", "GET", "/mock/clock", False),
            ("billing:read", "GET", "/api/dunning-policy", True),
            ("billing:read", "PUT", "/api/dunning-policy", False),
            ("billing:read", "POST", "/api/tier/change", False),
            ("billing:read", "POST", "/api/v1/customers", False),
            ("billing:read", "POST", "/api/webhook-endpoints/stripe", False),
            ("billing:write", "GET", "/api/webhook-events", True),
            ("billing:write", "GET", "/api/v1/customers", True),
            ("metering:admin", "GET", "/explain/nobodys", False),
            ("metering:admin", "GET", "/api/v1/customers", False),
            ("metering:admin", "GET", "/v1/customers", False),
            ("metronome", "GET", "/api/customers", False),
            ("metronome", "GET", "/explain/nobodys", False),
        ],
    )
    def test_it_does_what_its_scopes_allow(
        self, scope: str, method: str, path: str, allowed: bool, product: Product
    ) -> None:
        key = made(product, scope)
        reply = product.request(method, path, token=key["key"])
        if allowed:
            assert reply.status == 200
        else:
            assert reply.status == 403
            assert reply.body["code"] == "Forbidden"

    def test_who_may_read_what_is_billed_is_told_why(self, product: Product, world: World) -> None:
        key = made(product, "billing:read")
        told = product.get(f"/explain/{world.invoice_id}", token=key["key"]).data
        # 3 calls at 2 cents and 30 tokens at 0.5.
        assert (told["total"], told["sum_of_lines"]) == (21, 21)

    def test_it_cannot_give_more_than_it_has_t33(
        self, product: Product, store: WatchedStore
    ) -> None:
        maker = made(product, "keys:admin", "billing:write")["key"]
        refused = product.post(
            KEYS, {"name": "more", "scopes": ["billing:read", "metering:write"]}, token=maker
        )
        assert (refused.status, refused.body["code"]) == (403, "Forbidden")
        assert "metering:write" in refused.body["message"]
        # Who may write may read, and so may give the right to read.
        given = product.post(KEYS, {"name": "less", "scopes": ["billing:read"]}, token=maker)
        assert given.status == 201
        assert given.body["data"]["created_by"].startswith("key_")

    def test_a_name_is_used_once_until_its_key_is_revoked(self, product: Product) -> None:
        key = made(product, "billing:read")
        again = product.post(KEYS, {"name": "backend", "scopes": ["billing:read"]})
        assert (again.status, again.body["conflicting_id"]) == (409, key["id"])
        product.post(f"{KEYS}/{key['id']}/revoke")
        assert made(product, "billing:read")["id"] != key["id"]

    def test_rotation_leaves_the_secret_before_valid_for_a_while_t33(
        self, product: Product, clock: TestClock
    ) -> None:
        key = made(product, "keys:admin")
        rotated = product.post(f"{KEYS}/{key['id']}/rotate", {"overlap_seconds": 600}).data
        assert product.get(KEYS, token=key["key"]).status == 200
        assert product.get(KEYS, token=rotated["key"]).status == 200
        clock.advance(seconds=599)
        assert product.get(KEYS, token=key["key"]).status == 200
        clock.advance(seconds=1)
        assert product.get(KEYS, token=key["key"]).status == 401
        assert product.get(KEYS, token=rotated["key"]).status == 200
        [valid] = product.get(f"{KEYS}/{key['id']}").data["secrets"]
        assert valid["ends_in"] == rotated["key"][-4:]

    def test_a_second_rotation_never_lengthens_the_overlap(
        self, product: Product, clock: TestClock
    ) -> None:
        key = made(product, "keys:admin")
        product.post(f"{KEYS}/{key['id']}/rotate", {"overlap_seconds": 60})
        product.post(f"{KEYS}/{key['id']}/rotate", {"overlap_seconds": 3600})
        clock.advance(seconds=60)
        assert product.get(KEYS, token=key["key"]).status == 401

    def test_without_an_overlap_the_secret_before_ends_at_once(self, product: Product) -> None:
        key = made(product, "keys:admin")
        product.post(f"{KEYS}/{key['id']}/rotate", {"overlap_seconds": 0})
        assert product.get(KEYS, token=key["key"]).status == 401

    def test_a_revoked_key_ends_at_once_with_its_tokens_t33(self, product: Product) -> None:
        key = made(product, "keys:admin")
        access = token(product, client_id=key["id"], client_secret=key["key"]).body["access_token"]
        assert product.get(KEYS, token=access).status == 200
        revoked = product.post(f"{KEYS}/{key['id']}/revoke").data
        assert revoked["revoked_at"] == "2025-01-15T12:00:00+00:00"
        assert revoked["secrets"] == []
        assert product.get(KEYS, token=key["key"]).status == 401
        assert product.get(KEYS, token=access).status == 401
        assert token(product, client_id=key["id"], client_secret=key["key"]).status == 401
        assert product.post(f"{KEYS}/{key['id']}/revoke").data == revoked
        refused = product.post(f"{KEYS}/{key['id']}/rotate", {})
        assert (refused.status, refused.body["conflicting_id"]) == (409, key["id"])

    def test_a_key_expires(self, product: Product, clock: TestClock) -> None:
        key = made(product, "keys:admin", expires_at="2025-01-15T12:10:00Z")
        given = token(product, client_id=key["id"], client_secret=key["key"]).body
        clock.advance(seconds=599)
        assert product.get(KEYS, token=key["key"]).status == 200
        clock.advance(seconds=1)
        assert product.get(KEYS, token=key["key"]).status == 401
        assert product.get(KEYS, token=given["access_token"]).status == 401

    def test_when_it_was_last_used_is_known_to_the_hour_n19(
        self, product: Product, store: WatchedStore, clock: TestClock
    ) -> None:
        key = made(product, "metronome")
        assert key["last_used_at"] is None
        clock.advance(minutes=90)
        product.get("/v1/customers", token=key["key"])
        with nothing_changes(store):
            product.get("/v1/customers", token=key["key"])
        [listed] = product.get(KEYS).data
        assert listed["last_used_at"] == "2025-01-15T13:00:00+00:00"
        # A token that is given for it uses it, too.
        given = token(product, client_id=key["id"], client_secret=key["key"]).body
        clock.advance(minutes=31)
        product.get("/v1/customers", token=given["access_token"])
        shown = product.get(f"{KEYS}/{key['id']}").data
        assert shown["last_used_at"] == "2025-01-15T14:00:00+00:00"

    def test_keys_are_listed_in_pages(self, product: Product) -> None:
        ids = {made(product, "billing:read", name=f"key {n}")["id"] for n in range(3)}
        first = product.get(KEYS, limit="2")
        rest = product.get(KEYS, limit="2", next_page=first.body["next_page"])
        found = [key["id"] for key in (*first.data, *rest.data)]
        assert (set(found), len(found), rest.body["next_page"]) == (ids, 3, None)

    def test_keys_are_their_owners_t33(self, product: Product) -> None:
        key = made(product, "billing:read")
        assert product.get(KEYS, token="other").data == []
        for action in ("", "/rotate", "/revoke"):
            method = "POST" if action else "GET"
            path = f"{KEYS}/{key['id']}{action}"
            reply = product.request(method, path, {} if action else None, token="other")
            assert (reply.status, reply.body["code"]) == (404, "ApiKeyNotFound")

    def test_what_is_done_with_keys_is_in_the_log_of_changes(self, product: Product) -> None:
        key = made(product, "keys:admin", "metronome")
        product.post(f"{KEYS}/{key['id']}/rotate", {}, token=key["key"])
        product.post(f"{KEYS}/{key['id']}/revoke")
        entries = product.get("/v1/auditLogs", sort="date_asc").data
        assert [(one["resource_type"], one["resource_id"], one["action"]) for one in entries] == [
            ("api_key", key["id"], action) for action in ("create", "update", "update")
        ]
        # Rotated by the key itself.
        by_key, by_token = entries[1]["actor"]["id"], entries[0]["actor"]["id"]
        assert by_key == key["id"] != by_token

    def test_keys_outlive_a_reset(self, product: Product) -> None:
        key = made(product, "keys:admin")
        product.post("/mock/reset")
        assert [one["id"] for one in product.get(KEYS, token=key["key"]).data] == [key["id"]]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"scopes": ["billing:read"]}, "name"),
            ({"name": " ", "scopes": ["billing:read"]}, "name"),
            ({"name": "a"}, "scopes"),
            ({"name": "a", "scopes": []}, "scopes"),
            ({"name": "a", "scopes": ["billing:everything"]}, "scopes.0"),
            ({"name": "a", "scopes": ["billing:read"], "expires_at": "soon"}, "expires_at"),
            (
                {"name": "a", "scopes": ["billing:read"], "expires_at": "2025-01-15T12:00:00Z"},
                "expires_at",
            ),
        ],
    )
    def test_what_is_no_key(self, body: object, field: str, product: Product) -> None:
        reply = product.post(KEYS, body)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
        assert field in reply.body["message"]

    @pytest.mark.parametrize("text", ["bbk_guess", "bbo_guess"])
    def test_what_looks_like_a_key_owns_no_sandbox(self, text: str, product: Product) -> None:
        reply = product.get("/v1/customers", token=text)
        assert (reply.status, reply.body["code"]) == (401, "Unauthorized")


class TestTokensOfClients:
    def test_any_client_owns_a_sandbox_here(self, product: Product) -> None:
        product.post("/v1/customers", {"name": "Acme"}, token="shop")
        given = token(
            product, client_id="shop", client_secret="any", scope="metronome billing:read"
        )
        assert given.status == 200
        assert given.headers["cache-control"] == "no-store"
        assert (given.body["token_type"], given.body["expires_in"]) == ("Bearer", 3600)
        assert given.body["scope"] == "metronome billing:read"
        access = given.body["access_token"]
        # The client's sandbox is the one its id owns as a token.
        assert [one["name"] for one in product.get("/v1/customers", token=access).data] == ["Acme"]
        again = token(product, client_id="shop", client_secret="other", scope="metronome").body
        assert len(product.get("/v1/customers", token=again["access_token"]).data) == 1
        stranger = token(product, client_id="else", client_secret="any", scope="metronome").body
        assert product.get("/v1/customers", token=stranger["access_token"]).data == []

    def test_it_may_do_what_it_asked_for(self, product: Product) -> None:
        given = token(product, client_id="shop", client_secret="any").body
        assert given["scope"] == "billing:read billing:write"
        assert product.get("/v1/customers", token=given["access_token"]).status == 403

    def test_it_ends_after_an_hour(self, product: Product, clock: TestClock) -> None:
        access = token(product, client_id="a", client_secret="b", scope="keys:admin").body[
            "access_token"
        ]
        clock.advance(seconds=3599)
        assert product.get(KEYS, token=access).status == 200
        clock.advance(seconds=1)
        assert product.get(KEYS, token=access).status == 401

    def test_forms_and_http_basic_are_taken(self, product: Product) -> None:
        form = "grant_type=client_credentials&client_id=shop&client_secret=s%26s&scope=keys%3Aadmin"
        given = product.request("POST", TOKEN, text=form, token=None, headers=FORM)
        assert (given.status, given.body["scope"]) == (200, "keys:admin")
        basic = base64.b64encode(b"shop:s%26s").decode()
        given = product.request(
            "POST",
            TOKEN,
            text="grant_type=client_credentials",
            token=None,
            headers={**FORM, "authorization": f"Basic {basic}"},
        )
        assert given.status == 200

    @pytest.mark.parametrize(
        ("text", "status", "error"),
        [
            ("", 400, "invalid_request"),
            ("{", 400, "invalid_request"),
            ("[]", 400, "invalid_request"),
            ('{"grant_type": 1}', 400, "invalid_request"),
            ('{"grant_type": "password"}', 400, "unsupported_grant_type"),
            ('{"grant_type": "client_credentials"}', 401, "invalid_client"),
            (
                '{"grant_type": "client_credentials", "client_id": "a", "client_secret": "b",'
                ' "scope": "everything"}',
                400,
                "invalid_scope",
            ),
        ],
    )
    def test_why_there_is_no_token(
        self, text: str, status: int, error: str, product: Product
    ) -> None:
        reply = product.request("POST", TOKEN, text=text, token=None)
        assert (reply.status, reply.body["error"]) == (status, error)
        assert reply.body["error_description"]

    @pytest.mark.parametrize(
        ("form", "headers", "status", "error"),
        [
            ("grant_type=a&grant_type=b", {}, 400, "invalid_request"),
            ("grant_type=%ff", {}, 400, "unsupported_grant_type"),
            ("grant_type=client_credentials", {"authorization": "Basic %"}, 401, "invalid_client"),
            (
                "grant_type=client_credentials&client_id=a",
                {"authorization": "Basic YTpi"},
                400,
                "invalid_request",
            ),
        ],
    )
    def test_why_a_form_gets_none(
        self, form: str, headers: dict[str, str], status: int, error: str, product: Product
    ) -> None:
        reply = product.request("POST", TOKEN, text=form, token=None, headers={**FORM, **headers})
        assert (reply.status, reply.body["error"]) == (status, error)
        assert ("www-authenticate" in reply.headers) == (status == 401)

    def test_that_it_was_given_is_in_the_log_of_changes(self, product: Product) -> None:
        key = made(product, "keys:admin")
        asked = {
            "grant_type": "client_credentials",
            "client_id": key["id"],
            "client_secret": key["key"],
        }
        agent = {"user-agent": "shop/1.0"}
        access = product.request("POST", TOKEN, asked, token=None, headers=agent).body
        wrong = product.request("POST", TOKEN, {**asked, "client_secret": "x"}, token=None)
        assert wrong.status == 401
        _, given = product.get("/v1/auditLogs", sort="date_asc").data
        assert (given["resource_type"], given["action"]) == ("access_token", "create")
        assert given["actor"]["id"] == key["id"]
        assert given["request"]["user_agent"] == "shop/1.0"
        # What names the token does not give it away.
        assert given["resource_id"] not in access["access_token"]
        assert access["access_token"] not in str(given)

    def test_that_an_unregistered_client_was_given_one_is_there_too(self, product: Product) -> None:
        product.post("/v1/customers", {"name": "Acme"}, token="shop")
        token(product, client_id="shop", client_secret="any")
        by_token, given = product.get("/v1/auditLogs", token="shop", sort="date_asc").data
        assert given["resource_type"] == "access_token"
        # The client's id is the sandbox's own token.
        assert given["actor"]["id"] == by_token["actor"]["id"]

    def test_a_token_is_not_its_clients_secret(self, product: Product) -> None:
        key = made(product, "keys:admin")
        access = token(product, client_id=key["id"], client_secret=key["key"]).body["access_token"]
        reply = token(product, client_id=key["id"], client_secret=access)
        assert (reply.status, reply.body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("settings", [{"BACKBEAT_TOKENS": "issued", "BACKBEAT_SANDBOX": "off"}])
class TestWhereTokensAreIssued:
    @pytest.fixture
    def key(self, product: Product) -> dict[str, Any]:
        from backbeat.application import tokens

        issued = tokens.issue(product.services, "owner")
        reply = product.post(
            KEYS, {"name": "backend", "scopes": ["billing:write", "keys:admin"]}, token=issued
        )
        assert reply.status == 201, reply
        key: dict[str, Any] = reply.body["data"]
        return key

    def test_clients_are_registered_keys(self, key: dict[str, Any], product: Product) -> None:
        client = {"client_id": key["id"], "client_secret": key["key"]}
        assert token(product, **client).body["scope"] == "billing:write keys:admin"
        less = token(product, **client, scope="billing:read").body
        assert less["scope"] == "billing:read"
        assert product.get(KEYS, token=less["access_token"]).status == 403
        more = token(product, **client, scope="metering:read")
        assert (more.status, more.body["error"]) == (400, "invalid_scope")

    def test_nobody_else_is_a_client(self, key: dict[str, Any], product: Product) -> None:
        for client_id, secret in (
            ("shop", "any"),
            (key["id"], "guess"),
            ("key_other", key["key"]),
            (DEMO, DEMO),
        ):
            reply = token(product, client_id=client_id, client_secret=secret)
            assert (reply.status, reply.body["error"]) == (401, "invalid_client")
