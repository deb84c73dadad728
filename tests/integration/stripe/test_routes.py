"""Every call that the SDK can make is served, or refused in words that say what it is."""

import re
from functools import cache
from pathlib import Path

import pytest
import stripe

from mock_stripe import served as _served  # noqa: F401 - registers every endpoint
from mock_stripe.errors import UnknownRoute
from mock_stripe.wire import routes

_CALL = re.compile(r'"(get|post|delete)",\s*"(/v[12]/[^"]*)"')
_ID = re.compile(r"\{[^}]*\}")


@cache
def calls_of_the_sdk() -> frozenset[tuple[str, str]]:
    """Returns the method and path of each call, `*` for an id."""
    services = Path(stripe.__file__).parent.rglob("*_service.py")
    found = (_CALL.findall(one.read_text(encoding="utf-8")) for one in services)
    return frozenset(
        (method.upper(), _ID.sub("*", path)) for some in found for method, path in some
    )


def test_the_sdk_has_many_calls() -> None:
    assert len(calls_of_the_sdk()) > 600


def answer_to(method: str, path: str) -> str | None:
    try:
        routes.find(method, path.replace("*", "x_1"))
    except UnknownRoute as error:
        return error.code
    return "served"


def test_each_call_is_served_or_said_not_to_be() -> None:
    answers = {call: answer_to(*call) for call in calls_of_the_sdk()}
    assert [call for call, answer in answers.items() if answer is None] == []
    assert sum(answer == "served" for answer in answers.values()) > 100


def test_nothing_is_served_that_stripe_does_not_have() -> None:
    ours = {
        (one.method, _ID.sub("*", one.path))
        for one in routes.endpoints()
        if not one.path.startswith("/mock/")
    }
    assert ours - calls_of_the_sdk() == set()


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/v1/customers/search", "does not serve it"),
        ("POST", "/v1/charges", "create a PaymentIntent instead"),
        ("POST", "/v1/customers/cus_1/sources", "attach a PaymentMethod instead"),
        ("POST", "/v1/sources", "create a PaymentMethod instead"),
        ("POST", "/v2/billing/meter_event_session", "one by one"),
        ("GET", "/v1/invoices/upcoming/lines", "removed in 2025-03-31.basil"),
        ("GET", "/v1/nothing", "Unrecognized request URL"),
        ("PUT", "/v1/customers", "Unrecognized request URL"),
    ],
)
def test_refusals_say_what_to_do(method: str, path: str, words: str) -> None:
    with pytest.raises(UnknownRoute, match=words):
        routes.find(method, path)
