"""Packages as the API shows them."""

from collections.abc import Sequence

from backbeat.api.views.balances import specifier_view as usage_specifier_view
from backbeat.api.views.balances import subscription_config_view
from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.contracts import CREATED_BY
from backbeat.api.views.overrides import Names, specifier_view, terms_view
from backbeat.api.views.recurring import recurring_terms_view
from backbeat.api.views.threshold_billing import prepaid_threshold_view, spend_threshold_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.balances import BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.packages import (
    BalanceTemplate,
    OverrideTemplate,
    Package,
    RecurringTemplate,
    ScheduledChargeTemplate,
    SubscriptionTemplate,
    TemplateItem,
)
from backbeat.models.schedules import RelativeDate


def package_view(package: Package, *, products: Names) -> dict[str, object]:
    """Returns a package. `products` names those its terms name."""
    key, provider = package.uniqueness_key, package.billing_provider
    return present(
        id=package.id,
        name=package.name,
        contract_name=package.contract_name,
        uniqueness_key=None if key is None else f"package:{key}",
        rate_card_id=package.rate_card_id,
        aliases=[
            present(
                name=alias.name,
                starting_at=optional(alias.starting_at),
                ending_before=optional(alias.ending_before),
            )
            for alias in package.aliases
        ],
        duration=None if package.duration is None else _relative_view(package.duration),
        overrides=[_template_view(entry, products=products) for entry in package.overrides],
        multiplier_override_prioritization=package.multiplier_override_prioritization.value,
        scheduled_charges_on_usage_invoices=package.scheduled_charges_on_usage_invoices,
        usage_statement_schedule={
            "frequency": package.frequency.value,
            "day": package.statement_day.value,
        },
        net_payment_terms_days=package.net_payment_terms_days,
        billing_provider=None if provider is None else provider.provider,
        delivery_method=None if provider is None else provider.delivery_method,
        created_at=timestamp(package.created_at),
        created_by=CREATED_BY,
        archived_at=optional(package.archived_at),
        commits=[_balance_view(entry, products=products) for entry in package.commits],
        credits=[_balance_view(entry, products=products) for entry in package.credits],
        prepaid_balance_threshold_configuration=prepaid_threshold_view(package.prepaid_threshold),
        spend_threshold_configuration=spend_threshold_view(package.spend_threshold),
        recurring_commits=_recurring_views(package, products=products, commits=True),
        recurring_credits=_recurring_views(package, products=products, commits=False),
        scheduled_charges=[
            _charge_view(entry, products=products) for entry in package.scheduled_charges
        ],
        subscriptions=[
            _subscription_view(entry, products=products) for entry in package.subscriptions
        ],
    )


def contract_on_package_view(contract: Contract) -> dict[str, object]:
    """Returns a contract made from a package, in short."""
    return present(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        starting_at=timestamp(contract.starting_at),
        ending_before=optional(contract.ending_before),
        archived_at=optional(contract.archived_at),
    )


def _template_view(template: OverrideTemplate, *, products: Names) -> dict[str, object]:
    return present(
        id=template.id,
        override_specifiers=[specifier_view(entry) for entry in template.terms.specifiers],
        starting_at_offset=_relative_view(template.starting_at_offset),
        duration=None if template.duration is None else _relative_view(template.duration),
        **terms_view(template.terms, products=products),
    )


def _charge_view(template: ScheduledChargeTemplate, *, products: Names) -> dict[str, object]:
    return present(
        id=template.id,
        name=template.name,
        product={"id": template.product_id, "name": products[template.product_id]},
        schedule={
            "credit_type": credit_type_view(template.credit_type),
            "schedule_items": _item_views(template.items),
        },
        custom_fields=template.custom_fields,
    )


def _balance_view(template: BalanceTemplate, *, products: Names) -> dict[str, object]:
    return present(
        id=template.id,
        type=template.type.value,
        rate_type=template.rate_type.value,
        name=template.name,
        description=template.description,
        priority=template.priority,
        product={"id": template.product_id, "name": products[template.product_id]},
        access_schedule={
            "credit_type": credit_type_view(template.credit_type),
            "schedule_items": [
                {
                    "id": one.id,
                    "amount": one.amount,
                    "starting_at_offset": _relative_view(one.starting_at_offset),
                    "duration": _relative_view(one.lasts),
                }
                for one in template.segments
            ],
        },
        invoice_schedule=None
        if template.invoice_credit_type is None
        else {
            "credit_type": credit_type_view(template.invoice_credit_type),
            "schedule_items": _item_views(template.invoice_items),
            "do_not_invoice": template.do_not_invoice,
        },
        rollover_fraction=template.rollover_fraction,
        applicable_product_ids=list(template.applicable_product_ids) or None,
        applicable_product_tags=list(template.applicable_product_tags) or None,
        specifiers=[usage_specifier_view(one) for one in template.specifiers] or None,
        custom_fields=template.custom_fields,
    )


def _item_views(items: Sequence[TemplateItem]) -> list[dict[str, object]]:
    return [
        {
            "id": item.id,
            "unit_price": item.amount.unit_price,
            "quantity": item.amount.quantity,
            "date_offset": _relative_view(item.date_offset),
        }
        for item in items
    ]


def _subscription_view(template: SubscriptionTemplate, *, products: Names) -> dict[str, object]:
    offset, key = template.starting_at_offset, template.seat_group_key
    return present(
        id=template.id,
        name=template.name,
        description=template.description,
        subscription_rate={
            "billing_frequency": template.frequency.value,
            "product": {"id": template.product_id, "name": products[template.product_id]},
        },
        collection_schedule=template.collection_schedule.value,
        proration={
            "is_prorated": template.proration.is_prorated,
            "invoice_behavior": template.proration.invoice_behavior.value,
        },
        initial_quantity=template.initial_quantity if key is None else None,
        quantity_management_mode=template.quantity_mode.value,
        seat_config=None if key is None else {"seat_group_key": key},
        starting_at_offset=None if offset is None else _relative_view(offset),
        duration=None if template.duration is None else _relative_view(template.duration),
        custom_fields=template.custom_fields,
    )


def _recurring_views(
    package: Package, *, products: Names, commits: bool
) -> list[dict[str, object]]:
    return [
        _recurring_view(template, products=products)
        for template in package.recurring_balances
        if (template.type is not BalanceType.CREDIT) is commits
    ]


def _recurring_view(template: RecurringTemplate, *, products: Names) -> dict[str, object]:
    link, lasts = template.link, template.lasts
    config = None
    if link is not None:
        config = {
            **subscription_config_view(link),
            "subscription_template_id": link.subscription_id,
        }
        del config["subscription_id"]
    return present(
        id=template.id,
        starting_at_offset=_relative_view(template.starting_at_offset),
        duration=None if lasts is None else _relative_view(lasts),
        subscription_config=None
        if link is None
        else subscription_config_view(link, name="subscription_template_id"),
        **recurring_terms_view(template, product_name=products[template.product_id]),
    )


def _relative_view(distance: RelativeDate) -> dict[str, object]:
    return {"value": distance.value, "unit": distance.unit.value}
