"""Words of customers are found alike in every store."""

from datetime import UTC, datetime

from backbeat.models.customers import Customer
from backbeat.persistence import customer_words
from backbeat.ports.store import Store

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


def named(id_: str, name: str, *aliases: str) -> Customer:
    return Customer(id=id_, name=name, ingest_aliases=aliases, created_at=NOON, updated_at=NOON)


def found(store: Store, pk: str, beginning: str, after: str | None = None) -> list[tuple[str, str]]:
    listed = customer_words.entries(store, pk, beginning, after=after)
    return [(word, id_) for _, word, id_ in listed]


def test_words_are_found_by_their_beginning_and_from_any_place_on(store: Store, pk: str) -> None:
    everybody = [named("1", "Acme Tea"), named("2", "Team", "TEA"), named("3", "Ätna # % tee")]
    customer_words.remember(store, pk, everybody)
    customer_words.remember(store, pk, everybody)
    in_order = [("tea", "1"), ("tea", "2"), ("team", "2"), ("tee", "3")]
    assert found(store, pk, "te") == in_order
    assert found(store, pk, "tea") == in_order[:3]
    assert found(store, pk, "at") == [("atna", "3")]
    assert found(store, pk, "x") == []
    places = [place for place, _, _ in customer_words.entries(store, pk, "te", after=None)]
    for number, place in enumerate(places, start=1):
        assert found(store, pk, "te", place) == in_order[number:]


def test_only_words_that_are_gone_are_forgotten(store: Store, pk: str) -> None:
    before, after = named("1", "Acme Old", "alias"), named("1", "Acme New", "alias")
    store.transact(list(customer_words.changes(pk, None, before)))
    assert found(store, pk, "old") == [("old", "1")]
    store.transact(list(customer_words.changes(pk, before, after)))
    assert found(store, pk, "old") == []
    for word in ("acme", "new", "alias"):
        assert found(store, pk, word) == [(word, "1")]
