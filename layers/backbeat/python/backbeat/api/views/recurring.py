"""Recurring commits and credits as the API shows them."""

from datetime import datetime

from backbeat.api.views.balances import sharing_view, specifier_view, subscription_config_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.recurring import (
    AmountUpdate,
    RecurringAmount,
    RecurringBalance,
    RecurringTerms,
    RecurringUpdate,
)


def recurring_view(
    template: RecurringBalance, *, contract_id: str, anchor: datetime, product_name: str
) -> dict[str, object]:
    """Returns a recurring commit or credit. `anchor` is what its periods are counted from."""
    return present(
        id=template.id,
        contract={"id": contract_id},
        anchor_date=timestamp(anchor),
        starting_at=timestamp(template.starting_at),
        ending_before=optional(template.ending_before),
        hierarchy_configuration=sharing_view(template.sharing),
        subscription_config=None
        if template.link is None
        else subscription_config_view(template.link),
        **recurring_terms_view(template, product_name=product_name),
    )


def recurring_terms_view(template: RecurringTerms, *, product_name: str) -> dict[str, object]:
    """Returns what a recurring commit or credit says, but for dates and what it is linked to."""
    return present(
        name=template.name,
        description=template.description,
        product={"id": template.product_id, "name": product_name},
        access_amount=_amount_view(template.access),
        invoice_amount=None if template.invoice is None else _amount_view(template.invoice),
        priority=template.priority,
        rate_type=template.rate_type.value,
        commit_duration={"value": template.duration, "unit": "PERIODS"},
        recurrence_frequency=None if template.frequency is None else template.frequency.value,
        proration=template.proration.value,
        proration_rounding=_rounding_view(template),
        rollover_fraction=template.rollover_fraction,
        applicable_product_ids=list(template.applicable_product_ids) or None,
        applicable_product_tags=list(template.applicable_product_tags) or None,
        specifiers=[specifier_view(one) for one in template.specifiers] or None,
    )


def recurring_update_view(update: RecurringUpdate) -> dict[str, object]:
    """Returns what an edit did to a recurring commit or credit."""
    return present(
        id=update.recurring_id,
        ending_before=optional(update.ending_before),
        access_amount=_update_view(update.access),
        invoice_amount=_update_view(update.invoice),
        rate_type=None if update.rate_type is None else update.rate_type.value,
    )


def _rounding_view(template: RecurringTerms) -> dict[str, object] | None:
    given = {"access": template.access_rounding, "invoice": template.invoice_rounding}
    shown: dict[str, object] = {
        name: {
            "rounding_method": one.rounding_method.value,
            "decimal_places": one.decimal_places,
        }
        for name, one in given.items()
        if one is not None
    }
    return shown or None


def _amount_view(amount: RecurringAmount) -> dict[str, object]:
    return present(
        unit_price=amount.unit_price,
        quantity=amount.quantity,
        credit_type_id=amount.credit_type.id,
    )


def _update_view(update: AmountUpdate | None) -> dict[str, object] | None:
    if update is None:
        return None
    return present(unit_price=update.unit_price, quantity=update.quantity)
