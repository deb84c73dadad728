"""Draft invoices: computed from contract, rates and counted usage whenever they are read."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from backbeat.application import (
    catalog,
    rate_cards,
    scheduled_invoices,
    sql_metrics,
    subscriptions,
    usage,
)
from backbeat.application.services import Call
from backbeat.domain import (
    charges,
    commit_prices,
    composites,
    conversions,
    default_subscriptions,
    drawdown,
    invoicing,
    periods,
    rating,
    series,
    spreading,
)
from backbeat.domain.contracts import counted
from backbeat.domain.default_subscriptions import DefaultSubscription
from backbeat.domain.drawdown import Source
from backbeat.domain.overrides import Subject
from backbeat.domain.price_tables import PriceTable
from backbeat.domain.quantities import Increment
from backbeat.domain.rates import in_product_order
from backbeat.models.balances import Balance
from backbeat.models.catalog import (
    BillableMetric,
    CompositeScope,
    Product,
    ProductState,
    ProductType,
    SqlGranularity,
)
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice, Known, LineItem, LineType
from backbeat.models.money import USD
from backbeat.models.period import Period
from backbeat.models.rates import Rate, RateCard, Tier
from backbeat.models.usage import UsageCell
from backbeat.persistence import contracts

CellsOf = Callable[[Call, Customer, BillableMetric, Period, datetime | None], list[UsageCell]]
"""Gives a metric's usage of a customer and span, and is told from when on usage came too late."""

CellsAtOnceOf = Callable[
    [Call, Customer, Sequence[tuple[BillableMetric, Period]], Period], list[UsageCell]
]
"""Gives the usage of SQL metrics that are evaluated once, each in its part of a span."""


class Grouping(NamedTuple):
    """A product's definition, whose keys make the groups, and which of the groups are wanted."""

    state: ProductState
    keeps: Callable[[Mapping[str, str]], bool] = lambda group: True


Regroup = Callable[[ProductState, BillableMetric, Sequence[Rate]], Grouping]
"""Chooses how a product's usage is grouped, from its definition, its metric and its rates."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a draft is read when it is not just the invoice as it stands.

    `cells` and `cells_at_once` give other usage than what is stored. `cuts` and `apart` keep
    windows separate. `regroup` gives products other groups. `invoice_id` is that of an invoice
    which takes the place of a void one. `known` and `terms_until` leave out prices that were not
    known then and definitions made after it, `received_before` usage received then or later.
    `sources` are what commits and credits have left to pay with. `paid` are lines that were paid
    before: this reading's are cut where those are and, without sources of its own, paid like them.
    """

    cells: CellsOf | None = None
    cells_at_once: CellsAtOnceOf | None = None
    cuts: frozenset[datetime] = frozenset()
    apart: Callable[[datetime], Hashable] = field(default=lambda instant: None)
    regroup: Regroup = field(default=lambda state, metric, rates: Grouping(state))
    invoice_id: str | None = None
    known: Known | None = None
    terms_until: datetime | None = None
    received_before: datetime | None = None
    sources: Sequence[Source] = ()
    paid: Sequence[LineItem] = ()

    def knows(self, made_at: datetime) -> bool:
        """Tells whether a definition made at that time is looked at."""
        return self.terms_until is None or made_at <= self.terms_until


AS_IT_STANDS = Reading()


def assemble(
    call: Call,
    contract: Contract,
    customer: Customer,
    period: Period,
    reading: Reading = AS_IT_STANDS,
) -> Invoice:
    """Returns the draft of a period with the usage known now. Nothing is written."""
    bill = _Bill(call, contract, customer, period, reading)
    draft = invoicing.draft(
        contract,
        customer,
        period,
        # Decision: without a price list no usage is rated; what is dated may join all the same.
        credit_type=USD if bill.card is None else bill.card.fiat_credit_type,
        lines=bill.lines,
        invoice_id=reading.invoice_id,
    )
    royalty = charges.royalty_of(contract, draft.line_items, at=period.starting_at)
    return draft.model_copy(
        update={
            "reseller_royalty": royalty,
            "received_before": reading.received_before,
            "known": reading.known or bill.known,
        }
    )


