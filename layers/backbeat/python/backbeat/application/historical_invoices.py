"""Invoices of the time before Backbeat: quantities are given, prices are the contract's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from backbeat.application import (
    catalog,
    contracts,
    custom_fields,
    customers,
    drafts,
    rate_cards,
)
from backbeat.application.services import Call
from backbeat.application.settled_drafts import Purse
from backbeat.domain import commit_prices, drawdown, invoicing, rating, spreading
from backbeat.domain.drawdown import Source
from backbeat.domain.overrides import Subject, price_at
from backbeat.domain.quantities import Increment
from backbeat.models.balances import Balance
from backbeat.models.catalog import Product, ProductState, ProductType
from backbeat.models.contracts import Contract
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.customers import BillableStatus, Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import (
    GivenLine,
    GivenUsage,
    Invoice,
    InvoiceStatus,
    InvoiceType,
    LineItem,
)
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.models.rates import Rate, Tier
from backbeat.persistence import invoices
from backbeat.persistence.unit_of_work import UnitOfWork

_AT_ONCE: Final = 40
"""Invoices that one request may create: they are stored in one transaction."""


@dataclass(frozen=True, slots=True)
class HistoricalInvoice:
    """An invoice as asked for. Dates lie on UTC hours; every amount lies inside its line."""

    customer_id: str
    contract_id: str
    credit_type_id: str
    period: Period
    issued_at: datetime
    usage: tuple[GivenUsage, ...]
    billable_status: BillableStatus | None
    custom_fields: dict[str, str]


def create(call: Call, wanted: Sequence[HistoricalInvoice], *, preview: bool) -> list[Invoice]:
    """Prices invoices and, unless it is a preview, stores all of them as final.

    Raises:
        NotFound: a customer or contract does not exist.
        InvalidArgument: dates are out of order or overlap another final invoice, a product or its
            group is wrong, or something given has no price.
    """
    if len(wanted) > _AT_ONCE:
        raise InvalidArgument(f"invoices: at most {_AT_ONCE} at once")
    made: list[Invoice] = []
    purses: list[Purse] = []
    for number, one in enumerate(wanted):
        field = f"invoices[{number}]"
        customer = customers.get(call, one.customer_id)
        contract = contracts.get(call, one.customer_id, one.contract_id)
        custom_fields.refuse_unregistered(call, FieldEntity.INVOICE, one.custom_fields)
        _refuse_bad_period(call, contract, one.period, made, field=field)
        purse = next((known for known in purses if known.serves(customer.id)), None)
        if purse is None:
            purse = Purse(call, customer)
            purses.append(purse)
        # It is paid from what final invoices left: it is final too, so drafts come after it.
        paying = purse.sources(contract, one.period)
        invoice = _priced(call, contract, customer, one, paying, field=field)
        purse.take(invoice)
        purse.draw(invoice)
        made.append(invoice)
    if made and not preview:
        work = UnitOfWork(call.store)
        for invoice in made:
            work.add(*invoices.insert(call.store, call.tenant, invoice))
        for purse in purses:
            work.add(*purse.book.effects())
        work.commit()
    return made


def priced_anew(
    call: Call, contract: Contract, invoice: Invoice, period: Period, reading: drafts.Reading
) -> Invoice:
    """Returns a historical invoice priced anew, under the reading's id and cuts.

    It is paid from the reading's sources, or else as the reading says that it was paid.
    """
    new_id = reading.invoice_id or invoice.id
    lines = _lines(call, contract, invoice.given_usage, period, new_id, reading, field="invoice")
    return invoice.model_copy(
        update={
            "id": new_id,
            "line_items": lines,
            "total": invoicing.total(lines, invoice.credit_type),
            "known": reading.known or rate_cards.known_now(call, contract),
        }
    )


def _priced(
    call: Call,
    contract: Contract,
    customer: Customer,
    wanted: HistoricalInvoice,
    paying: tuple[Source, ...],
    *,
    field: str,
) -> Invoice:
    invoice_id = call.services.ids.new()
    reading = drafts.Reading(sources=paying)
    lines = _lines(call, contract, wanted.usage, wanted.period, invoice_id, reading, field=field)
    if any(line.credit_type.id != wanted.credit_type_id for line in lines):
        raise InvalidArgument(f"{field}.credit_type_id: the rates are in another unit")
    start, end = wanted.period
    credit_type = catalog.credit_type(call, wanted.credit_type_id)
    return Invoice(
        id=invoice_id,
        customer_id=customer.id,
        contract_id=contract.id,
        type=InvoiceType.USAGE,
        status=InvoiceStatus.FINALIZED,
        credit_type=credit_type,
        start_timestamp=start,
        end_timestamp=end,
        issued_at=wanted.issued_at,
        finalized_at=call.now,
        known=rate_cards.known_now(call, contract),
        line_items=lines,
        total=invoicing.total(lines, credit_type),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
        custom_fields=wanted.custom_fields,
        billable_status=wanted.billable_status or invoicing.billable_status(customer, start),
        given_usage=wanted.usage,
        payer=invoicing.payer(contract),
    )


def _refuse_bad_period(
    call: Call, contract: Contract, period: Period, made: Sequence[Invoice], *, field: str
) -> None:
    start, end = period
    if start >= end:
        raise InvalidArgument(f"{field}.exclusive_end_date: must be after inclusive_start_date")
    if start < contract.starting_at or (
        contract.ending_before is not None and end > contract.ending_before
    ):
        raise InvalidArgument(f"{field}: the contract does not run all that time")
    stored = invoices.of_customer(call.store, call.tenant, contract.customer_id)
    for other in (*stored, *made):
        if (
            other.contract_id == contract.id
            and other.status is InvoiceStatus.FINALIZED
            and other.period is not None
            and other.period.within(period) is not None
        ):
            raise InvalidArgument(f"{field}: overlaps the finalized invoice {other.id}")


def _lines(
    call: Call,
    contract: Contract,
    given: Sequence[GivenUsage],
    period: Period,
    invoice_id: str,
    reading: drafts.Reading,
    *,
    field: str,
) -> tuple[LineItem, ...]:
    if contract.rate_card_id is None:
        raise InvalidArgument(f"{field}.contract_id: the contract has no rate card")
    _, rates = rate_cards.with_rates(call, contract.rate_card_id, known=reading.known)
    before = spreading.Borders(reading.paid)
    terms = rating.Terms(
        overrides=contract.overrides,
        prioritization=contract.multiplier_override_prioritization,
        cuts=reading.cuts | drawdown.cuts(reading.sources) | before.cuts,
        payers=lambda instant, subject: (
            # What is given has few lines, so it may be cut wherever anything begins to pay.
            tuple(one.key for one in reading.sources if one.segment.period.covers(instant)),
            before.stretch(subject, instant),
        ),
    )
    rated: list[rating.RatedProduct] = []
    lines: list[LineItem] = []
    for usage in given:
        product = _usage_product(call, usage, field=field)
        entry = _rated(product, rates, usage, period)
        rated.append(entry)
        lines += _lines_of(entry, usage, period, invoice_id, reading, terms, field=field)
    if reading.sources:
        paid = drawdown.draw(
            lines,
            reading.sources,
            contract_id=contract.id,
            covered_ladder=lambda balance, line: _covered_ladder(rated, terms, balance, line),
        )
        return paid.lines
    return tuple(spreading.spread(reading.paid, lines) if reading.paid else lines)


def _rated(
    product: Product, rates: Sequence[Rate], given: GivenUsage, period: Period
) -> rating.RatedProduct:
    increments = [
        Increment(amount.starting_at, amount.quantity)
        for line in given.lines
        for amount in line.amounts
    ]
    group = (*given.pricing_group_values.items(), *given.presentation_group_values.items())
    return rating.RatedProduct(
        product,
        [
            rating.Phase(phase, _as_given(product.state_at(phase.starting_at)), {group: increments})
            for phase in _phases(product, period)
        ],
        [rate for rate in rates if rate.product_id == product.id],
    )


def _lines_of(
    entry: rating.RatedProduct,
    given: GivenUsage,
    period: Period,
    invoice_id: str,
    reading: drafts.Reading,
    terms: rating.Terms,
    *,
    field: str,
) -> Iterator[LineItem]:
    apart = replace(
        terms,
        cuts=terms.cuts | {border for line in given.lines for border in _span(line)},
        apart=lambda at: (_number(given.lines, at), reading.apart(at)),
    )
    lines = rating.usage_lines([entry], period, invoice_id=invoice_id, terms=apart)
    billed = [line for line in lines if line.quantity]
    counted = [amount.quantity for line in given.lines for amount in line.amounts]
    if _sum(line.quantity or Decimal(0) for line in billed) != _sum(iter(counted)):
        # What cannot be priced is never billed as nothing.
        raise InvalidArgument(
            f"{field}: product {entry.product.id} has no rate for some of the usage"
        )
    yield from billed


def _covered_ladder(
    rated: Sequence[rating.RatedProduct], terms: rating.Terms, balance: Balance, line: LineItem
) -> Sequence[Tier] | None:
    """Returns what units of a line cost when a balance pays them; None: what the line says."""
    entry = next(one for one in rated if one.product.id == line.product_id)
    at = line.starting_at
    if at is None:
        return None
    subject = Subject(
        entry.product,
        entry.product.state_at(at),
        line.pricing_group_values,
        line.presentation_group_values,
    )
    price = price_at(
        subject,
        at,
        rates=entry.rates,
        overrides=terms.overrides,
        prioritization=terms.prioritization,
    )
    if price is None:
        return None
    return commit_prices.covered_ladder(
        balance, subject, at, price=price, overrides=terms.overrides
    )


def _usage_product(call: Call, given: GivenUsage, *, field: str) -> Product:
    try:
        product = catalog.get_product(call, given.product_id)
    except NotFound as unknown:
        raise InvalidArgument(f"{field}.usage_line_items: {unknown.message}") from unknown
    if product.type is not ProductType.USAGE:
        raise InvalidArgument(f"{field}.usage_line_items: {product.id} is not a USAGE product")
    state = product.state_at(given.lines[0].starting_at)
    for name, key, values in (
        ("pricing", state.pricing_group_key, given.pricing_group_values),
        ("presentation", state.presentation_group_key, given.presentation_group_values),
    ):
        if {*(key or ())} != {*values}:
            raise InvalidArgument(
                f"{field}.usage_line_items: {name}_group_values must name exactly {[*(key or ())]}"
            )
    return product


def _as_given(state: ProductState) -> ProductState:
    """Quantities are given as invoices show them: nothing is converted or rounded again."""
    return state.model_copy(update={"quantity_conversion": None, "quantity_rounding": None})


def _phases(product: Product, period: Period) -> Iterator[Period]:
    cuts = {update.starting_at for update in product.updates if period.covers(update.starting_at)}
    for start, end in pairwise(sorted({*period, *cuts})):
        yield Period(start, end)


def _span(line: GivenLine) -> Period:
    return Period(line.starting_at, line.ending_before)


def _number(lines: Sequence[GivenLine], instant: datetime) -> int | None:
    for number, line in enumerate(lines):
        if _span(line).covers(instant):
            return number
    return None


def _sum(amounts: Iterator[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
