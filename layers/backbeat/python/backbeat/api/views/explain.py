"""Explanations of invoices and their lines: values for programs, sentences for people."""

from collections.abc import Sequence

from backbeat.api.views.catalog import credit_type_view, metric_view, rate_view
from backbeat.api.views.explain_steps import steps, total_of
from backbeat.api.views.invoices import line_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.explain import Explanation, Metering, Payment, Source
from backbeat.models.balances import BalanceType
from backbeat.models.invoices import Invoice, LineItem
from backbeat.models.overrides import Override
from backbeat.models.usage import Counted, StoredEvent

_LATE_SHOWN = 20


def explained_invoice_view(invoice: Invoice) -> dict[str, object]:
    """Returns an invoice's lines with their ids, and whether they add up."""
    return {
        **_invoice_view(invoice),
        "line_items": [
            {
                **_identified(line),
                "explanation": f"/explain/{invoice.id}/{line.id}",
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
        arithmetic=[{"step": number, **step} for number, step in enumerate(steps(told), start=1)],
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
            "complete": metering.are_kept,
            "count": len(metering.events),
            "contribution": total_of(one.contribution for one in metering.events)
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
        payment=None if told.payment is None else _payment_view(told.payment),
        base=[_identified(one) for one in told.base] or None,
    )


def _payment_view(payment: Payment) -> dict[str, object]:
    balance, segment = payment.balance, payment.segment
    return present(
        covered_line_item_id=payment.covered.id,
        commit_id=payment.covered.commit_id,
        name=None if balance is None else balance.name,
        type=None if balance is None else balance.type.value,
        priority=None if balance is None else balance.priority,
        segment=None
        if segment is None
        else {
            "id": segment.id,
            "amount": segment.amount,
            "starting_at": timestamp(segment.starting_at),
            "ending_before": timestamp(segment.ending_before),
        },
        amount=payment.covered.total,
        drawn_by_invoice=payment.drawn,
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
    # What other units come to is in lines of its own; what a postpaid commit covers is paid.
    lines = total_of(
        line.total
        for line in invoice.line_items
        if line.credit_type.id == invoice.credit_type.id
        and line.applied_type != BalanceType.POSTPAID
    )
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
        source=_origin(source),
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


def _origin(source: Source) -> str:
    if source.override is not None:
        return "override"
    return "commit_rate" if source.at_commit_rate else "list_rate"


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