class _Bill:
    """What the lines of one period are made from, read once."""

    def __init__(
        self, call: Call, contract: Contract, customer: Customer, period: Period, reading: Reading
    ) -> None:
        self.call = call
        self.contract = contract
        self.customer = customer
        self.period = period
        self.reading = reading
        self.counted = _filtered(reading, contract)
        self.card: RateCard | None = None
        self.usage: list[rating.RatedProduct] = []
        self._price_tables: dict[str, PriceTable] = {}
        self.composites: list[composites.Composite] = []
        self.defaults: list[DefaultSubscription] = []
        if contract.rate_card_id is not None:
            self._read_prices(contract.rate_card_id)

    def _read_prices(self, rate_card_id: str) -> None:
        self.card, rates = rate_cards.with_rates(self.call, rate_card_id, known=self.reading.known)
        priced = _priced_products(self.call, self.card, rates, self.reading)
        self.composites = [
            composites.Composite(product, rates)
            for product, rates in priced
            if product.type is ProductType.COMPOSITE
        ]
        self.defaults = [
            DefaultSubscription(product, rates)
            for product, rates in priced
            if default_subscriptions.is_billed_by_default(product, rates)
        ]
        self.usage = list(self._rated_products(priced))

    def _rated_products(
        self, priced: Sequence[tuple[Product, Sequence[Rate]]]
    ) -> Iterator[rating.RatedProduct]:
        """Yields the usage products of some, in their order."""
        metrics = {metric.id: metric for metric in catalog.metrics(self.call)}
        for product, rates in priced:
            if product.type is ProductType.USAGE:
                cuts = None if self.composites else rating.cuts(product, rates, self.terms)
                phases = _phases(self, product, rates, metrics, cuts)
                yield rating.RatedProduct(product, tuple(phases), rates)

    @property
    def known(self) -> Known:
        """What the lines are made by."""
        rates = 0 if self.card is None else self.card.rates_added
        return Known(edits=self.contract.edits, rates=rates)

    @cached_property
    def terms(self) -> rating.Terms:
        """What the contract changes about list prices, and where else the period is cut."""
        return rating.Terms(
            overrides=self.contract.overrides,
            prioritization=self.contract.multiplier_override_prioritization,
            cuts=self.counted.cuts | drawdown.cuts(self.reading.sources) | self._before.cuts,
            apart=self.counted.apart,
            payers=self._payers,
        )

    def _payers(self, instant: datetime, subject: Subject) -> Hashable:
        """Returns which segments may pay for a subject; where they change, lines are cut."""
        paying = tuple(
            source.key
            for source in self.reading.sources
            if source.segment.period.covers(instant) and drawdown.is_applicable_to(source, subject)
        )
        return paying, self._before.stretch(subject, instant)

    @cached_property
    def _before(self) -> spreading.Borders:
        return spreading.Borders(self.reading.paid)

    def covered_ladder(self, balance: Balance, line: LineItem) -> Sequence[Tier] | None:
        """Returns what units of a line cost when a balance pays them; None: what the line says."""
        entry = self._usage_by_product.get(line.product_id or "")
        if entry is None or line.starting_at is None:
            return None
        subject = Subject(
            entry.product,
            entry.product.state_at(line.starting_at),
            line.pricing_group_values,
            line.presentation_group_values,
        )
        price = self._prices(entry).at(subject, line.starting_at)
        if price is None:
            return None
        return commit_prices.covered_ladder(
            balance, subject, line.starting_at, price=price, overrides=self.terms.overrides
        )

    @cached_property
    def _usage_by_product(self) -> Mapping[str, rating.RatedProduct]:
        return {entry.product.id: entry for entry in self.usage}

    def _prices(self, entry: rating.RatedProduct) -> PriceTable:
        # Each balance asks for the prices of many lines of a product.
        if entry.product.id not in self._price_tables:
            self._price_tables[entry.product.id] = rating.price_table(entry, self.terms)
        return self._price_tables[entry.product.id]

    def lines(self, invoice_id: str) -> list[LineItem]:
        """Returns the lines of the invoice. Each step is given what the ones before it made."""
        lines: list[LineItem] = []
        for step in _STEPS:
            lines = step(self, lines, invoice_id)
        return lines

    def spend(self, invoice_id: str, cuts: frozenset[datetime]) -> list[LineItem]:
        """Returns what usage and subscriptions cost, cut further where prices of others change."""
        places = sorted(cuts)

        def apart(instant: datetime) -> Hashable:
            return self.reading.apart(instant), bisect_right(places, instant)

        terms = replace(self.terms, cuts=self.terms.cuts | cuts, apart=apart)
        lines = rating.usage_lines(self.usage, self.period, invoice_id=invoice_id, terms=terms)
        return _with_subscriptions(self, lines, invoice_id)


