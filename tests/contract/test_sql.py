"""Queries over usage events: what they may say, what they answer, what they may not do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.adapters.sqlite.sql import SqliteSqlEngine
from backbeat.ports.sql import BadQuery, EventRow, SqlValue

Event = tuple[str, datetime, dict[str, str]]


def at(day: int, hour: int = 0, minute: int = 0, micro: int = 0) -> datetime:
    return datetime(2025, 1, day, hour, minute, 0, micro, tzinfo=UTC)


EVENTS: Sequence[Event] = (
    ("use", at(1), {"size": "0.1", "region": "us"}),
    ("use", at(1, 5), {"size": "0.2", "region": "eu"}),
    ("use", at(2), {"size": "10", "region": "us"}),
    ("login", at(3, 1, 2, 5), {"region": "us", "odd name": "x"}),
)


def answer(text: str, events: Sequence[Event] = EVENTS) -> list[tuple[SqlValue, ...]]:
    query = SqliteSqlEngine().compile(text)
    with query.session() as session:
        session.add(
            EventRow(kind, when, [given.get(name) for name in query.properties])
            for kind, when, given in events
        )
        return session.rows()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT COUNT(*) FROM events", [(4,)]),
        ("SELECT COUNT(DISTINCT properties.region) FROM events;", [(2,)]),
        # 0.1 + 0.2 + 10; an event without the property adds nothing.
        ("SELECT SUM(properties.size) FROM events", [(Decimal("10.3"),)]),
        ("SELECT SUM(CAST(properties.size AS DECIMAL(10, 2))) FROM events", [(Decimal("10.3"),)]),
        ("SELECT SUM(properties.size) * 2 FROM events", [(Decimal("20.6"),)]),
        ("SELECT AVG(properties.size) FROM events WHERE event_type = 'use'",
         [(Decimal("3." + "43" + "3" * 47),)]),
        # As texts, "10" comes before "2"; as numbers it does not.
        ("SELECT MIN(CAST(properties.size AS DOUBLE)), MAX(CAST(properties.size AS DOUBLE)) m"
         " FROM events", [(Decimal("0.1"), 10)]),
        ("SELECT LATEST(properties.region), EARLIEST(properties.size) s FROM events",
         [("us", "0.1")]),
        ("SELECT LATEST(properties.size) AS value, properties.region FROM events"
         " GROUP BY properties.region ORDER BY 2", [("0.2", "eu"), ("10", "us")]),
        ("SELECT GREATEST(SUM(properties.size), 20), LEAST(1, 2, 0.5) l FROM events",
         [(20, Decimal("0.5"))]),
        ("SELECT GREATEST(1, NULL) FROM events LIMIT 1", [(None,)]),
        ("SELECT ROUND(2.345, 1), CEIL(2.1) c, FLOOR(-2.1) f FROM events LIMIT 1",
         [(Decimal("2.3"), 3, -3)]),
        ("SELECT SUM(CASE WHEN properties.region IN ('us') THEN 1 ELSE 0 END) FROM events", [(3,)]),
        ("SELECT DATE_TRUNC('day', timestamp) AS day, COUNT(*) AS value FROM events"
         " GROUP BY 1 ORDER BY 1",
         [("2025-01-01 00:00:00", 2), ("2025-01-02 00:00:00", 1), ("2025-01-03 00:00:00", 1)]),
        ("SELECT DATE_TRUNC('hour', timestamp) FROM events WHERE event_type != 'use'",
         [("2025-01-03 01:00:00",)]),
        ("SELECT COUNT(*) FROM events WHERE timestamp >= TIMESTAMP '2025-01-02 00:00:00'", [(2,)]),
        ("SELECT COUNT(*) FROM events WHERE timestamp = '2025-01-02T00:00:00Z'", [(1,)]),
        ("SELECT COUNT(*) FROM events WHERE timestamp ≥ '2025-01-02'", [(2,)]),
        ('SELECT e.properties."odd name" FROM events e WHERE e.event_type = \'login\'', [("x",)]),
        ("SELECT 'properties.size' FROM events -- properties.region\nLIMIT 1",
         [("properties.size",)]),
        ("SELECT CAST(properties.size AS STRING) FROM events LIMIT 1", [("0.1",)]),
        # The greatest size of each day, added up: 0.2 + 10; the last day has none.
        ("WITH daily AS (SELECT DATE_TRUNC('day', timestamp) AS day,"
         " MAX(CAST(properties.size AS DOUBLE)) AS size FROM events GROUP BY 1)"
         " SELECT SUM(size) AS value FROM daily", [(Decimal("10.2"),)]),
        ("SELECT SUM(properties.size) OVER (ORDER BY timestamp) FROM events",
         [(Decimal("0.1"),), (Decimal("0.3"),), (Decimal("10.3"),), (Decimal("10.3"),)]),
    ],
)  # fmt: skip
def test_answers(text: str, expected: list[tuple[SqlValue, ...]]) -> None:
    assert answer(text) == expected


# None of these comes out right in binary fractions or 64-bit integers.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 0.1 + 0.2 = 0.3 FROM events LIMIT 1", [(1,)]),
        ("SELECT CAST('0.1' AS DECIMAL) * 3 = 0.3 FROM events LIMIT 1", [(1,)]),
        ("SELECT 9007199254740993 * 3 FROM events LIMIT 1", [(27021597764222979,)]),
        ("SELECT 9223372036854775807 + 1 FROM events LIMIT 1", [(9223372036854775808,)]),
        ("SELECT 12345678901234567.89 - 0.01 FROM events LIMIT 1",
         [(Decimal("12345678901234567.88"),)]),
        ("SELECT CAST('12345678901234567890.123' AS DOUBLE) FROM events LIMIT 1",
         [(Decimal("12345678901234567890.123"),)]),
        # Seven halves: a division of whole numbers is no whole number.
        ("SELECT 7 / 2, 1 / 0 z FROM events LIMIT 1", [(Decimal("3.5"), None)]),
        ("SELECT 1.0 / 3 FROM events LIMIT 1", [(Decimal("0." + "3" * 50),)]),
        # What is divided and multiplied again is whole again.
        ("SELECT 16 / 27 * 27 FROM events LIMIT 1", [(16,)]),
        ("SELECT -7 % 3, 5.5 % 2 f, - 0.1 n FROM events LIMIT 1",
         [(-1, Decimal("1.5"), Decimal("-0.1"))]),
        ("SELECT ROUND(2.675, 2), ROUND(-2.5) n, ROUND(1250, -2) h, ABS(-0.1) a, SIGN(-3) s"
         " FROM events LIMIT 1",
         [(Decimal("2.68"), -3, 1300, Decimal("0.1"), -1)]),
        ("SELECT CAST(2.7 AS INT), CAST('-2.7' AS BIGINT) n, CAST('1.005' AS DECIMAL(10, 2)) d,"
         " CAST('abc' AS DECIMAL) t FROM events LIMIT 1", [(2, -2, Decimal("1.01"), None)]),
        ("SELECT (JULIANDAY('2025-01-02T00:00:00Z') - JULIANDAY('2025-01-01 08:00:00')) * 24"
         " FROM events LIMIT 1", [(16,)]),
        # A text compared with a number is the number that it says.
        ("SELECT COUNT(*) FROM events WHERE properties.size > 9", [(1,)]),
        ("SELECT COUNT(*) FROM events WHERE properties.size BETWEEN 0.15 AND 10.0", [(2,)]),
        ("SELECT COUNT(*) FROM events WHERE properties.size IN (0.10, 10.0)", [(2,)]),
        ("SELECT COUNT(*) FROM events WHERE COALESCE(properties.size, 0) > 0.1", [(2,)]),
        ("SELECT COUNT(*) FROM events WHERE properties.size", [(3,)]),
        ("SELECT CASE properties.size WHEN 0.10 THEN 'a' WHEN 10.0 THEN 'b' END FROM events",
         [("a",), (None,), ("b",), (None,)]),
        # Only when it runs is known what the columns of a subquery hold.
        ("SELECT COUNT(*) FROM (SELECT CAST(properties.size AS DECIMAL) v, properties.size w"
         " FROM events) t WHERE v = w AND v < 10.1", [(3,)]),
        ("SELECT COUNT(*) FROM (SELECT timestamp AS t FROM events) a"
         " WHERE t >= '2025-01-02T00:00:00Z'", [(2,)]),
        # 1 and 1.0 are one number, and two texts.
        ("SELECT SUM(DISTINCT v), COUNT(DISTINCT v) c, COUNT(DISTINCT CAST(v AS DECIMAL)) d"
         " FROM (SELECT '1' AS v FROM events UNION ALL SELECT '1.0' FROM events) t", [(1, 2, 1)]),
        ("SELECT CAST(properties.size AS DECIMAL) * 2 AS s, COUNT(*) FROM events GROUP BY s"
         " ORDER BY s DESC", [(20, 1), (Decimal("0.4"), 1), (Decimal("0.2"), 1), (None, 1)]),
        ("SELECT AVG(SUM(properties.size)) OVER () FROM events GROUP BY properties.region LIMIT 1",
         [(Decimal("5.15"),)]),
        ("SELECT SUM(properties.size) FILTER (WHERE properties.region = 'us')"
         " / NULLIF(COUNT(*), 0) FROM events", [(Decimal("2.525"),)]),
        ("SELECT LAG(properties.size, 1, 0) OVER (ORDER BY timestamp) FROM events",
         [(0,), ("0.1",), ("0.2",), ("10",)]),
        ("SELECT properties.region || 1.50 || SUBSTR('abc', LENGTH('ab')) FROM events LIMIT 1",
         [("us1.5bc",)]),
        ("SELECT SUM(properties.region = 'us') + 1 FROM events", [(4,)]),
        ("SELECT NOT 0, IIF(COUNT(*) > 3, 'many', 'few') f FROM events", [(1, "many")]),
        # `Decimal` would read it, but it is no number.
        ("SELECT SUM('1_000'), SUM('1e9999') e FROM events", [(None, None)]),
    ],
)  # fmt: skip
def test_computes_exactly(text: str, expected: list[tuple[SqlValue, ...]]) -> None:
    assert answer(text) == expected


# Of as many digits as queries are computed with.
NUMBERS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18
).filter(lambda number: len(f"{abs(number):f}") <= 50)


@given(one=NUMBERS, other=NUMBERS)
@settings(max_examples=60)
def test_numbers_are_ordered_and_computed_with_as_decimals_are(
    one: Decimal, other: Decimal
) -> None:
    events: Sequence[Event] = [("use", at(1), {"a": f"{one:f}", "b": f"{other:f}"})]
    a, b = "CAST(properties.a AS DECIMAL)", "CAST(properties.b AS DECIMAL)"
    [found] = answer(
        f"SELECT {a} + {b}, {a} - {b} d, {a} * {b} p, {a} < {b} l, {a} = {b} e, MAX({a}, {b}) m"  # noqa: S608
        " FROM events",
        events,
    )
    with localcontext(Context(prec=50)):
        computed = (one + other, one - other, one * other)
    compared = (Decimal(one < other), Decimal(one == other), max(one, other))
    assert found == (*computed, *compared)


def test_a_query_knows_its_columns_and_the_properties_it_looks_at() -> None:
    query = SqliteSqlEngine().compile(
        "SELECT SUM(properties.size) AS value, properties.region, event_type AS kind"
        " FROM events GROUP BY 2, 3"
    )

    assert query.columns == ("value", "region", "kind")
    assert query.properties == ("size", "region")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELEC 1",
        "SELECT COUNT(* FROM events",
        "SELECT COUNT(*) FROM others",
        "SELECT missing FROM events",
        "SELECT unknown_function(1) FROM events",
        "SELECT COUNT(*), COUNT(*) FROM events",
        "SELECT 1; SELECT 2",
        "SELECT 5 & 3 FROM events",
        "SELECT x'0201' FROM events",
        "SELECT timestamp + INTERVAL '1 day' FROM events",
        "SELECT JULIANDAY(timestamp, '+1 day') FROM events",
        "SELECT TOTAL(properties.size) FROM events",
        "SELECT exact_add(1, 2) FROM events",
        "SELECT 1e9999 FROM events",
        "DELETE FROM events",
        "DROP TABLE events",
        "INSERT INTO events VALUES (1, 2)",
        "PRAGMA user_version",
        "ATTACH '/tmp/other' AS other",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x') FROM events",
        "SELECT randomblob(1000000000) FROM events",
        "SELECT zeroblob(1000000000) FROM events",
        "SELECT printf('%.*c', 1000000000, 'x') FROM events",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT SUM(x) FROM n",
        "SELECT 1 FROM events WHERE " + " AND ".join(["1 = 1"] * 5000),  # noqa: S608
    ],
)
def test_refuses_what_is_no_query_over_the_events(text: str) -> None:
    with pytest.raises(BadQuery):
        SqliteSqlEngine().compile(text)


def test_stops_a_query_that_would_take_for_ever() -> None:
    names = ", ".join(f"events e{number}" for number in range(12))
    many = [EVENTS[0]] * 50

    with pytest.raises(BadQuery, match="takes too long"):
        answer(f"SELECT COUNT(*) FROM {names}", many)  # noqa: S608


def test_stops_a_query_that_answers_too_much() -> None:
    with pytest.raises(BadQuery, match="more than 10000 rows"):
        answer("SELECT timestamp FROM events", [EVENTS[0]] * 10_001)


def test_a_session_answers_over_all_that_was_added() -> None:
    query = SqliteSqlEngine().compile("SELECT SUM(properties.size) FROM events")
    with query.session() as session:
        session.add([EventRow("use", at(1), ["1"])])
        first = session.rows()
        session.add([EventRow("use", at(2), ["2"])])
        second = session.rows()

    assert (first, second) == ([(Decimal(1),)], [(Decimal(3),)])


def test_the_later_of_two_values_of_one_instant_is_the_latest() -> None:
    events: Sequence[Event] = [("use", at(1), {"size": size}) for size in ("7", "9", "8")]

    assert answer("SELECT LATEST(properties.size) FROM events", events) == [("8",)]
    assert answer("SELECT EARLIEST(properties.size) FROM events", events) == [("7",)]
