"""Page tokens and pages of sorted items."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.api import pagination
from backbeat.models.errors import InvalidArgument

PARAMETERS = {"only_archived": False, "ids": ("a", "b")}


@pytest.mark.parametrize("cursor", ["", "c", "2025-01-01#ü\x1f", "x" * 2000])
def test_a_token_carries_its_cursor(cursor: str) -> None:
    token = pagination.encode(cursor, PARAMETERS)
    assert token is not None
    assert pagination.decode(token, dict(reversed(PARAMETERS.items()))) == cursor
    # It travels in query strings as it is.
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_first_page_has_no_cursor_and_the_last_no_token() -> None:
    assert pagination.decode(None, PARAMETERS) is None
    assert pagination.encode(None, PARAMETERS) is None


@pytest.mark.parametrize(
    "token",
    ["", "garbage", "!!!!", "ü", "bnVsbA", base64.urlsafe_b64encode(b'["a"]').decode(), "\x00"],
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^next_page: "):
        pagination.decode(token, PARAMETERS)


@pytest.mark.parametrize(
    "others",
    [{}, {**PARAMETERS, "only_archived": True}, {**PARAMETERS, "ids": ("b", "a")},
     {**PARAMETERS, "ids": "('a', 'b')"}, {**PARAMETERS, "more": None}],
)  # fmt: skip
def test_a_token_belongs_to_its_parameters(others: dict[str, object]) -> None:
    token = pagination.encode("c", PARAMETERS)
    with pytest.raises(InvalidArgument, match="other parameters"):
        pagination.decode(token, others)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.sets(st.text(max_size=4), max_size=12), st.integers(1, 5), st.booleans())
def test_pages_add_up(items: set[str], limit: int, forward: bool) -> None:
    ordered = sorted(items, reverse=not forward)
    collected: list[str] = []
    cursor: str | None = None
    while True:
        shown, cursor = pagination.slice_after(
            ordered, position=str, limit=limit, cursor=cursor, forward=forward
        )
        assert len(shown) <= limit
        collected += shown
        if cursor is None:
            break
        assert len(shown) == limit
    assert collected == ordered


def test_items_may_come_and_go_between_two_pages() -> None:
    shown, cursor = pagination.slice_after(["b", "d", "f"], position=str, limit=2, cursor=None)
    assert (shown, cursor) == (["b", "d"], "d")
    shown, cursor = pagination.slice_after(["a", "c", "e", "f"], position=str, limit=2, cursor="d")
    assert (shown, cursor) == (["e", "f"], None)
