"""The reference page: every call that is answered, to be found and read."""

import httpx
import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def document(base_url: str) -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]] = httpx.get(
        f"{base_url}/openapi.json", timeout=60
    ).json()["paths"]
    return paths


def test_it_shows_every_call_of_the_document(
    page: Page, document: dict[str, dict[str, dict[str, object]]]
) -> None:
    page.goto("/reference")
    calls = sum(len(methods) for methods in document.values())
    assert calls > 133
    expect(page.locator("main details")).to_have_count(calls)


def test_a_call_is_found_and_opened(page: Page) -> None:
    page.goto("/reference")
    page.get_by_role("searchbox").fill("createCustomer")
    link = page.get_by_role("navigation").get_by_role("link", name="/v1/customers").first
    link.click()
    details = page.locator("details#createCustomer-v1")
    expect(details).to_be_visible()
    details.locator("summary").click()
    expect(details).to_contain_text("ingest_aliases")
    # How to call it, with a body that it takes.
    expect(details.locator("pre")).to_contain_text("curl")


def test_what_does_not_fit_the_search_is_hidden(page: Page) -> None:
    page.goto("/reference")
    expect(page.locator("nav a:visible")).not_to_have_count(0)
    every = page.locator("nav a:visible").count()
    page.get_by_role("searchbox").fill("auditLogs")
    expect(page.locator("nav a:visible")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    expect(page.locator("nav a:visible")).to_have_count(every)
