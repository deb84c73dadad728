"""Invoices as the API shows them."""

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import present, timestamp
from backbeat.models.invoices import Invoice, LineItem


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
        type=line.type,
        name=line.name,
        product_id=line.product_id,
        product_type=line.product_type,
        product_tags=list(line.product_tags),
        product_custom_fields=line.product_custom_fields,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        credit_type=credit_type_view(line.credit_type),
        starting_at=timestamp(line.starting_at),
        ending_before=timestamp(line.ending_before),
        pricing_group_values=line.pricing_group_values or None,
        presentation_group_values=line.presentation_group_values or None,
    )
