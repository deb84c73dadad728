"""Invoice lines paid by commits and credits.

Owns: who may pay a line, in which order balances are drawn and lines are paid, splitting a line
into what is covered and what is not.
Does not own: prices (it is given what a covered unit costs), the ledger, storage.
Times: a segment pays lines that lie inside it whole; lines are cut where segments begin and end.
Invariants: no unit is paid twice; no segment is drawn below zero; covered and uncovered parts add
up to the line's units.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.domain.identity import derived_id
from backbeat.domain.ladders import split
from backbeat.domain.overrides import Subject
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import EXACT, add, multiply, subtract
from backbeat.models.period import Period
from backbeat.models.rates import Tier

_ZERO: Final = Decimal(0)
_INFINITE: Final = 1_000_000_000
_LINE_KINDS: Final = {
    "UsageProductListItem": 0,
    "SubscriptionProductListItem": 1,
    "CompositeProductListItem": 2,
}

PAYABLE: Final = frozenset({LineType.USAGE, LineType.SUBSCRIPTION})
"""The types of lines that any balance may pay. What converts units is for unrestricted ones."""

SegmentKey = tuple[str, str, str | None]
"""Balance id and segment id, and the seat where each has a part of its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """A segment that may be drawn, and what is left of it.

    `products` is how many products the balance names, its tags counting as the products that
    carry them now; None is all there are.
    With `seat_id` it is that seat's part, for usage of that seat only. `shared` lets a contract
    below the balance's own draw it.
    """

    balance: Balance
    segment: AccessSegment
    available: Decimal
    products: int | None = None
    seat_id: str | None = None
    shared: bool = False

    @property
    def key(self) -> SegmentKey:
        """Names the segment, or a seat's part of it."""
        return self.balance.id, self.segment.id, self.seat_id


@dataclass(frozen=True, slots=True)
class Drawn:
    """Lines after payment, and what was drawn from each segment."""

    lines: tuple[LineItem, ...]
    deductions: Mapping[SegmentKey, Decimal]


CoveredLadder = Callable[[Balance, LineItem], Sequence[Tier] | None]
"""What units of a line cost when a balance pays them; None: what the line says."""


@dataclass(slots=True)
class _Open:
    """A line being paid: what is covered so far, and the units and amount still open."""

    line: LineItem
    covered: list[LineItem]
    quantity: Decimal
    total: Decimal


def draw(
    lines: Iterable[LineItem],
    sources: Iterable[Source],
    *,
    contract_id: str,
    covered_ladder: CoveredLadder,
    types: Collection[LineType] = PAYABLE,
) -> Drawn:
    """Returns the lines with every part that a balance pays marked and taken off again.

    Each covered part is followed by its negative line; the uncovered rest of a line comes last.
    Only lines of some types are paid.
    """
    open_lines = [_Open(line, [], line.quantity or _ZERO, line.total) for line in lines]
    payable = (o for o in open_lines if o.line.type in types and o.line.total > 0)
    in_order = sorted(payable, key=_line_order)
    deductions: dict[SegmentKey, Decimal] = {}
    for source in sorted(sources, key=_source_order):
        left = source.available
        for open_line in in_order:
            if left <= 0:
                break
            if open_line.total > 0 and may_pay(source, open_line.line, contract_id=contract_id):
                left = subtract(left, _pay(open_line, source, left, covered_ladder))
        if left != source.available:
            deductions[source.key] = subtract(source.available, left)
    return Drawn(tuple(line for o in open_lines for line in _result(o)), deductions)


def unrestricted_left(sources: Iterable[Source], lines: Iterable[LineItem]) -> list[Source]:
    """Returns the sources that pay whatever there is to pay, with what lines have left of them."""
    drawn: dict[str, Decimal] = {}
    for line in lines:
        if line.type is LineType.APPLIED and line.commit_segment_id is not None:
            before = drawn.get(line.commit_segment_id, _ZERO)
            drawn[line.commit_segment_id] = subtract(before, line.total)
    left = [
        replace(source, available=subtract(source.available, drawn.get(source.segment.id, _ZERO)))
        for source in sources
        if source.balance.is_unrestricted and source.seat_id is None
    ]
    return [source for source in left if source.available > 0]


def may_pay(source: Source, line: LineItem, *, contract_id: str) -> bool:
    """Tells whether a segment may pay a line."""
    balance = source.balance
    if balance.archived_at is not None or balance.credit_type.id != line.credit_type.id:
        return False
    if not source.shared and balance.contract_id not in (None, contract_id):
        return False
    if balance.applicable_contract_ids and contract_id not in balance.applicable_contract_ids:
        return False
    if line.starting_at is None or line.ending_before is None:
        return False
    whole = Period(line.starting_at, line.ending_before)
    return source.segment.period.within(whole) == whole and _is_about(source, line)