def _with_usage(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    return [
        *lines,
        *rating.usage_lines(bill.usage, bill.period, invoice_id=invoice_id, terms=bill.terms),
    ]


def _with_subscriptions(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    subscribed = subscriptions.lines_of(bill.call, bill.contract, known=bill.reading.known)
    defaults = [
        default_subscriptions.line(
            entry, bill.contract, bill.period, invoice_id=invoice_id, terms=bill.terms
        )
        for entry in bill.defaults
    ]
    return [
        *lines,
        *subscribed.with_usage_of(bill.period, invoice_id=invoice_id),
        *(line for line in defaults if line is not None),
    ]


def _with_composites(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    if not bill.composites:
        return lines
    cuts = composites.cuts(bill.composites, bill.period, bill.terms)
    spend = composites.Spend(
        own=bill.spend(invoice_id, cuts) if cuts else lines,
        elsewhere=list(_spend_elsewhere(bill, cuts)),
    )
    charged = composites.lines(
        bill.composites, spend, bill.period, invoice_id=invoice_id, terms=bill.terms
    )
    return [*lines, *charged]


def _with_balances(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    if bill.reading.paid and not bill.reading.sources:
        return spreading.spread(bill.reading.paid, lines)
    if not bill.reading.sources:
        return lines
    drawn = drawdown.draw(
        lines,
        bill.reading.sources,
        contract_id=bill.contract.id,
        covered_ladder=bill.covered_ladder,
    )
    return list(drawn.lines)


def _with_conversions(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    if bill.card is None:
        return lines
    paid = bill.reading.paid if not bill.reading.sources else ()
    paying = drawdown.unrestricted_left(bill.reading.sources, lines)
    paying = [one for one in paying if one.balance.credit_type.id == bill.card.fiat_credit_type.id]
    # What pays for a conversion must cover all of it, so it is cut where that changes.
    edges = sorted(drawdown.cuts(paying) | conversions.edges(bill.reading.paid))
    converted = conversions.lines(
        lines,
        bill.card,
        bill.period,
        invoice_id=invoice_id,
        apart=lambda instant: (bill.reading.apart(instant), bisect_right(edges, instant)),
    )
    if paid:
        return [*lines, *spreading.spread(paid, converted)]
    drawn = drawdown.draw(
        converted,
        paying,
        contract_id=bill.contract.id,
        covered_ladder=bill.covered_ladder,
        types={LineType.CPU_CONVERSION},
    )
    return [*lines, *drawn.lines]


def _with_dated_charges(bill: _Bill, lines: list[LineItem], invoice_id: str) -> list[LineItem]:
    currency = USD if bill.card is None else bill.card.fiat_credit_type
    joined = scheduled_invoices.joined_lines(
        bill.call, bill.contract, bill.period, currency, invoice_id=invoice_id
    )
    return [*lines, *joined]


_STEPS: Final = (
    _with_usage,
    _with_subscriptions,
    _with_composites,
    _with_balances,
    _with_conversions,
    _with_dated_charges,
)
"""How an invoice comes about, in this order: later steps charge on what earlier ones made."""


def _spend_elsewhere(bill: _Bill, cuts: frozenset[datetime]) -> Iterator[LineItem]:
    """Yields what the customer's other contracts cost in the period, where a composite needs it."""
    scopes = {entry.product.initial.composite_scope for entry in bill.composites}
    if CompositeScope.CUSTOMER not in scopes:
        return
    # Those contracts have periods of their own, whose ladders are climbed from their beginning.
    reading = replace(bill.reading, cuts=bill.reading.cuts | cuts | {*bill.period})
    for other in contracts.of_customer(bill.call.store, bill.call.tenant, bill.customer.id):
        if other.id == bill.contract.id or other.archived_at is not None:
            continue
        for period in periods.usage_periods_from(other, bill.period.starting_at):
            if period.starting_at >= bill.period.ending_before:
                break
            one = _Bill(bill.call, other, bill.customer, period, reading)
            for line in one.spend(other.id, cuts | {*bill.period}):
                if line.starting_at is not None and bill.period.covers(line.starting_at):
                    yield line


def _priced_products(
    call: Call, card: RateCard, rates: Sequence[Rate], reading: Reading
) -> list[tuple[Product, list[Rate]]]:
    """Returns the products of a card with their rates, in the order in which invoices list them."""
    by_product: dict[str, list[Rate]] = {}
    for rate in rates:
        by_product.setdefault(rate.product_id, []).append(rate)
    in_order = in_product_order(by_product, card.product_order)
    return [
        (_known(product, reading), by_product[product.id])
        for product in catalog.products_of_ids(call, in_order)
    ]


def _known(product: Product, reading: Reading) -> Product:
    updates = tuple(update for update in product.updates if reading.knows(update.created_at))
    return product.model_copy(update={"updates": updates})


def _filtered(reading: Reading, contract: Contract) -> Reading:
    """Returns the reading with cuts where the contract's usage filters change."""
    starts = {entry.starting_at for entry in contract.usage_filters}
    return replace(reading, cuts=reading.cuts | starts)


def _phases(
    bill: _Bill,
    product: Product,
    rates: Sequence[Rate],
    metrics: Mapping[str, BillableMetric],
    cuts: Collection[datetime] | None,
) -> Iterator[rating.Phase]:
    """Yields the product's definitions in order, each with its usage of the whole period.

    With `cuts`, usage is told apart no finer than whole days and these instants.
    """
    period, reading = bill.period, bill.counted
    updates = {u.starting_at for u in product.updates if period.covers(u.starting_at)}
    starts = sorted({period.starting_at, *updates})
    parts = [Period(*ends) for ends in pairwise([*starts, period.ending_before])]
    once: list[tuple[BillableMetric, Period]] = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        state = product.state_at(part.starting_at)
        if state.billable_metric_id is None:
            yield rating.Phase(part, state, {})
            continue
        metric = metrics[state.billable_metric_id]
        grouping = reading.regroup(state, metric, rates)
        if not _is_evaluated_once(state, metrics):
            once = []
            cells = _cells(bill, metric, cuts)
        else:
            once.append((metric, part))
            goes_on = following is not None and _is_evaluated_once(
                product.state_at(following.starting_at), metrics
            )
            # All that is evaluated once lies in the last hour, whatever changed before.
            cells = [] if goes_on else _cells_at_once(bill, once)
        yield rating.Phase(part, grouping.state, _usage(metric, cells, grouping))


def _cells(
    bill: _Bill, metric: BillableMetric, cuts: Collection[datetime] | None
) -> list[UsageCell]:
    reading = bill.reading
    if reading.cells is not None:
        # Usage that is chosen or imagined hour by hour is not added up before.
        found = reading.cells(
            bill.call, bill.customer, metric, bill.period, reading.received_before
        )
    else:
        found = usage.cells(
            bill.call,
            bill.customer,
            metric,
            bill.period,
            cuts=cuts,
            received_before=reading.received_before,
        )
    return counted(bill.contract, metric, found)


def _cells_at_once(bill: _Bill, used: Sequence[tuple[BillableMetric, Period]]) -> list[UsageCell]:
    reading = bill.reading
    if reading.cells_at_once is not None:
        found = reading.cells_at_once(bill.call, bill.customer, used, bill.period)
    else:
        found = sql_metrics.at_once(
            bill.call, bill.customer, used, bill.period, received_before=reading.received_before
        )
    metric, _ = used[-1]
    return counted(bill.contract, metric, found)


def _is_evaluated_once(state: ProductState, metrics: Mapping[str, BillableMetric]) -> bool:
    """Decision D-23: a SQL metric is evaluated hour by hour only where the product says so."""
    metric = metrics.get(state.billable_metric_id or "")
    return (
        metric is not None
        and metric.sql is not None
        and state.sql_breakdown_granularity is not SqlGranularity.HOUR
    )


def _usage(
    metric: BillableMetric, cells: Sequence[UsageCell], grouping: Grouping
) -> dict[rating.Values, list[Increment]]:
    keys = grouping.state.group_keys
    grouped = series.increments_by_group(metric, cells, keys)
    found = {
        tuple(
            (key, value) for key, value in zip(keys, values, strict=True) if value is not None
        ): increments
        for values, increments in grouped.items()
    }
    return {group: added for group, added in found.items() if grouping.keeps(dict(group))}
