"""Embeddable dashboards: who may see them, for how long, and what they show."""

import base64
import re
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.estate import Estate
from tests.integration.product import DEMO, Product, Reply, TestClock, World, event

URL = "/v1/dashboards/getEmbeddableUrl"


def linked(product: Product, customer_id: str, dashboard: str, **options: Any) -> str:
    body = {"customer_id": customer_id, "dashboard": dashboard, **options}
    url: str = product.post(URL, body).data["url"]
    return url


def shown(product: Product, url: str) -> Reply:
    """Opens an address as a browser does: without a token."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return product.request("GET", parts.path, token=None, query=query)


def page(product: Product, url: str) -> str:
    reply = shown(product, url)
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    return str(reply.body.decode())


def test_the_address_is_where_the_request_was_sent_to(product: Product, world: World) -> None:
    assert linked(product, world.customer_id, "usage").startswith("http://api.example.com/")
    body = {"customer_id": world.customer_id, "dashboard": "usage"}
    reply = product.request("POST", URL, body, headers={"x-forwarded-proto": "https"})
    assert reply.data["url"].startswith("https://api.example.com/dashboards/embedded?link=")


def test_invoices(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-02-03T00:00:00Z"})
    html = page(product, linked(product, world.customer_id, "invoices"))
    assert "Invoices of Acme" in html
    # January: 3 calls at 2 cents and 30 tokens at 0.5 cents, 21 cents. February has nothing yet.
    january, february = html.index("2025-01-01 to 2025-02-01"), html.index("2025-02-01 to")
    assert february < january
    assert "0.21 USD" in html
    assert ">Finalized<" in html
    assert ">Draft<" in html
    assert "Tokens (model: small)" in html


def test_void_invoices_are_hidden_on_request(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-02-03T00:00:00Z"})
    product.post("/v1/invoices/void", {"id": world.invoice_id})
    assert ">Void<" in page(product, linked(product, world.customer_id, "invoices"))
    hidden = [{"key": "hide_voided_invoices", "value": "true"}]
    url = linked(product, world.customer_id, "invoices", dashboard_options=hidden)
    assert ">Void<" not in page(product, url)


def test_lines_without_usage_are_shown_on_request(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-02-03T00:00:00Z"})
    plain = page(product, linked(product, world.customer_id, "invoices"))
    options = [{"key": "show_zero_usage_line_items", "value": "true"}]
    url = linked(product, world.customer_id, "invoices", dashboard_options=options)
    # February's draft has a line for calls, of which there were none.
    assert page(product, url).count("<td>Calls</td>") == plain.count("<td>Calls</td>") + 1


def test_usage(product: Product, world: World) -> None:
    product.post("/v1/ingest", [event("more", timestamp="2025-01-14T08:00:00Z")])
    names = [
        {
            "group_key_name": "model",
            "display_name": "Engine",
            "value_display_names": {"small": "Little"},
        }
    ]
    url = linked(product, world.customer_id, "usage", bm_group_key_overrides=names)
    html = page(product, url)
    # A line each: 30 tokens on the 15th, 10 on the day before; the days reach 30 back.
    assert html.count("<polyline") == 2
    assert "Engine: Little" in html
    rows = re.findall(r'<tr><td>(\S+)</td><td class="number">(\d+)</td></tr>', html)
    tokens = {day: quantity for day, quantity in rows if quantity in ("10", "30")}
    assert tokens == {"2025-01-14": "10", "2025-01-15": "30"}
    assert (rows[0][0], rows[29][0]) == ("2024-12-17", "2025-01-15")


def test_commits_and_credits(product: Product, world: World) -> None:
    product.post("/mock/balances", {"customer_id": "acme", "balance": 1250})
    html = page(product, linked(product, world.customer_id, "commits_and_credits"))
    assert "Balance set by hand" in html
    assert "12.50 USD of 12.50 USD left" in html
    assert "2025-01-15 to 2026-01-15" in html


def test_colors(product: Product, world: World) -> None:
    colors = [{"name": "Primary_medium", "value": "#ABCDEF"}]
    url = linked(product, world.customer_id, "usage", color_overrides=colors)
    html = page(product, url)
    assert "--Primary_medium:#ABCDEF;" in html
    assert "--Gray_dark:#1f2430;" in html


@pytest.mark.parametrize("dashboard", ["invoices", "usage", "commits_and_credits"])
def test_nothing_of_anybody_becomes_a_part_of_the_page(
    dashboard: str, product: Product, world: World
) -> None:
    bad = '<script>alert("1")</script>'
    product.post(f"/v1/customers/{world.customer_id}/setName", {"name": bad})
    product.post("/v1/ingest", [event("bad", properties={"model": bad, "tokens": "7"})])
    product.post("/v1/contract-pricing/products/create", {"name": bad, "type": "FIXED"})
    product.post(
        "/mock/invoices",
        {"customer_id": "acme", "line_items": [{"name": bad, "amount": 1}]},
    )
    names = [{"group_key_name": "model", "display_name": bad, "value_display_names": {bad: bad}}]
    url = linked(product, world.customer_id, dashboard, bm_group_key_overrides=names)
    html = page(product, url)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_page_runs_nothing_loads_nothing_and_is_not_kept(product: Product, world: World) -> None:
    reply = shown(product, linked(product, world.customer_id, "usage"))
    policy = dict(
        part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";")
    )
    [style] = re.findall(r"<style>(.*?)</style>", reply.body.decode(), re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "*",
    }
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["x-content-type-options"] == "nosniff"


# Who may see it


def refused(product: Product, url: str) -> str:
    reply = shown(product, url)
    assert reply.status == 403
    text: str = reply.body.decode()
    assert "<p>" in text
    return text


def test_a_link_works_for_an_hour(product: Product, world: World, clock: TestClock) -> None:
    url = linked(product, world.customer_id, "usage")
    clock.advance(minutes=59)
    page(product, url)
    clock.advance(minutes=1)
    assert "expired" in refused(product, url)


@pytest.mark.parametrize("place", [0, 20, -20, -1])
def test_a_link_that_was_changed(place: int, product: Product, world: World) -> None:
    url = linked(product, world.customer_id, "usage")
    address, _, link = url.partition("link=")
    characters = list(link)
    characters[place] = "A" if characters[place] != "A" else "B"
    assert "no link" in refused(product, f"{address}link={''.join(characters)}")


@pytest.mark.parametrize("link", ["", ".", "abc", "abc.def", "é", "a" * 5000])
def test_what_is_no_link(link: str, product: Product) -> None:
    reply = product.request("GET", "/dashboards/embedded", token=None, query={"link": link})
    assert reply.status == 403


def test_a_widget_token_is_no_link(product: Product, world: World) -> None:
    issued = product.post("/widget/tokens", {"customer_id": world.customer_id}).data["token"]
    assert "no link" in refused(product, f"/dashboards/embedded?link={issued[4:]}")
    link = linked(product, world.customer_id, "usage").partition("link=")[2]
    bearer = {"authorization": f"Bearer bbw_{link}"}
    assert product.request("GET", "/widget/usage", token=None, headers=bearer).status == 401


def test_a_link_shows_nothing_of_another_sandbox(
    product: Product, estate: Estate, other_estate: Estate
) -> None:
    html = page(product, linked(product, estate["customer_id"], "invoices"))
    assert not [id_ for id_ in other_estate.ids.values() if id_ in html]
    body = {"customer_id": other_estate["customer_id"], "dashboard": "usage"}
    assert product.post(URL, body, token=DEMO).status == 400


def test_a_link_ends_with_its_customer(product: Product, world: World) -> None:
    url = linked(product, world.customer_id, "usage")
    product.post("/mock/reset")
    assert "no more" in refused(product, url)


def test_a_link_cannot_say_everything(product: Product, world: World) -> None:
    names = [
        {
            "group_key_name": f"key {number}",
            "value_display_names": {
                sha256(f"{number} {n}".encode()).hexdigest(): "x" for n in range(90)
            },
        }
        for number in range(5)
    ]
    body = {
        "customer_id": world.customer_id,
        "dashboard": "usage",
        "bm_group_key_overrides": names,
    }
    reply = product.post(URL, body)
    assert (reply.status, "bm_group_key_overrides" in reply.body["message"]) == (400, True)


def test_the_older_path_means_the_same(product: Product, world: World) -> None:
    body = {"customer_id": world.customer_id, "dashboard": "invoices"}
    url = product.post("/v1/dashboards/embeddable-url", body).data["url"]
    assert "Invoices of Acme" in page(product, url)
