"""What every store promises, see `backbeat.ports.store`."""

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from backbeat.ports.store import (
    APPENDED,
    JOURNAL,
    MAX_DOC_BYTES,
    MAX_EFFECTS,
    Absent,
    Add,
    Append,
    BadCursor,
    Check,
    Delete,
    DocTooLarge,
    Effect,
    Failure,
    Greater,
    Index,
    IndexKey,
    Item,
    Key,
    Page,
    Put,
    Query,
    Record,
    Store,
    TransactionCancelled,
    Version,
)

LAG_SECONDS = 10
"""How long an index of a real table may need to show a write."""


def item(pk: str, sk: str = "A", doc: bytes = b'{"name":"first"}') -> Item:
    return Item(key=Key(pk, sk), entity="thing", doc=doc)


def counter(pk: str, sk: str = "A", /, **numbers: str) -> Item:
    return replace(item(pk, sk), numbers={name: Decimal(n) for name, n in numbers.items()})


def append(pk: str, *ids: str, at: str = "1", doc: bytes = b"[1]") -> Append:
    """Returns records of a journal of the partition's, in the partition of its `gsi1`."""
    records = [Record(id_, doc, IndexKey(f"{pk}#times", at)) for id_ in ids]
    return Append(f"{pk}{JOURNAL}", "event", records, 4_102_444_800)


def record(pk: str, id_: str, doc: bytes = b"[1]", sk: str = APPENDED, at: str = "1") -> Item:
    [made] = append(pk, id_, at=at, doc=doc).items()
    return replace(made, key=Key(made.key.pk, sk))


def put_all(store: Store, items: Sequence[Item]) -> None:
    store.transact([Put(each) for each in items])


def walk(store: Store, query: Query) -> list[Item]:
    found: list[Item] = []
    while True:
        page = store.query(query)
        found += page.items
        if page.cursor is None:
            return found
        query = replace(query, cursor=page.cursor)


def sort_keys(store: Store, query: Query) -> list[str]:
    return [each.key.sk for each in walk(store, query)]


def indexed(store: Store, query: Query, expected: Sequence[Key]) -> list[Item]:
    """Reads an index until it shows the expected items, in any order; it may lag."""
    give_up = time.monotonic() + LAG_SECONDS
    while True:
        found = walk(store, query)
        keys = [each.key for each in found]
        if sorted(keys) == sorted(expected) or time.monotonic() > give_up:
            assert sorted(keys) == sorted(expected)
            return found


def refused(store: Store, effects: Sequence[Effect]) -> tuple[Failure, ...]:
    with pytest.raises(TransactionCancelled) as cancelled:
        store.transact(effects)
    return cancelled.value.failures


# Items


def test_an_absent_item_reads_as_none(store: Store, pk: str) -> None:
    assert store.get(Key(pk, "A")) is None


def test_an_item_reads_back_as_it_was_written(store: Store, pk: str) -> None:
    written = Item(
        key=Key(pk, "Ä#1"),
        entity="usage cell",
        doc='{"name":"Zoë"}'.encode(),
        version=7,
        numbers={"count": Decimal(12), "sum": Decimal("-0.001")},
        gsi1=IndexKey(f"{pk}#all", "2025-01-01"),
        gsi2=IndexKey(f"{pk}#due", "2025-02-01"),
        expires_at=4_102_444_800,
    )
    store.transact([Put(written)])
    assert store.get(written.key) == written


def test_an_item_without_any_extras_reads_back_as_it_was_written(store: Store, pk: str) -> None:
    written = Item(key=Key(pk, "A"), entity="", doc=b"")
    store.transact([Put(written)])
    assert store.get(written.key) == written


@pytest.mark.parametrize(
    "doc",
    [
        b"x" * 1024,
        b"x" * 1025,
        b'{"page":"' + bytes(range(32, 127)) * 3158 + b'"}',  # 300,021 bytes
        b"\x1f\x8b looks compressed",
    ],
    ids=["1 KB", "just over 1 KB", "300 KB", "gzip magic"],
)
def test_documents_of_any_size_and_shape_read_back(store: Store, pk: str, doc: bytes) -> None:
    store.transact([Put(item(pk, doc=doc))])
    found = store.get(Key(pk, "A"))
    assert found is not None
    assert found.doc == doc


def test_an_unconditional_put_replaces_the_whole_item(store: Store, pk: str) -> None:
    first = replace(
        counter(pk, count="1"),
        gsi1=IndexKey(f"{pk}#all", "1"),
        gsi2=IndexKey(f"{pk}#due", "1"),
        expires_at=4_102_444_800,
    )
    second = Item(key=first.key, entity="other", doc=b"{}", version=2)
    store.transact([Put(first)])
    store.transact([Put(second)])
    assert store.get(first.key) == second


