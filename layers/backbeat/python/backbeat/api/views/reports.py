"""Reports as JSON."""

from backbeat.api.views.catalog import credit_type_view
from backbeat.application.open_spend import OpenSpend


def open_spend_view(spend: OpenSpend) -> dict[str, object]:
    """Returns what a page of customers has spent so far."""
    return {
        "customers": spend.customers,
        "totals": [
            {"credit_type": credit_type_view(unit), "drafts": one.drafts, "total": one.total}
            for unit, one in spend.totals.items()
        ],
        "products": [
            {
                "product_id": used.product_id,
                "name": used.name,
                "credit_type": credit_type_view(used.credit_type),
                "quantity": amount.quantity,
                "total": amount.total,
            }
            for used, amount in spend.used.items()
        ],
        "failed": [
            {"customer_id": customer_id, "message": message}
            for customer_id, message in spend.failed.items()
        ],
    }
