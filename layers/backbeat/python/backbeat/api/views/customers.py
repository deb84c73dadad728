"""Customers as the API shows them."""

from backbeat.api.views.times import optional, timestamp
from backbeat.models.customers import Customer


def customer_view(customer: Customer) -> dict[str, object]:
    """Returns the short form. `external_id` is the first alias, or the id (decision D-13)."""
    return {
        "id": customer.id,
        "external_id": customer.ingest_aliases[0] if customer.ingest_aliases else customer.id,
        "ingest_aliases": list(customer.ingest_aliases),
        "name": customer.name,
        "custom_fields": customer.custom_fields,
    }


def customer_detail_view(customer: Customer) -> dict[str, object]:
    """Returns the long form."""
    return {
        **customer_view(customer),
        "customer_config": {"salesforce_account_id": customer.salesforce_account_id},
        "created_at": timestamp(customer.created_at),
        "updated_at": timestamp(customer.updated_at),
        "archived_at": optional(customer.archived_at),
        "current_billable_status": {"value": "billable", "effective_at": None},
    }
