"""Cursors: a place in a query's order, and which query that was."""

import base64
import hashlib
import json

from backbeat.adapters.aws.dynamodb_items import Attributes
from backbeat.ports.store import BadCursor, Index, Item, Query


def cursor_after(query: Query, item: Item) -> str:
    """Returns the cursor that continues `query` behind `item`."""
    place = [_fingerprint(query), item.key.pk, item.key.sk, index_sort_key(query.index, item)]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def start_key(query: Query, cursor: str) -> Attributes:
    """Returns the key that DynamoDB starts behind.

    Raises:
        BadCursor: the cursor is none of ours, or another query's.
    """
    try:
        place = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        fingerprint, pk, sk, index_sk = place
        # Rejects what is not text, and text that has no UTF-8 form.
        strings = all(part.encode() for part in place)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadCursor("not a cursor") from error
    if not strings or fingerprint != _fingerprint(query) or not _in_range(query, index_sk):
        raise BadCursor("the cursor belongs to another query")
    key: Attributes = {"pk": {"S": pk}, "sk": {"S": sk}}
    if query.index is not Index.BASE:
        key[f"{query.index.value}pk"] = {"S": query.pk}
        key[f"{query.index.value}sk"] = {"S": index_sk}
    elif (pk, sk) != (query.pk, index_sk):
        raise BadCursor("the cursor belongs to another partition")
    return key


def index_sort_key(index: Index, item: Item) -> str:
    """Returns the key that `index` sorts the item by."""
    match index:
        case Index.BASE:
            return item.key.sk
        case Index.GSI1:
            place = item.gsi1
        case Index.GSI2:
            place = item.gsi2
    if place is None:
        raise ValueError(f"{item.key} is not in {index.value}")
    return place.sk


def _in_range(query: Query, sort_key: str) -> bool:
    above = query.low is None or query.low <= sort_key
    return above and (query.high is None or sort_key < query.high)


def _fingerprint(query: Query) -> str:
    identity = [query.index.value, query.pk, query.low, query.high, query.forward]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
