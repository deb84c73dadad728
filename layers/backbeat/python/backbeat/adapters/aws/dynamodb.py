"""The store on one DynamoDB table."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from backbeat.adapters.aws.backoff import Backoff
from backbeat.adapters.aws.dynamodb_cursors import cursor_after, index_sort_key, start_key
from backbeat.adapters.aws.dynamodb_items import (
    NUMBER_PREFIX,
    Attributes,
    NumberOutOfRange,
    from_attributes,
    key_attributes,
    key_of,
    number_text,
    optional_attributes,
    to_attributes,
)
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Add,
    Append,
    Check,
    Condition,
    Contention,
    Delete,
    Effect,
    Failure,
    Greater,
    Index,
    Item,
    Key,
    Page,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NUMBER_REFUSED = re.compile("significant digits|Number (over|under)flow")
"""In the message of a cancellation for a sum of too many digits or beyond the range."""

GET_BATCH = 100
PUT_BATCH = 25

_Action: TypeAlias = Put | Add | Delete | Check
"""What is one action of a transaction."""

_ABSENT = Absent()
_Answer = TypeVar("_Answer")
_Element = TypeVar("_Element")

_NOTHING_WRITTEN_YET = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
    }
)
_PERHAPS_WRITTEN = frozenset(
    {
        "InternalServerError",
        "RequestTimeout",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)


class DynamoStore:
    """Implements `Store` on a table with the indexes `gsi1` (whole items) and `gsi2` (keys only).

    Every call is tried up to eight times with full jitter. When the last try was throttled or met
    another writer, `Contention` is raised; when any try ended without an answer, so that nobody
    knows whether it was carried out, the error of that try is raised instead.

    Pages: with a limit, a page is full and its cursor is None exactly when nothing followed at
    the time of reading (one item more than asked for is read to know). Without a limit, a page
    ends where DynamoDB stops (about 1 MB), and the last page may be empty.
    """

    def __init__(
        self,
        table_name: str,
        client: "DynamoDBClient | None" = None,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        """Reads and writes `table_name`.

        Args:
            table_name: The table, as named in AWS.
            client: Should not retry by itself, or its tries multiply with ours.
            backoff: How to wait between tries.
        """
        self._table = table_name
        self._client = client or boto3.client(
            "dynamodb",
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=2,
                read_timeout=5,
                tcp_keepalive=True,
            ),
        )
        self._backoff = backoff or Backoff()

    @property
    def max_effects(self) -> int:
        """What DynamoDB takes at once."""
        return MAX_EFFECTS

    def get(self, key: Key) -> Item | None:
        """Returns the item, or None."""
        reply = self._try(
            lambda: self._client.get_item(
                TableName=self._table, Key=key_attributes(key), ConsistentRead=True
            )
        )
        return from_attributes(reply["Item"]) if "Item" in reply else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Returns those of the items that exist."""
        found: dict[Key, Item] = {}
        for chunk in _chunks(keys, GET_BATCH):
            self._get_chunk([key_attributes(key) for key in dict.fromkeys(chunk)], found)
        return found

    def query(self, query: Query) -> Page:
        """Returns one page.

        Raises:
            BadCursor: the cursor does not belong to this query.
        """
        if query.limit is not None and query.limit < 1:
            raise ValueError("a page holds at least one item")
        start = None if query.cursor is None else start_key(query, query.cursor)
        if query.high is not None and query.high <= (query.low or ""):
            return Page(())

        found: list[Item] = []
        wanted = None if query.limit is None else query.limit + 1
        more = True
        while more and (not found if wanted is None else len(found) < wanted):
            items, start = self._read(query, start, wanted and wanted - len(found))
            # BETWEEN includes its upper edge, and in an index several items may lie on it.
            inside = [i for i in items if index_sort_key(query.index, i) != query.high]
            found += inside
            passed_the_edge = query.forward and len(inside) < len(items)
            more = start is not None and not passed_the_edge

        page = tuple(found[: query.limit])
        more = more if query.limit is None else len(found) > query.limit
        return Page(page, cursor_after(query, page[-1]) if more else None)

    def transact(self, effects: Sequence[Effect]) -> None:
        """Applies 1 to `MAX_EFFECTS` effects on distinct keys, all or none.

        A single `Put` without condition is written at half the price of a transaction. All else
        goes through one even alone: only transactions carry a token, and without it a write whose
        answer got lost would be applied twice or collide with itself when it is tried again.

        Raises:
            TransactionCancelled: a condition did not hold.
            Contention: the store could not decide now.
            ValueError: no effects, too many, two on one key, or an item that cannot be stored.
        """
        actions = _one_by_one(effects)
        _validate(actions)
        match actions:
            case [Put(item=item, condition=None)]:
                attributes = to_attributes(item)
                self._try(lambda: self._client.put_item(TableName=self._table, Item=attributes))
            case _:
                self._transact(actions)

    def put_many(self, items: Iterable[Item]) -> None:
        """Writes any number of items; of several with one key the last one stays."""
        for chunk in _chunks(items, PUT_BATCH):
            latest = {item.key: item for item in chunk}
            self._put_chunk([{"PutRequest": {"Item": to_attributes(i)}} for i in latest.values()])

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """Returns up to `limit` items of a tenant. The table is read until there are so many."""
        found: list[Item] = []
        start: Attributes | None = None
        while len(found) < limit:
            request: Any = {
                "FilterExpression": "pk = :tenant OR begins_with(pk, :partitions)",
                "ExpressionAttributeValues": {
                    ":tenant": {"S": tenant},
                    ":partitions": {"S": f"{tenant}#"},
                },
                **({"ExclusiveStartKey": start} if start else {}),
            }
            reply: Any = self._try(
                partial(self._client.scan, TableName=self._table, ConsistentRead=True, **request)
            )
            found += [from_attributes(attributes) for attributes in reply["Items"]]
            start = reply.get("LastEvaluatedKey")
            if start is None:
                break
        return sorted(found[:limit], key=lambda item: item.key)

    def _get_chunk(self, keys: list[Attributes], found: dict[Key, Item]) -> None:
        failed_tries = 0
        while keys:
            request: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
            reply: Any = self._try(partial(self._client.batch_get_item, RequestItems=request))
            for attributes in reply["Responses"].get(self._table, ()):
                found[key_of(attributes)] = from_attributes(attributes)
            rest = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            failed_tries = self._wait_for_rest(len(keys), len(rest), failed_tries)
            keys = rest

    def _put_chunk(self, requests: list[Any]) -> None:
        failed_tries = 0
        while requests:
            request: Any = {self._table: requests}
            reply: Any = self._try(partial(self._client.batch_write_item, RequestItems=request))
            rest = reply.get("UnprocessedItems", {}).get(self._table, [])
            failed_tries = self._wait_for_rest(len(requests), len(rest), failed_tries)
            requests = rest

    def _wait_for_rest(self, asked: int, left: int, failed_tries: int) -> int:
        """Returns how many tries in a row have left something undone; only standstill gives up."""
        if left == 0:
            return 0
        failed_tries = failed_tries + 1 if left == asked else 1
        if failed_tries >= self._backoff.tries:
            raise Contention(f"DynamoDB left {left} requests unprocessed")
        self._backoff.pause(failed_tries)
        return failed_tries

    def _read(
        self, query: Query, start: Attributes | None, limit: int | None
    ) -> tuple[list[Item], Attributes | None]:
        prefix = "" if query.index is Index.BASE else query.index.value
        names = {"#pk": f"{prefix}pk"}
        values = {":pk": {"S": query.pk}}
        condition = "#pk = :pk"
        if query.low:
            values[":low"] = {"S": query.low}
        if query.high is not None:
            values[":high"] = {"S": query.high}
        match bool(query.low), query.high is not None:
            case True, True:
                condition += " AND #sk BETWEEN :low AND :high"
            case True, False:
                condition += " AND #sk >= :low"
            case False, True:
                condition += " AND #sk < :high"
        if len(values) > 1:
            names["#sk"] = f"{prefix}sk"
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": query.forward,
        }
        if query.index is Index.BASE:
            request["ConsistentRead"] = True
        else:
            request["IndexName"] = query.index.value
        if limit is not None:
            request["Limit"] = limit
        if start is not None:
            request["ExclusiveStartKey"] = start
        reply = self._try(lambda: self._client.query(**request))
        return [from_attributes(a) for a in reply["Items"]], reply.get("LastEvaluatedKey")

    def _transact(self, effects: Sequence[_Action]) -> None:
        # Adds known to meet an item that lacks something they would set, see `_add`.
        onto_existing: set[int] = set()
        for _ in range(self._backoff.tries):
            failures = self._commit(
                [
                    self._action(effect, onto_existing=index in onto_existing)
                    for index, effect in enumerate(effects)
                ]
            )
            if not failures:
                return
            refused = [f for f in failures if not isinstance(effects[f.index], Add)]
            if refused:
                raise TransactionCancelled(refused)
            onto_existing ^= {failure.index for failure in failures}
        raise Contention("items kept appearing and disappearing")

    def _commit(self, actions: list[Any]) -> list[Failure]:
        """Returns the conditions that failed; none when the transaction was written."""
        token = str(uuid.uuid4())
        try:
            self._try(
                lambda: self._client.transact_write_items(
                    TransactItems=actions, ClientRequestToken=token
                )
            )
        except ClientError as error:
            failures = [
                Failure(index, from_attributes(reason["Item"]) if reason.get("Item") else None)
                for index, reason in enumerate(_reasons(error))
                if reason.get("Code") == "ConditionalCheckFailed"
            ]
            if not failures:
                _refuse_numbers(error)
                raise
            return failures
        return []

    def _action(self, effect: _Action, *, onto_existing: bool) -> dict[str, Any]:
        match effect:
            case Put(item=item, condition=condition):
                kind, action = "Put", {"Item": to_attributes(item), **_when(condition, item)}
            case Add(item=item):
                kind, action = _add(item, onto_existing=onto_existing)
            case Delete(key=key, condition=condition):
                kind, action = "Delete", {"Key": key_attributes(key), **_when(condition)}
            case Check(key=key, condition=condition):
                kind, action = "ConditionCheck", {"Key": key_attributes(key), **_when(condition)}
        return {kind: {"TableName": self._table, **action}}

    def _try(self, call: Callable[[], _Answer]) -> _Answer:
        unanswered: Exception | None = None
        for failed_tries in range(1, self._backoff.tries + 1):
            try:
                return call()
            except ClientError as error:
                if _perhaps_written(error):
                    unanswered = error
                elif not _nothing_written_yet(error):
                    raise
                refusal = error.response["Error"]["Code"]
            except (ConnectionError, HTTPClientError) as error:
                unanswered = error
            if failed_tries < self._backoff.tries:
                self._backoff.pause(failed_tries)
        if unanswered is not None:
            raise unanswered
        raise Contention(refusal)


