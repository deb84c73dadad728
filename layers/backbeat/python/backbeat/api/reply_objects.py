"""What the things that operations answer with look like, for programs that read the document.

A field that is not required is absent where a thing has none. There may be further fields.
"""

from collections.abc import Mapping
from typing import Any, Final

_REFERENCE: Final = "#/components/schemas/"

Form = Mapping[str, Any]


def one(name: str) -> dict[str, Any]:
    """Returns a reference to the thing of that name below."""
    return {"$ref": f"{_REFERENCE}{_called(name)}"}


def _called(name: str) -> str:
    # Requests have customers and products, too, of other fields.
    return f"{name}Reply"


def _object(required: Mapping[str, Form], **optional: Form) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": [*required],
    }


def _list(items: Form) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(form: Form) -> dict[str, Any]:
    return {"anyOf": [form, {"type": "null"}]}


_TEXT: Final = {"type": "string"}
_ID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": "string", "format": "date-time"}
_NUMBER: Final = {"type": "number"}
_AMOUNT: Final = {"type": "number", "description": "In the unit of the credit type; USD in cents."}
_FLAG: Final = {"type": "boolean"}
_TEXTS: Final = _list(_TEXT)
_MAP: Final = {"type": "object", "additionalProperties": _TEXT}
_NAMED: Final = _object({"id": _ID, "name": _TEXT})
_LINK: Final = _object({"customer_id": _ID, "contract_id": _ID})

_CUSTOMER: Final = {
    "id": _ID,
    "external_id": _TEXT,
    "ingest_aliases": _TEXTS,
    "name": _TEXT,
    "custom_fields": _MAP,
}
_FILTER: Final = _object({}, in_values=_TEXTS, not_in_values=_TEXTS)
_TIER: Final = _object({"price": _AMOUNT}, size=_NUMBER)
_PRODUCT_STATE: Final = {
    "name": _TEXT,
    "billable_metric_id": _ID,
    "tags": _TEXTS,
    "pricing_group_key": _TEXTS,
    "presentation_group_key": _TEXTS,
    "composite_tags": _TEXTS,
    "is_refundable": _FLAG,
    "exclude_free_usage": _FLAG,
    "include_composite_spend": _FLAG,
    "created_at": _TIME,
    "created_by": _TEXT,
    "starting_at": _TIME,
}
_INVOICE: Final = {
    "id": _ID,
    "customer_id": _ID,
    "credit_type": one("CreditType"),
    "line_items": _list(one("LineItem")),
    "status": {"enum": ["DRAFT", "FINALIZED", "VOID"]},
    "type": {"enum": ["USAGE", "SCHEDULED", "USAGE_CONSOLIDATED"]},
}
_OF_INVOICES: Final = {
    "contract_id": _ID,
    "issued_at": _TIME,
    "start_timestamp": _TIME,
    "end_timestamp": _TIME,
    "net_payment_terms_days": {"type": "integer"},
    "regenerated_from_invoice_id": _ID,
    "external_invoice": _or_null(
        _object(
            {"billing_provider_type": _TEXT},
            invoice_id=_TEXT,
            external_status=_TEXT,
            issued_at_timestamp=_TIME,
        )
    ),
    "billable_status": {"enum": ["billable", "unbillable"]},
    "customer_custom_fields": _MAP,
    "contract_custom_fields": _MAP,
    "custom_fields": _MAP,
    "payer": _LINK,
    "constituent_invoices": _list(
        _object({"customer_id": _ID, "contract_id": _ID, "invoice_id": _ID})
    ),
}
_WINDOW: Final = {"breakdown_start_timestamp": _TIME, "breakdown_end_timestamp": _TIME}
_SPAN: Final = {"starting_on": _TIME, "ending_before": _TIME, "value": _or_null(_NUMBER)}

