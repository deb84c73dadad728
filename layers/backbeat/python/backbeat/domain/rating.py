"""Counted usage into invoice lines: the ordered steps of the reference algorithm.

1. group     the product's increments by pricing and presentation values
2. cut       the period wherever a price, the product or something the caller names changes
3. total     what was counted, running from the start of the period
4. convert   the running total into the unit that is priced, then round it
5. price     by the rate in force and the one override that holds
6. merge     neighbouring segments at the same price
7. split     the units of a run over the steps of its ladder; the ladder is climbed once a period
8. line      one line per piece

Owns: the order of these steps. Does not own: storage of usage, balances, the invoice around it.
Times: increments are hours; every cut lies on an hour, so no increment is ever split.
Invariants: each unit of usage is priced once; what has no price has no line.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from backbeat.domain.identity import derived_id
from backbeat.domain.ladders import Piece, first_step, split
from backbeat.domain.overrides import Price, Subject
from backbeat.domain.price_tables import PriceTable
from backbeat.domain.quantities import Increment, added, billable
from backbeat.models.catalog import Product, ProductState
from backbeat.models.invoices import LineBasis, LineItem, LineTier, LineType
from backbeat.models.money import EXACT, multiply
from backbeat.models.overrides import Override, Prioritization
from backbeat.models.period import Period
from backbeat.models.rates import Rate

_ZERO = Decimal(0)

Values = tuple[tuple[str, str], ...]
"""A group: each key with its value, pricing keys first."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the period in which a product has one definition.

    `usage` holds, for each group, the increments of this definition's metric since the start of
    the period, also those before the phase.
    """

    period: Period
    state: ProductState
    usage: Mapping[Values, Sequence[Increment]]


@dataclass(frozen=True, slots=True)
class RatedProduct:
    """A usage product with all that is needed to bill it. The phases cover the period."""

    product: Product
    phases: Sequence[Phase]
    rates: Sequence[Rate]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract changes about list prices, and where else the period is to be cut.

    Segments with different `apart` keys are never merged, as where windows are shown separately;
    nor are those that different `payers` may pay for.
    """

    overrides: Sequence[Override] = ()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    cuts: frozenset[datetime] = frozenset()
    apart: Callable[[datetime], Hashable] = field(default=lambda instant: None)
    payers: Callable[[datetime, Subject], Hashable] = field(default=lambda instant, subject: None)


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch at one price: running totals at its start and end."""

    period: Period
    subject: Subject
    price: Price
    apart: Hashable
    raw_from: Decimal
    raw_to: Decimal
    quantity_from: Decimal
    quantity_to: Decimal

    def goes_on_as(self, other: "_Run") -> bool:
        """Tells whether nothing that is shown changes between this run and the next one."""
        return (
            self.period.ending_before == other.period.starting_at
            and self.price == other.price
            and self.subject.state == other.subject.state
            and self.apart == other.apart
        )


class _Stretches(NamedTuple):
    """A phase, the parts that prices and the caller cut it into, and what keeps each apart."""

    phase: Phase
    parts: Sequence[Period]
    apart: Sequence[Hashable]


def usage_lines(
    rated: Iterable[RatedProduct], period: Period, *, invoice_id: str, terms: Terms | None = None
) -> list[LineItem]:
    """Returns the usage lines of a period, in the order of the products given."""
    return [
        line
        for entry in rated
        for line in _product_lines(entry, period, terms or Terms(), invoice_id=invoice_id)
    ]


def _product_lines(
    entry: RatedProduct, period: Period, terms: Terms, *, invoice_id: str
) -> Iterator[LineItem]:
    # What is the same for all groups is worked out once: there may be thousands of them.
    prices = price_table(entry, terms)
    stretches = _stretches(entry, period, terms)
    for group in _groups(entry):
        runs = _merged(_runs(entry.product, group, stretches, prices, terms))
        yield from _group_lines(entry.product, group, runs, invoice_id=invoice_id)


def _groups(entry: RatedProduct) -> list[Values]:
    """Returns the groups that have usage; the empty one always, where it is a phase's only one."""
    groups = {group for phase in entry.phases for group in phase.usage}
    if any(not phase.state.group_keys for phase in entry.phases):
        groups.add(())
    return sorted(groups)


def _group_lines(
    product: Product, group: Values, runs: Iterable[_Run], *, invoice_id: str
) -> Iterator[LineItem]:
    for run in runs:
        pieces = split(run.price.ladder, start=run.quantity_from, end=run.quantity_to)
        # A product without dimensions is shown even when nothing was used.
        if not pieces and not group:
            pieces = [Piece(first_step(run.price.ladder), _ZERO)]
        for piece in pieces:
            yield _line(product, group, run, piece, invoice_id=invoice_id)