def test_get_many_returns_what_exists_once(store: Store, pk: str) -> None:
    a, b = item(pk, "A"), item(f"{pk}#other", "B")
    put_all(store, [a, b])
    assert store.get_many([a.key, Key(pk, "C"), b.key, a.key]) == {a.key: a, b.key: b}
    assert store.get_many([]) == {}


def test_put_many_and_get_many_take_any_number(store: Store, pk: str) -> None:
    items = {Key(pk, f"{n:03}"): item(pk, f"{n:03}") for n in range(130)}
    store.put_many(iter(items.values()))
    assert store.get_many(iter(items)) == items
    assert store.get_many([Key(pk, "129"), Key(pk, "130")]) == {Key(pk, "129"): item(pk, "129")}


def test_put_many_replaces_and_the_last_of_one_key_stays(store: Store, pk: str) -> None:
    store.transact([Put(counter(pk, "A", count="1"))])
    versions = [replace(item(pk, "A"), version=n, doc=b"%d" % n) for n in range(2, 40)]
    store.put_many([*versions, item(pk, "B")])
    assert walk(store, Query(pk)) == [versions[-1], item(pk, "B")]


def test_put_many_of_nothing_is_fine(store: Store, pk: str) -> None:
    store.put_many([])
    assert walk(store, Query(pk)) == []


# Conditions


def test_absent_holds_once_and_then_names_the_item_in_the_way(store: Store, pk: str) -> None:
    first = item(pk, doc=b"1")
    store.transact([Put(first, Absent())])
    assert refused(store, [Put(item(pk, doc=b"2"), Absent())]) == (Failure(0, first),)
    assert store.get(first.key) == first


def test_the_item_in_the_way_is_whole(store: Store, pk: str) -> None:
    first = replace(
        counter(pk, count="3"), doc=b"x" * 2000, gsi1=IndexKey(pk, "1"), expires_at=4_102_444_800
    )
    store.transact([Put(first)])
    assert refused(store, [Put(item(pk), Absent())]) == (Failure(0, first),)


def test_version_holds_for_the_stored_version_only(store: Store, pk: str) -> None:
    first = item(pk, doc=b"1")
    second = replace(first, doc=b"2", version=2)
    store.transact([Put(first)])
    store.transact([Put(second, Version(1))])
    assert refused(store, [Put(replace(second, doc=b"3"), Version(1))]) == (Failure(0, second),)
    assert store.get(first.key) == second


def test_version_fails_on_an_absent_item(store: Store, pk: str) -> None:
    assert refused(store, [Put(item(pk), Version(1))]) == (Failure(0, None),)
    assert store.get(Key(pk, "A")) is None


def test_greater_holds_on_an_absent_item_and_for_larger_numbers_only(store: Store, pk: str) -> None:
    nine, ten = counter(pk, at="9"), counter(pk, at="10")
    store.transact([Put(nine, Greater("at"))])
    store.transact([Put(ten, Greater("at"))])
    assert store.get(ten.key) == ten
    assert refused(store, [Put(nine, Greater("at"))]) == (Failure(0, ten),)
    assert refused(store, [Put(replace(ten, doc=b"{}"), Greater("at"))]) == (Failure(0, ten),)
    assert store.get(ten.key) == ten


def test_greater_compares_negative_and_fractional_numbers_exactly(store: Store, pk: str) -> None:
    store.transact([Put(counter(pk, at="-10.5"))])
    store.transact([Put(counter(pk, at="-10.4999999999999999999999999999"), Greater("at"))])
    refused(store, [Put(counter(pk, at="-10.49999999999999999999999999991"), Greater("at"))])
    assert store.get(Key(pk, "A")) == counter(pk, at="-10.4999999999999999999999999999")


def test_greater_holds_where_the_number_is_missing(store: Store, pk: str) -> None:
    store.transact([Put(counter(pk, other="5"))])
    store.transact([Put(counter(pk, at="-1"), Greater("at"))])
    assert store.get(Key(pk, "A")) == counter(pk, at="-1")


def test_delete_removes_and_an_absent_item_is_fine(store: Store, pk: str) -> None:
    put_all(store, [item(pk, "A"), item(pk, "B")])
    store.transact([Delete(Key(pk, "A"))])
    store.transact([Delete(Key(pk, "A"))])
    assert walk(store, Query(pk)) == [item(pk, "B")]


def test_delete_of_a_version(store: Store, pk: str) -> None:
    store.transact([Put(item(pk))])
    assert refused(store, [Delete(Key(pk, "A"), Version(2))]) == (Failure(0, item(pk)),)
    assert refused(store, [Delete(Key(pk, "B"), Version(1))]) == (Failure(0, None),)
    store.transact([Delete(Key(pk, "A"), Version(1))])
    assert store.get(Key(pk, "A")) is None