def _one_by_one(effects: Sequence[Effect]) -> list[_Action]:
    """Returns the effects with each record as an item of its own."""
    actions: list[_Action] = []
    for effect in effects:
        if isinstance(effect, Append):
            actions += [Put(item, _ABSENT) for item in effect.items()]
        else:
            actions.append(effect)
    return actions


def _validate(effects: Sequence[_Action]) -> None:
    if not 1 <= len(effects) <= MAX_EFFECTS:
        raise ValueError(f"a transaction has 1 to {MAX_EFFECTS} effects, not {len(effects)}")
    keys = {e.item.key if isinstance(e, Put | Add) else e.key for e in effects}
    if len(keys) < len(effects):
        raise ValueError("two effects of one transaction have the same key")


def _when(condition: Condition | None, item: Item | None = None) -> dict[str, Any]:
    match condition:
        case None:
            return {}
        case Absent():
            expression: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        case Version(number=number):
            expression = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": str(number)}},
            }
        case Greater(attribute=attribute):
            if item is None or attribute not in item.numbers:
                raise ValueError(f"the new item has no number {attribute!r} to compare")
            expression = {
                "ConditionExpression": "attribute_not_exists(#number) OR #number < :number",
                "ExpressionAttributeNames": {"#number": NUMBER_PREFIX + attribute},
                "ExpressionAttributeValues": {
                    ":number": {"N": number_text(item.numbers[attribute])}
                },
            }
    return {**expression, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def _add(item: Item, *, onto_existing: bool) -> tuple[str, dict[str, Any]]:
    """Returns the action for `Add`.

    What only a new item may get is set where it is missing. Every item has an entity, a version
    and a document, so they are missing only when the item is. Index keys and expiry may be missing
    on an item that exists: then the update is refused, and repeated with the numbers alone.
    """
    attributes = to_attributes(item)
    optional = optional_attributes(item)
    counters = {n: v for n, v in attributes.items() if n.startswith(NUMBER_PREFIX)}
    if onto_existing:
        creation: Attributes = {}
        condition = "attribute_exists(pk)"
    else:
        creation = {n: v for n, v in attributes.items() if n not in {*counters, "pk", "sk"}}
        complete = " AND ".join(f"attribute_exists({name})" for name in optional)
        condition = f"attribute_not_exists(pk) OR ({complete})" if optional else ""
    if not counters and not creation:
        return "ConditionCheck", {
            "Key": key_attributes(item.key),
            "ConditionExpression": condition,
        }

    places = {name: (f"#a{i}", f":v{i}") for i, name in enumerate([*counters, *creation])}
    additions = ", ".join(f"{places[n][0]} {places[n][1]}" for n in counters)
    settings = ", ".join(
        f"{places[n][0]} = if_not_exists({places[n][0]}, {places[n][1]})" for n in creation
    )
    update: dict[str, Any] = {
        "Key": key_attributes(item.key),
        "UpdateExpression": (f"ADD {additions} " if additions else "")
        + (f"SET {settings}" if settings else ""),
        "ExpressionAttributeNames": {places[n][0]: n for n in places},
        "ExpressionAttributeValues": {places[n][1]: attributes[n] for n in places},
    }
    if condition:
        update["ConditionExpression"] = condition
    return "Update", update


def _reasons(error: ClientError) -> Sequence[Any]:
    reasons: Sequence[Any] = error.response.get("CancellationReasons", ())
    return reasons


def _refuse_numbers(error: ClientError) -> None:
    """Raises what a sum is refused with that DynamoDB cannot hold."""
    for reason in _reasons(error):
        message = str(reason.get("Message", ""))
        if reason.get("Code") == "ValidationError" and _NUMBER_REFUSED.search(message):
            raise NumberOutOfRange(message) from error


def _nothing_written_yet(error: ClientError) -> bool:
    codes = {reason.get("Code", "None") for reason in _reasons(error)} - {"None"}
    return (codes or {error.response["Error"]["Code"]}) <= _NOTHING_WRITTEN_YET


def _perhaps_written(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"]["Code"] in _PERHAPS_WRITTEN or status >= 500


def _chunks(elements: Iterable[_Element], size: int) -> Iterator[list[_Element]]:
    rest = iter(elements)
    while chunk := list(islice(rest, size)):
        yield chunk
