"""Saved worlds of a token's owner, by name, and as files.

A snapshot is kept in pages; its head is written last and names the generation of the pages, so
saving under a name again replaces what was there at once. Snapshots outlive a reset.
"""

import zlib
from datetime import datetime
from typing import Final

from backbeat.application import worlds
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Delete,
    Item,
    Key,
    Put,
    Query,
    Version,
)

AT_MOST: Final = 20
"""Snapshots of one owner."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""What a snapshot may have, compressed. A function in AWS can answer with 6 MB of Base64."""

_MAX_UNPACKED_BYTES: Final = 128 * 1024 * 1024
_PAGE_BYTES: Final = 256 * 1024
_LEVEL: Final = 6
_GZIP: Final = 31
"""Tells zlib to write and read a gzip file, with no time of day in it."""


class Snapshot(Model):
    """The head of a saved world. `now` is where the sandbox's clock stood; sizes are in bytes."""

    name: str
    created_at: datetime
    now: datetime
    bytes_packed: int
    pages: int
    generation: int


def save(call: Call, name: str) -> Snapshot:
    """Saves the caller's world under a name, in the place of what was saved under it before.

    Raises:
        InvalidArgument: the world is too large, or there are too many snapshots.
        Retryable: somebody else saved under the name at the same time.
    """
    key = keys.snapshot(call.owner, name)
    before = call.store.get(key)
    if before is None and len(listed(call)) >= AT_MOST:
        raise InvalidArgument(f"name: there are {AT_MOST} snapshots already; remove some first")
    packed = pack(worlds.document(call))
    generation = 1 if before is None else from_item(before, Snapshot).generation + 1
    pages = [packed[at : at + _PAGE_BYTES] for at in range(0, len(packed), _PAGE_BYTES)]
    call.store.put_many(
        Item(keys.snapshot_page(call.owner, name, generation, number), "SnapshotPage", page)
        for number, page in enumerate(pages)
    )
    head = Snapshot(
        name=name,
        created_at=call.services.clock.now(),
        now=call.now,
        bytes_packed=len(packed),
        pages=len(pages),
        generation=generation,
    )
    work = UnitOfWork(call.store)
    if before is None:
        work.add(Put(to_item(key, head), Absent()))
    else:
        work.add(Put(to_item(key, head, version=before.version + 1), Version(before.version)))
    work.commit()
    _delete_pages(call, name, but=generation)
    return head


def restore(call: Call, name: str) -> Call:
    """Puts a saved world in the place of the caller's. Returns a call to it.

    Raises:
        NotFound: nothing was saved under the name.
        Retryable: somebody else replaced or reset the sandbox at the same time.
    """
    return worlds.load(call, unpack(packed_of(call, name)))


def listed(call: Call) -> list[Snapshot]:
    """Returns the caller's snapshots by name."""
    pk, low, high = keys.snapshots(call.owner)
    return [from_item(item, Snapshot) for item in walk(call.store, Query(pk, low=low, high=high))]


def packed_of(call: Call, name: str) -> bytes:
    """Returns a saved world as a gzip file.

    Raises:
        NotFound: nothing was saved under the name.
    """
    head = read(call.store, keys.snapshot(call.owner, name), Snapshot)
    if head is None:
        raise NotFound("snapshot", name)
    pk, low, high = keys.snapshot_pages(call.owner, name, head.generation)
    return b"".join(item.doc for item in walk(call.store, Query(pk, low=low, high=high)))


def remove(call: Call, name: str) -> None:
    """Removes a snapshot.

    Raises:
        NotFound: nothing was saved under the name.
    """
    key = keys.snapshot(call.owner, name)
    if call.store.get(key) is None:
        raise NotFound("snapshot", name)
    call.store.transact([Delete(key)])
    _delete_pages(call, name, but=None)


def pack(document: bytes) -> bytes:
    """Returns a document as a gzip file; equal documents give equal files.

    Raises:
        InvalidArgument: it is too large.
    """
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
    packed = compressor.compress(document) + compressor.flush()
    if len(packed) > MAX_BYTES:
        raise InvalidArgument(
            f"The sandbox has {len(packed)} bytes compressed; at most {MAX_BYTES} can be saved"
        )
    return packed


def unpack(file: bytes) -> bytes:
    """Returns the document of a gzip file.

    Raises:
        InvalidArgument: it is no such file, or a much too large one.
    """
    unpacking = zlib.decompressobj(wbits=_GZIP)
    try:
        document = unpacking.decompress(file, _MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise InvalidArgument(f"The file is not a saved world: {error}") from error
    if not unpacking.eof:
        raise InvalidArgument("The file is not a saved world: it is cut off or too large")
    return document


def _delete_pages(call: Call, name: str, *, but: int | None) -> None:
    """Removes the pages of other generations, those that a crash left behind included."""
    pk, low, high = keys.all_snapshot_pages(call.owner, name)
    kept = None if but is None else keys.snapshot_pages(call.owner, name, but)[1]
    found: list[Key] = [
        item.key
        for item in walk(call.store, Query(pk, low=low, high=high))
        if kept is None or not item.key.sk.startswith(kept)
    ]
    for first in range(0, len(found), MAX_EFFECTS):
        call.store.transact([Delete(key) for key in found[first : first + MAX_EFFECTS]])
