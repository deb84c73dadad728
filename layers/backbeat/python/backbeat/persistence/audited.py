"""A store that writes down who changed what, in the transaction that changes it.

Whatever is put or deleted counts as a change of a thing, unless it is known to be bookkeeping: a
new kind of item is in the log of changes without anybody thinking of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final

import msgspec

from backbeat.models.audit import AuditAction, AuditEntry, AuditStatus, Author
from backbeat.persistence import audit_log, customer_words, keys
from backbeat.ports.store import Absent, Delete, Effect, Item, Key, Page, Put, Query, Store

OWN_EFFECTS: Final = 2
"""Effects that a transaction must leave room for: its record, and the mark of the hour."""

_BOOKKEEPING: Final = frozenset(
    {
        # How the store finds things, and keeps apart what must be.
        *("Claim", "Pointer", "_InUse", "_Pointer", "_Reference", "Changes", "Generated", "Tenant"),
        *(customer_words.ENTITY, "_WordsKnown"),
        # What is to be done and to be told, and what was.
        *("Delivery", "DueItem", "Notification", "Planned", "_Listed", "_ToSend"),
        # Usage is a log of its own.
        *("Cells", "Day", "Distinct", "Event", "Highest", "Latest", "Repeat"),
        # The history of a contract; it changes with the contract.
        "ContractEdit",
        # Replies, kept to be given again.
        "Idempotency",
        # How keys are found by their secrets, and what providers told: a log of its own.
        *("Credential", "_KeyName", "InboundEvent", "_Collects", "_Mark"),
        # Controls of a sandbox are no changes in its world.
        *(
            "Faults",
            "LoggedRequest",
            "RateWindow",
            "Sandbox",
            "SandboxClock",
            "Snapshot",
            "SnapshotPage",
        ),
        "_Seeded",
        # How far metered usage is told to Stripe, and what was found there, have logs of their own.
        *("PushRecord", "PushState", "Found", "_Rows", "_Hold", "_Numbers", "_Turn", "_Beat"),
        *("BackfillOutcomes", "BackfillRows", "MeteredRef", "MeterAlertState"),
        *audit_log.ENTITIES,
    }
)
"""Kinds of items that are no things of their own: they follow from others, or serve them."""

_CALLED: Final[dict[str, str]] = {
    "Alias": "rate_card_alias",
    "AlertState": "customer_alert",
    "CustomField": "custom_field_key",
    "CustomUnit": "credit_type",
    "DeliveryAccount": "delivery_method",
    "Endpoint": "webhook_target",
    "OffsetConfig": "notification_config",
    "RoleScopes": "role",
    "Switches": "system_notifications",
    "Workflow": "threshold_charge",
    "_RatePage": "rate_card",
    "_StoredInvoice": "invoice",
}
"""What kinds of items are called in the log, where that is not their own name."""

_REMEMBERED: Final = 10_000
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

Change = tuple[str, str, AuditAction]
"""What kind of thing, which one, and what was done to it."""


class LogWriter:
    """What a process remembers of the log that it writes: the marks that are there, and a count.

    The count orders what it writes at one instant.
    """

    def __init__(self) -> None:
        self._marked: set[Key] = set()
        self._count = count()

    def is_marked(self, mark: Key) -> bool:
        """Tells whether an hour's mark is known to be there."""
        return mark in self._marked

    def was_marked(self, mark: Key) -> None:
        """Remembers a mark. All others are forgotten when they have become too many."""
        if len(self._marked) >= _REMEMBERED:
            self._marked = set()
        self._marked.add(mark)

    def next_number(self) -> int:
        """Returns how many records were numbered before."""
        return next(self._count)


class _Content(msgspec.Struct):
    """What matters here of a document."""

    id: str | None = None
    type: object = None
    alert_id: str | None = None
    archived_at: datetime | None = None


