"""Older SUBSCRIPTION rates: products that a card bills without anybody subscribing to them.

Owns: the quantity, the price and the share of a period that such a rate bills.
Does not own: subscriptions of contracts, also where their price is such a rate's.
Times: the price is the one in force when the usage period starts. Decision: it is billed in
arrears, with the usage of each period, and a period that is cut costs its share of a whole one.
Invariants: one line a period, however often the price changes in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from backbeat.domain import periods
from backbeat.domain.identity import derived_id
from backbeat.domain.overrides import Price, Subject, price_at
from backbeat.domain.rating import Terms
from backbeat.domain.subscriptions import SUBSCRIPTION_LINE
from backbeat.models.catalog import Product, ProductType
from backbeat.models.contracts import Contract
from backbeat.models.invoices import LineBasis, LineItem, LineType
from backbeat.models.money import EXACT, multiply
from backbeat.models.period import Period
from backbeat.models.rates import Rate, RateType

_ONE: Final = Decimal(1)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DefaultSubscription:
    """A subscription product and its rates."""

    product: Product
    rates: Sequence[Rate]


def is_billed_by_default(product: Product, rates: Sequence[Rate]) -> bool:
    """Tells whether a product has a rate that bills it by itself."""
    return product.type is ProductType.SUBSCRIPTION and any(_stands_alone(rate) for rate in rates)


def line(
    entry: DefaultSubscription, contract: Contract, period: Period, *, invoice_id: str, terms: Terms
) -> LineItem | None:
    """Returns what a product costs in a usage period; None when it is not billed."""
    state = entry.product.state_at(period.starting_at)
    price = price_at(
        Subject(entry.product, state, {}, {}),
        period.starting_at,
        rates=[rate for rate in entry.rates if _stands_alone(rate)],
        overrides=terms.overrides,
        prioritization=terms.prioritization,
    )
    if price is None:
        return None
    whole = periods.whole_period(contract.usage_statement_schedule, period.starting_at)
    quantity = _quantity(price)
    each = _prorated(price.ladder[0].price, period, whole)
    rate = price.rate
    return LineItem(
        id=derived_id(invoice_id, LineType.SUBSCRIPTION, entry.product.id, period.starting_at),
        type=LineType.SUBSCRIPTION,
        name=state.name,
        product_id=entry.product.id,
        product_type=SUBSCRIPTION_LINE,
        product_tags=state.tags,
        product_custom_fields=entry.product.custom_fields,
        quantity=quantity,
        unit_price=each,
        total=multiply(quantity, each),
        credit_type=price.credit_type,
        starting_at=period.starting_at,
        ending_before=period.ending_before,
        is_prorated=period != whole,
        basis=LineBasis(
            quantity_to=quantity,
            rate_sequence=None if rate is None else rate.sequence,
            list_price=None if rate is None else rate.price,
            override_id=None if price.override is None else price.override.id,
        ),
    )


def _stands_alone(rate: Rate) -> bool:
    return rate.rate_type is RateType.SUBSCRIPTION and rate.billing_frequency is None


def _quantity(price: Price) -> Decimal:
    """Returns the quantity that the override says, else the card's rate, else one."""
    overwrite = None if price.override is None else price.override.overwrite_rate
    if overwrite is not None and overwrite.quantity is not None:
        return overwrite.quantity
    if price.rate is not None and price.rate.quantity is not None:
        return price.rate.quantity
    return _ONE


def _prorated(price: Decimal, period: Period, whole: Period) -> Decimal:
    if period == whole:
        return price
    part, all_of_it = (
        Decimal((one.ending_before - one.starting_at) // _MICROSECOND) for one in (period, whole)
    )
    return EXACT.divide(multiply(price, part), all_of_it)
