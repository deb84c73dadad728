"""Price ladders: which units of a period fall on which step.

Owns: splitting a stretch of cumulative quantity over steps, multiplying ladders.
Does not own: which ladder holds, what the quantity is.
Times: none; a ladder is climbed from zero in each billing period.
Invariants: the pieces of adjoining stretches are the pieces of the whole; going down a ladder
gives back exactly what going up cost.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from backbeat.models.money import EXACT, multiply
from backbeat.models.overrides import OverrideTier
from backbeat.models.rates import Tier

_ZERO = Decimal(0)


class Step(NamedTuple):
    """A step of a ladder: units above `starting_at`, up to and including its end, at `price`.

    `level` counts from 1 (decision D-48). `size` None has no end.
    """

    level: int
    starting_at: Decimal
    size: Decimal | None
    price: Decimal


class Piece(NamedTuple):
    """A quantity that falls on one step; negative when the quantity went down."""

    step: Step
    quantity: Decimal


def steps(ladder: Sequence[Tier]) -> Iterator[Step]:
    """Yields the steps of a ladder. What lies beyond a closed last step is priced like it."""
    start = _ZERO
    for level, tier in enumerate(ladder, start=1):
        size = None if level == len(ladder) else tier.size
        yield Step(level, start, size, tier.price)
        start = EXACT.add(start, size or _ZERO)


def split(ladder: Sequence[Tier], *, start: Decimal, end: Decimal) -> list[Piece]:
    """Returns the pieces of the units between two cumulative quantities.

    A unit exactly on a border still belongs to the lower step. Nothing between gives no piece.
    """
    low, high = min(start, end), max(start, end)
    pieces = []
    for step in steps(ladder):
        # Whatever lies below zero, after negative increments, is priced like the first step.
        bottom = low if step.level == 1 else max(low, step.starting_at)
        top = high if step.size is None else min(high, EXACT.add(step.starting_at, step.size))
        if top > bottom:
            pieces.append(Piece(step, EXACT.subtract(top, bottom)))
    if end < start:
        return [Piece(piece.step, EXACT.minus(piece.quantity)) for piece in reversed(pieces)]
    return pieces


def first_step(ladder: Sequence[Tier]) -> Step:
    """Returns the step that an unused ladder stands on."""
    return next(steps(ladder))


def multiplied(ladder: Sequence[Tier], multiplier: Decimal) -> tuple[Tier, ...]:
    """Returns the ladder with every price multiplied."""
    return tuple(Tier(size=tier.size, price=multiply(multiplier, tier.price)) for tier in ladder)


def multiplied_by_steps(
    ladder: Sequence[Tier], multipliers: Sequence[OverrideTier]
) -> tuple[Tier, ...]:
    """Returns the ladder with the prices of each band of units multiplied by the band's factor.

    Decision D-38: units beyond the last sized band cost the list price.
    """
    bands = list(multipliers)
    if bands and bands[-1].size is not None:
        bands.append(OverrideTier(multiplier=Decimal(1)))
    borders = sorted(
        {*_borders([tier.size for tier in ladder]), *_borders([b.size for b in bands])}
    )
    combined: list[Tier] = []
    start = _ZERO
    for border in [*borders, None]:
        price = _at([(tier.size, tier.price) for tier in ladder], start)
        factor = _at([(band.size, band.multiplier) for band in bands], start)
        size = None if border is None else EXACT.subtract(border, start)
        combined.append(Tier(size=size, price=multiply(factor, price)))
        start = start if border is None else border
    return tuple(combined)


def _borders(sizes: Sequence[Decimal | None]) -> Iterator[Decimal]:
    total = _ZERO
    for size in sizes[:-1]:
        total = EXACT.add(total, size or _ZERO)
        yield total


def _at(bands: Sequence[tuple[Decimal | None, Decimal]], quantity: Decimal) -> Decimal:
    """Returns the value of the band that the units just above a quantity fall into."""
    end = _ZERO
    for size, value in bands[:-1]:
        end = EXACT.add(end, size or _ZERO)
        if quantity < end:
            return value
    return bands[-1][1]
