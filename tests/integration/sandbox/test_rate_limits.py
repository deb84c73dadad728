"""Rate limits: so many calls in each window of real time, per token."""

from typing import Any

import pytest

from tests.integration.product import Product, Reply, TestClock

LIMIT = "/mock/rate-limit"


def calls(product: Product, number: int, *, token: str = "demo") -> list[int]:
    return [product.get("/v1/customers", token=token).status for _ in range(number)]


def refused(reply: Reply) -> tuple[str, str]:
    assert (reply.status, reply.body["code"]) == (429, "TooManyRequests")
    return reply.headers["retry-after"], reply.headers["x-metronome-rate-limit-type"]


def test_calls_beyond_the_limit_are_told_when_to_come_again(
    product: Product, clock: TestClock
) -> None:
    product.post(LIMIT, {"requests": 3, "seconds": 60})
    # It is noon: windows of a minute begin at full minutes.
    clock.advance(seconds=15)
    assert calls(product, 3) == [200, 200, 200]
    assert refused(product.get("/v1/customers")) == ("45", "client")
    clock.advance(seconds=44)
    assert refused(product.post("/v1/customers", {"name": "Acme"})) == ("1", "client")
    clock.advance(seconds=1)
    assert calls(product, 4) == [200, 200, 200, 429]


def test_a_refused_call_does_nothing(product: Product) -> None:
    product.post(LIMIT, {"requests": 1})
    assert product.get("/v1/customers").data == []
    product.post("/v1/customers", {"name": "Acme"})
    product.request("DELETE", LIMIT)
    assert product.get("/v1/customers").data == []


def test_the_limit_is_of_one_token_and_controls_are_free(product: Product) -> None:
    product.post(LIMIT, {"requests": 1})
    assert calls(product, 2) == [200, 429]
    assert calls(product, 3, token="other") == [200, 200, 200]
    assert product.get(LIMIT).data == {"requests": 1, "seconds": 60}
    assert product.get(LIMIT, token="other").data == {"requests": None, "seconds": None}


def test_refusals_are_in_the_log_of_requests(product: Product) -> None:
    product.post(LIMIT, {"requests": 2})
    calls(product, 5)
    assert product.get("/mock/requests").data["by_status"] == {"200": 2, "429": 3}


def test_another_limit_begins_to_count_anew(product: Product) -> None:
    product.post(LIMIT, {"requests": 1})
    assert calls(product, 2) == [200, 429]
    product.post(LIMIT, {"requests": 1, "seconds": 30})
    assert calls(product, 2) == [200, 429]


@pytest.mark.parametrize("settings", [{"BACKBEAT_RATE_LIMIT": "2/10"}])
def test_a_stage_has_a_limit_for_every_token(product: Product, clock: TestClock) -> None:
    assert calls(product, 3) == [200, 200, 429]
    assert calls(product, 3, token="other") == [200, 200, 429]
    clock.advance(seconds=10)
    assert calls(product, 3) == [200, 200, 429]


@pytest.mark.parametrize("settings", [{"BACKBEAT_RATE_LIMIT": "2/10", "BACKBEAT_SANDBOX": "off"}])
def test_so_has_a_stage_without_sandboxes(product: Product) -> None:
    assert calls(product, 3) == [200, 200, 429]


@pytest.mark.parametrize("settings", [{"BACKBEAT_RATE_LIMIT": "2/10"}])
def test_a_sandbox_may_have_another(product: Product) -> None:
    assert product.post(LIMIT, {"requests": 4, "seconds": 5}).status == 200
    assert calls(product, 5) == [200, 200, 200, 200, 429]
    assert product.request("DELETE", LIMIT).data == {"requests": 2, "seconds": 10}
    assert calls(product, 3) == [200, 200, 429]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "requests"),
        ({"requests": 0}, "requests"),
        ({"requests": 1, "seconds": 0}, "seconds"),
        ({"requests": 1.5}, "requests"),
        ({"requests": 1, "per": "hour"}, "per"),
    ],
)
def test_a_limit_that_makes_no_sense(body: Any, field: str, product: Product) -> None:
    reply = product.post(LIMIT, body)
    assert (reply.status, field in reply.body["message"]) == (400, True)
