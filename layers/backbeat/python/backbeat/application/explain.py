"""Why a line costs what it costs: the events, the rate, and the amount computed anew.

The amount is computed from the events themselves, not from the counters that billing uses: those
received up to when the invoice was final, priced by the terms as they were then. It reads every
event of the billing period. Events are kept for a while only: of older periods, it is computed from
the counters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from backbeat.application import (
    catalog,
    contracts,
    customers,
    drafts,
    families,
    final_terms,
    historical_invoices,
    rate_cards,
    scheduled_invoices,
    settled_drafts,
    usage,
)
from backbeat.application import invoices as invoicing
from backbeat.application.services import Call
from backbeat.domain import commit_prices, composites, counting
from backbeat.domain.contracts import filter_at
from backbeat.domain.overrides import Subject
from backbeat.domain.properties import text_of
from backbeat.models.balances import AccessSegment, Balance
from backbeat.models.catalog import BillableMetric, Product, ProductState, ProductType
from backbeat.models.contracts import Contract, UsageFilter
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus, LineItem, LineType
from backbeat.models.money import subtract
from backbeat.models.overrides import Override
from backbeat.models.period import Period, hour_of
from backbeat.models.rates import Rate, RateCard
from backbeat.models.usage import Counted, StoredEvent, UsageCell, UsageEvent
from backbeat.persistence import raw_events
from backbeat.persistence import usage as stored_usage

_INSTANT = timedelta(microseconds=1)
_AHEAD = timedelta(days=1)
"""How long before its time an event may come."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a price came from: the card's rate, and the override that changed it.

    Units that a commit pays may be at the rate's own price for commits.
    """

    card: RateCard
    rate: Rate | None
    override: Override | None
    at_commit_rate: bool = False


@dataclass(frozen=True, slots=True)
class Metering:
    """What was counted for a line, and how.

    `events` are those of the line's own stretch of time; `late` of the period's events came after
    the invoice was final. For a SQL metric, `events` are all it looked at; none adds by itself.
    Unless `are_kept`, some of the events may be gone, and none is told.
    """

    metric: BillableMetric
    state: ProductState
    usage_filter: UsageFilter | None
    events: Sequence[Counted]
    late: Sequence[StoredEvent]
    are_kept: bool

    @property
    def is_itemized(self) -> bool:
        """Tells whether every event is told, and adds an amount of its own."""
        return self.are_kept and self.metric.sql is None


@dataclass(frozen=True, slots=True)
class Payment:
    """Who paid for a line. `covered` is the line with the units that were paid.

    `drawn` is what the whole invoice took from the segment. `balance` is None when it is gone.
    """

    balance: Balance | None
    segment: AccessSegment | None
    covered: LineItem
    drawn: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line, what it rests on, and the same line computed anew (None: there is none now).

    `base` are the lines of the same invoice that a charge is a fraction or a conversion of.
    """

    invoice: Invoice
    line: LineItem
    anew: LineItem | None
    product: Product | None
    metering: Metering | None
    source: Source | None
    payment: Payment | None = None
    base: Sequence[LineItem] = ()

    @property
    def matches(self) -> bool:
        """Tells whether computing anew gives exactly the line, and the events exactly its units."""
        if self.anew is None or _amounts(self.anew) != _amounts(self.line):
            return False
        basis, counted = self.line.basis, self.metering
        if basis is None or counted is None or not counted.is_itemized:
            return True
        return sum(one.contribution for one in counted.events) == basis.raw_to - basis.raw_from


def line(call: Call, invoice_id: str, line_item_id: str) -> Explanation:
    """Explains a line; a copy, as the line it was copied from.

    Raises:
        NotFound: no invoice has the id, or it has no line of that id.
    """
    invoice = invoicing.locate(call, invoice_id)
    found = next((one for one in invoice.line_items if one.id == line_item_id), None)
    if found is None:
        raise NotFound("line item", line_item_id)
    if found.origin is not None:
        return line(call, found.origin.invoice_id, found.origin.line_item_id)
    if not invoice.contract_id:
        raise InvalidArgument("line_item_id: it is of no contract, so its amount was given")
    contract = contracts.get(call, invoice.customer_id, invoice.contract_id)
    customer = customers.get(call, invoice.customer_id)
    everything: dict[Period, list[StoredEvent]] = {}
    are_kept = _are_kept(call, invoice)
    first, *others = [
        _Reader(call, customer, then, everything, are_kept, invoice.received_before)
        for then in _instants(invoice)
    ]
    told = _explained(invoice, found, contract, first)
    for reader in () if told.matches else others:
        again = _explained(invoice, found, contract, reader)
        if again.matches:
            return again
    return told


def _are_kept(call: Call, invoice: Invoice) -> bool:
    """Tells whether all events of an invoice's period are still stored.

    In a sandbox events are as old as the sandbox itself, whatever its clock says.
    """
    if invoice.period is None or call.services.sandbox:
        return True
    return call.now < invoice.period.starting_at - _AHEAD + stored_usage.KEPT


