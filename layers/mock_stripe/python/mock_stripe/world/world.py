"""One request's view of a key's objects, and the one transaction in which it changes them.

Every transaction that writes also bumps the world's root item, so the writes of a world happen one
after another, whoever makes them: nothing read inside can have changed by the commit. Ids and the
order of lists come from a number in the root, so the same calls give the same world.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from backbeat.persistence.entities import walk
from backbeat.ports.store import (
    Absent,
    Contention,
    Delete,
    Effect,
    Item,
    Key,
    Put,
    Query,
    Store,
    TransactionCancelled,
    Version,
)
from mock_stripe.errors import InvalidRequest, ResourceMissing
from mock_stripe.world import ids, keys
from mock_stripe.world.kinds import BY_NAME, BY_PREFIX, Kind
from mock_stripe.world.root import Root, root_effect, root_of

Object = dict[str, Any]
"""A Stripe object as JSON. Fields whose names begin with "_" are never shown."""


class Changed(Exception):
    """Somebody else wrote to the world meanwhile: nothing was written, begin again."""


@dataclass(slots=True)
class _Loaded:
    """An object in hand, and how it lay in the store: `doc` is None for a new one."""

    kind: Kind
    thing: Object
    doc: bytes | None
    version: int


@dataclass(slots=True)
class World:
    """The objects of one key at one moment.

    `now` is the process clock in Unix seconds. While a test clock advances, `clock` is its id and
    `clock_now` the instant that its work is done for. `declined` is told whose payment it is, and
    returns what the bank says if the sandbox wants it declined.
    """

    store: Store
    tenant: str
    now: int
    clock: str = ""
    clock_now: int | None = None
    request_id: str = ""
    idempotency_key: str | None = None
    declined: Callable[[object], str | None] = lambda named: None
    _root: Root | None = None
    _loaded: dict[str, _Loaded] = field(default_factory=dict)
    _deleted: dict[str, _Loaded] = field(default_factory=dict)
    _effects: dict[Key, Effect] = field(default_factory=dict)
    _created: list[str] = field(default_factory=list)
    _messages: list[Item] = field(default_factory=list)
    _complete: set[str] = field(default_factory=set)

    # --- Reading -----------------------------------------------------------------------------

    def begin(self) -> None:
        """Notes the state of the world, so that `commit` fails if anything changed since now.

        To be called before anything is read that a change will rest on.
        """
        self._rooted()

    def get(self, object_id: str, kind: str, *, param: str = "id") -> Object:
        """Returns an object; changes made to it are written by `commit`.

        Raises:
            ResourceMissing: there is none of this kind with this id.
        """
        found = self.find(object_id, kind)
        if found is None:
            raise ResourceMissing(BY_NAME[kind].noun, object_id, param=param)
        return found

    def find(self, object_id: str, kind: str) -> Object | None:
        """Returns an object, or None."""
        known = self._loaded.get(object_id)
        if known is not None:
            return known.thing if known.kind.name == kind else None
        if not object_id or object_id in self._deleted:
            return None
        item = self.store.get(keys.thing(self.tenant, kind, object_id))
        return None if item is None else self._take(BY_NAME[kind], item)

    def of(self, owner_id: str, kind: str) -> list[Object]:
        """Returns an owner's objects of a kind, oldest first."""
        prefix = f"{kind}#"
        query = Query(keys.owned_by(self.tenant, owner_id), low=prefix, high=f"{prefix}\x7f")
        stored = [item.key.sk.removeprefix(prefix) for item in walk(self.store, query)]
        wanted = [one for one in stored if one not in self._loaded and one not in self._deleted]
        found = self.store.get_many(keys.thing(self.tenant, kind, one) for one in wanted)
        for item in found.values():
            self._take(BY_NAME[kind], item)
        fields = BY_NAME[kind].owners
        return [
            known.thing
            for _, known in sorted(self._loaded.items())
            if known.kind.name == kind and owner_id in [known.thing.get(name) for name in fields]
        ]

    def newest_first(self, kind: str, *, below: str | None = None) -> Iterator[Object]:
        """Yields a kind's stored objects, newest first, from behind the id `below`."""
        query = Query(keys.things(self.tenant, kind), high=below, forward=False, limit=100)
        for item in walk(self.store, query):
            yield self._take(BY_NAME[kind], item)

    def oldest_first(self, kind: str, *, above: str | None = None) -> Iterator[Object]:
        """Yields a kind's stored objects, oldest first, from behind the id `above`."""
        low = None if above is None else f"{above}\x00"
        query = Query(keys.things(self.tenant, kind), low=low, limit=100)
        for item in walk(self.store, query):
            yield self._take(BY_NAME[kind], item)

    def all(self, kind: str) -> list[Object]:
        """Returns every object of a kind, oldest first, those of this transaction included."""
        if kind not in self._complete:
            for _ in self.oldest_first(kind):
                pass
            self._complete.add(kind)
        return [known.thing for _, known in sorted(self._loaded.items()) if known.kind.name == kind]

    @property
    def settings(self) -> Object:
        """How tests want the world to behave; changes are written by `commit`."""
        return self._rooted().settings

    @property
    def due_at(self) -> int | None:
        """When the next work on the process clock is due, or None."""
        return self._rooted().due

    @property
    def version(self) -> int:
        """How often the world was written to."""
        return self._rooted().version

    @property
    def is_told(self) -> bool:
        """Tells whether messages may lie in the outbox."""
        return self._rooted().told

    def now_for(self, customer_id: str | None) -> int:
        """Returns the present of a customer, in Unix seconds: its test clock's if it has one."""
        customer = self.find(customer_id, "customer") if customer_id else None
        return self.now_on(None if customer is None else customer.get("test_clock"))

    def now_on(self, clock_id: str | None) -> int:
        """Returns the present of a test clock, or the process clock's."""
        if not clock_id:
            return self.now
        if clock_id == self.clock and self.clock_now is not None:
            return self.clock_now
        clock = self.find(clock_id, "test_helpers.test_clock")
        return self.now if clock is None else int(clock["frozen_time"])

    # --- Changing ----------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """Returns an id that no object has."""
        return ids.numbered(BY_NAME[kind], self.tenant, self.next_number())

    def next_number(self) -> int:
        """Returns a number that is higher than all before."""
        root = self._rooted()
        root.number += 1
        return root.number

    def create(self, kind: str, fields: Object, *, object_id: str | None = None) -> Object:
        """Adds an object; `id` and `object` come first, as Stripe prints them."""
        thing = {"id": object_id or self.new_id(kind), "object": kind, **fields}
        self._loaded[thing["id"]] = _Loaded(BY_NAME[kind], thing, None, 0)
        self._created.append(thing["id"])
        return thing

    def forget(self, thing: Object) -> None:
        """Keeps a new object from being written by itself, since another one holds it."""
        del self._loaded[thing["id"]]
        self._created.remove(thing["id"])

    def discard(self, *, keep_settings: bool = False) -> None:
        """Forgets all changes to objects: those of a preview, or of a call that was refused.

        What a test wished for and was spent on the call may be kept as spent.
        """
        self._loaded.clear()
        self._deleted.clear()
        self._effects.clear()
        self._created.clear()
        self._messages.clear()
        self._complete.clear()
        if self._root is not None:
            settings = self._root.settings
            self._root = root_of(self._root.item)
            if keep_settings:
                self._root.settings = settings

    def delete(self, thing: Object) -> None:
        """Removes an object."""
        known = self._loaded.pop(thing["id"])
        if known.doc is not None:
            self._deleted[thing["id"]] = known

    def schedule(self, action: str, object_id: str, at: int, *, clock: str | None) -> None:
        """Has an action done on an object once its clock shows `at` (Unix seconds).

        What is scheduled stays so: the action looks whether it is still called for.
        """
        key = keys.due(self.tenant, clock or "", at, self.next_number())
        doc = msgspec.json.encode({"action": action, "id": object_id, "at": at})
        self.write(Put(Item(key, "StripeDue", doc)))
        if not clock:
            root = self._rooted()
            root.due = at if root.due is None else min(root.due, at)

    def unschedule(self, item: Item) -> None:
        """Removes work that was done, or refused, from what is due."""
        self.write(Delete(item.key))
        if item.key.pk == keys.due_on(self.tenant, ""):
            self.look_for_due()

    def look_for_due(self) -> None:
        """Finds out anew when the next work on the process clock is due."""
        partition = keys.due_on(self.tenant, "")
        # At most one of those that are stored is removed in a transaction.
        stored = {item.key for item in self.store.query(Query(partition, limit=2)).items}
        ours = {key: effect for key, effect in self._effects.items() if key.pk == partition}
        left = [key for key in stored if key not in ours]
        left += [key for key, effect in ours.items() if isinstance(effect, Put)]
        self._rooted().due = min((keys.due_at(key) for key in left), default=None)

    def note(self, message: Item) -> None:
        """Leaves an item in the outbox with the transaction."""
        self.write(Put(message))
        self._messages.append(message)

    def swept(self) -> None:
        """Says that the outbox was seen empty after this view of the world was taken."""
        self._rooted().told = False

    def write(self, effect: Put | Delete) -> None:
        """Has something else written in the same transaction."""
        key = effect.item.key if isinstance(effect, Put) else effect.key
        self._effects[key] = effect

    # --- Committing --------------------------------------------------------------------------

    @property
    def created(self) -> tuple[str, ...]:
        """The ids of the objects that were added."""
        return tuple(self._created)

    @property
    def messages(self) -> tuple[Item, ...]:
        """What was left in the outbox with the transaction."""
        return tuple(self._messages)

    def commit(self) -> None:
        """Writes all changes, or none.

        Raises:
            Changed: another request wrote meanwhile.
            InvalidRequest: there are more changes than a transaction can hold.
        """
        effects = [*self._changes(), *self._effects.values()]
        root = self._rooted()
        if not effects and not root.changed:
            return
        root.told = root.told or bool(self._messages)
        effects.append(root_effect(self.tenant, root))
        most = self.store.max_effects
        if len(effects) > most:
            raise InvalidRequest(
                f"This double changes at most {most} items at once; this would be {len(effects)}."
            )
        try:
            self.store.transact(effects)
        except (TransactionCancelled, Contention) as error:
            raise Changed from error

    def _changes(self) -> Iterator[Effect]:
        for known in self._loaded.values():
            doc = _encoded(known.thing)
            if doc == known.doc:
                continue
            yield Put(
                Item(
                    keys.thing(self.tenant, known.kind.name, known.thing["id"]),
                    "StripeObject",
                    doc,
                    version=known.version + 1,
                ),
                Absent() if known.doc is None else Version(known.version),
            )
            yield from self._owner_changes(known)
        for known in self._deleted.values():
            yield Delete(keys.thing(self.tenant, known.kind.name, known.thing["id"]))
            for owner in _owners(known.kind, msgspec.json.decode(known.doc or b"{}")):
                yield Delete(keys.owned(self.tenant, owner, known.kind.name, known.thing["id"]))

    def _owner_changes(self, known: _Loaded) -> Iterator[Effect]:
        before = _owners(known.kind, msgspec.json.decode(known.doc)) if known.doc else set()
        after = _owners(known.kind, known.thing)
        for owner in sorted(after - before):
            key = keys.owned(self.tenant, owner, known.kind.name, known.thing["id"])
            yield Put(Item(key, "StripeOwned", b"{}"))
        for owner in sorted(before - after):
            yield Delete(keys.owned(self.tenant, owner, known.kind.name, known.thing["id"]))

    def _take(self, kind: Kind, item: Item) -> Object:
        thing: Object = msgspec.json.decode(item.doc)
        known = self._loaded.setdefault(thing["id"], _Loaded(kind, thing, item.doc, item.version))
        return known.thing

    def _rooted(self) -> Root:
        if self._root is None:
            self._root = root_of(self.store.get(keys.root(self.tenant)))
        return self._root


def kind_of(object_id: str) -> str | None:
    """Returns the kind that an id's prefix stands for, or None."""
    prefix, underscore, _ = object_id.partition("_")
    kind = BY_PREFIX.get(prefix + underscore)
    return None if kind is None else kind.name


def _encoded(thing: Object) -> bytes:
    return msgspec.json.encode(thing)


def _owners(kind: Kind, thing: Object) -> set[str]:
    return {owner for name in kind.owners if (owner := thing.get(name))}
