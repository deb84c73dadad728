"""Who changed what, and the seals that show whether that was changed afterwards."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import NamedTuple

from backbeat.models.base import Model


class AuditAction(Enum):
    """What was done to a thing."""

    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"
    DELETE = "delete"


class AuditStatus(Enum):
    """Whether it was done, or was about to be: what lies in no transaction is told of before."""

    SUCCESS = "success"
    PENDING = "pending"


class AuditEntry(Model):
    """One change of one thing.

    `recorded_at` is real time and orders the log; `at` is the time of the sandbox, if there is one.
    `operation` is the operation's id, or method and path of what is none; jobs have none.
    """

    id: str
    recorded_at: datetime
    at: datetime
    actor_id: str
    actor_name: str
    request_id: str
    ip: str | None = None
    user_agent: str | None = None
    operation: str | None = None
    resource_type: str
    resource_id: str
    action: AuditAction
    status: AuditStatus = AuditStatus.SUCCESS


class AuditRecord(Model):
    """What one transaction changed, or a part of it. `digest` is that of the entries."""

    entries: tuple[AuditEntry, ...]
    digest: str

    @classmethod
    def of(cls, entries: Sequence[AuditEntry]) -> "AuditRecord":
        """Returns the record of some entries."""
        return cls(entries=tuple(entries), digest=digest_of(*entries))

    @property
    def is_whole(self) -> bool:
        """Tells whether the entries are those that the digest was made of."""
        return self.digest == digest_of(*self.entries)


class PlacedRecord(NamedTuple):
    """A record and its place in the log: positions are texts in the order of the log."""

    position: str
    record: AuditRecord


class AuditHour(Model):
    """Marks an hour in which a tenant has records."""

    hour: datetime


class SealedRecord(Model):
    """A record as it was when it was sealed. `position` is its place in the log."""

    position: str
    digest: str


class AuditSeal(Model):
    """Fixes the records of an hour, or some of them, and the seal before.

    Numbers begin at 1. `previous` is the digest of the seal before, empty for the first.
    """

    number: int
    hour: datetime
    records: tuple[SealedRecord, ...]
    sealed_at: datetime
    previous: str
    digest: str


def digest_of(*models: Model) -> str:
    """Returns the SHA-256 of models, whatever form they are stored in."""
    plain = [model.model_dump(mode="json") for model in models]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Author:
    """Who a change is put down to in the log: a token's owner, or the product itself.

    `operation` is the operation's id, or method and path.
    """

    id: str = "backbeat"
    name: str = "Backbeat"
    request_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    operation: str | None = None
