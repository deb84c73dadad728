"""Identifiers: random ones, and counted ones for tests."""

import uuid

import pytest

from backbeat.adapters.ids import RandomIds, SequenceIds
from backbeat.ports.ids import Ids


@pytest.mark.parametrize("ids", [RandomIds(), SequenceIds()], ids=["random", "sequence"])
def test_identifiers_are_distinct_uuids_of_version_4(ids: Ids) -> None:
    made = [ids.new() for _ in range(300)]
    assert len(set(made)) == 300
    assert {uuid.UUID(each).version for each in made} == {4}
    assert [str(uuid.UUID(each)) for each in made] == made


def test_a_sequence_repeats_itself_in_order() -> None:
    one, other = SequenceIds(), SequenceIds()
    made = [one.new() for _ in range(300)]
    assert made[0] == "00000000-0000-4000-8000-000000000001"
    assert made == [other.new() for _ in range(300)]
    assert made == sorted(made)