def _is_about(source: Source, line: LineItem) -> bool:
    groups = {**line.pricing_group_values, **line.presentation_group_values}
    return _is_of_seat(source, groups) and is_applicable(source.balance, line)


def _is_of_seat(source: Source, groups: Mapping[str, str]) -> bool:
    """Tells whether usage is that of the source's seat, where each seat has its own part."""
    if source.seat_id is None or source.balance.seats is None:
        return True
    return groups.get(source.balance.seats.group_key or "") == source.seat_id


def is_applicable(balance: Balance, line: LineItem) -> bool:
    """Tells whether a balance is about the line's product and group."""
    return _applies(
        balance,
        line.product_id,
        {*line.product_tags},
        pricing=line.pricing_group_values,
        presentation=line.presentation_group_values,
    )


def is_applicable_to(source: Source, subject: Subject) -> bool:
    """Tells whether a source is about a product's group."""
    groups = {**subject.pricing, **subject.presentation}
    return _is_of_seat(source, groups) and _applies(
        source.balance,
        subject.product.id,
        {*subject.state.tags},
        pricing=subject.pricing,
        presentation=subject.presentation,
    )


def products_named(balance: Balance, tags_of: Mapping[str, Collection[str]]) -> int | None:
    """Counts the products that a balance names by ids, tags and specifiers; None is all there are.

    `tags_of` holds the tags that each product carries now. A specifier that names none adds none.
    """
    named = {*balance.applicable_product_ids}
    wanted = {*balance.applicable_product_tags}
    named |= {product_id for product_id, tags in tags_of.items() if wanted & {*tags}}
    says_which = bool(balance.applicable_product_ids or wanted)
    for specifier in balance.specifiers:
        if specifier.product_id is not None:
            named.add(specifier.product_id)
        elif specifier.product_tags:
            all_of = {*specifier.product_tags}
            named |= {product_id for product_id, tags in tags_of.items() if all_of <= {*tags}}
        says_which |= specifier.product_id is not None or bool(specifier.product_tags)
    return len(named) if says_which else None


def cuts(sources: Iterable[Source]) -> frozenset[datetime]:
    """Returns where what may pay changes: lines are cut there."""
    return frozenset(edge for source in sources for edge in source.segment.period)


def _applies(
    balance: Balance,
    product_id: str | None,
    tags: set[str],
    *,
    pricing: Mapping[str, str],
    presentation: Mapping[str, str],
) -> bool:
    if balance.is_unrestricted or product_id in balance.applicable_product_ids:
        return True
    if tags & {*balance.applicable_product_tags}:
        return True
    return any(
        specifier.product_id in (None, product_id)
        and {*specifier.product_tags} <= tags
        and specifier.pricing_group_values.items() <= pricing.items()
        and specifier.presentation_group_values.items() <= presentation.items()
        and not any({*excluded} <= tags for excluded in specifier.excluded_tags)
        for specifier in balance.specifiers
    )


def _pay(open_line: _Open, source: Source, left: Decimal, covered_ladder: CoveredLadder) -> Decimal:
    """Covers as much of a line as a segment can. Returns what that cost the segment."""
    paid = _ZERO
    for quantity, price in _priced_parts(open_line, source.balance, covered_ladder):
        if price is None:
            # Priced as the line says, whose total may be more than quantity times unit price.
            amount = min(subtract(left, paid), open_line.total)
            covered = _share(open_line, amount)
        else:
            cost = multiply(quantity, price)
            amount = min(subtract(left, paid), cost)
            covered = quantity if amount == cost else EXACT.divide(amount, price)
        if covered <= 0:
            break
        _cover(open_line, source, covered, amount, price)
        paid = add(paid, amount)
    return paid


def _priced_parts(
    open_line: _Open, balance: Balance, covered_ladder: CoveredLadder
) -> list[tuple[Decimal, Decimal | None]]:
    """Returns the open units in parts of one price; the price None stands for the line's own."""
    ladder = covered_ladder(balance, open_line.line)
    if ladder is None:
        return [(open_line.quantity, None)]
    # The position on the ladder is shared with the units that are not covered.
    start = _position(open_line)
    pieces = split(ladder, start=start, end=add(start, open_line.quantity))
    return [(piece.quantity, piece.step.price) for piece in pieces]


