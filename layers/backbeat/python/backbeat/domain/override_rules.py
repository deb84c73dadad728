"""Which overrides a contract takes.

Owns: the rules that need the contract's scheme and the products of its card.
Does not own: the shape of a request, what an override does once it is taken.
Times: a product is looked at as it is when the override begins.
Invariants: what passes can be priced, and at most one override ever wins.
"""

from collections.abc import Mapping
from datetime import datetime

from backbeat.models.catalog import Product, ProductType
from backbeat.models.errors import InvalidArgument
from backbeat.models.overrides import (
    OverrideSpecifier,
    OverrideTerms,
    OverrideType,
    Prioritization,
)
from backbeat.models.rates import RateType

_RATE_TYPES = {
    ProductType.USAGE: {RateType.FLAT, RateType.TIERED},
    ProductType.SUBSCRIPTION: {RateType.FLAT, RateType.SUBSCRIPTION},
    ProductType.COMPOSITE: {RateType.PERCENTAGE, RateType.TIERED_PERCENTAGE},
    ProductType.FIXED: {RateType.FLAT},
    ProductType.PRO_SERVICE: {RateType.FLAT},
}


def refuse_bad(
    terms: OverrideTerms,
    *,
    products: Mapping[str, Product],
    prioritization: Prioritization,
    at: datetime,
    field: str,
) -> None:
    """Refuses an override that could not be applied.

    `products` holds every product the override names.

    Raises:
        InvalidArgument: names the field and the rule.
    """
    _refuse_bad_priority(terms, prioritization, field=field)
    for number, specifier in enumerate(terms.specifiers):
        place = f"{field}.override_specifiers[{number}]"
        _refuse_bad_frequency(specifier, products, field=place)
    if terms.type is OverrideType.OVERWRITE:
        _refuse_bad_overwrite(terms, products, at=at, field=field)


def _refuse_bad_priority(
    terms: OverrideTerms, prioritization: Prioritization, *, field: str
) -> None:
    explicit = prioritization is Prioritization.EXPLICIT
    if terms.type is OverrideType.TIERED and not explicit:
        raise InvalidArgument(
            f"{field}.type: TIERED needs multiplier_override_prioritization EXPLICIT"
        )
    if (
        explicit
        and terms.type in (OverrideType.MULTIPLIER, OverrideType.TIERED)
        and terms.priority is None
    ):
        raise InvalidArgument(
            f"{field}.priority: required with multiplier_override_prioritization EXPLICIT"
        )


def _refuse_bad_frequency(
    specifier: OverrideSpecifier, products: Mapping[str, Product], *, field: str
) -> None:
    if specifier.product_id is None:
        if specifier.billing_frequency is not None:
            raise InvalidArgument(f"{field}.product_id: required with billing_frequency")
        return
    subscribed = products[specifier.product_id].type is ProductType.SUBSCRIPTION
    if subscribed and specifier.billing_frequency is None:
        raise InvalidArgument(f"{field}.billing_frequency: required for a SUBSCRIPTION product")
    if not subscribed and specifier.billing_frequency is not None:
        raise InvalidArgument(f"{field}.billing_frequency: only for a SUBSCRIPTION product")


def _refuse_bad_overwrite(
    terms: OverrideTerms, products: Mapping[str, Product], *, at: datetime, field: str
) -> None:
    if terms.applicable_product_tags or any(s.product_tags for s in terms.specifiers):
        raise InvalidArgument(f"{field}: an OVERWRITE cannot be for tags")
    if terms.product_id is not None:
        _refuse_bad_rate(terms, products[terms.product_id], field=field)
        _refuse_open_dimensions({}, products[terms.product_id], at=at, field=field)
    for number, specifier in enumerate(terms.specifiers):
        place = f"{field}.override_specifiers[{number}]"
        if specifier.product_id is None:
            raise InvalidArgument(f"{place}.product_id: required for an OVERWRITE")
        product = products[specifier.product_id]
        _refuse_bad_rate(terms, product, field=field)
        _refuse_open_dimensions(specifier.pricing_group_values, product, at=at, field=place)


def _refuse_bad_rate(terms: OverrideTerms, product: Product, *, field: str) -> None:
    rate = terms.overwrite_rate
    if rate is not None and rate.rate_type not in _RATE_TYPES[product.type]:
        raise InvalidArgument(
            f"{field}.overwrite_rate.rate_type: {rate.rate_type} is not for a"
            f" {product.type} product"
        )


def _refuse_open_dimensions(
    values: Mapping[str, str], product: Product, *, at: datetime, field: str
) -> None:
    expected = {*(product.state_at(at).pricing_group_key or ())}
    if {*values} != expected:
        raise InvalidArgument(
            f"{field}.pricing_group_values: an OVERWRITE must name exactly the product's pricing"
            f" group key {sorted(expected)}"
        )
