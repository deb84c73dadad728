"""A world's root: what every call reads first, and every change bumps."""

from dataclasses import dataclass
from typing import Any

import msgspec

from backbeat.ports.store import Absent, Item, Put, Version
from mock_stripe.world import keys


@dataclass(slots=True)
class Root:
    """What every call reads first.

    `due` is when the next work on the process clock is due (Unix seconds), or None. `told` says
    that messages may lie in the outbox. `item` is how it lay in the store.
    """

    item: Item | None
    number: int
    settings: dict[str, Any]
    due: int | None
    told: bool
    before: bytes = b""

    def __post_init__(self) -> None:
        self.before = self._own()

    @property
    def changed(self) -> bool:
        """Tells whether the root must be written though nothing else is."""
        return self._own() != self.before

    @property
    def version(self) -> int:
        """The version that is replaced: 0 for none."""
        return 0 if self.item is None else self.item.version

    def _own(self) -> bytes:
        return msgspec.json.encode({"number": self.number, "settings": self.settings})

    def encoded(self) -> bytes:
        """Returns the stored form."""
        return msgspec.json.encode(
            {
                "number": self.number,
                "settings": self.settings,
                "due": self.due,
                "told": self.told,
            }
        )


def root_of(item: Item | None) -> Root:
    """Returns the root as it lies in the store; of a world that nobody wrote to, an empty one."""
    if item is None:
        return Root(None, 0, {}, due=None, told=False)
    stored = msgspec.json.decode(item.doc)
    # A world of an older version does not say what is due and told: anything may be.
    due, told = stored.get("due", 0), stored.get("told", True)
    return Root(item, stored["number"], stored["settings"], due, told)


def root_effect(tenant: str, root: Root) -> Put:
    """Returns the write of a root, which fails if somebody else wrote to the world meanwhile."""
    item = Item(keys.root(tenant), "StripeWorld", root.encoded(), version=root.version + 1)
    return Put(item, Absent() if root.version == 0 else Version(root.version))
