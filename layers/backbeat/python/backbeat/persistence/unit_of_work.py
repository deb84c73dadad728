"""What one use case changes, committed at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.persistence.audited import OWN_EFFECTS
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Contention,
    Effect,
    Item,
    Key,
    Put,
    Store,
    TransactionCancelled,
)

Otherwise = Callable[[Item | None], Exception]
"""Makes the error to raise when a condition fails, from the item that was in the way."""


_log = logging.getLogger("backbeat.unit_of_work")


def changed_meanwhile(_: Item | None) -> Exception:
    """The default: somebody else changed what this use case read."""
    return Retryable("The object was changed by another request at the same time. Try again.")


@dataclass(slots=True)
class UnitOfWork:
    """Collects effects; `commit` applies all or none."""

    store: Store
    _effects: list[tuple[Effect, Otherwise]] = field(default_factory=list)
    _created: set[Key] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)
    _afterwards: dict[str, Callable[[], None]] = field(default_factory=dict)

    def add(self, *effects: Effect, otherwise: Otherwise = changed_meanwhile) -> None:
        """Adds effects. A failing condition of theirs raises what `otherwise` makes.

        What several parts of a use case ask for in the same words is done once. What one part
        creates is in the way of another that creates the same.

        Raises:
            Exception: what `otherwise` makes, when the effects create something a second time.
        """
        for effect in effects:
            if (effect, otherwise) in self._effects:
                continue
            if isinstance(effect, Put) and isinstance(effect.condition, Absent):
                if effect.item.key in self._created:
                    raise otherwise(None)
                self._created.add(effect.item.key)
            self._effects.append((effect, otherwise))

    def first(self, name: str) -> bool:
        """Tells whether this is asked for the first time: what parts share is added by one."""
        if name in self._names:
            return False
        self._names.add(name)
        return True

    @property
    def has_effects(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._effects)

    def afterwards(self, name: str, action: Callable[[], None]) -> None:
        """Adds what to do once all is written, one action of a name.

        It only hurries what would be done anyway: a crash before it, or its failure, loses nothing.
        """
        self._afterwards[name] = action

    def commit(self) -> None:
        """Writes everything, then does what was to be done afterwards.

        Raises:
            Exception: what the first failed condition's `otherwise` made.
            Retryable: the store could not decide now; nothing was written.
            InvalidArgument: there are more effects than every store can commit at once.
        """
        at_most = MAX_EFFECTS - OWN_EFFECTS
        if len(self._effects) > at_most:
            raise InvalidArgument(
                f"Too much at once: {len(self._effects)} things would change, at most {at_most} can"
            )
        try:
            self.store.transact([effect for effect, _ in self._effects])
        except TransactionCancelled as cancelled:
            first = cancelled.failures[0]
            _, otherwise = self._effects[first.index]
            raise otherwise(first.item) from cancelled
        except Contention as contention:
            raise changed_meanwhile(None) from contention
        for name, action in self._afterwards.items():
            try:
                action()
            except Exception:
                # All is written: a caller that saw an error would do it again.
                _log.exception("not done at once", extra={"action": name})
