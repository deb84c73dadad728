"""Charges on what other products cost: a fraction of the spend, for each composite product.

1. cut      the period wherever the fraction, the product or something the caller names changes
2. sum      the spend on the products it is composed of, by unit
3. split    the spend so far over the steps of the fractions; the ladder is climbed once a period
4. line     one line per piece: quantity is the spend, unit price the fraction
5. minimum  the last line makes up for what is missing to the least charge

Owns: these steps. Does not own: the lines that are summed, what pays for them.
Times: a line of spend counts where it starts; it is cut at `cuts` by whoever makes it.
Invariants: spend is taken before credits and commits (decision D-28). A product that costs nothing
adds nothing, so `exclude_free_usage` needs no step of its own.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from backbeat.domain.identity import derived_id
from backbeat.domain.ladders import Piece, first_step, split
from backbeat.domain.overrides import Price, Subject, price_at
from backbeat.domain.rating import Terms
from backbeat.models.catalog import CompositeScope, Product, ProductState
from backbeat.models.invoices import LineBasis, LineItem, LineTier, LineType
from backbeat.models.money import EXACT, CreditType, multiply
from backbeat.models.period import Period
from backbeat.models.rates import Rate

_ZERO = Decimal(0)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite product and its rates."""

    product: Product
    rates: Sequence[Rate]


