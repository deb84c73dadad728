"""Random transactions and queries: every store must do what a dictionary in memory does."""

import decimal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backbeat.adapters.aws.dynamodb import DynamoStore
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.ports.store import (
    JOURNAL,
    Absent,
    Add,
    Append,
    Check,
    Condition,
    Delete,
    Effect,
    Failure,
    Greater,
    Index,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    Record,
    Store,
    TransactionCancelled,
    Version,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

State = dict[Key, Item]
Single = Put | Add | Delete | Check

PARTITIONS = ("T#1", "T#2", "T#EVT#1", "T#EVT#2")
"""The last two are of records."""

SORT_KEYS = ("EVT", "a", "a!", "É", "😀")
EXACT = decimal.Context(prec=38, traps=[decimal.Inexact])

# The model


def model_transact(state: State, transaction: Sequence[Effect]) -> tuple[Failure, ...]:
    effects = list(one_by_one(transaction))
    found = [state.get(key_of(effect)) for effect in effects]
    failures = tuple(
        Failure(index, stored)
        for index, (effect, stored) in enumerate(zip(effects, found, strict=True))
        if not holds(effect, stored)
    )
    if not failures:
        for effect, stored in zip(effects, found, strict=True):
            match effect:
                case Put(item=item):
                    state[item.key] = item
                case Add(item=item) if stored is None:
                    state[item.key] = item
                case Add(item=item) if stored is not None:
                    state[item.key] = replace(stored, numbers=total(stored.numbers, item.numbers))
                case Delete(key=key):
                    state.pop(key, None)
                case _:
                    pass
    return failures


def one_by_one(effects: Iterable[Effect]) -> Iterator[Single]:
    for effect in effects:
        if isinstance(effect, Append):
            yield from (Put(item, Absent()) for item in effect.items())
        else:
            yield effect


def key_of(effect: Single) -> Key:
    return effect.item.key if isinstance(effect, Put | Add) else effect.key


def holds(effect: Single, stored: Item | None) -> bool:
    condition: Condition | None = None if isinstance(effect, Add) else effect.condition
    match condition:
        case None:
            return True
        case Absent():
            return stored is None
        case Version(number=number):
            return stored is not None and stored.version == number
        case Greater(attribute=attribute):
            assert isinstance(effect, Put)
            if stored is None or attribute not in stored.numbers:
                return True
            return stored.numbers[attribute] < effect.item.numbers[attribute]


def total(stored: Mapping[str, Decimal], added: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    sums = dict(stored)
    for name, number in added.items():
        sums[name] = EXACT.add(sums.get(name, Decimal(0)), number)
    return sums


def model_query(state: State, query: Query) -> list[tuple[str, Item]]:
    """Returns sort key and item, ordered; the order of equal sort keys is nobody's promise."""
    placed = [
        (place.sk, seen)
        for place, seen in (seen_through(query.index, item) for item in state.values())
        if place is not None and place.pk == query.pk
    ]
    inside = [
        (sort_key, seen)
        for sort_key, seen in placed
        if (query.low is None or query.low <= sort_key)
        and (query.high is None or sort_key < query.high)
    ]
    return sorted(inside, key=by_place, reverse=not query.forward)


def seen_through(index: Index, item: Item) -> tuple[Key | IndexKey | None, Item]:
    match index:
        case Index.BASE:
            return item.key, item
        case Index.GSI1:
            return item.gsi1, item
        case Index.GSI2:
            return item.gsi2, Item(key=item.key, entity="", doc=b"", version=0, gsi2=item.gsi2)


def by_place(placed: tuple[str, Item]) -> tuple[str, Key]:
    sort_key, item = placed
    return sort_key, item.key


# What is tried

keys = st.builds(Key, st.sampled_from(PARTITIONS), st.sampled_from(SORT_KEYS))
places = st.builds(IndexKey, st.sampled_from(PARTITIONS), st.sampled_from(("1", "2", "22")))
index_keys = st.none() | places
numbers = st.dictionaries(
    st.sampled_from(("count", "sum")),
    st.decimals(min_value=-1000, max_value=1000, places=6),
    max_size=2,
)
items = st.builds(
    Item,
    key=keys,
    entity=st.sampled_from(("cell", "event")),
    doc=st.binary(max_size=20) | st.just(b'{"long":"' + b"x" * 2000 + b'"}'),
    version=st.integers(1, 3),
    numbers=numbers,
    gsi1=index_keys,
    gsi2=index_keys,
    expires_at=st.none() | st.integers(4_000_000_000, 4_000_000_003),
)
items = items.map(lambda item: replace(item, gsi2=None) if JOURNAL in item.key.pk else item)
versions = st.builds(Version, st.integers(1, 3))


def greater_puts(item: Item) -> st.SearchStrategy[Put]:
    measured = replace(item, numbers={"count": Decimal(1), **item.numbers})
    return st.just(Put(measured, Greater("count")))


effects = st.one_of(
    st.builds(Put, items, st.none() | st.just(Absent()) | versions),
    items.flatmap(greater_puts),
    st.builds(Add, items),
    st.builds(Delete, keys, st.none() | versions),
    st.builds(Check, keys, st.just(Absent()) | versions),
)


def without(append: Append, effects: Sequence[Single]) -> list[Single]:
    taken = {item.key for item in append.items()}
    return [effect for effect in effects if key_of(effect) not in taken]


single = st.lists(effects, min_size=1, max_size=4, unique_by=key_of)
appends = st.builds(
    Append,
    journal=st.just("T#EVT#"),
    entity=st.just("event"),
    records=st.lists(
        st.builds(
            Record,
            id=st.sampled_from(("1", "2")),
            doc=st.binary(max_size=20) | st.just(b"x" * 2000),
            gsi1=places,
            numbers=numbers,
        ),
        min_size=1,
        unique_by=lambda record: record.id,
    ),
    expires_at=st.none() | st.just(4_000_000_000),
)
transactions = single | st.builds(
    lambda append, rest: [append, *without(append, rest)], appends, single
)


queries = st.builds(
    Query,
    pk=st.sampled_from(PARTITIONS),
    index=st.sampled_from(Index),
    low=st.sampled_from((None, "", "1", "2", "a", "b")),
    high=st.sampled_from((None, "2", "22", "a!", "b", "É", "😀")),
    forward=st.booleans(),
    limit=st.none() | st.integers(1, 4),
)
stories = st.lists(st.tuples(transactions, queries), min_size=1, max_size=12)


def tell(store: Store, story: Iterable[tuple[Sequence[Effect], Query]]) -> None:
    state: State = {}
    for transaction, query in story:
        expected = model_transact(state, transaction)
        try:
            store.transact(transaction)
            failures: tuple[Failure, ...] = ()
        except TransactionCancelled as cancelled:
            failures = cancelled.failures
        assert failures == expected
        touched = [key_of(effect) for effect in one_by_one(transaction)]
        assert store.get_many(touched) == {key: state[key] for key in touched if key in state}
        assert_reads_as(store, query, model_query(state, query))
    for partition in PARTITIONS:
        for index in Index:
            whole = Query(partition, index)
            assert_reads_as(store, whole, model_query(state, whole))


def assert_reads_as(store: Store, query: Query, expected: list[tuple[str, Item]]) -> None:
    found: list[Item] = []
    cursor = None
    while True:
        page = store.query(replace(query, cursor=cursor))
        found += page.items
        cursor = page.cursor
        left = len(expected) - len(found)
        if query.limit is not None:
            assert len(page.items) == query.limit or left == 0
            assert (cursor is None) == (left == 0)
        if cursor is None:
            break
    places = [(seen_through(query.index, item)[0], item) for item in found]
    in_order = [(place.sk, item) for place, item in places if place is not None]
    assert [sort_key for sort_key, _ in in_order] == [sort_key for sort_key, _ in expected]
    assert sorted(in_order, key=by_place) == sorted(expected, key=by_place)


@pytest.mark.parametrize("unsettled", [1, 3, 1000])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(story=stories)
def test_sqlite_does_what_a_dictionary_does(
    unsettled: int, story: list[tuple[list[Effect], Query]]
) -> None:
    database = Database(":memory:", unsettled_records=unsettled)
    try:
        tell(SqliteStore(database), story)
    finally:
        database.close()


@pytest.fixture
def new_dynamo_store(
    new_table: Callable[[], str], dynamodb: "DynamoDBClient"
) -> Callable[[], DynamoStore]:
    return lambda: DynamoStore(new_table(), dynamodb)


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories)
def test_dynamodb_does_what_a_dictionary_does(
    new_dynamo_store: Callable[[], DynamoStore], story: list[tuple[list[Effect], Query]]
) -> None:
    tell(new_dynamo_store(), story)
