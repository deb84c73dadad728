"""Prices: per unit, by packages, in tiers, fixed or by usage. What they cost never changes."""

from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import products
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.pricing import plain
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    Boolean,
    Created,
    Fraction,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import extra, references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

references("price", {"product": "product"})

_LONGEST: Final = {"day": 1_095, "week": 156, "month": 36, "year": 3}
"""How many intervals make three years, the longest period there may be."""


class Recurring(Nested):
    interval: Literal["day", "week", "month", "year"]
    interval_count: int = Field(1, ge=1)
    meter: str | None = None
    trial_period_days: int | None = None
    usage_type: Literal["licensed", "metered"] = "licensed"


class Tier(Nested):
    up_to: int | Literal["inf"]
    flat_amount: Amount | None = None
    flat_amount_decimal: Fraction | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Fraction | None = None


class TransformQuantity(Nested):
    divide_by: int = Field(ge=1)
    round: Literal["up", "down"]


class CreatePrice(Parameters):
    currency: Currency
    active: Boolean = True
    billing_scheme: Literal["per_unit", "tiered"] = "per_unit"
    lookup_key: str | None = Field(None, max_length=200)
    metadata: Metadata = {}
    nickname: Text = None
    product: str | None = None
    product_data: products.ProductData | None = None
    recurring: Recurring | None = None
    tax_behavior: Literal["exclusive", "inclusive", "unspecified"] = "unspecified"
    tiers: list[Tier] | None = None
    tiers_mode: Literal["graduated", "volume"] | None = None
    transfer_lookup_key: Boolean = False
    transform_quantity: TransformQuantity | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Fraction | None = None


class UpdatePrice(Parameters):
    active: Boolean | None = None
    lookup_key: Text = None
    metadata: Metadata = {}
    nickname: Text = None
    tax_behavior: Literal["exclusive", "inclusive"] | None = None
    transfer_lookup_key: Boolean = False


class ListRecurring(Nested):
    interval: str | None = None
    meter: str | None = None
    usage_type: str | None = None


class ListPrices(ListParameters):
    active: Boolean | None = None
    created: Created = None
    currency: Currency | None = None
    lookup_keys: list[str] | None = None
    product: str | None = None
    recurring: ListRecurring | None = None
    type: Literal["one_time", "recurring"] | None = None


@endpoint("POST", "/v1/prices", CreatePrice)
def create(world: World, params: CreatePrice) -> Object:
    """Makes a price, with its product if that is described instead of named."""
    price = new(world, params, _product_of(world, params))
    if params.lookup_key is not None:
        _take_lookup_key(world, price, params.lookup_key, transfer=params.transfer_lookup_key)
    emit(world, "price.created", price)
    return price


@endpoint("POST", "/v1/prices/{price}", UpdatePrice)
def update(world: World, params: UpdatePrice, price: str) -> Object:
    """Changes what is written on a price, never what it costs."""
    thing = world.get(price, "price")
    with updating(world, thing, "price.updated"):
        if params.active is not None:
            thing["active"] = params.active
        if params.sent("nickname"):
            thing["nickname"] = params.nickname
        if params.sent("lookup_key"):
            _take_lookup_key(world, thing, params.lookup_key, transfer=params.transfer_lookup_key)
        if params.tax_behavior is not None:
            thing["tax_behavior"] = params.tax_behavior
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/prices", ListPrices)
def list_all(world: World, params: ListPrices) -> Object:
    """Lists prices."""
    wanted = params.recurring.model_dump(exclude_none=True) if params.recurring else {}

    def keep(thing: Object) -> bool:
        recurring = thing["recurring"] or {}
        return (
            lists.fits(params, thing, "active", "product", "type", "currency")
            and (params.lookup_keys is None or thing["lookup_key"] in params.lookup_keys)
            and all(recurring.get(name) == value for name, value in wanted.items())
        )

    return lists.of_kind(world, "price", "/v1/prices", params, keep)


@endpoint("GET", "/v1/prices/{price}", Parameters)
def get(world: World, params: Parameters, price: str) -> Object:
    """Returns a price."""
    return world.get(price, "price")


@extra("price", "tiers")
def _tiers_of(world: World, thing: Object) -> Any:
    return world.get(thing["id"], "price")["_tiers"]


def new(world: World, params: Any, product: Object) -> Object:
    """Adds a price from the parameters of a price or of a price given inside another call.

    Raises:
        InvalidRequest: the parameters contradict each other, or the meter is not active.
    """
    recurring = _recurring(world, params.recurring)
    scheme = getattr(params, "billing_scheme", "per_unit")
    tiers = _tiers(params) if scheme == "tiered" else None
    unit = _unit_amount(params) if tiers is None else None
    transform = getattr(params, "transform_quantity", None)
    if tiers is not None and transform is not None:
        raise InvalidRequest(
            "transform_quantity cannot be used together with tiers.", param="transform_quantity"
        )
    return world.create(
        "price",
        {
            "active": getattr(params, "active", True),
            "billing_scheme": scheme,
            "created": world.now,
            "currency": params.currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": merged_metadata({}, getattr(params, "metadata", {})),
            "nickname": getattr(params, "nickname", None),
            "product": product["id"],
            "recurring": recurring,
            "tax_behavior": params.tax_behavior or "unspecified",
            "tiers_mode": getattr(params, "tiers_mode", None),
            "transform_quantity": None if transform is None else transform.model_dump(),
            "type": "one_time" if recurring is None else "recurring",
            "unit_amount": _whole(unit),
            "unit_amount_decimal": _text(unit),
            "_tiers": tiers,
        },
    )