def _position(open_line: _Open) -> Decimal:
    """Returns where on the period's ladder the line's open units begin."""
    line = open_line.line
    start = _ZERO if line.basis is None else line.basis.quantity_from
    if line.tier is not None:
        start = max(start, line.tier.starting_at)
    return subtract(add(start, line.quantity or _ZERO), open_line.quantity)


def _share(open_line: _Open, amount: Decimal) -> Decimal:
    """Returns the units that an amount pays, at the line's own price."""
    if amount == open_line.total:
        return open_line.quantity
    return EXACT.divide(multiply(open_line.quantity, amount), open_line.total)


def _cover(
    open_line: _Open,
    source: Source,
    quantity: Decimal,
    amount: Decimal,
    price: Decimal | None,
) -> None:
    line, balance = open_line.line, source.balance
    kind = "PostpaidCommit" if balance.type is BalanceType.POSTPAID else "PrepaidCommit"
    paid_by = {
        "commit_id": balance.id,
        "commit_segment_id": source.segment.id,
        "commit_type": kind,
        "commit_custom_fields": balance.custom_fields,
    }
    number = len(open_line.covered)
    covered = line.model_copy(
        update={
            **paid_by,
            "id": derived_id(line.id, "covered", source.segment.id, number),
            "quantity": quantity,
            "unit_price": line.unit_price if price is None else price,
            "total": amount,
        }
    )
    applied = LineItem(
        id=derived_id(line.id, "applied", source.segment.id, number),
        type=LineType.APPLIED,
        name=f"{balance.name} applied",
        total=subtract(_ZERO, amount),
        credit_type=line.credit_type,
        product_id=line.product_id,
        product_type=line.product_type,
        product_tags=line.product_tags,
        product_custom_fields=line.product_custom_fields,
        starting_at=line.starting_at,
        ending_before=line.ending_before,
        applied_id=balance.id,
        applied_type=balance.type.value,
        applied_seat=source.seat_id,
        **paid_by,
    )
    open_line.covered += [covered, applied]
    open_line.quantity = EXACT.subtract(open_line.quantity, quantity)
    if price is None:
        open_line.total = subtract(open_line.total, amount)
    else:
        open_line.total = multiply(open_line.quantity, line.unit_price or _ZERO)


def _result(open_line: _Open) -> list[LineItem]:
    if not open_line.covered:
        return [open_line.line]
    if open_line.quantity == 0:
        return open_line.covered
    rest = open_line.line.model_copy(
        update={"quantity": open_line.quantity, "total": open_line.total}
    )
    return [*open_line.covered, rest]


def _line_order(open_line: _Open) -> tuple[object, ...]:
    """Orders lines for one balance: kind, earlier start, higher price, name, group, id."""
    line = open_line.line
    return (
        _LINE_KINDS.get(line.product_type or "", len(_LINE_KINDS)),
        line.starting_at,
        -(line.unit_price or _ZERO),
        line.name,
        (*line.pricing_group_values.values(), *line.presentation_group_values.values()),
        line.id,
    )


def _source_order(source: Source) -> tuple[object, ...]:
    """Orders balances: class first, then priority, cost, reach, dates, contracts, creation."""
    balance, segment = source.balance, source.segment
    postpaid = balance.type is BalanceType.POSTPAID
    if balance.rolled_over:
        # Rolled-over balances are always first, of them the postpaid ones.
        class_, cost = 0, 0 if postpaid else 1
        by_class: tuple[object, ...] = (cost, balance.priority)
    else:
        class_ = 2 if postpaid else 1
        by_class = (balance.priority, 1 if balance.has_cost else 0)
    contracts = len(balance.applicable_contract_ids) or (_INFINITE, 1)[bool(balance.contract_id)]
    return (
        class_,
        *by_class,
        _INFINITE if source.products is None else source.products,
        _group_value_count(balance),
        segment.ending_before,
        segment.starting_at,
        contracts,
        0 if balance.contract_id else 1,
        balance.created_at,
        balance.sequence,
        balance.id,
        segment.id,
    )


def _group_value_count(balance: Balance) -> int:
    """Counts the specifiers that are about groups alone; without any restriction, all.

    That seats have parts of their own counts as one.
    """
    by_seat = balance.seats is not None and balance.seats.is_individual
    if balance.is_unrestricted:
        return 1 if by_seat else _INFINITE
    return by_seat + sum(
        specifier.has_group_values and not (specifier.product_id or specifier.product_tags)
        for specifier in balance.specifiers
    )
