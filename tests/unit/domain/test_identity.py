"""Derived identities."""

from datetime import timedelta
from uuid import UUID

import pytest

from backbeat.domain.identity import derived_id
from tests.unit.builders import utc


def test_an_id_is_a_uuid_of_version_5() -> None:
    assert UUID(derived_id("invoice", "c")).version == 5


def test_ids_outlive_the_program() -> None:
    # Ids are stored and sent to other systems: a change of the derivation would orphan them.
    assert derived_id("invoice", "c", utc("2025-01-01"), 2) == (
        "899bd215-72e0-5110-a0b2-7e833e28b478"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("a", "c")),
        (("a", "b"), ("b", "a")),
        (("a", "bc"), ("ab", "c")),
        (("a",), ("a", "")),
        (("a", 1), ("a", 2)),
        (("a", utc("2025-01-01")), ("a", utc("2025-01-01") + timedelta(microseconds=1))),
    ],
)
def test_different_parts_give_different_ids(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert derived_id(*one) != derived_id(*other)
    assert derived_id(*one) == derived_id(*one)
