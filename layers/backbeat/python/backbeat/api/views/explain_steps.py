"""The arithmetic of an invoice line, step by step: values for programs, sentences for people."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from backbeat.api import json
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.explain import Explanation, Metering, Payment, Source
from backbeat.models.catalog import (
    BillableMetric,
    ConversionOperation,
    EventTypeFilter,
    ProductState,
    PropertyFilter,
)
from backbeat.models.invoices import LineBasis, LineItem, LineTier, LineType
from backbeat.models.money import EXACT, subtract
from backbeat.models.overrides import Override, OverrideType

_SUMMED_SHOWN = 10
_WHY = {
    LineType.SUBSCRIPTION: "a subscription's quantity at its price for the billing period",
    LineType.SCHEDULED: "an amount that the contract bills on this date",
    LineType.COMMIT_PURCHASE: "the price of a commit, by its invoice schedule",
    LineType.APPLIED: "a balance that paid for the line before it",
    LineType.CPU_CONVERSION: "spend in a custom pricing unit, converted by the card's price of one",
}


def steps(told: Explanation) -> Iterator[dict[str, object]]:
    """Yields how the amount of a line comes about, one thing after the other."""
    line, basis, metering = told.line, told.line.basis, told.metering
    if line.type is LineType.APPLIED and told.payment is not None:
        yield from _payment_steps(told.payment)
        return
    if metering is not None and basis is not None:
        yield from _counting_steps(line, basis, metering)
        yield from _quantity_steps(basis, metering.state)
    elif told.invoice.given_usage:
        yield _step("given", "The quantity was given when the invoice was imported", line.quantity)
    elif line.type in _WHY:
        yield _step("why", f"This line is {_WHY[line.type]}", None)
    if told.base:
        yield from _base_steps(told.base)
    if told.source is not None:
        yield from _price_steps(told.source, line)
    if line.is_prorated and basis is not None:
        yield from _proration_steps(line)
    if line.tier is not None:
        yield _tier_step(line, line.tier)
    if told.payment is not None:
        yield _share_step(told.payment)
    yield from _amount_steps(line)


def _tier_step(line: LineItem, tier: LineTier) -> dict[str, object]:
    start = tier.starting_at
    end = None if tier.size is None else EXACT.add(start, tier.size)
    reach = "and up" if end is None else f"up to {_text(end)}"
    return _step(
        "tier",
        f"Tier {tier.level} holds the units of the period above {_text(start)} {reach}:"
        f" {_text(line.quantity)} of them are here",
        line.quantity,
    )


def _share_step(payment: Payment) -> dict[str, object]:
    covered, segment = payment.covered, payment.segment
    until = "" if segment is None else f", to be used before {timestamp(segment.ending_before)}"
    return _step(
        "share",
        f"{_text(covered.quantity)} units of these are paid by {_payer(payment)}{until};"
        f" this invoice takes {_text(payment.drawn)} from it in all",
        covered.quantity,
    )


def _payment_steps(payment: Payment) -> Iterator[dict[str, object]]:
    covered = payment.covered
    yield _step(
        "covered",
        f"{_payer(payment)} pays line {covered.id}: {_text(covered.quantity)} units for"
        f" {_text(covered.total)}",
        covered.total,
    )
    off = subtract(Decimal(0), covered.total)
    yield _step(
        "amount",
        f"0 - {_text(covered.total)} = {_text(off)}"
        f" {covered.credit_type.name}: what is paid is taken off again",
        off,
    )


def _payer(payment: Payment) -> str:
    if payment.balance is None:
        return f"balance {payment.covered.commit_id}"
    return f"{payment.balance.name} ({payment.balance.type.value} {payment.balance.id})"


def _base_steps(base: Sequence[LineItem]) -> Iterator[dict[str, object]]:
    total = total_of(one.total for one in base)
    parts = " + ".join(f"{_text(one.total)} ({one.name})" for one in base[:_SUMMED_SHOWN])
    more = len(base) - _SUMMED_SHOWN
    parts += f" and {more} lines more" if more > 0 else ""
    yield _step("base", f"{parts} = {_text(total)}", total)


def _amount_steps(line: LineItem) -> Iterator[dict[str, object]]:
    unit = line.credit_type.name
    if line.quantity is None or line.unit_price is None:
        yield _step("amount", f"{_text(line.total)} {unit}", line.total)
        return
    priced = EXACT.multiply(line.quantity, line.unit_price)
    text = f"{_text(line.quantity)} × {_text(line.unit_price)} = {_text(priced)} {unit}"
    yield _step("amount", text, priced)
    least = None if line.basis is None else line.basis.minimum
    if line.total == priced:
        return
    if least is not None:
        yield _step(
            "minimum",
            f"All of the charge is at least {_text(least)}, so this line comes to"
            f" {_text(line.total)}",
            line.total,
        )
    else:
        yield _step(
            "share of money",
            "Units were paid by an amount that does not divide evenly; the money does, and is"
            f" {_text(line.total)} {unit}",
            line.total,
        )


def _proration_steps(line: LineItem) -> Iterator[dict[str, object]]:
    if line.basis is None or line.basis.list_price is None:
        return
    yield _step(
        "prorate",
        f"Of a whole billing period, {optional(line.starting_at)} to"
        f" {optional(line.ending_before)} is billed: {_text(line.unit_price)} each",
        line.unit_price,
    )


def _counting_steps(
    line: LineItem, basis: LineBasis, metering: Metering
) -> Iterator[dict[str, object]]:
    metric, stretch = metering.metric, f"from {optional(line.starting_at)}"
    stretch += f" to {optional(line.ending_before)}"
    if metering.are_kept:
        yield _step(
            "select",
            f"{len(metering.events)} events {stretch} pass: {_filters(line, metering)}",
            Decimal(len(metering.events)),
        )
    else:
        # They may be stored no longer, so nobody can say how many there were.
        yield _step("select", f"The events {stretch} that pass: {_filters(line, metering)}", None)
    added = EXACT.subtract(basis.raw_to, basis.raw_from)
    yield _step(
        "count",
        f"{_aggregation(metric)} goes from {_text(basis.raw_from)} to {_text(basis.raw_to)}"
        f" since the period began: {_text(added)} more",
        added,
    )


def _quantity_steps(basis: LineBasis, state: ProductState) -> Iterator[dict[str, object]]:
    conversion, rounding = state.quantity_conversion, state.quantity_rounding
    if conversion is not None:
        sign = "×" if conversion.operation is ConversionOperation.MULTIPLY else "÷"
        factor = _text(conversion.conversion_factor)
        yield _step(
            "convert",
            f"Totals are converted: {_text(basis.raw_from)} {sign} {factor} and"
            f" {_text(basis.raw_to)} {sign} {factor}",
            None,
        )
    if rounding is not None:
        yield _step(
            "round",
            f"Totals are rounded, {rounding.rounding_method.value} to {rounding.decimal_places}"
            f" places: {_text(basis.quantity_from)} and {_text(basis.quantity_to)}",
            None,
        )
    quantity = EXACT.subtract(basis.quantity_to, basis.quantity_from)
    yield _step(
        "quantity",
        f"{_text(basis.quantity_to)} - {_text(basis.quantity_from)} = {_text(quantity)} units",
        quantity,
    )


def _price_steps(source: Source, line: LineItem) -> Iterator[dict[str, object]]:
    rate, override = source.rate, source.override
    if rate is not None:
        price = f": {_text(rate.price)}" if rate.price is not None else ""
        until = "" if rate.ending_before is None else f" to {timestamp(rate.ending_before)}"
        group = ", ".join(f"{key} {value}" for key, value in rate.pricing_group_values.items())
        yield _step(
            "list rate",
            f"Rate {rate.sequence} of card {source.card.name} is {rate.rate_type.value}{price},"
            f" in force from {timestamp(rate.starting_at)}{until}"
            + (f", for {group}" if group else ""),
            rate.price,
        )
    if source.at_commit_rate and rate is not None and rate.commit_rate is not None:
        paid = rate.commit_rate.price
        said = "" if paid is None else f": {_text(paid)}"
        yield _step("commit rate", f"Units paid by this balance cost the commit rate{said}", paid)
    if override is not None:
        yield _step(
            "override",
            f"Override {override.id} {_effect(override)}: the unit price is"
            f" {_text(line.unit_price)}",
            line.unit_price,
        )


def _effect(override: Override) -> str:
    match override.type:
        case OverrideType.OVERWRITE:
            return "replaces the rate"
        case OverrideType.MULTIPLIER:
            return f"multiplies it by {_text(override.multiplier)}"
        case OverrideType.TIERED:
            return "multiplies it by steps"
        case None:
            return "changes what is entitled"


def _filters(line: LineItem, metering: Metering) -> str:
    metric = metering.metric
    if metric.sql is not None:
        return f"all that the query looks at ({metric.sql})"
    parts = [
        *_type_filters(metric.event_type_filter),
        *(_property_filter(condition) for condition in metric.property_filters),
    ]
    values = {**line.pricing_group_values, **line.presentation_group_values}
    parts += [f"{key} is {value}" for key, value in values.items()]
    if metering.usage_filter is not None:
        wanted = ", ".join(metering.usage_filter.group_values)
        parts.append(f"the contract's filter, {metering.usage_filter.group_key} in {wanted}")
    return "; ".join(part for part in parts if part) or "no filter"


def _type_filters(condition: EventTypeFilter | None) -> Iterator[str]:
    if condition is None:
        return
    if condition.in_values is not None:
        yield f"event type in {', '.join(condition.in_values)}"
    if condition.not_in_values is not None:
        yield f"event type not in {', '.join(condition.not_in_values)}"


def _property_filter(condition: PropertyFilter) -> str:
    said = []
    if condition.exists is not None:
        said.append("is there" if condition.exists else "is absent")
    if condition.in_values is not None:
        said.append(f"in {', '.join(condition.in_values)}")
    if condition.not_in_values is not None:
        said.append(f"not in {', '.join(condition.not_in_values)}")
    return f"{condition.name} {' and '.join(said)}" if said else ""


def _aggregation(metric: BillableMetric) -> str:
    if metric.aggregation_type is None:
        return f"{metric.name} (SQL)"
    of = "" if metric.aggregation_key is None else f" of {metric.aggregation_key}"
    return f"{metric.name} ({metric.aggregation_type.value}{of})"


def _step(name: str, text: str, value: Decimal | None) -> dict[str, object]:
    return {"name": name, "text": text, **present(value=value)}


def _text(number: Decimal | None) -> str:
    return "nothing" if number is None else json.number_text(number)


def total_of(amounts: Iterator[Decimal]) -> Decimal:
    """Returns the exact sum."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