def test_check_changes_nothing(store: Store, pk: str) -> None:
    store.transact([Put(item(pk, "A"))])
    store.transact([Check(Key(pk, "A"), Version(1)), Check(Key(pk, "B"), Absent())])
    assert walk(store, Query(pk)) == [item(pk, "A")]


def test_check_that_fails_cancels(store: Store, pk: str) -> None:
    store.transact([Put(item(pk, "A"))])
    write = Put(item(pk, "C"))
    assert refused(store, [write, Check(Key(pk, "A"), Absent())]) == (Failure(1, item(pk, "A")),)
    assert refused(store, [write, Check(Key(pk, "A"), Version(2))]) == (Failure(1, item(pk, "A")),)
    assert refused(store, [Check(Key(pk, "B"), Version(1)), write]) == (Failure(0, None),)
    assert walk(store, Query(pk)) == [item(pk, "A")]


# Transactions


def test_all_or_nothing_over_partitions_and_kinds_of_effect(store: Store, pk: str) -> None:
    other = f"{pk}#other"
    before = [item(pk, "gone"), counter(pk, "sum", count="1"), item(pk, "way")]
    put_all(store, before)
    failures = refused(
        store,
        [
            Put(item(other)),
            Put(item(pk, "new"), Absent()),
            Delete(Key(pk, "gone")),
            Add(counter(pk, "sum", count="5")),
            Add(counter(pk, "other sum", count="5")),
            Put(item(pk, "way"), Absent()),
        ],
    )
    assert failures == (Failure(5, item(pk, "way")),)
    assert walk(store, Query(pk)) == before
    assert walk(store, Query(other)) == []


def test_every_failed_condition_is_named(store: Store, pk: str) -> None:
    a, b = item(pk, "A"), replace(item(pk, "B"), version=4)
    put_all(store, [a, b])
    failures = refused(
        store,
        [
            Put(item(pk, "A"), Absent()),
            Put(item(pk, "new"), Absent()),
            Put(item(pk, "B"), Version(3)),
            Delete(Key(pk, "none"), Version(1)),
        ],
    )
    assert failures == (Failure(0, a), Failure(2, b), Failure(3, None))


def test_a_full_transaction_commits(store: Store, pk: str) -> None:
    names = [f"{n:04}" for n in range(store.max_effects)]
    store.transact([Put(item(pk, name), Absent()) for name in names])
    assert sort_keys(store, Query(pk)) == names


def test_one_effect_too_many_is_refused(store: Store, pk: str) -> None:
    number = store.max_effects + 1
    with pytest.raises(ValueError, match=str(number)):
        store.transact([Put(item(pk, f"{n:03}")) for n in range(number)])
    with pytest.raises(ValueError, match=str(number)):
        store.transact([append(pk, *(f"{n}" for n in range(number)))])
    assert store.max_effects >= MAX_EFFECTS
    assert walk(store, Query(pk)) == []


def test_no_effect_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="not 0"):
        store.transact([])


def test_two_effects_on_one_key_are_refused(store: Store, pk: str) -> None:
    with pytest.raises(ValueError, match="key"):
        store.transact([Put(item(pk)), Add(counter(pk, count="1"))])
    with pytest.raises(ValueError, match="key"):
        store.transact([Check(Key(pk, "A"), Absent()), Delete(Key(pk, "A"))])
    assert store.get(Key(pk, "A")) is None


# Adding


def test_sums_are_exact(store: Store, pk: str) -> None:
    store.transact([Add(counter(pk, sum="0.1"))])
    store.transact([Add(counter(pk, sum="0.2"))])
    assert store.get(Key(pk, "A")) == counter(pk, sum="0.3")


def test_sums_keep_38_digits(store: Store, pk: str) -> None:
    store.transact([Add(counter(pk, sum="99999999999999999999.999999999999999998"))])
    store.transact([Add(counter(pk, sum="-0.000000000000000001"))])
    assert store.get(Key(pk, "A")) == counter(pk, sum="99999999999999999999.999999999999999997")


def test_a_number_of_more_than_38_digits_is_refused_not_rounded(store: Store, pk: str) -> None:
    long = counter(pk, sum="1.23456789012345678901234567890123456789")
    with pytest.raises(ArithmeticError):
        store.transact([Put(long)])
    with pytest.raises(ArithmeticError):
        store.transact([Add(long), Put(item(pk, "B"))])
    assert walk(store, Query(pk)) == []


def test_add_creates_the_item_and_later_leaves_all_but_the_numbers(store: Store, pk: str) -> None:
    first = replace(
        counter(pk, count="2"),
        doc=b'{"day":1}',
        gsi1=IndexKey(f"{pk}#first", "1"),
        expires_at=4_102_444_800,
    )
    later = Item(
        key=first.key,
        entity="other",
        doc=b"{}",
        version=9,
        numbers={"count": Decimal(3), "sum": Decimal("-1.5")},
        gsi1=IndexKey(f"{pk}#later", "2"),
        expires_at=4_202_444_800,
    )
    store.transact([Add(first)])
    assert store.get(first.key) == first
    store.transact([Add(later), Put(item(pk, "B"))])
    expected = replace(first, numbers={"count": Decimal(5), "sum": Decimal("-1.5")})
    assert store.get(first.key) == expected
    assert indexed(store, Query(f"{pk}#first", Index.GSI1), [first.key]) == [expected]
    assert walk(store, Query(f"{pk}#later", Index.GSI1)) == []


