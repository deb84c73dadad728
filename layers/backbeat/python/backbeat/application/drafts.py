"""Draft invoices: computed from contract, rates and counted usage whenever they are read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from backbeat.application import catalog, rate_cards, usage
from backbeat.application.services import Call
from backbeat.domain import invoicing, rating, series
from backbeat.domain.quantities import Increment
from backbeat.models.catalog import BillableMetric, Product, ProductState, ProductType
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
    terms = rating.Terms(
        overrides=contract.overrides, prioritization=contract.multiplier_override_prioritization
    )
    rated = list(_rated_products(call, customer, rates, terms, period))
    return invoicing.draft(
        contract,
        customer,
        period,
        credit_type=card.fiat_credit_type,
        lines=lambda invoice_id: rating.usage_lines(
            rated, period, invoice_id=invoice_id, terms=terms
        ),
    )


def _rated_products(
    call: Call, customer: Customer, rates: Sequence[Rate], terms: rating.Terms, period: Period
) -> Iterator[rating.RatedProduct]:
    """Yields the card's usage products in the order in which they were first priced."""
    by_product: dict[str, list[Rate]] = {}
    for rate in rates:
        by_product.setdefault(rate.product_id, []).append(rate)
    metrics = {metric.id: metric for metric in catalog.metrics(call)}
    for product in catalog.products_of_ids(call, list(by_product)):
        if product.type is ProductType.USAGE:
            prices = by_product[product.id]
            cuts = _cuts(product, prices, terms)
            phases = tuple(_phases(call, customer, product, metrics, cuts, period))
            yield rating.RatedProduct(product, phases, prices)


def _cuts(product: Product, rates: Sequence[Rate], terms: rating.Terms) -> set[datetime]:
    """Returns every instant at which rating may cut the period: usage is read no finer."""
    cuts = {*terms.cuts, *(update.starting_at for update in product.updates)}
    for rate in rates:
        cuts |= {rate.starting_at, rate.ending_before or rate.starting_at}
    for override in terms.overrides:
        cuts |= {override.starting_at, override.ending_before or override.starting_at}
    return cuts


def _phases(
    call: Call,
    customer: Customer,
    product: Product,
    metrics: Mapping[str, BillableMetric],
    cuts: Collection[datetime],
    period: Period,
) -> Iterator[rating.Phase]:
    """Yields the product's definitions in order, each with its usage of the whole period."""
    updates = {u.starting_at for u in product.updates if period.covers(u.starting_at)}
    starts = sorted({period.starting_at, *updates})
    for start, end in pairwise([*starts, period.ending_before]):
        state = product.state_at(start)
        yield rating.Phase(
            Period(start, end), state, _usage(call, customer, state, metrics, cuts, period)
        )


def _usage(
    call: Call,
    customer: Customer,
    state: ProductState,
    metrics: Mapping[str, BillableMetric],
    cuts: Collection[datetime],
    period: Period,
) -> dict[rating.Values, list[Increment]]:
    if state.billable_metric_id is None:
        return {}
    metric = metrics[state.billable_metric_id]
    cells = usage.cells(call, customer, metric, period, cuts=cuts)
    grouped = series.increments_by_group(metric, cells, state.group_keys)
    return {
        tuple(
            (key, value)
            for key, value in zip(state.group_keys, values, strict=True)
            if value is not None
        ): increments
        for values, increments in grouped.items()
    }
