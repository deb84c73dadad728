"""The lines of a contract's subscriptions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backbeat.application import catalog, rate_cards
from backbeat.application.services import Call
from backbeat.domain import overrides
from backbeat.domain import subscriptions as recurring
from backbeat.domain.subscriptions import Part
from backbeat.models.catalog import Product
from backbeat.models.contracts import Contract
from backbeat.models.invoices import Known, LineItem
from backbeat.models.period import Period
from backbeat.models.rates import Rate


@dataclass(frozen=True, slots=True)
class Lines:
    """Prices the subscriptions of a contract from the products they sell and its card's rates."""

    contract: Contract
    products: Mapping[str, Product]
    rates: Sequence[Rate]

    def price(self, part: Part) -> overrides.Price | None:
        """Returns the price of a part: the one in force when its period starts.

        None when the product is not priced or not entitled.
        """
        product = self.products.get(part.subscription.product_id)
        if product is None:
            return None
        at = part.period.starting_at
        subject = overrides.Subject(
            product, product.state_at(at), {}, {}, frequency=part.subscription.frequency
        )
        return overrides.price_at(
            subject,
            at,
            rates=[rate for rate in self.rates if rate.product_id == product.id],
            overrides=self.contract.overrides,
            prioritization=self.contract.multiplier_override_prioritization,
        )

    def of_part(self, part: Part, *, invoice_id: str) -> list[LineItem]:
        """Returns the lines of a part; none when it has no price."""
        price = self.price(part)
        if price is None:
            return []
        product = self.products[part.subscription.product_id]
        return list(recurring.lines(part, price, product, invoice_id=invoice_id))

    def with_usage_of(self, period: Period, *, invoice_id: str) -> Iterator[LineItem]:
        """Yields the subscription lines of a usage invoice."""
        for subscription in self.contract.subscriptions:
            for part in recurring.with_usage_of(subscription, self.contract, period):
                yield from self.of_part(part, invoice_id=invoice_id)


def lines_of(call: Call, contract: Contract, *, known: Known | None = None) -> Lines:
    """Returns what prices a contract's subscriptions, reading its card and products once.

    With `known`, prices are those that were known then.
    """
    if not contract.subscriptions or contract.rate_card_id is None:
        return Lines(contract, {}, ())
    wanted = dict.fromkeys(entry.product_id for entry in contract.subscriptions)
    products = {product.id: product for product in catalog.products_of_ids(call, [*wanted])}
    _, rates = rate_cards.with_rates(call, contract.rate_card_id, known=known)
    return Lines(contract, products, rates)
