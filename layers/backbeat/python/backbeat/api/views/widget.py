"""What a customer sees of itself, as JSON."""

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import timestamp
from backbeat.application.own_usage import OpenPeriod, OwnUsage
from backbeat.models.customers import Customer


def own_usage_view(customer: Customer, usage: OwnUsage) -> dict[str, object]:
    """Returns a customer's open periods and limits."""
    return {
        "customer": {"name": customer.name},
        "at": timestamp(usage.at),
        "periods": [_period_view(one) for one in usage.periods],
        "limits": [
            {
                "threshold": limit.threshold,
                "credit_type": credit_type_view(limit.credit_type),
                "reached": limit.reached,
            }
            for limit in usage.limits
        ],
    }


def _period_view(one: OpenPeriod) -> dict[str, object]:
    return {
        "starting_at": timestamp(one.period.starting_at),
        "ending_before": timestamp(one.period.ending_before),
        "credit_type": credit_type_view(one.credit_type),
        "used": [
            {
                "name": used.name,
                "groups": used.groups,
                "quantity": used.quantity,
                "amount": used.amount,
            }
            for used in one.used
        ],
        "spent": one.spent,
        "covered": one.covered,
        "due": one.due,
        "projected": one.projected,
    }