def _instants(invoice: Invoice) -> list["_Then"]:
    """Returns what may have been known of events and products when the invoice was made.

    A clock that stands still gives what came before and what came after the same time, so at that
    very instant either is possible; the amounts tell which it was.
    """
    limit = invoice.received_before
    in_time = None if limit is None else limit - _INSTANT
    if invoice.status is InvoiceStatus.DRAFT:
        return [_Then(in_time, None)]
    at = invoice.finalized_at or invoice.issued_at
    before = at - _INSTANT
    received = (at, before) if in_time is None else (min(in_time, at), min(in_time, before))
    return [_Then(events, made) for made in (at, before) for events in dict.fromkeys(received)]


@dataclass(frozen=True, slots=True)
class _Then:
    """Up to when events and definitions of products count; None is now."""

    events_until: datetime | None
    products_until: datetime | None


def _explained(
    invoice: Invoice, found: LineItem, contract: Contract, reader: "_Reader"
) -> Explanation:
    call = reader.call
    terms = final_terms.contract_of(call, contract, invoice)
    product = None if found.product_id is None else catalog.get_product(call, found.product_id)
    payment = _payment(reader, invoice, found)
    try:
        anew = _same(found, _lines_anew(invoice, terms, reader))
    except InvalidArgument:
        # By the definitions of that instant there was no price.
        anew = None
    return Explanation(
        invoice=invoice,
        line=found,
        anew=anew,
        product=product,
        metering=_metering(invoice, found, product, terms, reader),
        source=_source(call, found, terms, product, payment),
        payment=payment,
        base=_base(invoice, found, product),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """A customer's events as far as they count; `everything` keeps those that were read.

    Unless all `are_kept`, counters stand for them: those of usage received before the cut-off.
    """

    call: Call
    customer: Customer
    then: _Then
    everything: dict[Period, list[StoredEvent]]
    are_kept: bool
    cut_off: datetime | None

    def events(self, span: Period) -> list[StoredEvent]:
        """Returns the events of a span that had been received, in order of time."""
        return [one for one in self._all(span) if not self._is_late(one)]

    def late(self, span: Period) -> list[StoredEvent]:
        """Returns the events of a span that were received afterwards."""
        return [one for one in self._all(span) if self._is_late(one)]

    def cells(
        self,
        call: Call,
        customer: Customer,
        metric: BillableMetric,
        span: Period,
        received_before: datetime | None,
    ) -> list[UsageCell]:
        """Returns what the events alone make of a metric, or the counters where they are gone."""
        if not self.are_kept:
            return usage.cells(call, customer, metric, span, received_before=self.cut_off)
        if metric.sql is not None:
            return usage.cells(call, customer, metric, span, received_before=received_before)
        return counting.cells(metric, self.events(span))

    def _all(self, span: Period) -> list[StoredEvent]:
        if span not in self.everything:
            self.everything[span] = raw_events.events(
                self.call.store, self.call.tenant, self.customer.usage_keys, span
            )
        return self.everything[span]

    def _is_late(self, stored: StoredEvent) -> bool:
        until = self.then.events_until
        return until is not None and stored.received_at > until


def _lines_anew(invoice: Invoice, contract: Contract, reader: _Reader) -> Sequence[LineItem]:
    call = reader.call
    if invoice.period is None:
        return _scheduled_anew(invoice, contract, reader)
    received = reader.then.events_until
    reading = drafts.Reading(
        cells=reader.cells,
        invoice_id=invoice.id,
        known=invoice.known,
        terms_until=reader.then.products_until,
        received_before=None if received is None else received + _INSTANT,
    )
    if invoice.status is InvoiceStatus.DRAFT:
        anew = settled_drafts.again(call, contract, reader.customer, invoice.period, reading)
        return anew.line_items
    drawn = final_terms.drawn_by(call, reader.customer, invoice)
    reading = replace(reading, paid=invoice.line_items, sources=tuple(drawn))
    if invoice.given_usage:
        again = historical_invoices.priced_anew(call, contract, invoice, invoice.period, reading)
    else:
        again = drafts.assemble(call, contract, reader.customer, invoice.period, reading)
    return again.line_items


def _scheduled_anew(invoice: Invoice, contract: Contract, reader: "_Reader") -> Sequence[LineItem]:
    call = reader.call
    if invoice.status is InvoiceStatus.DRAFT:
        drafted = settled_drafts.scheduled_of(call, reader.customer)
        return next((one.line_items for one in drafted if one.id == invoice.id), ())
    # What was missing of a postpaid commit then is on the invoice, and nowhere else.
    billed = {line.postpaid_commit_id: line.total for line in invoice.line_items}
    drawn = final_terms.drawn_by(call, reader.customer, invoice)
    return scheduled_invoices.anew(
        call,
        contract,
        invoice,
        lambda id_: billed[id_],
        lambda lines: settled_drafts.subscriptions_paid(lines, drawn, contract),
        invoice_id=invoice.id,
        known=invoice.known,
    )


def _same(wanted: LineItem, lines: Sequence[LineItem]) -> LineItem | None:
    """Returns the line by its id, else the one that says the same."""
    for one in lines:
        if one.id == wanted.id:
            return one
    for one in lines:
        if one.model_copy(update={"id": wanted.id}) == wanted:
            return one
    return None


def _metering(
    invoice: Invoice,
    found: LineItem,
    product: Product | None,
    contract: Contract,
    reader: _Reader,
) -> Metering | None:
    if (
        product is None
        or invoice.period is None
        or invoice.given_usage
        or found.basis is None
        or found.basis.metric_id is None
        or found.starting_at is None
        or found.ending_before is None
    ):
        return None
    metric = catalog.get_metric(reader.call, found.basis.metric_id)
    group = {**found.pricing_group_values, **found.presentation_group_values}
    stretch = Period(found.starting_at, found.ending_before)

    def keeps(event: UsageEvent) -> bool:
        return counting.is_in_group(event, group) and _passes(event, metric, contract)

    events, late = (
        (reader.events(invoice.period), reader.late(stretch)) if reader.are_kept else ([], [])
    )
    counted = _counted(metric, events, keeps)
    return Metering(
        metric=metric,
        state=product.state_at(found.starting_at),
        usage_filter=filter_at(contract, found.starting_at),
        events=[one for one in counted if stretch.covers(one.stored.event.timestamp)],
        late=[one.stored for one in _counted(metric, late, keeps)],
        are_kept=reader.are_kept,
    )


def _counted(
    metric: BillableMetric, events: Sequence[StoredEvent], keeps: Callable[[UsageEvent], bool]
) -> Iterator[Counted]:
    """Yields what each event adds; a SQL metric looks at all of them, and none adds by itself."""
    if metric.sql is None:
        return counting.counted(metric, events, keep=keeps)
    return (Counted(stored, Decimal(0), Decimal(0)) for stored in events)


def _passes(event: UsageEvent, metric: BillableMetric, contract: Contract) -> bool:
    holding = filter_at(contract, hour_of(event.timestamp))
    if holding is None:
        return True
    return (
        holding.group_key in metric.cell_keys
        and text_of(event.properties.get(holding.group_key)) in holding.group_values
    )


def _payment(reader: _Reader, invoice: Invoice, found: LineItem) -> Payment | None:
    if found.commit_segment_id is None:
        return None
    drawn = Decimal(0)
    covered = before = found
    for one in invoice.line_items:
        if one.type is LineType.APPLIED and one.commit_segment_id == found.commit_segment_id:
            drawn = subtract(drawn, one.total)
        if one.id == found.id and found.type is LineType.APPLIED:
            covered = before
        before = one
    owned = families.of_hierarchies(reader.call, reader.customer).owned
    balance = next((one for one in owned if one.id == found.commit_id), None)
    segments = () if balance is None else balance.segments
    segment = next((one for one in segments if one.id == found.commit_segment_id), None)
    return Payment(balance, segment, covered, drawn)


def _base(invoice: Invoice, found: LineItem, product: Product | None) -> Sequence[LineItem]:
    """Returns the lines that a composite is charged on, or that a conversion converts."""
    if found.starting_at is None or found.ending_before is None:
        return ()
    stretch = Period(found.starting_at, found.ending_before)
    inside = [
        one
        for one in invoice.line_items
        if one.starting_at is not None and (stretch.covers(one.starting_at) or not invoice.period)
    ]
    if found.type is LineType.CPU_CONVERSION:
        return [one for one in inside if not one.credit_type.is_currency]
    if product is None or product.type is not ProductType.COMPOSITE:
        return ()
    state = product.state_at(found.starting_at)
    return [
        one
        for one in inside
        if one.type is not LineType.APPLIED
        and one.credit_type.id == found.credit_type.id
        and composites.is_part(one, product, state)
    ]


def _source(
    call: Call,
    found: LineItem,
    contract: Contract,
    product: Product | None,
    payment: Payment | None,
) -> Source | None:
    if found.basis is None or contract.rate_card_id is None:
        return None
    card = rate_cards.get(call, contract.rate_card_id)
    by_sequence = {rate.sequence: rate for rate in rate_cards.every_rate(call, card.id)}
    by_id = {override.id: override for override in contract.overrides}
    basis = found.basis
    rate = None if basis.rate_sequence is None else by_sequence.get(basis.rate_sequence)
    override = None if basis.override_id is None else by_id.get(basis.override_id)
    if payment is None or payment.balance is None or product is None or found.starting_at is None:
        return Source(card, rate, override)
    subject = Subject(
        product,
        product.state_at(found.starting_at),
        found.pricing_group_values,
        found.presentation_group_values,
    )
    price = commit_prices.covered_price(
        payment.balance, subject, found.starting_at, rate=rate, overrides=contract.overrides
    )
    if price is None:
        return Source(card, rate, override)
    return Source(card, rate, price.override, at_commit_rate=price.at_commit_rate)


def _amounts(one: LineItem) -> tuple[object, ...]:
    return one.quantity, one.unit_price, one.total, one.credit_type.id