def test_add_gives_an_existing_item_no_place_it_did_not_have(store: Store, pk: str) -> None:
    plain = [counter(pk, name, count="1") for name in ("A", "B")]
    put_all(store, plain)
    placed = [
        replace(counter(pk, "A", count="1"), gsi1=IndexKey(f"{pk}#all", "1")),
        replace(counter(pk, "B", count="2"), gsi2=IndexKey(f"{pk}#due", "1"), expires_at=1),
        replace(counter(pk, "C", count="3"), gsi1=IndexKey(f"{pk}#all", "3")),
    ]
    store.transact([Add(each) for each in placed])
    expected = [counter(pk, "A", count="2"), counter(pk, "B", count="3"), placed[2]]
    assert walk(store, Query(pk)) == expected
    assert indexed(store, Query(f"{pk}#all", Index.GSI1), [Key(pk, "C")]) == [placed[2]]
    assert walk(store, Query(f"{pk}#due", Index.GSI2)) == []


def test_add_to_an_item_without_numbers(store: Store, pk: str) -> None:
    store.transact([Put(item(pk))])
    store.transact([Add(counter(pk, count="2"))])
    assert store.get(Key(pk, "A")) == counter(pk, count="2")


def test_add_without_numbers_creates_at_most(store: Store, pk: str) -> None:
    placed = replace(item(pk), gsi1=IndexKey(f"{pk}#all", "1"))
    store.transact([Put(item(pk, "A"))])
    store.transact([Add(placed), Add(item(pk, "B", doc=b"{}"))])
    assert walk(store, Query(pk)) == [item(pk, "A"), item(pk, "B", doc=b"{}")]


def test_adds_from_many_threads_lose_nothing(shared_store: Store, pk: str) -> None:
    threads, rounds = 20, 25
    start = threading.Barrier(threads)
    errors: list[Exception] = []

    def work(number: int) -> None:
        start.wait()
        try:
            for turn in range(rounds):
                event = item(pk, f"event#{number}#{turn}")
                shared_store.transact(
                    [Put(event, Absent()), Add(counter(pk, "sum", count="1", sum="0.1"))]
                )
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    # 20 × 25 = 500 events, 500 × 0.1 = 50.
    assert shared_store.get(Key(pk, "sum")) == counter(pk, "sum", count="500", sum="50")
    assert len(walk(shared_store, Query(pk, low="event#", high="event$"))) == 500