# Not frozen: it is made for each use, and that would take three times as long.
@dataclass(slots=True)
class AuditedStore:
    """Implements `Store` by another one, for one author.

    `at` is the time of the changes by the tenant's clock, `now` is real time.
    """

    inner: Store
    tenant: str
    author: Author
    at: datetime
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    writer: LogWriter

    @property
    def max_effects(self) -> int:
        """See `Store.max_effects`."""
        return self.inner.max_effects

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        return self.inner.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        return self.inner.get_many(keys)

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        return self.inner.query(query)

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`. What may be written by half counts once it is referred to."""
        self.inner.put_many(items)

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """See `Store.items_of`."""
        return self.inner.items_of(tenant, limit=limit)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`. The changes are in the log if, and only if, they are made."""
        changes = list(dict.fromkeys(self._changes(effects)))
        if changes:
            self._write(effects, changes, AuditStatus.SUCCESS)
        else:
            self.inner.transact(effects)

    def announce(self, resource_type: str, resource_id: str, action: AuditAction) -> None:
        """Writes down that a change is about to be made that no transaction can contain."""
        self._write([], [(resource_type, resource_id, action)], AuditStatus.PENDING)

    def _write(
        self, effects: Sequence[Effect], changes: Sequence[Change], status: AuditStatus
    ) -> None:
        at = self.now()
        entries = [self._entry(change, status, at) for change in changes]
        room = self.inner.max_effects - len(effects) - 1
        # One record for each thing is found by the thing; for want of room they share one.
        together = [[entry] for entry in entries] if len(entries) <= room else [entries]
        added = [
            Put(audit_log.item(self.tenant, some, self.writer.next_number()), Absent())
            for some in together
        ]
        mark = audit_log.hour_mark(self.tenant, at)
        is_new = not self.writer.is_marked(mark.key)
        self.inner.transact([*effects, *added, *([Put(mark)] if is_new else ())])
        if is_new:
            self.writer.was_marked(mark.key)

    def _entry(self, change: Change, status: AuditStatus, at: datetime) -> AuditEntry:
        resource_type, resource_id, action = change
        id_, author = self.new_id(), self.author
        return AuditEntry(
            id=id_,
            recorded_at=at,
            at=self.at,
            actor_id=author.id,
            actor_name=author.name,
            request_id=author.request_id or id_,
            ip=author.ip,
            user_agent=author.user_agent,
            operation=author.operation,
            resource_type=resource_type,
            resource_id=resource_id,
            action=action,
            status=status,
        )

    def _changes(self, effects: Sequence[Effect]) -> Iterator[Change]:
        removed = [one.key for one in effects if isinstance(one, Delete) and _may_be_thing(one.key)]
        before = self.inner.get_many(removed) if removed else {}
        for effect in effects:
            if isinstance(effect, Put) and _is_thing(effect.item):
                yield self._put(effect)
            elif isinstance(effect, Delete):
                item = before.get(effect.key)
                if item is not None and _is_thing(item):
                    yield (*_thing(item, _content(item)), AuditAction.DELETE)

    def _put(self, put: Put) -> Change:
        content = _content(put.item)
        thing = _thing(put.item, content)
        if put.item.entity == "_RatePage":
            # Rates are added to a card that is there.
            return (*thing, AuditAction.UPDATE)
        if isinstance(put.condition, Absent) or put.item.version == 1:
            return (*thing, AuditAction.CREATE)
        is_end = content.archived_at is not None and content.archived_at == self.at
        return (*thing, AuditAction.ARCHIVE if is_end else AuditAction.UPDATE)


def _is_thing(item: Item) -> bool:
    # A contract's earlier forms lie beside it.
    return item.entity not in _BOOKKEEPING and not item.key.sk.startswith("STATE#")


def _may_be_thing(key: Key) -> bool:
    """Spares reading what is deleted most often: work that is done, and names that are free."""
    return not key.sk.startswith("DUE#") and not key.pk.endswith("#WORK") and key.sk != "CLAIM"


def _content(item: Item) -> _Content:
    return msgspec.json.decode(item.doc, type=_Content)


def _thing(item: Item, content: _Content) -> tuple[str, str]:
    """Returns what kind of thing an item is, and which one."""
    if item.entity == "Balance":
        return "credit" if content.type == "CREDIT" else "commit", content.id or ""
    if item.entity in ("NamedSchedule", "_RatePage"):
        # They are part of what owns them, whose id ends the partition's key.
        *_, kind, owner_id = item.key.pk.split("#")
        return keys.OWNERS[kind], keys.whole(owner_id)
    called = _CALLED.get(item.entity) or _WORDS.sub("_", item.entity.lstrip("_")).lower()
    last = item.key.sk if "#" not in item.key.sk else item.key.sk.replace("#", "/")
    return called, content.id or content.alert_id or keys.whole(last)