@dataclass(frozen=True, slots=True)
class Spend:
    """Lines of usage and subscriptions: of the contract itself, and of the customer's others."""

    own: Sequence[LineItem]
    elsewhere: Sequence[LineItem] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch at one fraction, and what was spent in it by unit."""

    period: Period
    state: ProductState
    price: Price
    apart: Hashable
    spent: Mapping[CreditType, Decimal]

    def goes_on_as(self, other: "_Run") -> bool:
        """Tells whether nothing that is shown changes between this run and the next one."""
        return (
            self.period.ending_before == other.period.starting_at
            and self.price == other.price
            and self.state == other.state
            and self.apart == other.apart
        )


def cuts(composites: Iterable[Composite], period: Period, terms: Terms) -> frozenset[datetime]:
    """Returns where inside the period a charge may have to be cut, and the spend with it."""
    found = {*terms.cuts}
    for composite in composites:
        dates = [
            *((rate.starting_at, rate.ending_before) for rate in composite.rates),
            *((override.starting_at, override.ending_before) for override in terms.overrides),
        ]
        found |= {date for pair in dates for date in pair if date is not None}
        found |= {update.starting_at for update in composite.product.updates}
    return frozenset(cut for cut in found if period.starting_at < cut < period.ending_before)


def lines(
    composites: Sequence[Composite], spend: Spend, period: Period, *, invoice_id: str, terms: Terms
) -> list[LineItem]:
    """Returns the lines of the composite products of a period, in the order given."""
    found: dict[str, list[LineItem]] = {}
    plain: list[LineItem] = []
    for wide in (False, True):
        # Those that may count other composites come second and count the first ones only: two
        # that counted each other would never come to an end.
        for composite in composites:
            if composite.product.state_at(period.starting_at).include_composite_spend is wide:
                counted = replace(spend, own=[*spend.own, *plain]) if wide else spend
                charged = _lines(composite, counted, period, terms, invoice_id=invoice_id)
                found[composite.product.id] = charged
        plain = [line for charged in found.values() for line in charged]
    return [line for composite in composites for line in found[composite.product.id]]


def _lines(
    composite: Composite, spend: Spend, period: Period, terms: Terms, *, invoice_id: str
) -> list[LineItem]:
    charged: list[LineItem] = []
    reached: dict[CreditType, Decimal] = {}
    runs = _merged(_runs(composite, spend, period, terms))
    for run in runs:
        for unit in _units(run):
            start = reached.get(unit, _ZERO)
            end = EXACT.add(start, run.spent.get(unit, _ZERO))
            reached[unit] = end
            pieces = split(run.price.ladder, start=start, end=end)
            for piece in pieces or [Piece(first_step(run.price.ladder), _ZERO)]:
                charged.append(_line(composite, run, unit, piece, invoice_id=invoice_id))
    return _at_least_minimum(charged, runs[-1].price) if runs else charged


def _runs(composite: Composite, spend: Spend, period: Period, terms: Terms) -> Iterator[_Run]:
    borders = sorted({*period, *cuts([composite], period, terms)})
    for segment in (Period(start, end) for start, end in pairwise(borders)):
        state = composite.product.state_at(segment.starting_at)
        subject = Subject(composite.product, state, {}, {})
        price = price_at(
            subject,
            segment.starting_at,
            rates=composite.rates,
            overrides=terms.overrides,
            prioritization=terms.prioritization,
        )
        if price is None:
            continue
        counted = [
            line
            for line in _counted(state, spend)
            if segment.covers(_instant(line, period)) and is_part(line, composite.product, state)
        ]
        apart = (
            terms.apart(segment.starting_at),
            terms.payers(segment.starting_at, subject),
        )
        yield _Run(segment, state, price, apart, _by_unit(counted))


def _counted(state: ProductState, spend: Spend) -> Iterable[LineItem]:
    if state.composite_scope is CompositeScope.CUSTOMER:
        return [*spend.own, *spend.elsewhere]
    return spend.own


def is_part(line: LineItem, product: Product, state: ProductState) -> bool:
    """Tells whether a composite is charged on a line: it names the product or one of its tags."""
    if line.product_id == product.id:
        return False
    return line.product_id in (state.composite_product_ids or ()) or bool(
        {*(state.composite_tags or ())} & {*line.product_tags}
    )


def _instant(line: LineItem, period: Period) -> datetime:
    """Returns when a line counts. A subscription paid ahead starts when the period is over."""
    start = line.starting_at or period.starting_at
    return min(max(start, period.starting_at), period.ending_before - _MOMENT)


def _by_unit(counted: Iterable[LineItem]) -> dict[CreditType, Decimal]:
    spent: dict[CreditType, Decimal] = {}
    for line in counted:
        spent[line.credit_type] = EXACT.add(spent.get(line.credit_type, _ZERO), line.total)
    return spent


def _merged(runs: Iterable[_Run]) -> list[_Run]:
    """Decision D-56: a cut that changes nothing is not shown."""
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].goes_on_as(run):
            before = merged[-1]
            spent = {**before.spent}
            for unit, amount in run.spent.items():
                spent[unit] = EXACT.add(spent.get(unit, _ZERO), amount)
            period = Period(before.period.starting_at, run.period.ending_before)
            merged[-1] = replace(before, period=period, spent=spent)
        else:
            merged.append(run)
    return merged


def _units(run: _Run) -> list[CreditType]:
    """Returns the units to charge in. Steps are in one unit, a plain fraction is of any spend."""
    own = run.price.credit_type
    if len(run.price.ladder) > 1:
        return [own]
    others = [unit for unit in run.spent if unit != own]
    # Without a line in its own unit there would be nothing to show, or to raise to the minimum.
    needed = own in run.spent or not others or run.price.minimum is not None
    return [*([own] if needed else []), *others]


def _at_least_minimum(charged: list[LineItem], price: Price) -> list[LineItem]:
    """Decision: the minimum in force at the end of the period is that of the whole period."""
    own = [line for line in charged if line.credit_type == price.credit_type]
    if price.minimum is None or not own:
        return charged
    total = _ZERO
    for line in own:
        total = EXACT.add(total, line.total)
    missing = EXACT.subtract(price.minimum, total)
    if missing <= 0:
        return charged
    raised = own[-1].model_copy(update={"total": EXACT.add(own[-1].total, missing)})
    return [raised if line is own[-1] else line for line in charged]


def _line(
    composite: Composite, run: _Run, unit: CreditType, piece: Piece, *, invoice_id: str
) -> LineItem:
    product, rate, step = composite.product, run.price.rate, piece.step
    return LineItem(
        id=derived_id(
            invoice_id, LineType.USAGE, product.id, unit.id, run.period.starting_at, step.level
        ),
        type=LineType.USAGE,
        name=run.state.name,
        product_id=product.id,
        product_type="CompositeProductListItem",
        product_tags=run.state.tags,
        product_custom_fields=product.custom_fields,
        quantity=piece.quantity,
        unit_price=step.price,
        total=multiply(piece.quantity, step.price),
        credit_type=unit,
        starting_at=run.period.starting_at,
        ending_before=run.period.ending_before,
        tier=LineTier(level=step.level, starting_at=step.starting_at, size=step.size)
        if run.price.is_tiered
        else None,
        basis=LineBasis(
            rate_sequence=None if rate is None else rate.sequence,
            list_price=None if rate is None else rate.price,
            minimum=run.price.minimum,
            override_id=None if run.price.override is None else run.price.override.id,
        ),
    )
