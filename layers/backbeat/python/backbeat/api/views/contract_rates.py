"""The prices of a contract as the API shows them."""

from datetime import datetime

from backbeat.api.views.catalog import priced_product_view
from backbeat.api.views.overrides import overwrite_rate_view
from backbeat.api.views.times import present
from backbeat.application.contract_rates import ContractRate


def contract_rate_view(found: ContractRate, at: datetime) -> dict[str, object]:
    """Returns a rate of the card and the price that an override makes of it."""
    view = priced_product_view(found.entry, at)
    list_rate = view.pop("rate")
    values = found.entry.rate.pricing_group_values
    override = None
    if found.override is not None:
        override = {
            **overwrite_rate_view(found.override),
            **present(pricing_group_values=values or None),
        }
    # Only what is billed is shown, so an override may have entitled what the card does not.
    return {
        **view,
        "rate_card_id": found.rate_card_id,
        "entitled": True,
        "list_rate": list_rate,
        **present(override_rate=override),
    }
