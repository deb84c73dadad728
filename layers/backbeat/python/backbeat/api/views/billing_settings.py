"""Ways to deliver invoices as the API shows them."""

from backbeat.models.provider_configurations import DeliveryAccount


def delivery_account_view(account: DeliveryAccount) -> dict[str, object]:
    """Returns a way to deliver, without its secrets."""
    return {
        "billing_provider": account.provider,
        "delivery_method_id": account.id,
        "delivery_method": account.method.value,
        "delivery_method_configuration": account.configuration,
    }
