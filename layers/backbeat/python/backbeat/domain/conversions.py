"""Custom pricing units into money.

Owns: the line that bills in the invoice's currency what is owed in a custom pricing unit.
Does not own: what was charged and paid in that unit.
Times: a conversion covers the lines it converts.
Invariants: lines in a custom pricing unit are never part of a total in money; their conversion is.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from backbeat.domain.identity import derived_id
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import LineItem, LineType
from backbeat.models.money import EXACT, CreditType, multiply
from backbeat.models.period import Period
from backbeat.models.rates import RateCard


def lines(
    billed: Sequence[LineItem],
    card: RateCard,
    period: Period,
    *,
    invoice_id: str,
    apart: Callable[[datetime], Hashable],
) -> list[LineItem]:
    """Returns one conversion for each custom pricing unit in which something is owed.

    Decision D-50: one line in the card's currency, none that takes the units away again.
    Lines whose starts have different `apart` keys are converted separately.

    Raises:
        InvalidArgument: the card does not say what a unit costs.
    """
    owed: dict[tuple[CreditType, Hashable], list[LineItem]] = {}
    for line in billed:
        if not line.credit_type.is_currency:
            start = line.starting_at or period.starting_at
            owed.setdefault((line.credit_type, apart(start)), []).append(line)
    conversions = [
        _line(unit, converted, card, period, invoice_id=invoice_id)
        for (unit, _), converted in owed.items()
    ]
    return [line for line in conversions if line.quantity != 0]


def edges(paid: Iterable[LineItem]) -> frozenset[datetime]:
    """Returns where the conversions of an invoice begin and end."""
    return frozenset(
        date
        for line in paid
        if line.type is LineType.CPU_CONVERSION
        for date in (line.starting_at, line.ending_before)
        if date is not None
    )


def _line(
    unit: CreditType,
    converted: Sequence[LineItem],
    card: RateCard,
    period: Period,
    *,
    invoice_id: str,
) -> LineItem:
    outstanding = Decimal(0)
    for line in converted:
        outstanding = EXACT.add(outstanding, line.total)
    price = price_of(unit, card)
    start = min(line.starting_at or period.starting_at for line in converted)
    return LineItem(
        id=derived_id(invoice_id, LineType.CPU_CONVERSION, unit.id, start),
        type=LineType.CPU_CONVERSION,
        name=f"{unit.name} to {card.fiat_credit_type.name}",
        quantity=outstanding,
        unit_price=price,
        total=multiply(outstanding, price),
        credit_type=card.fiat_credit_type,
        starting_at=start,
        ending_before=max(line.ending_before or period.ending_before for line in converted),
    )


def price_of(unit: CreditType, card: RateCard) -> Decimal:
    """Returns what a custom pricing unit costs in the currency of a card.

    Raises:
        InvalidArgument: the card does not say.
    """
    for conversion in card.credit_type_conversions:
        if conversion.custom_credit_type.id == unit.id:
            return conversion.fiat_per_custom_credit
    raise InvalidArgument(f"credit_type_conversions: the rate card has none of {unit.name}")
