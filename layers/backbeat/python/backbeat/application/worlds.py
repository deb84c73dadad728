"""A sandbox's world as one document: every item it is made of, free of whose it is.

The document is JSON. In it the tenant's name is replaced by one that nobody has, so the same world
of two tokens gives the same document, and either may load it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from backbeat.application import outbox, sandboxes
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument
from backbeat.models.notifications import Delivery
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item
from backbeat.ports.store import MAX_DOC_BYTES, IndexKey, Item, Key

MAX_ITEMS: Final = 50_000
"""Items of a world that can be saved. An event is one, and so is most else."""

FORMAT: Final = 1

_NOBODY: Final = "t0000000000000000"
"""Stands for the tenant. Tenants are `t` and 16 hexadecimal digits of a hash."""

_NOT_OF_THE_WORLD: Final = frozenset({"Faults", "LoggedRequest", "RateWindow", "_WordsKnown"})
_WRITTEN_AT_ONCE: Final = 1000


class _Row(msgspec.Struct, omit_defaults=True):
    """An item. `doc` is its JSON as stored, null for none; numbers are texts."""

    pk: str
    sk: str
    entity: str
    doc: msgspec.Raw
    version: int = 1
    numbers: dict[str, str] = {}
    gsi1: tuple[str, str] | None = None
    gsi2: tuple[str, str] | None = None
    expires_at: int | None = None


class _World(msgspec.Struct):
    backbeat: int
    checksum: str
    items: list[msgspec.Raw]


_encoder: Final = msgspec.json.Encoder()
_world_decoder: Final = msgspec.json.Decoder(_World)
_row_decoder: Final = msgspec.json.Decoder(_Row)
_any_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


def items(call: Call) -> list[Item]:
    """Returns what the caller's world is made of, by key; no faults and no requests.

    Deliveries under way are put back to where they wait to be queued: the messages that stand for
    them are not part of the world.

    Raises:
        InvalidArgument: it has more than `MAX_ITEMS` items.
    """
    found = call.store.items_of(call.tenant, limit=MAX_ITEMS + 1)
    if len(found) > MAX_ITEMS:
        raise InvalidArgument(f"The sandbox has more than {MAX_ITEMS} items: too many for this")
    return [_at_rest(call, item) for item in found if item.entity not in _NOT_OF_THE_WORLD]


def document(call: Call) -> bytes:
    """Returns the caller's world as a document. Equal worlds give equal documents.

    Raises:
        InvalidArgument: it has more than `MAX_ITEMS` items.
    """
    own, nobody = call.tenant.encode(), _NOBODY.encode()
    rows = [_encoder.encode(_row(item)).replace(own, nobody) for item in items(call)]
    world = _World(FORMAT, _checksum(rows), [msgspec.Raw(row) for row in rows])
    return _encoder.encode(world)


def is_document(value: object) -> bool:
    """Tells whether a decoded value is meant to be such a document."""
    return isinstance(value, dict) and "backbeat" in value


def load(call: Call, world: bytes) -> Call:
    """Puts a document's world in the place of the caller's, all of it or nothing.

    Returns a call to it.

    Raises:
        InvalidArgument: it is no such document, or was changed since it was made.
        Retryable: somebody else replaced or reset the sandbox at the same time.
    """
    rows = _rows(world)
    return sandboxes.replace_world(call, lambda filling: _write(filling, rows))


def everything(call: Call) -> dict[str, list[dict[str, Any]]]:
    """Returns the documents of the caller's world by kind of thing, in the order of their keys.

    Raises:
        InvalidArgument: it has more than `MAX_ITEMS` items.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    own, nobody = call.tenant.encode(), _NOBODY.encode()
    for item in items(call):
        doc = _any_decoder.decode(item.doc.replace(own, nobody)) if item.doc else {}
        content = doc if isinstance(doc, dict) else {"content": doc}
        told.setdefault(item.entity.lstrip("_"), []).append(
            {
                "key": "/".join(item.key).replace(call.tenant, _NOBODY),
                **content,
                **({"numbers": dict(sorted(item.numbers.items()))} if item.numbers else {}),
            }
        )
    return dict(sorted(told.items()))


def _at_rest(call: Call, item: Item) -> Item:
    if item.entity != Delivery.__name__:
        return item
    delivery = from_item(item, Delivery)
    if not delivery.is_pending:
        return item
    waiting = delivery.model_copy(update={"queued": False, "leased_until": None})
    return outbox.delivery_item(call, waiting, item.version)


def _row(item: Item) -> _Row:
    return _Row(
        pk=item.key.pk,
        sk=item.key.sk,
        entity=item.entity,
        doc=msgspec.Raw(item.doc or b"null"),
        version=item.version,
        numbers={name: str(number) for name, number in sorted(item.numbers.items())},
        gsi1=None if item.gsi1 is None else (item.gsi1.pk, item.gsi1.sk),
        gsi2=None if item.gsi2 is None else (item.gsi2.pk, item.gsi2.sk),
        expires_at=item.expires_at,
    )


def _rows(world: bytes) -> list[bytes]:
    try:
        read = _world_decoder.decode(world)
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"The file is not a saved world: {error}") from error
    if read.backbeat != FORMAT:
        raise InvalidArgument(f"backbeat: format {read.backbeat} is not one this version reads")
    rows = [bytes(row) for row in read.items]
    if len(rows) > MAX_ITEMS:
        raise InvalidArgument(f"items: at most {MAX_ITEMS}")
    if _checksum(rows) != read.checksum:
        raise InvalidArgument("checksum: the file was changed since it was saved")
    return rows


def _checksum(rows: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\n".join(rows)).hexdigest()


def _write(call: Call, rows: Sequence[bytes]) -> None:
    own, nobody = call.tenant.encode(), _NOBODY.encode()
    try:
        for first in range(0, len(rows), _WRITTEN_AT_ONCE):
            some = rows[first : first + _WRITTEN_AT_ONCE]
            call.store.put_many([_item(call.tenant, row.replace(nobody, own)) for row in some])
    except ArithmeticError as error:
        raise InvalidArgument(f"items: a number in it is out of range: {error}") from error


def _item(tenant: str, text: bytes) -> Item:
    try:
        row = _row_decoder.decode(text)
        numbers = {name: Decimal(number) for name, number in row.numbers.items()}
    except (msgspec.DecodeError, ArithmeticError) as error:
        raise InvalidArgument(f"items: {error}") from error
    doc = bytes(row.doc)
    partitions = [row.pk, *(index[0] for index in (row.gsi1, row.gsi2) if index is not None)]
    content = _any_decoder.decode(doc)
    if isinstance(content, dict) and isinstance(content.get("pk"), str):
        partitions.append(content["pk"])
    # A file may say anything: nothing of it may lie in another's world, or point there.
    if not all(_is_of(tenant, partition, row) for partition in partitions):
        raise InvalidArgument(f"items: {row.sk} lies outside of the world")
    if len(doc) > MAX_DOC_BYTES:
        raise InvalidArgument(f"items: {row.sk} is too large")
    return Item(
        Key(row.pk, row.sk),
        row.entity,
        b"" if doc == b"null" else doc,
        row.version,
        numbers,
        None if row.gsi1 is None else IndexKey(*row.gsi1),
        None if row.gsi2 is None else IndexKey(*row.gsi2),
        row.expires_at,
    )


def _is_of(tenant: str, partition: str, row: _Row) -> bool:
    if partition == keys.tenants():
        return row.pk == tenant
    if partition == keys.unsealed_hours():
        return row.pk == keys.audit_hours(tenant)
    return partition == tenant or partition.startswith(f"{tenant}#")
