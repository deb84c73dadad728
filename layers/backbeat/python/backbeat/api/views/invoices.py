"""Invoices as the API shows them."""

from collections.abc import Mapping
from typing import Final

from backbeat.api import json
from backbeat.api.views.catalog import credit_type_view, rate_view
from backbeat.api.views.charges import royalty_record_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.breakdowns import Row
from backbeat.models.external_invoices import ExternalInvoice
from backbeat.models.invoices import Invoice, LineItem, LineTier
from backbeat.models.rates import Rate


def invoice_view(
    invoice: Invoice, *, skip_zero: bool, list_rates: Mapping[int, Rate] | None = None
) -> dict[str, object]:
    """Returns an invoice. With `skip_zero`, lines of quantity zero are left out.

    `list_rates` are the price list's rates by sequence number, to be shown with the lines.
    """
    lines = [line for line in invoice.line_items if not (skip_zero and line.quantity == 0)]
    return {
        **invoice_header_view(invoice),
        "line_items": [line_view(line, list_rates=list_rates) for line in lines],
    }


def invoice_header_view(invoice: Invoice) -> dict[str, object]:
    """Returns an invoice without its lines."""
    return {
        **present(
            id=invoice.id,
            customer_id=invoice.customer_id,
            contract_id=invoice.contract_id or None,
            type=invoice.type.value,
            status=invoice.status.value,
            issued_at=timestamp(invoice.issued_at),
            start_timestamp=optional(invoice.start_timestamp),
            end_timestamp=optional(invoice.end_timestamp),
            net_payment_terms_days=invoice.net_payment_terms_days,
            regenerated_from_invoice_id=invoice.regenerated_from_invoice_id,
            reseller_royalty=None
            if invoice.reseller_royalty is None
            else royalty_record_view(invoice.reseller_royalty),
            payer=None if invoice.payer is None else invoice.payer.model_dump(),
            constituent_invoices=[one.model_dump() for one in invoice.constituents] or None,
        ),
        "credit_type": credit_type_view(invoice.credit_type),
        "total": invoice.total,
        "external_invoice": None if invoice.external is None else external_view(invoice.external),
        "billable_status": invoice.billable_status.value,
        "customer_custom_fields": invoice.customer_custom_fields,
        "contract_custom_fields": invoice.contract_custom_fields,
        "custom_fields": invoice.custom_fields,
    }


def external_view(external: ExternalInvoice) -> dict[str, object]:
    """Returns what is known of an invoice at its billing provider."""
    return present(
        billing_provider_type=external.provider,
        invoice_id=external.invoice_id,
        issued_at_timestamp=optional(external.issued_at),
        external_status=external.status.value,
        billing_provider_error=external.error,
    )


def breakdown_view(
    row: Row, *, skip_zero: bool, list_rates: Mapping[int, Rate] | None = None
) -> dict[str, object]:
    """Returns the part of an invoice that falls into one window."""
    return {
        **invoice_view(row.invoice, skip_zero=skip_zero, list_rates=list_rates),
        "breakdown_start_timestamp": timestamp(row.window.starting_at),
        "breakdown_end_timestamp": timestamp(row.window.ending_before),
    }


_SPEND_FIELDS: Final = (
    "id",
    "customer_id",
    "contract_id",
    "type",
    "status",
    "credit_type",
    "issued_at",
    "start_timestamp",
    "end_timestamp",
    "line_items",
    "breakdown_start_timestamp",
    "breakdown_end_timestamp",
)


def spend_view(
    row: Row, *, skip_zero: bool, list_rates: Mapping[int, Rate] | None = None
) -> dict[str, object]:
    """Returns what was spent in one window, before credits. There is no total."""
    whole = breakdown_view(row, skip_zero=skip_zero, list_rates=list_rates)
    return {name: whole[name] for name in _SPEND_FIELDS if name in whole}


def line_view(line: LineItem, *, list_rates: Mapping[int, Rate] | None = None) -> dict[str, object]:
    """Returns a line, with the price list's rate where those are given."""
    sequence = None if line.basis is None else line.basis.rate_sequence
    list_rate = (list_rates or {}).get(sequence or 0)
    return present(
        type=line.type.value,
        name=line.name,
        product_id=line.product_id,
        product_type=line.product_type,
        product_tags=None if line.product_id is None else list(line.product_tags),
        product_custom_fields=None if line.product_id is None else line.product_custom_fields,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        list_price=None if list_rate is None else rate_view(list_rate),
        credit_type=credit_type_view(line.credit_type),
        starting_at=optional(line.starting_at),
        ending_before=optional(line.ending_before),
        pricing_group_values=line.pricing_group_values or None,
        presentation_group_values=line.presentation_group_values or None,
        tier=None if line.tier is None else _tier_view(line.tier),
        is_prorated=line.is_prorated,
        subscription_id=line.subscription_id,
        scheduled_charge_id=line.scheduled_charge_id,
        discount_id=line.discount_id,
        professional_service_id=line.professional_service_id,
        commit_id=line.commit_id,
        commit_segment_id=line.commit_segment_id,
        commit_type=line.commit_type,
        postpaid_commit=None
        if line.postpaid_commit_id is None
        else {"id": line.postpaid_commit_id},
        applied_commit_or_credit=None
        if line.applied_id is None
        else {"id": line.applied_id, "type": line.applied_type},
        **_custom_fields_view(line),
        metadata=line.metadata,
        origin=None if line.origin is None else line.origin.model_dump(),
    )


def _custom_fields_view(line: LineItem) -> dict[str, object]:
    """Returns the values of what a line is about, also where there are none."""
    ids = {
        "scheduled_charge": line.scheduled_charge_id,
        "discount": line.discount_id,
        "professional_service": line.professional_service_id,
        "subscription": line.subscription_id,
    }
    shown = {f"{name}_custom_fields": line.term_custom_fields for name, id_ in ids.items() if id_}
    if line.commit_id is not None or line.postpaid_commit_id is not None:
        shown["commit_custom_fields"] = line.commit_custom_fields
    return {**shown}


def _tier_view(tier: LineTier) -> dict[str, object]:
    return {
        "level": tier.level,
        "starting_at": json.number_text(tier.starting_at),
        "size": None if tier.size is None else json.number_text(tier.size),
    }
