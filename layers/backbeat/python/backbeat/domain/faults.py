"""Which faults an occasion meets.

Owns: matching and drawing. Does not own: what a fault does, and who counts it.
Times: none; a draw depends on the fault's seed and on how many occasions came before.
Invariants: the same seed and the same order of occasions give the same faults.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from hashlib import sha256

from backbeat.models.faults import Fault

_DRAWS = 1 << 64


@dataclass(frozen=True, slots=True)
class Occasion:
    """A call, a webhook that is to be sent, or a payment. `texts` are all the values it names.

    A call has `method` and `path`, a webhook the type `event`; a payment has none of them.
    """

    texts: frozenset[str]
    method: str | None = None
    path: str | None = None
    event: str | None = None
    is_payment: bool = False

    def is_met_by(self, fault: Fault) -> bool:
        """Tells whether a fault concerns this occasion, however often it did already."""
        kind = fault.kind
        if (kind.is_of_webhooks, kind.is_of_payments) != (self.event is not None, self.is_payment):
            return False
        return (
            _equal(fault.method, self.method)
            and _like(fault.path, self.path)
            and _like(fault.event, self.event)
            and (fault.customer is None or fault.customer in self.texts)
        )


def drawn(rules: Iterable[Fault], occasion: Occasion) -> tuple[list[Fault], tuple[Fault, ...]]:
    """Returns the faults that happen now, and all of them as counted afterwards."""
    happening: list[Fault] = []
    counted: list[Fault] = []
    for rule in rules:
        after = rule
        if occasion.is_met_by(rule) and not is_spent(rule):
            fires = _draw(rule) < rule.probability
            after = rule.model_copy(
                update={"matched": rule.matched + 1, "fired": rule.fired + fires}
            )
            if fires:
                happening.append(rule)
        counted.append(after)
    return happening, tuple(counted)


def is_spent(rule: Fault) -> bool:
    """Tells whether a fault has happened as often as was asked for."""
    return rule.count is not None and rule.fired >= rule.count


def _draw(rule: Fault) -> Decimal:
    """Returns a number from 0 to below 1 that only the seed and the occasion's number decide."""
    digest = sha256(f"{rule.seed}:{rule.matched}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big")) / _DRAWS


def _equal(wanted: str | None, given: str | None) -> bool:
    return wanted is None or wanted == given


def _like(pattern: str | None, given: str | None) -> bool:
    return pattern is None or (given is not None and fnmatchcase(given, pattern))
