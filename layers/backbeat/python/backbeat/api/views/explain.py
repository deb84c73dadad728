"""Explanations of invoices and their lines: values for programs, sentences for people."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from backbeat.api import json
from backbeat.api.views.catalog import credit_type_view, metric_view, rate_view
from backbeat.api.views.invoices import line_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.explain import Explanation, Metering, Source
from backbeat.models.catalog import (
    BillableMetric,
    ConversionOperation,
    EventTypeFilter,
    ProductState,
    PropertyFilter,
)
from backbeat.models.invoices import Invoice, LineBasis, LineItem, LineType
from backbeat.models.money import EXACT
from backbeat.models.overrides import Override, OverrideType
from backbeat.models.usage import Counted, StoredEvent

_LATE_SHOWN = 20
_WHY = {
    LineType.SUBSCRIPTION: "a subscription's quantity at its price for the billing period",
    LineType.SCHEDULED: "an amount that the contract bills on this date",
    LineType.COMMIT_PURCHASE: "the price of a commit, by its invoice schedule",
    LineType.APPLIED: "a balance that paid for the line before it",
    LineType.CPU_CONVERSION: "spend in a custom pricing unit, converted by the card's price of one",
}


def explained_invoice_view(invoice: Invoice) -> dict[str, object]:
    """Returns an invoice's lines with their ids, and whether they add up."""
    return {
        **_invoice_view(invoice),
        "line_items": [
            {
                **_identified(line),
                "explanation": f"/mock/explain/{invoice.id}/{line.id}",
            }
            for line in invoice.line_items
        ],
    }


def explanation_view(
    told: Explanation, *, events: Sequence[Counted], next_page: str | None
) -> dict[str, object]:
    """Returns why a line costs what it costs. `events` is one page of those it counts."""
    metering, line = told.metering, told.line
    return present(
        invoice=_invoice_view(told.invoice),
        line_item=_identified(line),
        matches=told.matches,
        computed=None
        if told.anew is None
        else {
            "quantity": told.anew.quantity,
            "unit_price": told.anew.unit_price,
            "total": told.anew.total,
        },
        arithmetic=[{"step": number, **step} for number, step in enumerate(_steps(told), start=1)],
        metric=None if metering is None else metric_view(metering.metric),
        usage_filter=None
        if metering is None or metering.usage_filter is None
        else {
            "group_key": metering.usage_filter.group_key,
            "group_values": list(metering.usage_filter.group_values),
            "starting_at": timestamp(metering.usage_filter.starting_at),
        },
        group={**line.pricing_group_values, **line.presentation_group_values} or None,
        events=None
        if metering is None
        else {
            "count": len(metering.events),
            "contribution": _sum(one.contribution for one in metering.events)
            if metering.is_itemized
            else None,
            "data": [_counted_view(one, metering) for one in events],
            "next_page": next_page,
        },
        late_events=None
        if metering is None
        else {
            "count": len(metering.late),
            "first": [_event_view(stored) for stored in metering.late[:_LATE_SHOWN]],
        },
        rate=None if told.source is None else _source_view(told.source, line),
    )


def _counted_view(one: Counted, metering: Metering) -> dict[str, object]:
    if not metering.is_itemized:
        return _event_view(one.stored)
    return {
        **_event_view(one.stored),
        "contribution": one.contribution,
        "running_total": one.running_total,
    }


def _event_view(stored: StoredEvent) -> dict[str, object]:
    event = stored.event
    return {
        "transaction_id": event.transaction_id,
        "customer_id": event.customer_key,
        "event_type": event.event_type,
        "timestamp": timestamp(event.timestamp),
        "received_at": timestamp(stored.received_at),
        "properties": dict(event.properties),
    }


