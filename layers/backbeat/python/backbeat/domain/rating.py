"""Counted usage into invoice lines: the ordered steps of the reference algorithm.

1. group   the product's cells by pricing and presentation values
2. cut     the period wherever a rate of the product starts or ends
3. quantify the cells of a group in a segment
4. price   by the rate in force
5. line    one line per group and run of segments with the same rate

Owns: the order of these steps. Does not own: storage of usage, balances, the invoice around it.
Times: cells are hours; every cut lies on an hour, so no cell is ever split.
Invariants: each unit of usage is priced once; what has no rate has no line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backbeat.domain import windows
from backbeat.domain.identity import derived_id
from backbeat.domain.pricing import flat
from backbeat.domain.rates import rate_at, segments
from backbeat.models.catalog import BillableMetric, Product
from backbeat.models.invoices import LineItem
from backbeat.models.period import Period
from backbeat.models.rates import Rate
from backbeat.models.usage import UsageCell

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class RatedProduct:
    """A usage product with all that is needed to bill it: its metric, rates and counted usage."""

    product: Product
    metric: BillableMetric
    rates: Sequence[Rate]
    cells: Sequence[UsageCell]


@dataclass(frozen=True, slots=True)
class _Group:
    pricing: Mapping[str, str]
    presentation: Mapping[str, str]
    cells: Sequence[UsageCell]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the period at one rate."""

    period: Period
    rate: Rate
    quantity: Decimal


def usage_lines(
    rated: Iterable[RatedProduct], period: Period, *, invoice_id: str
) -> list[LineItem]:
    """Returns the usage lines of a period, in the order of the products given."""
    return [
        _line(entry, group, piece, invoice_id=invoice_id)
        for entry in rated
        for group in _groups(entry)
        for piece in _pieces(entry, group, period)
    ]


def _groups(entry: RatedProduct) -> list[_Group]:
    pricing_keys = entry.product.initial.pricing_group_key or ()
    presentation_keys = entry.product.initial.presentation_group_key or ()
    keys = tuple(dict.fromkeys((*pricing_keys, *presentation_keys)))
    if not keys:
        # A product without dimensions is always shown, even when nothing was used.
        return [_Group({}, {}, entry.cells)]
    groups = []
    for values, cells in windows.by_group(entry.metric, entry.cells, keys).items():
        named = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        groups.append(
            _Group(
                {key: named[key] for key in pricing_keys if key in named},
                {key: named[key] for key in presentation_keys if key in named},
                cells,
            )
        )
    return sorted(groups, key=lambda group: (*group.pricing.values(), *group.presentation.values()))


def _pieces(entry: RatedProduct, group: _Group, period: Period) -> list[_Piece]:
    pieces: list[_Piece] = []
    for segment in segments(period, entry.rates):
        rate = rate_at(entry.rates, group_values=group.pricing, instant=segment.starting_at)
        if rate is None or not rate.entitled:
            continue
        inside = (cell for cell in group.cells if segment.covers(cell.hour))
        used = windows.quantity(entry.metric, inside) or _ZERO
        before = pieces[-1] if pieces else None
        # A cut that changes nothing for this group is not shown.
        if (
            before is not None
            and before.rate is rate
            and before.period.ending_before == segment.starting_at
        ):
            whole = Period(before.period.starting_at, segment.ending_before)
            pieces[-1] = _Piece(whole, rate, before.quantity + used)
        else:
            pieces.append(_Piece(segment, rate, used))
    return pieces


def _line(entry: RatedProduct, group: _Group, piece: _Piece, *, invoice_id: str) -> LineItem:
    product = entry.product
    return LineItem(
        id=derived_id(
            invoice_id,
            "usage",
            product.id,
            *(f"{key}={value}" for key, value in group.pricing.items()),
            *(f"{key}={value}" for key, value in group.presentation.items()),
            piece.period.starting_at,
        ),
        type="usage",
        name=product.initial.name,
        product_id=product.id,
        product_type="UsageProductListItem",
        product_tags=product.initial.tags,
        product_custom_fields=product.custom_fields,
        quantity=piece.quantity,
        unit_price=piece.rate.price,
        total=flat.amount(piece.quantity, piece.rate),
        credit_type=piece.rate.credit_type,
        starting_at=piece.period.starting_at,
        ending_before=piece.period.ending_before,
        pricing_group_values=dict(group.pricing),
        presentation_group_values=dict(group.presentation),
    )
