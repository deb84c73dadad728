"""What tiers are sold as: packages of a subscription for the price, and credits every month."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from backbeat.api.requests import parse
from backbeat.api.schemas.packages import CreatePackage
from backbeat.api.schemas.products import CreateProduct
from backbeat.api.schemas.rates import AddRates, CreateRateCard
from backbeat.application import catalog, packages, rate_cards, rates
from backbeat.application.facade import agreements
from backbeat.application.facade.agreements import Shelf
from backbeat.application.handlers import catalogues
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument
from backbeat.models.tiers import Cadence, Catalogue, Tier

PAID_BY_CREDITS: Final = "usage"
"""The tag of products that credits pay for. Without it they would pay the plan's own price."""

_FROM: Final = "2000-01-01T00:00:00Z"
_AT_ONCE: Final = {"value": 0, "unit": "DAYS"}
_FREQUENCIES: Final = {Cadence.MONTHLY: "MONTHLY", Cadence.YEARLY: "ANNUAL"}


def tier_of(call: Call, name: str) -> Tier:
    """Returns a tier with a list price.

    Raises:
        InvalidArgument: there is none of that name, or it is by quote only.
    """
    offered = catalogues.current(call)
    found = next((tier for tier in offered.tiers if tier.id == name), None)
    if found is None:
        names = ", ".join(tier.id for tier in offered.tiers)
        raise InvalidArgument(f"tier: must be one of {names}")
    if found.monthly_price is None or found.credits is None:
        raise InvalidArgument(f"tier: {name} is by quote; onboard the entity with one")
    return found


def shelf(call: Call) -> Shelf:
    """Returns what the catalogue's tiers are sold as, set up if it is not yet."""
    offered = catalogues.current(call)
    return agreements.shelf(call, offered.version) or agreements.keep_shelf(
        call, offered.version, _set_up(call, offered)
    )


def terms(
    call: Call, tier: Tier, cadence: Cadence, *, starting_at: datetime, rate_card_id: str | None
) -> Mapping[str, Any]:
    """Returns the fields of a contract that are a tier's terms: its package.

    On a rate card of one's own, they are all said again.
    """
    sold = shelf(call)
    start = starting_at.isoformat()
    package = sold.packages.get(_named(tier, cadence))
    if package is not None and rate_card_id is None:
        return {"package_id": package, "starting_at": start}
    return {
        "name": _named(tier, cadence),
        "rate_card_id": rate_card_id or sold.rate_card_id,
        "starting_at": start,
        **_content(sold, tier, cadence, credits_from={"starting_at": start}),
    }


def _content(
    sold: Shelf, tier: Tier, cadence: Cadence, *, credits_from: Mapping[str, object]
) -> Mapping[str, Any]:
    """Returns what a tier consists of. `credits_from` says when its credits begin."""
    subscription = {
        "subscription_rate": {
            "product_id": sold.products[tier.id],
            "billing_frequency": _FREQUENCIES[cadence],
        },
        "collection_schedule": "ADVANCE",
        "proration": {},
        "initial_quantity": 1,
    }
    monthly = {
        "product_id": sold.credit_product_id,
        "name": "Monthly credits",
        "access_amount": {
            "credit_type_id": sold.credit_type_id,
            "unit_price": tier.credits,
            "quantity": 1,
        },
        "priority": 1,
        "applicable_product_tags": [PAID_BY_CREDITS],
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "recurrence_frequency": "MONTHLY",
        **credits_from,
    }
    return {
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "subscriptions": [subscription] if tier.price(cadence) else [],
        "recurring_credits": [monthly] if tier.credits else [],
    }


def _named(tier: Tier, cadence: Cadence) -> str:
    """Returns the name of contracts of a tier, which says what they are."""
    return f"{tier.id} {cadence.value}"


def _set_up(call: Call, offered: Catalogue) -> Shelf:
    unit = next(
        (one.id for one in catalog.credit_types(call) if one.name == offered.credit_unit), None
    )
    if unit is None:
        raise InvalidArgument(f"tier: there is no credit type {offered.credit_unit}")
    card = parse({"name": f"Plans {offered.version}"}, CreateRateCard)
    made = Shelf(
        rate_card_id=rate_cards.create(call, card.to_card()).id,
        credit_product_id=_product(call, "Monthly credits", "FIXED"),
        charge_product_id=_product(call, "Charge", "FIXED"),
        credit_type_id=unit,
        products={
            tier.id: _product(call, f"{tier.name} plan", "SUBSCRIPTION")
            for tier in offered.tiers
            if tier.monthly_price is not None
        },
    )
    wanted = [
        {
            "product_id": made.products[tier.id],
            "starting_at": _FROM,
            "entitled": True,
            "rate_type": "FLAT",
            "price": (tier.price(cadence) or 0) * 100,
            "billing_frequency": frequency,
        }
        for tier in offered.tiers
        if tier.id in made.products
        for cadence, frequency in _FREQUENCIES.items()
    ]
    body = parse({"rate_card_id": made.rate_card_id, "rates": wanted}, AddRates)
    rates.add_all(call, made.rate_card_id, [rate.to_rate() for rate in body.rates])
    sold = [tier for tier in offered.tiers if tier.id in made.products]
    on_sale = {
        _named(tier, cadence): _package(call, made, tier, cadence)
        for tier in sold
        for cadence in _FREQUENCIES
    }
    return made.model_copy(update={"packages": on_sale})


def _package(call: Call, sold: Shelf, tier: Tier, cadence: Cadence) -> str:
    wanted = {
        "name": f"{tier.name}, {cadence.value}",
        "contract_name": _named(tier, cadence),
        "rate_card_id": sold.rate_card_id,
        **_content(sold, tier, cadence, credits_from={"starting_at_offset": _AT_ONCE}),
    }
    return packages.create(call, parse(wanted, CreatePackage).to_package()).id


def _product(call: Call, name: str, type_: str) -> str:
    body = parse({"name": name, "type": type_}, CreateProduct)
    product = body.to_product(call.services.ids.new(), call.now)
    catalog.create_product(call, product)
    return product.id