_FORMS: Final[Mapping[str, Form]] = {
    "CreditType": _object({"id": _ID, "name": _TEXT}, is_currency=_FLAG),
    "Customer": _object(_CUSTOMER),
    "CustomerDetail": _object(
        _CUSTOMER,
        customer_config=_object({"salesforce_account_id": _or_null(_TEXT)}),
        created_at=_TIME,
        updated_at=_TIME,
        archived_at=_or_null(_TIME),
        current_billable_status=_object({"value": _TEXT}, effective_at=_or_null(_TIME)),
    ),
    "BillableMetric": _object(
        {"id": _ID, "name": _TEXT},
        aggregation_type=_TEXT,
        aggregation_key=_TEXT,
        event_type_filter=_FILTER,
        property_filters=_list(
            _object({"name": _TEXT}, exists=_FLAG, in_values=_TEXTS, not_in_values=_TEXTS)
        ),
        group_keys=_list(_TEXTS),
        sql=_TEXT,
        archived_at=_TIME,
        custom_fields=_MAP,
    ),
    "Product": _object(
        {
            "id": _ID,
            "type": {"enum": ["USAGE", "SUBSCRIPTION", "COMPOSITE", "FIXED", "PRO_SERVICE"]},
            "initial": one("ProductState"),
            "current": one("ProductState"),
            "updates": _list(_object({}, **_PRODUCT_STATE)),
        },
        archived_at=_or_null(_TIME),
        custom_fields=_MAP,
    ),
    "ProductState": {**_object({}, **_PRODUCT_STATE), "required": ["name"]},
    "RateCard": _object(
        {"id": _ID, "name": _TEXT, "created_at": _TIME, "created_by": _TEXT},
        description=_TEXT,
        fiat_credit_type=one("CreditType"),
        credit_type_conversions=_list(
            _object({"custom_credit_type": one("CreditType"), "fiat_per_custom_credit": _TEXT})
        ),
        aliases=_list(_object({"name": _TEXT}, starting_at=_TIME, ending_before=_TIME)),
        custom_fields=_MAP,
    ),
    "Rate": _object(
        {"rate_type": _TEXT},
        price=_AMOUNT,
        tiers=_list(_TIER),
        minimum_config=_object({"minimum": _AMOUNT}),
        credit_type=one("CreditType"),
        pricing_group_values=_MAP,
        commit_rate=_object({"rate_type": _TEXT}, price=_AMOUNT, tiers=_list(_TIER)),
    ),
    "DatedRate": _object(
        {"product_id": _ID, "entitled": _FLAG, "starting_at": _TIME, "rate": one("Rate")},
        product_name=_TEXT,
        product_tags=_TEXTS,
        product_custom_fields=_MAP,
        ending_before=_TIME,
        pricing_group_values=_MAP,
        billing_frequency=_TEXT,
        commit_rate=one("Rate"),
    ),
    "Invoice": _object({**_INVOICE, "total": _AMOUNT}, **_OF_INVOICES),
    "InvoiceOfWindow": _object({**_INVOICE, **_WINDOW, "total": _AMOUNT}, **_OF_INVOICES),
    "SpendOfWindow": _object({**_INVOICE, **_WINDOW}, **_OF_INVOICES),
    "LineItem": _object(
        {"type": _TEXT, "name": _TEXT, "total": _AMOUNT, "credit_type": one("CreditType")},
        product_id=_ID,
        product_type=_TEXT,
        product_tags=_TEXTS,
        product_custom_fields=_MAP,
        quantity=_NUMBER,
        unit_price=_AMOUNT,
        list_price=one("Rate"),
        starting_at=_TIME,
        ending_before=_TIME,
        is_prorated=_FLAG,
        tier=_object({"level": _NUMBER, "starting_at": _TEXT, "size": _or_null(_TEXT)}),
        pricing_group_values=_MAP,
        presentation_group_values=_MAP,
        commit_id=_ID,
        commit_segment_id=_ID,
        commit_type=_TEXT,
        applied_commit_or_credit=_object({"id": _ID, "type": _TEXT}),
        subscription_id=_ID,
        scheduled_charge_id=_ID,
        discount_id=_ID,
        professional_service_id=_ID,
    ),
    "UsageWindow": _object(
        {
            "customer_id": _ID,
            "billable_metric_id": _ID,
            "billable_metric_name": _TEXT,
            "start_timestamp": _TIME,
            "end_timestamp": _TIME,
            "value": _or_null(_NUMBER),
        },
        groups={"type": "object", "additionalProperties": _or_null(_NUMBER)},
    ),
    "UsageOfGroup": _object(
        _SPAN, group=_MAP, group_key=_or_null(_TEXT), group_value=_or_null(_TEXT)
    ),
    "UsageOfSeats": _object(_SPAN),
    "CustomFieldKey": _object({"entity": _TEXT, "key": _TEXT, "enforce_uniqueness": _FLAG}),
    "AuditLog": _object(
        {"id": _TEXT, "timestamp": _TIME, "request": _object({"id": _TEXT}), "status": _TEXT},
        actor=_object({"id": _TEXT, "name": _TEXT}),
        resource_type=_TEXT,
        resource_id=_TEXT,
        action=_TEXT,
        description=_TEXT,
    ),
    "Payment": _object(
        {"id": _ID, "invoice_id": _ID, "customer_id": _ID, "amount": _AMOUNT, "status": _TEXT},
        contract_id=_ID,
        amount_paid=_AMOUNT,
        error_message=_TEXT,
        fiat_credit_type=one("CreditType"),
        created_at=_TIME,
        updated_at=_TIME,
    ),
    "NetBalance": _object({"balance": _AMOUNT, "credit_type_id": _ID}),
    "Balance": _object(
        {"id": _ID, "type": {"enum": ["PREPAID", "POSTPAID", "CREDIT"]}, "product": _NAMED},
        name=_TEXT,
        description=_TEXT,
        priority=_NUMBER,
        rate_type=_TEXT,
        contract=_object({"id": _ID}),
        access_schedule=_object(
            {
                "schedule_items": _list(
                    _object(
                        {
                            "id": _ID,
                            "amount": _AMOUNT,
                            "starting_at": _TIME,
                            "ending_before": _TIME,
                        }
                    )
                )
            },
            credit_type=one("CreditType"),
        ),
        balance=_AMOUNT,
        ledger=_list(
            _object({"type": _TEXT, "timestamp": _TIME, "amount": _AMOUNT}, segment_id=_ID)
        ),
        rollover_fraction=_NUMBER,
        custom_fields=_MAP,
        created_at=_TIME,
    ),
}

OBJECTS: Final[Mapping[str, Form]] = {_called(name): form for name, form in _FORMS.items()}
"""Things by the names that the document calls them."""
