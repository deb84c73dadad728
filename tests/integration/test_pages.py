"""How pages are served: once, safely, and never two versions at a time."""

import gzip
import re
from pathlib import Path

import pytest

from tests.integration.product import Product, Reply


def show(product: Product, path: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return product.request("GET", path, token=None, headers=named)


def assets(product: Product) -> list[str]:
    page = show(product, "/console").body.decode()
    return re.findall(r'(?:href|src)="(/console/assets/[^"]+)"', page)


def test_the_page_names_files_that_are_there_and_kept_for_good(product: Product) -> None:
    named = assets(product)
    assert len(named) > 5
    for path in named:
        file = show(product, path)
        assert file.status == 200, path
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["x-content-type-options"] == "nosniff"
    kinds = {path.rpartition(".")[2]: show(product, path).headers["Content-Type"] for path in named}
    assert kinds == {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }


def test_the_page_names_what_its_first_screen_needs_so_that_no_module_waits_for_another(
    product: Product,
) -> None:
    directory = Path(__file__).parents[2] / "functions/console/static"
    needed: set[Path] = set()
    wanted = [directory / "js/main.js", directory / "js/screens/overview.js"]
    while wanted:
        module = wanted.pop()
        if module in needed:
            continue
        needed.add(module)
        imported = re.findall(r'\bfrom\s?"(\.[^"]+)"', module.read_text())
        wanted += [(module.parent / one).resolve() for one in imported]
    named = {path.split("/", 4)[4] for path in assets(product) if path.endswith(".js")}
    assert named == {one.relative_to(directory).as_posix() for one in needed}
    assert len(named) < 15


def test_the_page_is_asked_for_each_time_and_sent_once(product: Product) -> None:
    first = show(product, "/console")
    assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
    again = show(product, "/console", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, None)
    assert show(product, "/console", if_none_match='"another"').status == 200


@pytest.mark.parametrize("path", ["/console", "/widget", "/widget.js", "/demo"])
def test_what_is_still_good_is_still_of_its_kind(path: str, product: Product) -> None:
    # Of a script of another origin, browsers take none that a 304 calls JSON.
    first = show(product, path)
    again = show(product, path, if_none_match=first.headers["etag"])
    assert again.status == 304
    for name in ("Content-Type", "content-security-policy"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("path", ["/console", "/console/customers/<script>"])
def test_a_page_loads_nothing_from_elsewhere_and_is_in_no_frame(
    path: str, product: Product
) -> None:
    reply = show(product, path)
    assert reply.status == 200
    policy = dict(
        part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    page = reply.body.decode()
    assert "{assets}" not in page
    assert re.findall(r"https?://", page) == []
    # The policy forbids them, so none may be there.
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []


def test_files_are_packed_for_those_who_unpack(product: Product) -> None:
    [path] = [one for one in assets(product) if one.endswith("/app.css")]
    packed = show(product, path, accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == show(product, path).body


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e/app.py", "js/nothing.js", ""])
def test_nothing_else_is_served(name: str, product: Product) -> None:
    [path] = [one for one in assets(product) if one.endswith("/app.css")]
    reply = show(product, path.replace("app.css", name))
    assert (reply.status, reply.body["code"]) == (404, "NotFound")


def test_files_of_another_version_are_gone(product: Product) -> None:
    reply = show(product, "/console/assets/0000000000000000/app.css")
    assert reply.status == 404
