"""Draft invoices: computed from contract, rates and counted usage whenever they are read."""

from collections.abc import Iterator, Sequence

from backbeat.application import catalog, rate_cards, usage
from backbeat.application.services import Call
from backbeat.domain import invoicing, rating
from backbeat.models.catalog import ProductType
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice
from backbeat.models.money import USD
from backbeat.models.period import Period
from backbeat.models.rates import Rate


def assemble(call: Call, contract: Contract, customer: Customer, period: Period) -> Invoice:
    """Returns the draft of a period with the usage known now. Nothing is written."""
    if contract.rate_card_id is None:
        # Decision: without a price list there is nothing to rate; other charges come elsewhere.
        return invoicing.draft(contract, customer, period, credit_type=USD, lines=lambda _: ())
    card, rates = rate_cards.with_rates(call, contract.rate_card_id)
    rated = list(_rated_products(call, customer, rates, period))
    return invoicing.draft(
        contract,
        customer,
        period,
        credit_type=card.fiat_credit_type,
        lines=lambda invoice_id: rating.usage_lines(rated, period, invoice_id=invoice_id),
    )


def _rated_products(
    call: Call, customer: Customer, rates: Sequence[Rate], period: Period
) -> Iterator[rating.RatedProduct]:
    """Yields the card's usage products in the order in which they were first priced."""
    by_product: dict[str, list[Rate]] = {}
    for rate in rates:
        by_product.setdefault(rate.product_id, []).append(rate)
    metrics = {metric.id: metric for metric in catalog.metrics(call)}
    for product in catalog.products_of_ids(call, list(by_product)):
        metric_id = product.initial.billable_metric_id
        if product.type is ProductType.USAGE and metric_id is not None:
            metric = metrics[metric_id]
            cells = usage.cells(call, customer, metric, period)
            yield rating.RatedProduct(product, metric, by_product[product.id], cells)
