"""Billable metrics, products and rate cards as the API shows them."""

from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.catalog import BillableMetric, Product, ProductState
from backbeat.models.money import CreditType
from backbeat.models.rates import Rate, RateCard

_CREATED_BY = "api"


def credit_type_view(credit_type: CreditType) -> dict[str, object]:
    """Returns a credit type where another object refers to it."""
    return {"id": credit_type.id, "name": credit_type.name}


def metric_view(metric: BillableMetric) -> dict[str, object]:
    """Returns a billable metric."""
    event_types = metric.event_type_filter
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


def product_view(product: Product) -> dict[str, object]:
    """Returns a product with its first and its present state."""
    state = _state_view(product.initial)
    return {
        "id": product.id,
        "type": product.type.value,
        "archived_at": optional(product.archived_at),
        "initial": state,
        "current": state,
        "updates": [],
        "custom_fields": product.custom_fields,
    }


def rate_card_view(card: RateCard) -> dict[str, object]:
    """Returns a rate card without its rates."""
    return present(
        id=card.id,
        name=card.name,
        description=card.description,
        created_at=timestamp(card.created_at),
        created_by=_CREATED_BY,
        fiat_credit_type=credit_type_view(card.fiat_credit_type),
        credit_type_conversions=[],
        aliases=[],
        custom_fields=card.custom_fields,
    )


def rate_view(rate: Rate) -> dict[str, object]:
    """Returns what a rate charges. `price` is in the unit of the credit type (USD: cents)."""
    return present(
        rate_type=rate.rate_type.value,
        price=rate.price,
        credit_type=credit_type_view(rate.credit_type),
        pricing_group_values=rate.pricing_group_values or None,
    )


def dated_rate_view(rate: Rate, product: Product) -> dict[str, object]:
    """Returns a rate with its dates and the product it prices."""
    return present(
        product_id=product.id,
        product_name=product.initial.name,
        product_tags=list(product.initial.tags),
        product_custom_fields=product.custom_fields,
        entitled=rate.entitled,
        starting_at=timestamp(rate.starting_at),
        ending_before=optional(rate.ending_before),
        pricing_group_values=rate.pricing_group_values or None,
        rate=rate_view(rate),
    )


def _given(condition: object) -> dict[str, object]:
    """Returns the fields of a filter that were given."""
    given = condition.model_dump(exclude_none=True)  # type: ignore[attr-defined]
    return {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}


def _state_view(state: ProductState) -> dict[str, object]:
    return present(
        name=state.name,
        created_at=timestamp(state.created_at),
        created_by=_CREATED_BY,
        billable_metric_id=state.billable_metric_id,
        pricing_group_key=None
        if state.pricing_group_key is None
        else list(state.pricing_group_key),
        presentation_group_key=None
        if state.presentation_group_key is None
        else list(state.presentation_group_key),
        tags=list(state.tags),
        is_refundable=state.is_refundable,
        exclude_free_usage=state.exclude_free_usage,
        netsuite_internal_item_id=state.netsuite_internal_item_id,
        netsuite_overage_item_id=state.netsuite_overage_item_id,
    )