def _product_of(world: World, params: CreatePrice) -> Object:
    if (params.product is None) == (params.product_data is None):
        raise InvalidRequest(
            "You must provide exactly one of product and product_data.",
            code="parameter_missing",
            param="product",
        )
    if params.product is not None:
        return world.get(params.product, "product", param="product")
    data = params.product_data
    assert data is not None  # noqa: S101 - one of the two is there
    product = products.new(world, data.name, data.id)
    product["active"], product["unit_label"] = data.active, data.unit_label
    product["metadata"] = merged_metadata({}, data.metadata)
    emit(world, "product.created", product)
    return product


def _recurring(world: World, sent: Recurring | None) -> Object | None:
    if sent is None:
        return None
    if sent.interval_count > _LONGEST[sent.interval]:
        raise InvalidRequest(
            "The interval may be three years at most.", param="recurring[interval_count]"
        )
    if sent.usage_type == "metered":
        if sent.meter is None:
            raise InvalidRequest(
                "Metered prices must be backed by a meter since API version 2025-03-31.",
                code="parameter_missing",
                param="recurring[meter]",
            )
        meter = world.get(sent.meter, "billing.meter", param="recurring[meter]")
        if meter["status"] != "active":
            raise InvalidRequest("The meter is not active.", param="recurring[meter]")
    elif sent.meter is not None:
        raise InvalidRequest(
            "A meter can only be given for usage_type=metered.", param="recurring[meter]"
        )
    return {
        "interval": sent.interval,
        "interval_count": sent.interval_count,
        "meter": sent.meter,
        "trial_period_days": sent.trial_period_days,
        "usage_type": sent.usage_type,
    }


def _unit_amount(params: Any) -> Decimal:
    amounts = [one for one in (params.unit_amount, params.unit_amount_decimal) if one is not None]
    if len(amounts) != 1:
        raise InvalidRequest(
            "You must provide exactly one of unit_amount and unit_amount_decimal.",
            code="parameter_missing",
            param="unit_amount",
        )
    if amounts[0] < 0:
        raise InvalidRequest("The amount must not be negative.", param="unit_amount")
    return Decimal(amounts[0])


def _tiers(params: CreatePrice) -> list[Object]:
    if params.tiers_mode is None:
        raise InvalidRequest(
            "Missing required param: tiers_mode.", code="parameter_missing", param="tiers_mode"
        )
    if params.unit_amount is not None or params.unit_amount_decimal is not None:
        raise InvalidRequest("A tiered price has its amounts in tiers.", param="unit_amount")
    if not params.tiers or params.tiers[-1].up_to != "inf":
        raise InvalidRequest("The last tier must have up_to=inf.", param="tiers")
    bounds = [tier.up_to for tier in params.tiers[:-1]]
    if "inf" in bounds or any(
        int(later) <= int(earlier) for earlier, later in zip([0, *bounds], bounds, strict=False)
    ):
        raise InvalidRequest("Tiers must be in ascending order of up_to.", param="tiers")
    made = []
    for number, tier in enumerate(params.tiers):
        unit = tier.unit_amount_decimal if tier.unit_amount is None else Decimal(tier.unit_amount)
        flat = tier.flat_amount_decimal if tier.flat_amount is None else Decimal(tier.flat_amount)
        if unit is None and flat is None:
            raise InvalidRequest(
                "Each tier needs a unit amount or a flat amount.",
                code="parameter_missing",
                param=f"tiers[{number}][unit_amount]",
            )
        made.append(
            {
                "flat_amount": _whole(flat),
                "flat_amount_decimal": _text(flat),
                "unit_amount": _whole(unit),
                "unit_amount_decimal": _text(unit),
                "up_to": None if tier.up_to == "inf" else tier.up_to,
            }
        )
    return made


def _take_lookup_key(world: World, price: Object, key: str | None, *, transfer: bool) -> None:
    if key is None:
        price["lookup_key"] = None
        return
    for other in world.all("price"):
        if other["lookup_key"] == key and other["id"] != price["id"]:
            if not transfer:
                raise InvalidRequest(
                    f"A price ({other['id']}) already uses that lookup key.",
                    code="resource_already_exists",
                    param="lookup_key",
                )
            with updating(world, other, "price.updated"):
                other["lookup_key"] = None
    price["lookup_key"] = key


def _whole(amount: Decimal | None) -> int | None:
    return int(amount) if amount is not None and amount == amount.to_integral_value() else None


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