def _runs(
    product: Product,
    group: Values,
    stretches: Sequence[_Stretches],
    prices: PriceTable,
    terms: Terms,
) -> Iterator[_Run]:
    raw = quantity = _ZERO
    for phase, parts, apart in stretches:
        if not _belongs(group, phase.state):
            continue
        subject = _subject(product, phase.state, group)
        priced = prices.at_each(subject, [part.starting_at for part in parts])
        gains = added(phase.usage.get(group, ()), parts)
        for part, apart_key, price, gain in zip(parts, apart, priced, gains, strict=True):
            if price is None:
                # Decision D-47: usage while not entitled is never counted, towards tiers neither.
                continue
            raw_to = EXACT.add(raw, gain)
            # Decision D-26: what is rounded is the running total: the parts add up to the whole.
            gained = EXACT.subtract(billable(raw_to, phase.state), billable(raw, phase.state))
            quantity_to = EXACT.add(quantity, gained)
            payers = terms.payers(part.starting_at, subject)
            yield _Run(
                part, subject, price, (apart_key, payers), raw, raw_to, quantity, quantity_to
            )
            raw, quantity = raw_to, quantity_to


def price_table(entry: RatedProduct, terms: Terms) -> PriceTable:
    """Returns what tells the price of a product's groups."""
    return PriceTable(entry.product, entry.rates, terms.overrides, terms.prioritization)


def cuts(product: Product, rates: Iterable[Rate], terms: Terms) -> set[datetime]:
    """Returns every instant at which a product's usage may change in price or definition."""
    found = {*terms.cuts, *(update.starting_at for update in product.updates)}
    dates: list[Rate | Override] = [*rates, *terms.overrides]
    for dated in dates:
        found.add(dated.starting_at)
        if dated.ending_before is not None:
            found.add(dated.ending_before)
    return found


def _stretches(entry: RatedProduct, period: Period, terms: Terms) -> list[_Stretches]:
    places = {*cuts(entry.product, entry.rates, terms), *period}
    inside = sorted(cut for cut in places if period.starting_at <= cut <= period.ending_before)
    stretches = [Period(start, end) for start, end in pairwise(inside)]
    found = []
    for phase in entry.phases:
        parts = [part for part in stretches if phase.period.covers(part.starting_at)]
        found.append(_Stretches(phase, parts, [terms.apart(part.starting_at) for part in parts]))
    return found


def _merged(runs: Iterable[_Run]) -> list[_Run]:
    """Decision D-56: a cut that changes nothing for this group is not shown."""
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].goes_on_as(run):
            before = merged[-1]
            merged[-1] = replace(
                before,
                period=Period(before.period.starting_at, run.period.ending_before),
                raw_to=run.raw_to,
                quantity_to=run.quantity_to,
            )
        else:
            merged.append(run)
    return merged


def _belongs(group: Values, state: ProductState) -> bool:
    """Tells whether the group is one of this definition's: it may name other keys than another."""
    return {key for key, _ in group} <= {*state.group_keys} and (
        bool(group) or not state.group_keys
    )


def _subject(product: Product, state: ProductState, group: Values) -> Subject:
    values = dict(group)
    return Subject(
        product,
        state,
        pricing={key: values[key] for key in state.pricing_group_key or () if key in values},
        presentation={
            key: values[key] for key in state.presentation_group_key or () if key in values
        },
    )


def _line(product: Product, group: Values, run: _Run, piece: Piece, *, invoice_id: str) -> LineItem:
    subject, state = run.subject, run.subject.state
    rate, step = run.price.rate, piece.step
    return LineItem(
        id=derived_id(
            invoice_id,
            LineType.USAGE,
            product.id,
            *(f"{key}={value}" for key, value in group),
            run.period.starting_at,
            step.level,
        ),
        type=LineType.USAGE,
        name=state.name,
        product_id=product.id,
        product_type="UsageProductListItem",
        product_tags=state.tags,
        product_custom_fields=product.custom_fields,
        quantity=piece.quantity,
        unit_price=step.price,
        total=multiply(piece.quantity, step.price),
        credit_type=run.price.credit_type,
        starting_at=run.period.starting_at,
        ending_before=run.period.ending_before,
        pricing_group_values=dict(subject.pricing),
        presentation_group_values=dict(subject.presentation),
        tier=LineTier(level=step.level, starting_at=step.starting_at, size=step.size)
        if run.price.is_tiered
        else None,
        basis=LineBasis(
            metric_id=state.billable_metric_id,
            raw_from=run.raw_from,
            raw_to=run.raw_to,
            quantity_from=run.quantity_from,
            quantity_to=run.quantity_to,
            rate_sequence=None if rate is None else rate.sequence,
            list_price=None if rate is None else rate.price,
            override_id=None if run.price.override is None else run.price.override.id,
        ),
    )
