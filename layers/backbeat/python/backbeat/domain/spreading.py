"""What was paid for a whole line, shared out over the windows the line is shown in.

Owns: which units of which window are the paid ones.
Does not own: who pays what, how lines are cut into windows.
Times: windows are taken in the order of time; the units of a line are paid in the order in which
they were used, so the windows are paid one after the other.
Invariants: for each payer the windows add up to exactly what the whole line was paid, and the lines
of all windows to the lines of the whole. Where a value goes down, what was paid goes back with it.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.domain.identity import derived_id
from backbeat.domain.overrides import Subject
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import EXACT, multiply, subtract

_ZERO: Final = Decimal(0)
_COMPOSITE: Final = "CompositeProductListItem"


@dataclass(frozen=True, slots=True)
class _Part:
    """Units of a line that lie between two positions; `applied` takes them off again if paid."""

    start: Decimal
    end: Decimal
    line: LineItem
    applied: LineItem | None

    def amount(self, low: Decimal, high: Decimal) -> Decimal:
        """Returns what the units between two positions inside cost; all of them the whole."""
        return EXACT.subtract(self._up_to(high), self._up_to(low))

    def _up_to(self, position: Decimal) -> Decimal:
        if position >= self.end:
            return self.line.total
        units = EXACT.subtract(position, self.start)
        # The charge of a composite is measured by its amount: a minimum is no price per unit.
        if _is_composite(self.line):
            return units
        return multiply(units, self.line.unit_price or _ZERO)


def spread(paid: Iterable[LineItem], lines: Sequence[LineItem]) -> list[LineItem]:
    """Returns lines in windows with what balances paid for the whole ones marked and taken off.

    `lines` are in order of time for each product and group, and cut wherever the paid ones are.
    """
    owners = _owners(paid)
    reached: dict[int, Decimal] = {}
    result: list[LineItem] = []
    for line in lines:
        whole = _owner(line, owners)
        if whole is None:
            result.append(line)
            continue
        start = reached.get(whole.number, _ZERO)
        end = reached[whole.number] = EXACT.add(start, _extent(line))
        result += _shared(line, whole.parts, start, end) if start != end else [line]
    return result


@dataclass(frozen=True, slots=True)
class _Whole:
    """A line of the whole that somebody paid for, in its parts."""

    number: int
    starting_at: datetime
    ending_before: datetime
    parts: Sequence[_Part]


class Borders:
    """Where lines begin and end, by product and group: what is computed anew is cut there too."""

    def __init__(self, lines: Sequence[LineItem]) -> None:
        found: dict[Hashable, set[datetime]] = {}
        for line in lines:
            groups = (line.pricing_group_values, line.presentation_group_values)
            dates = found.setdefault(_group(line.product_id, *groups), set())
            dates.update(date for date in (line.starting_at, line.ending_before) if date)
        self._dates = {group: sorted(dates) for group, dates in found.items()}
        self.cuts: Final = frozenset(date for dates in found.values() for date in dates)

    def stretch(self, subject: Subject, instant: datetime) -> int:
        """Returns a number that changes wherever a line of the subject begins or ends."""
        group = _group(subject.product.id, subject.pricing, subject.presentation)
        return bisect_right(self._dates.get(group, []), instant)


def _group(
    product_id: str | None, pricing: Mapping[str, str], presentation: Mapping[str, str]
) -> Hashable:
    return product_id, frozenset(pricing.items()), frozenset(presentation.items())


_Owners = dict[Hashable, list[_Whole]]


def _owners(paid: Iterable[LineItem]) -> _Owners:
    """Returns the lines that somebody paid for, by what they are."""
    grouped: dict[tuple[Hashable, datetime, datetime], list[_Part]] = {}
    for line, applied in _with_applied(paid):
        if line.starting_at is not None and line.ending_before is not None:
            parts = grouped.setdefault((_what(line), line.starting_at, line.ending_before), [])
            position = parts[-1].end if parts else _ZERO
            parts.append(_Part(position, EXACT.add(position, _extent(line)), line, applied))
    owners: _Owners = {}
    for number, ((what, start, end), parts) in enumerate(grouped.items()):
        if any(part.applied is not None for part in parts):
            owners.setdefault(what, []).append(_Whole(number, start, end, parts))
    return owners


def _with_applied(paid: Iterable[LineItem]) -> Iterator[tuple[LineItem, LineItem | None]]:
    """Yields lines, each with the one after it that takes it off again."""
    before: LineItem | None = None
    for line in paid:
        if line.type is LineType.APPLIED:
            if before is not None:
                yield before, line
            before = None
        else:
            if before is not None:
                yield before, None
            before = line
    if before is not None:
        yield before, None


def _owner(line: LineItem, owners: _Owners) -> _Whole | None:
    for whole in owners.get(_what(line), []):
        if line.starting_at is not None and (
            whole.starting_at <= line.starting_at < whole.ending_before
        ):
            return whole
    return None


def _shared(
    line: LineItem, parts: Sequence[_Part], start: Decimal, end: Decimal
) -> Iterator[LineItem]:
    """Yields the pieces of a window's line; its units lie between two positions."""
    low, high = min(start, end), max(start, end)
    last = parts[-1].end if parts else _ZERO
    pieces: list[tuple[Decimal, Decimal, _Part | None]] = [
        (max(low, part.start), min(high, part.end), part) for part in parts
    ]
    # Units outside are used and taken back inside the whole: nobody was ever asked to pay them.
    pieces += [(low, min(high, _ZERO), None), (max(low, last), high, None)]
    inside = [piece for piece in sorted(pieces, key=lambda piece: piece[:2]) if piece[1] > piece[0]]
    for number, (bottom, top, part) in enumerate(inside if end > start else inside[::-1]):
        sign = Decimal(1) if end > start else Decimal(-1)
        extent = multiply(sign, EXACT.subtract(top, bottom))
        amount = None if part is None else multiply(sign, part.amount(bottom, top))
        yield from _piece(line, part, extent, amount, number)


