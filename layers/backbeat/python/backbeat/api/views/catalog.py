"""Billable metrics, products and rate cards as the API shows them."""

from collections.abc import Sequence
from datetime import datetime

from backbeat.api import json
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.rates import PricedProduct
from backbeat.models.catalog import BillableMetric, Product, ProductState, ProductUpdate
from backbeat.models.money import CreditType
from backbeat.models.rates import AliasSegment, CommitRate, Rate, RateCard, Tier

_CREATED_BY = "api"


def credit_type_view(credit_type: CreditType) -> dict[str, object]:
    """Returns a credit type where another object refers to it."""
    return {"id": credit_type.id, "name": credit_type.name}


def metric_view(metric: BillableMetric) -> dict[str, object]:
    """Returns a billable metric."""
    event_types = metric.event_type_filter
    if metric.aggregation_type is None:
        return present(
            id=metric.id,
            name=metric.name,
            sql=metric.sql,
            custom_fields=metric.custom_fields,
            archived_at=optional(metric.archived_at),
        )
    return present(
        id=metric.id,
        name=metric.name,
        aggregation_type=metric.aggregation_type.value,
        aggregation_key=metric.aggregation_key,
        event_type_filter=None if event_types is None else _given(event_types),
        property_filters=[_given(condition) for condition in metric.property_filters],
        group_keys=[list(key) for key in metric.group_keys],
        custom_fields=metric.custom_fields,
        archived_at=optional(metric.archived_at),
    )


def product_view(product: Product, now: datetime) -> dict[str, object]:
    """Returns a product with its first and its present definition and the changes made to it."""
    return {
        "id": product.id,
        "type": product.type.value,
        "archived_at": optional(product.archived_at),
        "initial": _state_view(product.initial),
        "current": _state_view(product.state_at(now)),
        "updates": [_update_view(product, update) for update in product.updates],
        "custom_fields": product.custom_fields,
    }


def rate_card_view(
    card: RateCard, aliases: Sequence[tuple[str, AliasSegment]]
) -> dict[str, object]:
    """Returns a rate card without its rates."""
    return present(
        id=card.id,
        name=card.name,
        description=card.description,
        created_at=timestamp(card.created_at),
        created_by=_CREATED_BY,
        fiat_credit_type=credit_type_view(card.fiat_credit_type),
        credit_type_conversions=[
            {
                "custom_credit_type": credit_type_view(conversion.custom_credit_type),
                # A number when it is sent, a text when it is read.
                "fiat_per_custom_credit": json.number_text(conversion.fiat_per_custom_credit),
            }
            for conversion in card.credit_type_conversions
        ],
        aliases=[
            present(
                name=name,
                starting_at=optional(segment.starting_at),
                ending_before=optional(segment.ending_before),
            )
            for name, segment in aliases
        ],
        custom_fields=card.custom_fields,
    )


def rate_view(rate: Rate) -> dict[str, object]:
    """Returns what a rate charges. `price` is in the unit of the credit type (USD: cents)."""
    return present(
        rate_type=rate.rate_type.value,
        price=rate.price,
        tiers=_tiers_view(rate.tiers),
        minimum_config=None if rate.minimum is None else {"minimum": rate.minimum},
        quantity=rate.quantity,
        is_prorated=rate.is_prorated,
        credit_type=credit_type_view(rate.credit_type),
        pricing_group_values=rate.pricing_group_values or None,
    )


def added_rate_view(rate: Rate) -> dict[str, object]:
    """Returns a rate as the answer to adding it."""
    return {**rate_view(rate), **present(commit_rate=_commit_rate_view(rate.commit_rate))}


def priced_product_view(entry: PricedProduct, at: datetime) -> dict[str, object]:
    """Returns a rate, when it holds, and the product it prices as that is defined at an instant."""
    rate, product = entry.rate, entry.product
    state = product.state_at(at)
    frequency = rate.billing_frequency
    return present(
        product_id=product.id,
        product_name=state.name,
        product_tags=list(state.tags),
        product_custom_fields=product.custom_fields,
        entitled=rate.entitled,
        starting_at=timestamp(entry.starting_at),
        ending_before=optional(entry.ending_before),
        pricing_group_values=rate.pricing_group_values or None,
        billing_frequency=None if frequency is None else frequency.value,
        rate=rate_view(rate),
        commit_rate=_commit_rate_view(rate.commit_rate),
    )


def _commit_rate_view(rate: CommitRate | None) -> dict[str, object] | None:
    if rate is None:
        return None
    return present(
        rate_type=rate.rate_type.value,
        price=rate.price,
        tiers=_tiers_view(rate.tiers),
        minimum_config=None if rate.minimum is None else {"minimum": rate.minimum},
    )


def _tiers_view(tiers: Sequence[Tier]) -> list[dict[str, object]] | None:
    return [present(size=tier.size, price=tier.price) for tier in tiers] or None


def _given(condition: object) -> dict[str, object]:
    """Returns the fields of a filter that were given."""
    given = condition.model_dump(exclude_none=True)  # type: ignore[attr-defined]
    return {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}


def _state_view(state: ProductState) -> dict[str, object]:
    return present(
        **state.model_dump(exclude={"created_at", "starting_at"}),
        created_at=timestamp(state.created_at),
        created_by=_CREATED_BY,
        starting_at=optional(state.starting_at),
    )


def _update_view(product: Product, update: ProductUpdate) -> dict[str, object]:
    """Returns a change: of the definition, only what it changed."""
    changed = ProductState.model_validate({**product.initial.model_dump(), **update.changes})
    return {
        **changed.model_dump(include={*update.changes}),
        "created_at": timestamp(update.created_at),
        "created_by": _CREATED_BY,
        "starting_at": timestamp(update.starting_at),
    }
