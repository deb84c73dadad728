"""Errors as replies."""

import pytest

from backbeat.api.errors import internal_error, reply_to
from backbeat.models import errors
from backbeat.models.errors import BackbeatError, Conflict, NotFound


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidArgument("x"), 400, "InvalidArgument"),
        (errors.Unauthenticated("x"), 401, "Unauthorized"),
        (errors.Forbidden("x"), 403, "Forbidden"),
        (errors.Conflict("x"), 409, "Conflict"),
        (errors.TooMany("x"), 429, "TooManyRequests"),
        (errors.Retryable("x"), 503, "Unavailable"),
    ],
)
def test_each_error_has_its_status_and_code(error: BackbeatError, status: int, code: str) -> None:
    reply = reply_to(error)
    assert (reply.status, reply.body) == (status, {"code": code, "message": "x"})


def test_every_error_there_is_has_a_status() -> None:
    made = [
        kind("thing", "7") if kind is NotFound else kind("x")
        for kind in BackbeatError.__subclasses__()
    ]
    assert all(400 <= reply_to(error).status <= 599 for error in made)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("customer", "CustomerNotFound"),
        ("billable metric", "BillableMetricNotFound"),
        ("rate card", "RateCardNotFound"),
    ],
)
def test_an_unknown_id(kind: str, code: str) -> None:
    reply = reply_to(NotFound(kind, "7"))
    assert (reply.status, reply.body) == (404, {"code": code, "message": f"{kind} not found: 7"})
    # Some operations know no 404.
    assert reply_to(NotFound(kind, "7"), unknown_id_status=400).status == 400


def test_only_unknown_ids_take_the_operations_status() -> None:
    assert reply_to(errors.Conflict("x"), unknown_id_status=400).status == 409


def test_a_conflict_names_what_it_collides_with() -> None:
    # WE-72
    reply = reply_to(
        Conflict("This uniqueness key has already been used.", conflicting_id="7", value="acme")
    )
    assert reply.body == {
        "code": "Conflict",
        "message": "This uniqueness key has already been used.",
        "conflicting_id": "7",
        "conflicting_value": "acme",
    }


def test_what_nobody_foresaw_shows_no_details() -> None:
    reply = internal_error("request-7")
    assert reply.status == 500
    assert reply.body == {
        "code": "InternalError",
        "message": "Internal error. Request id: request-7",
    }