def _invoice_view(invoice: Invoice) -> dict[str, object]:
    lines = _sum(line.total for line in invoice.line_items)
    return present(
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        type=invoice.type.value,
        status=invoice.status.value,
        start_timestamp=optional(invoice.start_timestamp),
        end_timestamp=optional(invoice.end_timestamp),
        issued_at=timestamp(invoice.issued_at),
        finalized_at=optional(invoice.finalized_at),
        credit_type=credit_type_view(invoice.credit_type),
        total=invoice.total,
        sum_of_lines=lines,
    )


def _identified(line: LineItem) -> dict[str, object]:
    return {"id": line.id, **line_view(line)}


def _source_view(source: Source, line: LineItem) -> dict[str, object]:
    rate, override = source.rate, source.override
    return present(
        source="override" if override is not None else "list_rate",
        rate_card={"id": source.card.id, "name": source.card.name},
        list_rate=None
        if rate is None
        else {
            **rate_view(rate),
            **present(
                sequence=rate.sequence,
                starting_at=timestamp(rate.starting_at),
                ending_before=optional(rate.ending_before),
                created_at=timestamp(rate.created_at),
                entitled=rate.entitled,
                is_default=bool(line.pricing_group_values) and not rate.pricing_group_values,
            ),
        },
        override=None if override is None else _override_view(override),
        unit_price=line.unit_price,
    )


def _override_view(override: Override) -> dict[str, object]:
    return present(
        id=override.id,
        type=None if override.type is None else override.type.value,
        starting_at=timestamp(override.starting_at),
        ending_before=optional(override.ending_before),
        created_at=timestamp(override.created_at),
        multiplier=override.multiplier,
        tiers=[present(multiplier=tier.multiplier, size=tier.size) for tier in override.tiers]
        or None,
        overwrite_rate=None
        if override.overwrite_rate is None
        else present(
            rate_type=override.overwrite_rate.rate_type.value,
            price=override.overwrite_rate.price,
        ),
    )


# The arithmetic


def _steps(told: Explanation) -> Iterator[dict[str, object]]:
    line, basis, metering = told.line, told.line.basis, told.metering
    if metering is not None and basis is not None:
        yield from _counting_steps(line, basis, metering)
        yield from _quantity_steps(basis, metering.state)
    elif told.invoice.given_usage:
        yield _step("given", "The quantity was given when the invoice was imported", line.quantity)
    elif line.type in _WHY:
        yield _step("why", f"This line is {_WHY[line.type]}", None)
    if told.source is not None:
        yield from _price_steps(told.source, line)
    if line.tier is not None:
        start = line.tier.starting_at
        end = None if line.tier.size is None else EXACT.add(start, line.tier.size)
        reach = "and up" if end is None else f"up to {_text(end)}"
        yield _step(
            "tier",
            f"Tier {line.tier.level} holds the units of the period above {_text(start)} {reach}:"
            f" {_text(line.quantity)} of them are here",
            line.quantity,
        )
    if line.commit_id is not None and line.type is not LineType.APPLIED:
        yield _step(
            "share",
            f"{_text(line.quantity)} units of these are paid by the balance {line.commit_id}",
            line.quantity,
        )
    if line.quantity is not None and line.unit_price is not None:
        yield _step(
            "amount",
            f"{_text(line.quantity)} × {_text(line.unit_price)} = {_text(line.total)}"
            f" {line.credit_type.name}",
            EXACT.multiply(line.quantity, line.unit_price),
        )
    else:
        yield _step("amount", f"{_text(line.total)} {line.credit_type.name}", line.total)


def _counting_steps(
    line: LineItem, basis: LineBasis, metering: Metering
) -> Iterator[dict[str, object]]:
    metric, stretch = metering.metric, f"from {optional(line.starting_at)}"
    stretch += f" to {optional(line.ending_before)}"
    yield _step(
        "select",
        f"{len(metering.events)} events {stretch} pass: {_filters(line, metering)}",
        Decimal(len(metering.events)),
    )
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


def _sum(amounts: Iterator[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
