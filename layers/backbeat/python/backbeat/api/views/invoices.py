"""Invoices as the API shows them."""

from backbeat.api import json
from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.invoices import Invoice, LineItem, LineTier


def invoice_view(invoice: Invoice, *, skip_zero: bool) -> dict[str, object]:
    """Returns an invoice. With `skip_zero`, lines of quantity zero are left out."""
    lines = [line for line in invoice.line_items if not (skip_zero and line.quantity == 0)]
    return {
        **present(
            id=invoice.id,
            customer_id=invoice.customer_id,
            contract_id=invoice.contract_id,
            type=invoice.type.value,
            status=invoice.status.value,
            issued_at=timestamp(invoice.issued_at),
            start_timestamp=timestamp(invoice.start_timestamp),
            end_timestamp=timestamp(invoice.end_timestamp),
            net_payment_terms_days=invoice.net_payment_terms_days,
        ),
        "credit_type": credit_type_view(invoice.credit_type),
        "total": invoice.total,
        "external_invoice": None,
        "billable_status": "billable",
        "customer_custom_fields": invoice.customer_custom_fields,
        "contract_custom_fields": invoice.contract_custom_fields,
        "custom_fields": {},
        "line_items": [_line_view(line) for line in lines],
    }


def _line_view(line: LineItem) -> dict[str, object]:
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
    )


def _tier_view(tier: LineTier) -> dict[str, object]:
    return {
        "level": tier.level,
        "starting_at": json.number_text(tier.starting_at),
        "size": None if tier.size is None else json.number_text(tier.size),
    }