def test_of_many_threads_one_wins_a_version(shared_store: Store, pk: str) -> None:
    shared_store.transact([Put(item(pk))])
    start = threading.Barrier(20)
    winners: list[int] = []

    def work(number: int) -> None:
        start.wait()
        try:
            shared_store.transact(
                [Put(replace(item(pk), version=2, doc=b"%d" % number), Version(1))]
            )
        except TransactionCancelled:
            return
        winners.append(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(winners) == 1
    assert shared_store.get(Key(pk, "A")) == replace(item(pk), version=2, doc=b"%d" % winners[0])


# Records


def test_appended_records_are_items(store: Store, pk: str) -> None:
    counted = Record("2", b"x" * 2000, IndexKey(f"{pk}#times", "2"), {"n": Decimal("1.50")})
    whole = append(pk, "1", "Ä")
    store.transact([replace(whole, records=[*whole.records, counted]), Put(item(pk))])
    expected = [
        record(pk, "1"),
        record(pk, "Ä"),
        Item(
            Key(f"{pk}#EVT#2", APPENDED),
            "event",
            b"x" * 2000,
            numbers={"n": Decimal("1.5")},
            gsi1=IndexKey(f"{pk}#times", "2"),
            expires_at=4_102_444_800,
        ),
    ]
    keys = [each.key for each in expected]
    assert store.get_many([*keys, Key(pk, "A"), Key(f"{pk}#EVT#none", APPENDED)]) == {
        Key(pk, "A"): item(pk),
        **dict(zip(keys, expected, strict=True)),
    }
    assert [store.get(key) for key in keys] == expected
    assert [walk(store, Query(key.pk)) for key in keys] == [[each] for each in expected]
    assert indexed(store, Query(f"{pk}#times", Index.GSI1), keys)[-1] == expected[-1]


def test_an_append_whose_keys_are_taken_writes_nothing_and_names_them(
    store: Store, pk: str
) -> None:
    store.transact([append(pk, "1", "2"), Put(item(pk))])
    failures = refused(
        store,
        [
            append(pk, "0", "2", "3", "1", doc=b"[2]"),
            Add(counter(pk, "sum", count="1")),
            Put(item(pk), Absent()),
        ],
    )
    assert failures == (
        Failure(1, record(pk, "2")),
        Failure(3, record(pk, "1")),
        # The fourth record is followed by two effects.
        Failure(5, item(pk)),
    )
    assert store.get(Key(pk, "sum")) is None
    assert store.get(record(pk, "0").key) is None
    assert store.get(record(pk, "1").key) == record(pk, "1")


def test_records_of_another_journal_or_sort_key_are_not_in_the_way(store: Store, pk: str) -> None:
    others = [record(pk, "1", sk=sk) for sk in ("A", "EVT#2")]
    store.transact([append(f"{pk}x", "1"), Put(others[0])])
    store.transact([append(pk, "1"), Put(others[1])])
    assert walk(store, Query(f"{pk}#EVT#1")) == [others[0], record(pk, "1"), others[1]]


def test_a_record_can_be_replaced_added_to_and_deleted(store: Store, pk: str) -> None:
    store.transact([append(pk, "1", "2", "3")])
    newer = replace(record(pk, "1", b"[2]", at="3"), version=2)
    moved = replace(record(pk, "1", sk="earlier"), gsi1=None)
    assert refused(store, [Put(newer, Version(2))]) == (Failure(0, record(pk, "1")),)
    more = replace(record(pk, "2"), numbers={"n": Decimal(2)})
    store.transact(
        [Put(newer, Version(1)), Put(moved), Add(more), Delete(record(pk, "3").key, Version(1))]
    )
    store.transact([Add(more)])
    twice = replace(more, numbers={"n": Decimal(4)})
    assert walk(store, Query(f"{pk}#EVT#1")) == [newer, moved]
    assert walk(store, Query(f"{pk}#EVT#3")) == []
    times = Query(f"{pk}#times", Index.GSI1)
    assert indexed(store, times, [twice.key, newer.key]) == [twice, newer]
    assert refused(store, [append(pk, "3", "1")]) == (Failure(1, newer),)


def test_records_can_be_put_many_at_once(store: Store, pk: str) -> None:
    store.transact([append(pk, "1")])
    many = [record(pk, f"{n}", b"[2]", sk=f"DUP#{n}") for n in range(130)]
    store.put_many([*many, record(pk, "1", b"[3]"), item(pk)])
    assert walk(store, Query(f"{pk}#EVT#1")) == [many[1], record(pk, "1", b"[3]")]
    assert store.get(many[129].key) == many[129]
    assert store.get(Key(pk, "A")) == item(pk)


@pytest.mark.parametrize("forward", [True, False])
def test_an_index_pages_through_records_and_others_in_order(
    store: Store, pk: str, forward: bool
) -> None:
    store.transact([append(pk, "a", "b", at="2"), *[Put(i) for i in others(pk, "1", "2", "4")]])
    store.transact([append(pk, "c", at="3"), *[Put(i) for i in others(pk, "2", "5")]])
    everything = Query(f"{pk}#times", Index.GSI1, forward=forward)
    in_order = ["1", "2", "2", "2", "2", "3", "4", "5"] if forward else list("54322221")
    found = indexed(store, everything, [i.key for i in walk(store, everything)])
    assert [i.gsi1 and i.gsi1.sk for i in found] == in_order
    assert walk(store, replace(everything, limit=1)) == found
    assert walk(store, replace(everything, limit=3)) == found
    assert [i.gsi1 and i.gsi1.sk for i in walk(store, replace(everything, low="3", high="5"))] == (
        ["3", "4"] if forward else ["4", "3"]
    )


def others(pk: str, *times: str) -> list[Item]:
    return [replace(item(pk, f"{uuid.uuid4()}"), gsi1=IndexKey(f"{pk}#times", at)) for at in times]


def test_an_append_comes_first_and_fits(store: Store, pk: str) -> None:
    with pytest.raises(ValueError, match="key"):
        store.transact([append(pk, "1", "1")])
    with pytest.raises(ValueError, match="key"):
        store.transact([append(pk, "1"), Delete(record(pk, "1").key)])
    with pytest.raises(DocTooLarge):
        store.transact([append(pk, "1", doc=b"x" * (MAX_DOC_BYTES + 1))])
    assert store.get(record(pk, "1").key) is None


# Queries


def test_a_partition_reads_in_key_order_and_alone(store: Store, pk: str) -> None:
    put_all(store, [item(pk, name) for name in ("b", "a", "c")] + [item(f"{pk}#x", "a")])
    assert store.query(Query(pk)) == Page((item(pk, "a"), item(pk, "b"), item(pk, "c")))
    assert sort_keys(store, Query(pk, forward=False)) == ["c", "b", "a"]
    assert store.query(Query(f"{pk}#none")) == Page(())


def test_sort_keys_are_ordered_by_their_utf8_bytes(store: Store, pk: str) -> None:
    # First bytes: 31, 5a, 61, 61 (longer), c3, e4, ef, f0. UTF-16 would put the last two the
    # other way round, and a language's order would put "Ä" next to "a".
    names = ["10", "Z", "a", "a!", "Ä", "中", "￥", "😀"]
    put_all(store, [item(pk, name) for name in reversed(names)])
    assert sort_keys(store, Query(pk)) == names
    assert sort_keys(store, Query(pk, forward=False)) == names[::-1]
    assert sort_keys(store, Query(pk, low="Ä", high="😀")) == ["Ä", "中", "￥"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, None, ["a", "b", "b!", "c", "d"]),
        ("b", None, ["b", "b!", "c", "d"]),
        (None, "c", ["a", "b", "b!"]),
        ("b", "d", ["b", "b!", "c"]),
        ("b", "b!", ["b"]),
        ("aa", "cc", ["b", "b!", "c"]),
        ("", "b", ["a"]),
        ("b", "b", []),
        ("d", "b", []),
        ("e", "z", []),
        (None, "", []),
        ("bb", "bc", []),
    ],
)
def test_a_range_includes_its_low_edge_and_not_its_high(
    store: Store, pk: str, low: str | None, high: str | None, expected: list[str]
) -> None:
    put_all(store, [item(pk, name) for name in ("a", "b", "b!", "c", "d")])
    for forward, names in ((True, expected), (False, expected[::-1])):
        query = Query(pk, low=low, high=high, forward=forward)
        assert sort_keys(store, query) == names
        for limit in (1, 2, 3):
            assert sort_keys(store, replace(query, limit=limit)) == names


