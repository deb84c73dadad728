"""API tokens: open ones, issued ones."""

from hashlib import sha256

import pytest

from backbeat.application import tokens
from backbeat.models.errors import Unauthenticated
from backbeat.persistence import keys
from backbeat.ports.store import Delete
from tests.unit.application.conftest import World, make_world


def hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


@pytest.fixture
def issued() -> World:
    """A stage that knows issued tokens only."""
    return make_world(BACKBEAT_TOKENS="issued")


def test_any_open_token_owns_a_world_of_its_own(world: World) -> None:
    owners = {tokens.owner_of(world.services, hashed(token)) for token in ("a", "b", "c")}
    assert len(owners) == 3
    assert tokens.owner_of(world.services, hashed("a")) in owners


def test_an_issued_token_opens_its_world(issued: World) -> None:
    one, other = (tokens.issue(issued.services, name) for name in ("one", "other"))
    owners = [tokens.owner_of(issued.services, hashed(token)) for token in (one, other, one)]
    assert owners[0] == owners[2] != owners[1]


def test_a_token_nobody_was_given_opens_nothing(issued: World) -> None:
    with pytest.raises(Unauthenticated, match="Unknown bearer token"):
        tokens.owner_of(issued.services, hashed("guess"))


def test_only_the_hash_is_stored(issued: World) -> None:
    token = tokens.issue(issued.services, "one")
    item = issued.services.store.get(keys.token(hashed(token)))
    assert item is not None
    assert token not in f"{item}"


def test_a_token_works_from_the_moment_it_is_issued(issued: World) -> None:
    # Also where somebody tried it before.
    token = tokens.issue(issued.services, "one")
    key = keys.token(hashed(token))
    item = issued.services.store.get(key)
    assert item is not None
    assert tokens.owner_of(issued.services, hashed(token))


def test_a_revoked_token_works_for_a_minute_at_most(issued: World) -> None:
    token = tokens.issue(issued.services, "one")
    tokens.owner_of(issued.services, hashed(token))
    issued.services.store.transact([Delete(keys.token(hashed(token)))])
    issued.clock.advance(seconds=60)
    with pytest.raises(Unauthenticated):
        tokens.owner_of(issued.services, hashed(token))
