"""What the DynamoDB store does when the service refuses, delays or does not answer."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from backbeat.adapters.aws.backoff import Backoff
from backbeat.adapters.aws.dynamodb import DynamoStore
from backbeat.adapters.aws.dynamodb_items import NumberOutOfRange
from backbeat.ports.store import (
    Absent,
    Add,
    Contention,
    DocTooLarge,
    Failure,
    Greater,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    TransactionCancelled,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A = Item(key=Key("T", "A"), entity="thing", doc=b"{}")
B = Item(key=Key("T", "B"), entity="thing", doc=b"{}", numbers={"count": Decimal(1)})

STORED_A = {
    "pk": {"S": "T"},
    "sk": {"S": "A"},
    "entity": {"S": "thing"},
    "version": {"N": "1"},
    "doc": {"B": "e30="},
}

Reply = dict[str, Any] | Exception


@dataclass
class Wire:
    """Stands where the network begins: keeps the requests, gives the scripted answers in turn."""

    replies: list[Reply] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def answer(self, request: Any) -> AWSResponse:
        self.operations.append(request.headers["X-Amz-Target"].decode().split(".")[1])
        self.requests.append(json.loads(request.body))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        body = Raw(json.dumps(reply).encode())
        return AWSResponse(request.url, reply.get("status", 200), HTTPHeaders(), body)


class Raw(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture(scope="module")
def wired() -> "tuple[DynamoDBClient, list[Wire]]":
    client = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    ).client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    current: list[Wire] = []

    # The hook's answer takes the place of sending; the stubs know of hooks without an answer only.
    def answer(request: Any, **_: Any) -> Any:
        return current[0].answer(request)

    client.meta.events.register_first("before-send.dynamodb.*", answer)
    return client, current


@pytest.fixture
def wire(wired: "tuple[DynamoDBClient, list[Wire]]") -> Wire:
    _, current = wired
    current[:] = [Wire()]
    return current[0]


@pytest.fixture
def store(wired: "tuple[DynamoDBClient, list[Wire]]", wire: Wire) -> DynamoStore:
    client, _ = wired
    return DynamoStore(
        "table", client, backoff=Backoff(sleep=wire.pauses.append, random=lambda: 0.5)
    )


def error(code: str, status: int = 400, **fields: Any) -> Reply:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "status": status, **fields}


def cancelled(*reasons: str | dict[str, Any]) -> Reply:
    return error(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": r} if isinstance(r, str) else r for r in reasons],
    )


TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb")


# Contention


@pytest.mark.parametrize(
    "refusal",
    [
        cancelled("None", "TransactionConflict"),
        cancelled("ThrottlingError", "None"),
        cancelled("TransactionConflict", "ProvisionedThroughputExceeded"),
        error("ThrottlingException"),
        error("ProvisionedThroughputExceededException"),
        error("RequestLimitExceeded"),
    ],
    ids=["conflict", "throttled", "both", "throttling", "provisioned", "limit"],
)
def test_a_refused_transaction_is_tried_eight_times(
    store: DynamoStore, wire: Wire, refusal: Reply
) -> None:
    wire.replies = [refusal] * 8
    with pytest.raises(Contention):
        store.transact([Put(A, Absent()), Add(B)])
    assert len(wire.requests) == 8
    # Half of 25 ms, doubled up to half of a second.
    assert wire.pauses == [0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.5]


def test_the_eighth_try_may_succeed(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [cancelled("TransactionConflict", "None") for _ in range(7)] + [{}]
    store.transact([Put(A, Absent()), Add(B)])
    assert wire.replies == []


def test_every_try_carries_the_same_token_and_every_transaction_another(
    store: DynamoStore, wire: Wire
) -> None:
    wire.replies = [cancelled("TransactionConflict", "None"), TIMEOUT, {}, {}]
    store.transact([Put(A, Absent()), Add(B)])
    store.transact([Put(A, Absent()), Add(B)])
    tokens = [request["ClientRequestToken"] for request in wire.requests]
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]


def test_a_failed_condition_is_final_even_beside_a_conflict(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [
        cancelled({"Code": "ConditionalCheckFailed", "Item": STORED_A}, "TransactionConflict")
    ]
    with pytest.raises(TransactionCancelled) as raised:
        store.transact([Put(A, Absent()), Add(B)])
    assert raised.value.failures == (Failure(0, A),)


def test_reads_and_single_writes_are_tried_again_too(store: DynamoStore, wire: Wire) -> None:
    throttled = "ThrottlingException"
    wire.replies = [error(throttled), {"Item": STORED_A}]
    assert store.get(A.key) == A
    wire.replies = [error(throttled), {"Items": [STORED_A]}]
    assert store.query(Query("T")).items == (A,)
    wire.replies = [error(throttled), {"Responses": {"table": [STORED_A]}}]
    assert store.get_many([A.key]) == {A.key: A}
    wire.replies = [error("TransactionConflictException"), {}]
    store.transact([Put(A)])
    wire.replies = [error(throttled), {}]
    store.put_many([A])
    assert wire.replies == []
    wire.replies = [error(throttled) for _ in range(8)]
    with pytest.raises(Contention):
        store.get(A.key)


def test_what_cannot_succeed_is_not_tried_again(store: DynamoStore, wire: Wire) -> None:
    for refusal in (
        error("ValidationException"),
        error("ResourceNotFoundException"),
        cancelled("ValidationError", "TransactionConflict"),
    ):
        wire.replies = [refusal]
        with pytest.raises(ClientError):
            store.transact([Put(A, Absent()), Add(B)])
    assert wire.pauses == []


@pytest.mark.parametrize(
    "message",
    [
        "Attempting to store more than 38 significant digits in a Number",
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    ],
)
def test_a_sum_that_does_not_fit_is_an_arithmetic_error(
    store: DynamoStore, wire: Wire, message: str
) -> None:
    wire.replies = [cancelled("None", {"Code": "ValidationError", "Message": message})]
    with pytest.raises(ArithmeticError, match=message):
        store.transact([Put(A, Absent()), Add(B)])


# No answer


@pytest.mark.parametrize(
    "silence",
    [TIMEOUT, error("InternalServerError", 500), error("ServiceUnavailable", 503)],
    ids=["time-out", "error", "unavailable"],
)
def test_a_write_without_an_answer_is_not_called_contention(
    store: DynamoStore, wire: Wire, silence: Reply
) -> None:
    wire.replies = [silence] + [error("ThrottlingException") for _ in range(7)]
    with pytest.raises((ReadTimeoutError, ClientError)) as raised:
        store.transact([Put(A, Absent()), Add(B)])
    assert "ThrottlingException" not in str(raised.value)
    assert len(wire.requests) == 8


def test_a_transaction_still_in_progress_is_waited_for(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [TIMEOUT, error("TransactionInProgressException"), {}]
    store.transact([Put(A, Absent()), Add(B)])
    assert wire.replies == []


# The cheaper calls


def test_only_a_single_unconditional_put_goes_without_a_transaction(
    store: DynamoStore, wire: Wire
) -> None:
    wire.replies = [{} for _ in range(4)]
    store.transact([Put(A)])
    store.transact([Put(A, Absent())])
    store.transact([Add(B)])
    store.transact([Put(A), Put(B)])
    assert wire.operations == ["PutItem", *["TransactWriteItems"] * 3]


def test_base_reads_are_consistent(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [{}, {"Items": []}, {"Responses": {"table": []}}]
    store.get(A.key)
    store.query(Query("T"))
    store.get_many([A.key])
    assert wire.requests[0]["ConsistentRead"] is True
    assert wire.requests[1]["ConsistentRead"] is True
    assert wire.requests[2]["RequestItems"]["table"]["ConsistentRead"] is True


# Batches


def test_get_many_asks_again_for_what_was_left_out(store: DynamoStore, wire: Wire) -> None:
    rest = {"table": {"Keys": [{"pk": {"S": "T"}, "sk": {"S": "A"}}], "ConsistentRead": True}}
    wire.replies = [
        {"Responses": {"table": []}, "UnprocessedKeys": rest},
        {"Responses": {"table": [STORED_A]}},
    ]
    assert store.get_many([A.key, B.key]) == {A.key: A}
    assert wire.requests[1]["RequestItems"] == rest
    assert wire.pauses == [0.0125]


def test_put_many_writes_again_what_was_left_out(store: DynamoStore, wire: Wire) -> None:
    rest = {"table": [{"PutRequest": {"Item": STORED_A}}]}
    wire.replies = [{"UnprocessedItems": rest}, {"UnprocessedItems": rest}, {}]
    store.put_many([A, B])
    assert [len(r["RequestItems"]["table"]) for r in wire.requests] == [2, 1, 1]
    assert wire.requests[2]["RequestItems"] == rest


def test_batches_give_up_when_nothing_moves(store: DynamoStore, wire: Wire) -> None:
    rest = {"table": [{"PutRequest": {"Item": STORED_A}}]}
    wire.replies = [{"UnprocessedItems": rest} for _ in range(8)]
    with pytest.raises(Contention):
        store.put_many([A])
    assert len(wire.requests) == 8


def test_batches_are_of_a_hundred_keys_and_25_items(store: DynamoStore, wire: Wire) -> None:
    items = [replace(A, key=Key("T", f"{n}")) for n in range(130)]
    wire.replies = [{"Responses": {"table": []}}, {"Responses": {"table": []}}]
    store.get_many(each.key for each in items)
    keys = [len(r["RequestItems"]["table"]["Keys"]) for r in wire.requests]
    assert keys == [100, 30]

    wire.requests.clear()
    wire.replies = [{} for _ in range(6)]
    store.put_many(items)
    assert [len(r["RequestItems"]["table"]) for r in wire.requests] == [25, 25, 25, 25, 25, 5]


# Pages that DynamoDB cuts


def stored(name: str, **more: Any) -> dict[str, Any]:
    return {**STORED_A, "sk": {"S": name}, **more}


def last(name: str) -> dict[str, Any]:
    return {"pk": {"S": "T"}, "sk": {"S": name}}


def test_a_limited_page_is_filled_over_several_reads(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [
        {"Items": [stored("a")], "LastEvaluatedKey": last("a")},
        {"Items": [stored("b"), stored("c")], "LastEvaluatedKey": last("c")},
    ]
    page = store.query(Query("T", limit=2))
    assert [each.key.sk for each in page.items] == ["a", "b"]
    assert page.cursor is not None
    assert [request["Limit"] for request in wire.requests] == [3, 2]
    assert wire.requests[1]["ExclusiveStartKey"] == last("a")

    wire.replies = [{"Items": [stored("c")]}]
    store.query(Query("T", limit=2, cursor=page.cursor))
    assert wire.requests[2]["ExclusiveStartKey"] == last("b")


def test_an_unlimited_page_ends_where_dynamodb_stops(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [{"Items": [stored("a"), stored("b")], "LastEvaluatedKey": last("b")}]
    page = store.query(Query("T"))
    assert len(page.items) == 2
    assert page.cursor is not None
    wire.replies = [{"Items": []}]
    assert store.query(Query("T", cursor=page.cursor)).cursor is None
    assert wire.requests[1]["ExclusiveStartKey"] == last("b")


@pytest.mark.parametrize("limit", [None, 1])
def test_the_upper_edge_ends_the_walk(store: DynamoStore, wire: Wire, limit: int | None) -> None:
    wire.replies = [{"Items": [stored("a"), stored("c")], "LastEvaluatedKey": last("c")}]
    page = store.query(Query("T", low="a", high="c", limit=limit))
    assert [each.key.sk for each in page.items] == ["a"]
    assert page.cursor is None


def test_going_backwards_the_upper_edge_is_stepped_over(store: DynamoStore, wire: Wire) -> None:
    wire.replies = [
        {"Items": [stored("c")], "LastEvaluatedKey": last("c")},
        {"Items": [stored("b")], "LastEvaluatedKey": last("b")},
    ]
    page = store.query(Query("T", low="a", high="c", forward=False))
    assert [each.key.sk for each in page.items] == ["b"]
    assert page.cursor is not None


# What DynamoDB cannot hold


def test_documents_above_350_kb_are_refused_unsent(store: DynamoStore, wire: Wire) -> None:
    large = replace(A, doc=b"x" * (350 * 1024 + 1))
    with pytest.raises(DocTooLarge, match="358401 bytes"):
        store.transact([Put(large)])
    with pytest.raises(DocTooLarge):
        store.transact([Add(large), Put(B)])
    with pytest.raises(DocTooLarge):
        store.put_many([large])
    assert wire.requests == []
    wire.replies = [{}]
    store.transact([Put(replace(A, doc=large.doc[1:]))])


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "1E+126", "1E-131", "1." + "1" * 38, "1" * 39],
)
def test_numbers_out_of_range_are_refused_unsent(
    store: DynamoStore, wire: Wire, number: str
) -> None:
    with pytest.raises(NumberOutOfRange):
        store.transact([Put(replace(A, numbers={"count": Decimal(number)}))])
    assert wire.requests == []


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("9" * 38 + "E+88", "9" * 38 + "0" * 88),
        ("-1E-130", "-0." + "0" * 129 + "1"),
        ("1" * 38 + "000", "1" * 38 + "000"),
        ("0E+500", "0"),
        ("-0", "0"),
    ],
)
def test_the_edges_of_the_range_are_sent_whole(
    store: DynamoStore, wire: Wire, number: str, text: str
) -> None:
    wire.replies = [{}]
    store.transact([Put(replace(A, numbers={"count": Decimal(number)}))])
    assert wire.requests[0]["Item"]["n_count"] == {"N": text}


def test_greater_needs_a_number_to_compare(store: DynamoStore) -> None:
    with pytest.raises(ValueError, match="at"):
        store.transact([Put(A, Greater("at"))])


def test_a_page_of_nothing_is_refused(store: DynamoStore) -> None:
    with pytest.raises(ValueError, match="at least one"):
        store.query(Query("T", limit=0))


# Adding to an item that comes and goes


def test_an_add_follows_its_item_appearing_and_disappearing(store: DynamoStore, wire: Wire) -> None:
    placed = replace(B, gsi1=IndexKey("T#ALL", "1"))
    refusal = {"Code": "ConditionalCheckFailed"}
    wire.replies = [cancelled("None", refusal), cancelled("None", refusal), {}]
    store.transact([Put(A, Absent()), Add(placed)])
    conditions = [r["TransactItems"][1]["Update"]["ConditionExpression"] for r in wire.requests]
    assert conditions[0] == conditions[2] != conditions[1]
    assert len({request["ClientRequestToken"] for request in wire.requests}) == 3

    wire.replies = [cancelled("None", refusal) for _ in range(8)]
    with pytest.raises(Contention):
        store.transact([Put(A, Absent()), Add(placed)])


def test_a_failed_condition_beside_such_an_add_is_reported_alone(
    store: DynamoStore, wire: Wire
) -> None:
    placed = replace(B, gsi1=IndexKey("T#ALL", "1"))
    refusal = {"Code": "ConditionalCheckFailed"}
    wire.replies = [cancelled({**refusal, "Item": STORED_A}, refusal)]
    with pytest.raises(TransactionCancelled) as raised:
        store.transact([Put(A, Absent()), Add(placed)])
    assert raised.value.failures == (Failure(0, A),)