@pytest.mark.parametrize("forward", [True, False])
def test_pages_are_full_and_the_last_has_no_cursor(store: Store, pk: str, forward: bool) -> None:
    put_all(store, [item(pk, name) for name in "abcd"])
    query = Query(pk, low="a", high="d", limit=3, forward=forward)
    whole = store.query(query)
    assert [each.key.sk for each in whole.items] == (["a", "b", "c"] if forward else list("cba"))
    assert whole.cursor is None

    first = store.query(replace(query, limit=2))
    assert len(first.items) == 2
    assert first.cursor is not None
    rest = store.query(replace(query, limit=2, cursor=first.cursor))
    assert first.items + rest.items == whole.items
    assert rest.cursor is None
    assert store.query(replace(query, limit=4)) == whole


def test_pages_of_one_make_the_same_walk(store: Store, pk: str) -> None:
    names = [f"{n:02}" for n in range(12)]
    put_all(store, [item(pk, name) for name in names])
    for query in (Query(pk), Query(pk, forward=False), Query(pk, low="03", high="09")):
        assert walk(store, replace(query, limit=1)) == walk(store, query)


def test_the_page_size_may_change_on_the_way(store: Store, pk: str) -> None:
    put_all(store, [item(pk, name) for name in "abcde"])
    first = store.query(Query(pk, limit=1))
    rest = store.query(Query(pk, limit=10, cursor=first.cursor))
    assert [each.key.sk for each in rest.items] == ["b", "c", "d", "e"]
    assert store.query(Query(pk, cursor=first.cursor)) == rest


def test_a_walk_survives_writes_between_its_pages(store: Store, pk: str) -> None:
    put_all(store, [item(pk, name) for name in ("b", "d", "f")])
    first = store.query(Query(pk, limit=2))
    store.transact(
        [
            Put(item(pk, "a")),
            Put(item(pk, "c")),
            Put(item(pk, "e")),
            Delete(Key(pk, "d")),
        ]
    )
    rest = store.query(Query(pk, limit=5, cursor=first.cursor))
    assert [each.key.sk for each in rest.items] == ["e", "f"]
    assert rest.cursor is None


@pytest.mark.parametrize("forward", [True, False])
def test_an_item_made_again_between_pages_does_not_come_twice(
    store: Store, pk: str, forward: bool
) -> None:
    put_all(store, [item(pk, name) for name in "abc"])
    query = Query(pk, limit=2, forward=forward)
    first = store.query(query)
    assert first.items[1] == item(pk, "b")
    store.transact([Delete(Key(pk, "b"))])
    store.transact([Put(item(pk, "b"))])
    rest = store.query(replace(query, cursor=first.cursor))
    assert [each.key.sk for each in rest.items] == ["c" if forward else "a"]


