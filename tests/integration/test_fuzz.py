"""Whatever a body says, the answer is about the request: never an internal error."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.estate import Estate
from tests.integration.examples import WITH_BODY, Example
from tests.integration.product import Product, World, event

FEW = 20
"""Bodies per request: there are a hundred requests."""

NASTY = [
    "",
    " ",
    "\x00",
    "%00#%23",
    "../..",
    "x" * 5000,
    "NaN",
    "-0",
    "1e400",
    "max",
    "P1D",
    "00000000-0000-0000-0000-000000000000",
    "2025-01-15T00:00:00Z",
    "2024-02-29T23:00:00-12:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:00:00-12:00",
    "https://[",
]

# Spans of many years are slow to read and no error; dates are drawn from few values therefore.
texts = st.text(max_size=8) | st.sampled_from(NASTY)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**30, -(10**30), 2**63, 1e300, -1e-300])
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=6,
)


def places(body: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(body, dict):
        for name, part in body.items():
            yield from places(part, (*at, name))
    elif isinstance(body, list):
        for number, part in enumerate(body):
            yield from places(part, (*at, number))


def with_value(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    changed = copy.deepcopy(body)
    inside = changed
    for step in at[:-1]:
        inside = inside[step]
    inside[at[-1]] = value
    return changed


@pytest.mark.parametrize("request_", WITH_BODY, ids=lambda request: request.name)
@settings(
    max_examples=FEW,
    deadline=None,
    database=None,
    derandomize=True,
    # What is accepted stays; that is part of the test.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_never_an_internal_error(
    request_: Example, data: st.DataObject, product: Product, estate: Estate
) -> None:
    method, path, body = request_.filled(estate)
    at = data.draw(st.sampled_from(list(places(body))), label="place")
    value = data.draw(values, label="value")
    reply = product.request(method, path, text=json.dumps(with_value(body, at, value)))
    assert reply.status < 500, reply
    if reply.status == 200:
        assert_readable(product, estate)


def assert_readable(product: Product, estate: Estate) -> None:
    """Makes sure that nothing was taken that cannot be shown; a customer may be gone by now."""
    for customer_id in (estate["customer_id"], estate["partner_id"]):
        of_customer = {"customer_id": customer_id}
        balances = {**of_customer, "include_contract_balances": True, "include_ledgers": True}
        replies = [
            product.get(f"/v1/customers/{customer_id}/invoices"),
            product.post("/v2/contracts/list", of_customer),
            product.post("/v1/contracts/customerBalances/list", balances),
        ]
        assert {reply.status for reply in replies} <= {200, 400, 404}, replies


def sent_and_billed(product: Product, world: World, tokens: object) -> tuple[int, int]:
    """Sends an event with this property to add up; returns what that and the bill answer."""
    sent = event(f"fuzz-{tokens!r}"[:100], properties={"model": "small", "tokens": tokens})
    ingested = product.request("POST", "/v1/ingest", text=json.dumps([sent]))
    billed = product.get(f"/v1/customers/{world.customer_id}/invoices")
    return ingested.status, billed.status


@settings(
    max_examples=100,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    tokens=st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.decimals(-(10**9), 10**9, places=9).map(str)
    | texts.filter(lambda text: text != "1e400")
    | st.lists(st.integers(), max_size=2)
)
def test_a_bill_can_be_read_whatever_was_sent(
    tokens: object, product: Product, world: World
) -> None:
    """A property that adds up to nothing sensible must not make the customer's bill unreadable."""
    assert sent_and_billed(product, world, tokens) == (200, 200)


@pytest.mark.parametrize("tokens", ["1e400", 10**60, 1e300, f"0.{'1' * 60}"])
def test_a_number_that_no_sum_can_hold(tokens: object, product: Product, world: World) -> None:
    ingested, billed = sent_and_billed(product, world, tokens)
    assert (ingested, billed) == (400, 200)
