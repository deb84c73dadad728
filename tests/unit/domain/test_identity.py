"""Derived identities."""

from datetime import timedelta
from uuid import RFC_4122, UUID

import pytest

from backbeat.domain.identity import derived_id, invoice_id
from backbeat.models.marks import mark_in, mark_of
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


def test_the_id_of_an_invoice_leads_to_its_contract() -> None:
    one = invoice_id("contract-1", "USAGE", utc("2025-01-01"))
    other = invoice_id("contract-1", "USAGE", utc("2025-02-01"))
    assert mark_in(one) == mark_in(other) == mark_of("contract-1") != mark_of("contract-2")
    assert one != other
    assert (UUID(one).version, UUID(one).variant) == (5, RFC_4122)