def test_a_cursor_fits_its_own_query_only(store: Store, pk: str) -> None:
    placed = [replace(item(pk, name), gsi1=IndexKey(pk, name)) for name in "abc"]
    put_all(store, [*placed, item(f"{pk}#other", "a")])
    query = Query(pk, low="a", high="z", limit=1)
    cursor = store.query(query).cursor
    assert cursor is not None
    for other in (
        replace(query, pk=f"{pk}#other"),
        replace(query, low="b"),
        replace(query, low=None),
        replace(query, high="y"),
        replace(query, high=None),
        replace(query, forward=False),
        replace(query, index=Index.GSI1),
    ):
        with pytest.raises(BadCursor):
            store.query(replace(other, cursor=cursor))


@pytest.mark.parametrize(
    "cursor",
    ["", "a", "garbage!", "ÄÖ", "e30=", "bnVsbA==", "WzEsMiwzLDRd", "7b7d", "[]", "IiI=" * 40],
)
def test_what_is_no_cursor_is_refused(store: Store, pk: str, cursor: str) -> None:
    store.transact([Put(item(pk))])
    with pytest.raises(BadCursor):
        store.query(Query(pk, cursor=cursor))


def test_a_changed_cursor_is_refused(store: Store, pk: str) -> None:
    put_all(store, [item(pk, name) for name in "abc"])
    cursor = store.query(Query(pk, limit=1)).cursor
    assert cursor is not None
    for broken in (cursor[:-3], cursor[3:], cursor[:8] + cursor[9:]):
        with pytest.raises(BadCursor):
            store.query(Query(pk, cursor=broken))


# Limits


def test_a_document_may_have_350_kb(store: Store, pk: str) -> None:
    largest = item(pk, "largest", doc=b"x" * 350 * 1024)
    store.transact([Put(largest)])
    assert store.get(largest.key) == largest


def test_a_larger_document_is_refused_and_nothing_is_written(store: Store, pk: str) -> None:
    large = item(pk, "large", doc=b"x" * (350 * 1024 + 1))
    small = item(pk, "small")
    for effect in (Put(large), Put(large, Absent()), Add(large)):
        with pytest.raises(DocTooLarge, match="358401 bytes"):
            store.transact([Put(small), effect])
    with pytest.raises(DocTooLarge):
        store.put_many([large])
    assert store.query(Query(pk)).items == ()


# Indexes


def test_gsi1_holds_whole_items_of_many_partitions_in_its_own_order(store: Store, pk: str) -> None:
    all_things = f"{pk}#all"
    late = replace(counter(pk, "A", count="1"), gsi1=IndexKey(all_things, "2025-03"))
    early = replace(item(f"{pk}#other", "Z"), gsi1=IndexKey(all_things, "2025-01"))
    outside = replace(item(pk, "B"), gsi1=IndexKey(f"{all_things}#x", "2025-02"))
    put_all(store, [late, early, outside, item(pk, "C")])
    assert indexed(store, Query(all_things, Index.GSI1), [early.key, late.key]) == [early, late]
    assert walk(store, Query(all_things, Index.GSI1, forward=False)) == [late, early]
    assert walk(store, Query(all_things, Index.GSI1, low="2025-01", high="2025-03")) == [early]
    assert walk(store, Query(all_things, Index.GSI1, low="2025-02")) == [late]


def test_gsi2_holds_keys_only(store: Store, pk: str) -> None:
    due = f"{pk}#due"
    placed = replace(
        counter(pk, "A", count="1"),
        gsi1=IndexKey(f"{pk}#all", "1"),
        gsi2=IndexKey(due, "2025-01-01T00"),
        expires_at=4_102_444_800,
    )
    put_all(store, [placed, item(pk, "B")])
    (found,) = indexed(store, Query(due, Index.GSI2, high="2025-02"), [placed.key])
    assert found == Item(key=placed.key, entity="", doc=b"", version=0, gsi2=placed.gsi2)
    assert walk(store, Query(due, Index.GSI2, low="2025-02")) == []


@pytest.mark.parametrize("index", [Index.GSI1, Index.GSI2])
@pytest.mark.parametrize("forward", [True, False])
def test_equal_index_keys_are_all_found_on_any_page_size(
    store: Store, pk: str, index: Index, forward: bool
) -> None:
    # Three items at each of the places 1, 2 and 3; the range ends before 3.
    order = f"{pk}#order"
    items = [
        Item(
            key=Key(f"{pk}#{n % 2}", f"{n}"),
            entity="",
            doc=b"",
            gsi1=IndexKey(order, place) if index is Index.GSI1 else None,
            gsi2=IndexKey(order, place) if index is Index.GSI2 else None,
        )
        for n, place in enumerate("123123123")
    ]
    put_all(store, items)
    indexed(store, Query(order, index), [each.key for each in items])
    expected = sorted(each.key for each in items if place_in(index, each) < "3")
    for limit in (None, 1, 2, 4, 6, 7):
        query = Query(order, index, high="3", forward=forward, limit=limit)
        found = walk(store, query)
        assert sorted(each.key for each in found) == expected
        places = [place_in(index, each) for each in found]
        assert places == sorted(places, reverse=not forward)
        bounded = walk(store, replace(query, low="2"))
        assert [place_in(index, each) for each in bounded] == ["2", "2", "2"]


