"""Customers as the API shows them."""

from datetime import datetime

from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.customers import BillableStatus, Customer
from backbeat.models.provider_configurations import ProviderConfiguration


def customer_view(customer: Customer) -> dict[str, object]:
    """Returns the short form. `external_id` is the first alias, or the id (decision D-13)."""
    return {
        "id": customer.id,
        "external_id": customer.ingest_aliases[0] if customer.ingest_aliases else customer.id,
        "ingest_aliases": list(customer.ingest_aliases),
        "name": customer.name,
        "custom_fields": customer.custom_fields,
    }


def customer_detail_view(customer: Customer, *, at: datetime) -> dict[str, object]:
    """Returns the long form, as it is at an instant."""
    return {
        **customer_view(customer),
        "customer_config": {"salesforce_account_id": customer.salesforce_account_id},
        "created_at": timestamp(customer.created_at),
        "updated_at": timestamp(customer.updated_at),
        "archived_at": optional(customer.archived_at),
        "current_billable_status": billable_status_view(customer, at=at),
    }


def billable_status_view(customer: Customer, *, at: datetime) -> dict[str, object]:
    """Returns the status in force at an instant, and since when."""
    change = customer.billable_status_at(at)
    if change is None:
        return {"value": BillableStatus.BILLABLE.value, "effective_at": None}
    return {"value": change.value.value, "effective_at": timestamp(change.effective_at)}


def created_billing_configuration_view(one: ProviderConfiguration) -> dict[str, object]:
    """Returns a new account at a billing provider: less than what reading it shows."""
    return {
        "id": one.id,
        "customer_id": one.customer_id,
        "billing_provider": one.provider,
        "configuration": one.configuration,
        "delivery_method_id": one.delivery_method_id,
        **present(tax_provider=one.tax_provider),
    }


def billing_configuration_view(one: ProviderConfiguration) -> dict[str, object]:
    """Returns an account at a billing provider."""
    return {**created_billing_configuration_view(one), **_delivery_view(one)}


def revenue_configuration_view(one: ProviderConfiguration) -> dict[str, object]:
    """Returns an account at a revenue system."""
    return {
        "id": one.id,
        "customer_id": one.customer_id,
        "provider": one.provider,
        "configuration": one.configuration,
        **_delivery_view(one),
    }


def _delivery_view(one: ProviderConfiguration) -> dict[str, object]:
    return {
        "delivery_method_id": one.delivery_method_id,
        "delivery_method": one.delivery_method.value,
        "delivery_method_configuration": {},
        "archived_at": optional(one.archived_at),
    }