def _piece(
    line: LineItem, part: _Part | None, extent: Decimal, amount: Decimal | None, number: int
) -> Iterator[LineItem]:
    quantity, total = extent, multiply(extent, line.unit_price or _ZERO)
    if _is_composite(line):
        quantity, total = _share(line, extent), extent
    if amount is not None:
        total = amount
    update = {"quantity": quantity, "total": total}
    if part is None or part.applied is None:
        yield line.model_copy(update={**update, "id": derived_id(line.id, "open", number)})
        return
    yield line.model_copy(
        update={
            **update,
            "id": derived_id(line.id, "covered", part.line.id, number),
            "unit_price": part.line.unit_price,
            "commit_id": part.line.commit_id,
            "commit_segment_id": part.line.commit_segment_id,
            "commit_type": part.line.commit_type,
            "commit_custom_fields": part.line.commit_custom_fields,
        }
    )
    yield part.applied.model_copy(
        update={
            "id": derived_id(line.id, "applied", part.line.id, number),
            "total": subtract(_ZERO, total),
            "starting_at": line.starting_at,
            "ending_before": line.ending_before,
        }
    )


def _share(line: LineItem, amount: Decimal) -> Decimal:
    """Returns the part of a composite's base that an amount of its charge stands for."""
    if amount == line.total:
        return line.quantity or _ZERO
    return EXACT.divide(multiply(line.quantity or _ZERO, amount), line.total)


def _extent(line: LineItem) -> Decimal:
    """Returns how far a line reaches: in units, or in money where units say too little."""
    if _is_composite(line):
        return line.total
    return line.quantity or _ZERO


def _is_composite(line: LineItem) -> bool:
    return line.product_type == _COMPOSITE


def _what(line: LineItem) -> Hashable:
    """Returns what tells lines of a period apart, but for their time and who paid them."""
    return (
        _group(line.product_id, line.pricing_group_values, line.presentation_group_values),
        line.product_type,
        line.credit_type.id,
        line.subscription_id,
        None if line.tier is None else line.tier.level,
        line.name if line.type is LineType.CPU_CONVERSION else None,
    )
