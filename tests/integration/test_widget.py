"""The usage widget: a token shows one customer its own usage, for minutes, and nothing else."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.product import Product, Reply, TestClock, World, event


def issue(product: Product, customer_id: str, *, token: str = "demo", **more: object) -> str:
    body = {"customer_id": customer_id, **more}
    issued: str = product.post("/widget/tokens", body, token=token).data["token"]
    return issued


def show(product: Product, widget_token: str) -> Reply:
    headers = {"authorization": f"Bearer {widget_token}"}
    return product.request("GET", "/widget/usage", token=None, headers=headers)


def test_a_customer_sees_what_it_uses_and_what_that_will_come_to(
    product: Product, world: World
) -> None:
    product.post(
        "/v1/alerts/create",
        {
            "alert_type": "spend_threshold_reached",
            "name": "internal words",
            "threshold": 20,
            "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        },
    )
    reply = show(product, issue(product, world.customer_id))
    assert reply.headers["cache-control"] == "no-store"
    assert reply.data["customer"] == {"name": "Acme"}
    [period] = reply.data["periods"]
    assert period["starting_at"] == "2025-01-01T00:00:00+00:00"
    used = {one["name"]: (one["quantity"], one["amount"]) for one in period["used"]}
    # 3 calls at 2 cents, 30 tokens at 0.5.
    assert used == {"Calls": (3, 6), "Tokens": (30, 15)}
    # At noon of the 15th 14.5 of 31 days are over: 21 × 31 / 14.5 = 44.8965..., to cents.
    assert (period["spent"], period["due"]) == (21, 21)
    assert period["projected"] == 45
    [limit] = reply.data["limits"]
    assert (limit["threshold"], limit["reached"]) == (20, True)
    assert "internal words" not in json.dumps(reply.data, default=str)


def test_credits_are_told_apart_from_what_is_due(product: Product, world: World) -> None:
    fixed = product.post(
        "/v1/contract-pricing/products/create", {"name": "Gift", "type": "FIXED"}
    ).data["id"]
    item = {
        "amount": 10,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
    }
    product.post(
        "/v1/contracts/customerCredits/create",
        {
            "customer_id": world.customer_id,
            "product_id": fixed,
            "priority": 1,
            "access_schedule": {"schedule_items": [item]},
        },
    )
    [period] = show(product, issue(product, world.customer_id)).data["periods"]
    assert (period["spent"], period["covered"], period["due"]) == (21, 10, 11)
    # The credit pays all calls, and 8 of 30 tokens: what was used stays one thing each.
    used = [(one["name"], one["quantity"], one["amount"]) for one in period["used"]]
    assert sorted(used) == [("Calls", 3, 6), ("Tokens", 30, 15)]


def test_a_token_shows_no_other_customer(product: Product, world: World) -> None:
    other = product.post("/v1/customers", {"name": "Globex", "ingest_aliases": ["globex"]}).data
    terms = {"rate_card_id": world.rate_card_id, "starting_at": "2025-01-01T00:00:00Z"}
    product.post("/v1/contracts/create", {"customer_id": other["id"], **terms})
    product.post("/v1/ingest", [event("globex-1", customer_id="globex")])
    token = issue(product, world.customer_id)
    # Whatever is asked for beside it, the token alone says whose usage it is.
    for query in ({"customer_id": other["id"]}, {"owner": "x"}, {}):
        reply = product.request(
            "GET",
            "/widget/usage",
            token=None,
            query=query,
            headers={"authorization": f"Bearer {token}"},
        )
        assert reply.data["customer"] == {"name": "Acme"}
        assert reply.data["periods"][0]["spent"] == 21


def parts(token: str) -> tuple[list[Any], str]:
    """Returns what a token says (owner, customer, end) and its signature."""
    payload, _, signature = token.removeprefix("bbw_").partition(".")
    owner, content = json.loads(decoded(payload))
    return [owner, *json.loads(decoded(content))], signature


def joined(claims: list[Any], signature: str) -> str:
    owner, *content = claims
    inner = base64.b64encode(json.dumps(content).encode()).decode()
    payload = base64.urlsafe_b64encode(json.dumps([owner, inner]).encode()).decode().rstrip("=")
    return f"bbw_{payload}.{signature}"


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["owner", "customer", "end"])
def test_what_a_token_says_cannot_be_changed(place: int, product: Product, world: World) -> None:
    token = issue(product, world.customer_id)
    claims, signature = parts(token)
    claims[place] = [str(uuid4()), str(uuid4()), int(str(claims[2])) + 1][place]
    reply = show(product, joined(claims, signature))
    assert (reply.status, reply.body["code"]) == (401, "Unauthorized")


def test_a_key_signs_for_its_owner_alone(product: Product, world: World) -> None:
    World.build(product, "other")
    other = product.get("/v1/customers", token="other").data[0]["id"]
    mine, theirs = issue(product, world.customer_id), issue(product, other, token="other")
    assert show(product, theirs).status == 200
    crossed = joined(parts(theirs)[0], parts(mine)[1])
    assert show(product, crossed).status == 401


@pytest.mark.parametrize(
    "token", ["", "bbw_", "bbw_x.y", "bbw_W10.eA", "demo", "bbw_é.é", "bbw_WyJhIl0.W10"]
)
def test_what_is_no_token(token: str, product: Product, world: World) -> None:
    issue(product, world.customer_id)
    reply = show(product, token)
    assert (reply.status, reply.body["code"]) == (401, "Unauthorized")


def test_a_token_ends(product: Product, world: World, clock: TestClock) -> None:
    token = issue(product, world.customer_id, expires_in_seconds=60)
    clock.advance(seconds=59)
    assert show(product, token).status == 200
    clock.advance(seconds=1)
    reply = show(product, token)
    assert (reply.status, reply.body["message"]) == (401, "The widget token has ended")


def test_it_ends_by_real_time_where_the_sandboxes_clock_stands(
    product: Product, world: World, clock: TestClock
) -> None:
    product.post("/mock/clock", {"now": "2025-01-15T12:00:00Z"})
    token = issue(product, world.customer_id)
    clock.advance(minutes=15)
    assert show(product, token).status == 401


def test_a_reset_leaves_nobody_to_show(product: Product, world: World) -> None:
    token = issue(product, world.customer_id)
    product.post("/mock/reset")
    assert show(product, token).status == 401


def test_what_is_asked_for_wrongly(product: Product, world: World) -> None:
    unknown = product.post("/widget/tokens", {"customer_id": str(uuid4())})
    assert (unknown.status, unknown.body["code"]) == (404, "CustomerNotFound")
    foreign = product.post("/widget/tokens", {"customer_id": world.customer_id}, token="other")
    assert foreign.status == 404
    for seconds in (0, 29, 901, "soon"):
        body = {"customer_id": world.customer_id, "expires_in_seconds": seconds}
        reply = product.post("/widget/tokens", body)
        assert reply.status == 400
        assert "expires_in_seconds" in reply.body["message"]


def test_a_widget_token_opens_nothing_else(product: Product, world: World) -> None:
    token = issue(product, world.customer_id)
    # Where any token is a sandbox, it is an empty one.
    assert product.get("/v1/customers", token=token).data == []


APP, STAGING = "https://app.example.com", "http://localhost:8080"


def ancestors(product: Product, **query: str) -> str:
    reply = product.request("GET", "/widget", token=None, query=query)
    assert reply.status == 200
    [found] = [
        one.removeprefix("frame-ancestors ")
        for one in reply.headers["content-security-policy"].split("; ")
        if one.startswith("frame-ancestors ")
    ]
    return found


def test_a_token_may_be_for_the_pages_of_some_origins(product: Product, world: World) -> None:
    token = issue(product, world.customer_id, origins=["https://App.example.com", STAGING])
    signed, _, frames = token.partition("~")
    assert ancestors(product, frames=frames) == f"{APP} {STAGING}"
    assert show(product, token).data["customer"] == {"name": "Acme"}
    # Without its end, or with another's, it is worth nothing; the end alone is nothing either.
    other = issue(product, world.customer_id, origins=["https://evil.example.com"])
    for broken in (signed, f"{signed}~", f"{signed}~{other.partition('~')[2]}", frames):
        assert show(product, broken).status == 401
    # A token for any page does not get narrower, nor opens another way, by what is put behind it.
    free = issue(product, world.customer_id)
    assert "~" not in free
    assert show(product, f"{free}~{frames}").status == 200


def test_without_origins_any_page_shows_it_and_with_made_up_ones_none(
    product: Product, world: World
) -> None:
    assert ancestors(product) == "*"
    token = issue(product, world.customer_id, origins=[APP])
    signed, _, frames = token.partition("~")
    for made_up in ("", "x", f"{frames}x", signed.removeprefix("bbw_"), APP, "*; script-src *"):
        assert ancestors(product, frames=made_up) == "'none'"


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "app.example.com",
        "https://*.example.com",
        "https://app.example.com/page",
        "https://app.example.com; script-src *",
        "https://a b",
        "data:",
        "https://app.example.com\n",
        f"https://{'a' * 250}.example",
    ],
)
def test_what_is_no_origin(origin: str, product: Product, world: World) -> None:
    body = {"customer_id": world.customer_id, "origins": [origin]}
    reply = product.post("/widget/tokens", body)
    assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert "origins.0" in reply.body["message"]


def test_origins_are_some_but_not_many(product: Product, world: World) -> None:
    for origins in ([], [f"https://{number}.example" for number in range(11)]):
        body = {"customer_id": world.customer_id, "origins": origins}
        reply = product.post("/widget/tokens", body)
        assert reply.status == 400
        assert "origins" in reply.body["message"]