def place_in(index: Index, found: Item) -> str:
    place = found.gsi1 if index is Index.GSI1 else found.gsi2
    assert place is not None
    return place.sk


def test_an_item_moves_in_an_index_and_leaves_it(store: Store, pk: str) -> None:
    due, done = f"{pk}#due", f"{pk}#done"
    first = replace(item(pk), gsi1=IndexKey(due, "1"), gsi2=IndexKey(due, "1"))
    moved = replace(first, version=2, gsi1=IndexKey(done, "7"), gsi2=IndexKey(due, "5"))
    left = replace(first, version=3, gsi1=None, gsi2=None)

    store.transact([Put(first)])
    indexed(store, Query(due, Index.GSI2, high="2"), [first.key])
    store.transact([Put(moved, Version(1))])
    assert indexed(store, Query(done, Index.GSI1), [first.key]) == [moved]
    indexed(store, Query(due, Index.GSI1), [])
    indexed(store, Query(due, Index.GSI2, high="2"), [])
    indexed(store, Query(due, Index.GSI2, low="2"), [first.key])
    store.transact([Put(left, Version(2))])
    indexed(store, Query(done, Index.GSI1), [])
    indexed(store, Query(due, Index.GSI2), [])
    assert store.get(first.key) == left


def test_a_deleted_item_leaves_its_indexes(store: Store, pk: str) -> None:
    placed = replace(item(pk), gsi1=IndexKey(pk, "1"), gsi2=IndexKey(pk, "1"))
    store.transact([Put(placed)])
    indexed(store, Query(pk, Index.GSI1), [placed.key])
    store.transact([Delete(placed.key)])
    indexed(store, Query(pk, Index.GSI1), [])
    indexed(store, Query(pk, Index.GSI2), [])


def test_put_many_and_add_place_items_in_indexes(store: Store, pk: str) -> None:
    a = replace(item(pk, "A"), gsi1=IndexKey(pk, "1"))
    b = replace(counter(pk, "B", count="1"), gsi1=IndexKey(pk, "2"))
    store.put_many([a])
    store.transact([Add(b)])
    assert indexed(store, Query(pk, Index.GSI1), [a.key, b.key]) == [a, b]


def test_a_walk_through_an_index_survives_writes_between_its_pages(store: Store, pk: str) -> None:
    def placed(name: str) -> Item:
        return replace(item(pk, name), gsi1=IndexKey(pk, name))

    put_all(store, [placed("b"), placed("d"), placed("f")])
    indexed(store, Query(pk, Index.GSI1), [Key(pk, name) for name in "bdf"])
    first = store.query(Query(pk, Index.GSI1, limit=2))
    store.transact([Put(placed("a")), Put(placed("e")), Delete(Key(pk, "d"))])
    indexed(store, Query(pk, Index.GSI1), [Key(pk, name) for name in "abef"])
    assert sort_keys(store, Query(pk, Index.GSI1, limit=5, cursor=first.cursor)) == ["e", "f"]


# Whole tenants


def test_all_items_of_a_tenant_in_the_order_of_their_keys(store: Store) -> None:
    tenant = f"t{uuid.uuid4().hex[:16]}"
    own = [
        replace(item(tenant, "A"), expires_at=4_102_444_800),
        item(tenant, "B"),
        counter(f"{tenant}#CUS#1", count="12"),
        replace(item(f"{tenant}#CUS#2"), gsi1=IndexKey(f"{tenant}#CUSTOMERS", "1")),
        record(tenant, "1"),
        record(tenant, "2"),
    ]
    # Their names begin with the tenant's, and none of them is a part of it.
    others = [
        item(f"{tenant}.1"),
        item(f"{tenant}.1#CUS#1"),
        record(f"{tenant}.1", "1"),
        item(f"{tenant}0#CUS#1"),
    ]
    store.put_many([*others, *reversed(own)])
    assert store.items_of(tenant, limit=100) == own
    assert store.items_of(f"{tenant}.1", limit=100) == others[:3]
    assert store.items_of("t", limit=100) == []


def test_no_more_items_of_a_tenant_than_asked_for(store: Store) -> None:
    tenant = f"t{uuid.uuid4().hex[:16]}"
    store.put_many(item(f"{tenant}#CUS#{number}", doc=b"x" * 50_000) for number in range(60))
    # More than a megabyte, which is as much as DynamoDB reads at once.
    assert len(store.items_of(tenant, limit=100)) == 60
    assert len(store.items_of(tenant, limit=7)) == 7
    store.transact([append(tenant, *"123")])
    assert len(store.items_of(tenant, limit=62)) == 62
