"""The chain of seals over the log of changes.

Owns: digests of records and seals, and what is the first broken place.
Does not own: where the log lies, and when it is sealed.
Times: real time; hours are whole UTC hours.
Invariants: a seal covers its records' places and digests and the digest of the seal before, so
    whoever changes, removes or adds a sealed record must change every seal from there on. The
    digest of the last seal, noted elsewhere, shows that too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from backbeat.models.audit import AuditSeal, PlacedRecord, SealedRecord, digest_of


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the log is not as it was written.

    `position` is a record's place in the log, `seal` the number of the seal that shows it.
    """

    reason: str
    position: str | None = None
    entry_ids: tuple[str, ...] = ()
    seal: int | None = None


def sealed(
    records: Iterable[PlacedRecord], *, after: AuditSeal | None, hour: datetime, at: datetime
) -> AuditSeal:
    """Returns the seal of records of an hour that follows a seal."""
    open_seal = AuditSeal(
        number=1 if after is None else after.number + 1,
        hour=hour,
        records=tuple(
            SealedRecord(position=one.position, digest=digest_of(*one.record.entries))
            for one in records
        ),
        sealed_at=at,
        previous="" if after is None else after.digest,
        digest="",
    )
    return open_seal.model_copy(update={"digest": digest_of(open_seal)})


def broken_link(seal: AuditSeal, after: AuditSeal | None) -> Broken | None:
    """Returns what is wrong with a seal itself, or with how it follows the one before."""
    number = 1 if after is None else after.number + 1
    if seal.number != number:
        return Broken("a seal is missing", seal=number)
    if seal.digest != digest_of(seal.model_copy(update={"digest": ""})):
        return Broken("the seal was changed", seal=seal.number)
    if seal.previous != ("" if after is None else after.digest):
        return Broken("the seal before was changed", seal=seal.number)
    return None


def broken_record(seals: Sequence[AuditSeal], records: Iterable[PlacedRecord]) -> Broken | None:
    """Returns the first difference between what was sealed and the records there are.

    `records` are those of the hours that the seals fix, both in the order of the log.
    """
    seal: int | None = None
    for fixed, there in zip_longest(_fixed(seals), records):
        seal, one = (seal, None) if fixed is None else fixed
        if there is None or (one is not None and one.position < there.position):
            position = None if one is None else one.position
            return Broken("the record was removed", position=position, seal=seal)
        if one is None or there.position < one.position:
            return _at(there, "the record was added after sealing", seal)
        if one.digest != digest_of(*there.record.entries):
            return _at(there, "the record was changed", seal)
    return None


def broken_itself(records: Iterable[PlacedRecord]) -> Broken | None:
    """Returns the first record that does not fit its own digest, of those not yet sealed."""
    for there in records:
        if not there.record.is_whole:
            return _at(there, "the record was changed", None)
    return None


def _fixed(seals: Iterable[AuditSeal]) -> Iterator[tuple[int, SealedRecord]]:
    return ((seal.number, record) for seal in seals for record in seal.records)


def _at(there: PlacedRecord, reason: str, seal: int | None) -> Broken:
    ids = tuple(entry.id for entry in there.record.entries)
    return Broken(reason, there.position, ids, seal)
