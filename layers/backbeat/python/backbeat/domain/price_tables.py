"""The prices of one product, found without looking at every rate and override each time.

A product may have a rate for each of many groups, and a contract an override for each of many
products; an invoice asks for the price of each group in each stretch of time.

Owns: which rates and overrides can matter for a group. Does not own: which of them wins.
Times: none; what is kept for a group holds at any instant.
Invariants: the price is the one that all rates and overrides together give.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from backbeat.domain.overrides import Price, Subject, applies, price_at
from backbeat.models.catalog import Product
from backbeat.models.overrides import Override, Prioritization
from backbeat.models.rates import Rate

_Values = frozenset[tuple[str, str]]
_NO_VALUES: _Values = frozenset()


class PriceTable:
    """The rates of one product by their values, and the overrides that may be about it."""

    def __init__(
        self,
        product: Product,
        rates: Iterable[Rate],
        overrides: Iterable[Override],
        prioritization: Prioritization,
    ) -> None:
        self._rates: dict[_Values, list[Rate]] = {}
        for rate in rates:
            self._rates.setdefault(frozenset(rate.pricing_group_values.items()), []).append(rate)
        self._overrides = [override for override in overrides if _may_concern(override, product.id)]
        self._prioritization = prioritization

    def at(self, subject: Subject, instant: datetime) -> Price | None:
        """Returns the price of one of the product's groups, see `price_at`."""
        [price] = self.at_each(subject, [instant])
        return price

    def at_each(self, subject: Subject, instants: Iterable[datetime]) -> list[Price | None]:
        """Returns the prices of one of the product's groups at several instants."""
        rates = self._rates_of(subject)
        overrides = [override for override in self._overrides if applies(override, subject)]
        return [
            price_at(
                subject,
                instant,
                rates=rates,
                overrides=overrides,
                prioritization=self._prioritization,
            )
            for instant in instants
        ]

    def _rates_of(self, subject: Subject) -> Sequence[Rate]:
        """Returns the rates for exactly the subject's values, and those without values."""
        values = frozenset(subject.pricing.items())
        general = self._rates.get(_NO_VALUES, [])
        return [*self._rates.get(values, []), *general] if values else general


def _may_concern(override: Override, product_id: str) -> bool:
    """Tells whether an override could apply to some group and definition of a product."""
    if override.specifiers:
        return any(one.product_id in (None, product_id) for one in override.specifiers)
    return override.product_id in (None, product_id)
