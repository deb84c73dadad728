"""Overrides as the API shows them."""

from collections.abc import Mapping

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.overrides import (
    Override,
    OverrideSpecifier,
    OverrideTerms,
    OverrideTier,
    OverwriteRate,
)
from backbeat.models.rates import Tier

Names = Mapping[str, str]
"""Names of products by their ids."""


def override_view(override: Override, *, products: Names) -> dict[str, object]:
    """Returns an override of a contract."""
    specifiers = [specifier_view(specifier) for specifier in override.specifiers]
    return present(
        id=override.id,
        created_at=timestamp(override.created_at),
        starting_at=timestamp(override.starting_at),
        ending_before=optional(override.ending_before),
        override_specifiers=specifiers or None,
        **terms_view(override, products=products),
    )


def terms_view(terms: OverrideTerms, *, products: Names) -> dict[str, object]:
    """Returns what an override changes, and for what, but for its specifiers."""
    rate = terms.overwrite_rate
    return present(
        type=None if terms.type is None else terms.type.value,
        entitled=terms.entitled,
        multiplier=terms.multiplier,
        priority=terms.priority,
        overwrite_rate=None if rate is None else overwrite_rate_view(rate),
        override_tiers=[_step_view(tier) for tier in terms.tiers] or None,
        product=None
        if terms.product_id is None
        else {"id": terms.product_id, "name": products[terms.product_id]},
        applicable_product_tags=list(terms.applicable_product_tags) or None,
        is_commit_specific=terms.is_commit_specific,
        target=terms.target.value if terms.is_commit_specific else None,
    )


def specifier_view(specifier: OverrideSpecifier) -> dict[str, object]:
    """Returns what an override is for."""
    frequency = specifier.billing_frequency
    return present(
        product_id=specifier.product_id,
        product_tags=list(specifier.product_tags) or None,
        pricing_group_values=specifier.pricing_group_values or None,
        presentation_group_values=specifier.presentation_group_values or None,
        billing_frequency=None if frequency is None else frequency.value,
        exclude=[{"product_tags": list(tags)} for tags in specifier.excluded_tags] or None,
        commit_ids=list(specifier.commit_ids) or None,
        recurring_commit_ids=list(specifier.recurring_commit_ids) or None,
    )


def overwrite_rate_view(rate: OverwriteRate) -> dict[str, object]:
    """Returns the price that takes the place of the card's."""
    return present(
        rate_type=rate.rate_type.value,
        price=rate.price,
        quantity=rate.quantity,
        is_prorated=rate.is_prorated,
        tiers=[_tier_view(tier) for tier in rate.tiers] or None,
        minimum_config=None if rate.minimum is None else {"minimum": rate.minimum},
        credit_type=credit_type_view(rate.credit_type),
    )


def _tier_view(tier: Tier) -> dict[str, object]:
    return present(size=tier.size, price=tier.price)


def _step_view(tier: OverrideTier) -> dict[str, object]:
    return present(size=tier.size, multiplier=tier.multiplier)
