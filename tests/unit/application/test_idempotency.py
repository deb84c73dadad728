"""Stored replies: an id belongs to its first request until the record is over."""

from dataclasses import replace

import msgspec
import pytest

from backbeat.application import idempotency
from backbeat.application.idempotency import Record, Taken
from tests.unit.application.conftest import NOON, World

SECONDS = int(NOON.timestamp())
BEGUN = Record(
    id="idempotency-key#1",
    status="INPROGRESS",
    expires_at=SECONDS + 24 * 60 * 60,
    in_progress_expires_at=(SECONDS + 29) * 1000,
    response="",
    payload_hash="payload",
)
DONE = msgspec.structs.replace(
    BEGUN, status="COMPLETED", in_progress_expires_at=None, response='{"status":200}'
)


def begin(world: World, record: Record = BEGUN) -> None:
    idempotency.begin(world.call(), record)


def held_by(world: World) -> Record | None:
    """Begins once more and returns what is in the way."""
    with pytest.raises(Taken) as taken:
        begin(world)
    return taken.value.record


def test_the_first_request_takes_the_id(world: World) -> None:
    assert idempotency.find(world.call(), BEGUN.id) is None
    begin(world)
    assert idempotency.find(world.call(), BEGUN.id) == BEGUN
    assert held_by(world) == BEGUN


def test_a_reply_is_kept_for_a_day(world: World) -> None:
    begin(world)
    idempotency.put(world.call(), DONE)
    world.clock.advance(hours=24)
    assert held_by(world) == DONE
    world.clock.advance(seconds=1)
    begin(world)
    assert idempotency.find(world.call(), BEGUN.id) == BEGUN


def test_a_request_that_died_gives_the_id_back_when_it_must_be_over(world: World) -> None:
    begin(world)
    world.clock.advance(seconds=29)
    assert held_by(world) == BEGUN
    world.clock.advance(seconds=1)
    begin(world)


def test_a_removed_id_is_free(world: World) -> None:
    begin(world)
    idempotency.remove(world.call(), BEGUN.id)
    begin(world)


def test_ids_belong_to_a_tenant(world: World) -> None:
    begin(world)
    begin(replace(world, tenant="other"))
