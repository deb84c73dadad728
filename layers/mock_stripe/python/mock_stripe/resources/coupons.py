"""Coupons, and what they take off an invoice's lines."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources.calendar import add_months
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.pricing import rounded
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    Created,
    Fraction,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import extra, view
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

_WHOLE: Final = Decimal(100)


class AppliesTo(Nested):
    products: list[str] = []


class CreateCoupon(Parameters):
    amount_off: Amount | None = Field(None, ge=1)
    applies_to: AppliesTo | None = None
    currency: Currency | None = None
    duration: Literal["forever", "once", "repeating"] = "once"
    duration_in_months: int | None = Field(None, ge=1)
    id: str | None = Field(None, min_length=1)
    max_redemptions: int | None = Field(None, ge=1)
    metadata: Metadata = {}
    name: Text = None
    percent_off: Fraction | None = None
    redeem_by: int | None = None


class UpdateCoupon(Parameters):
    metadata: Metadata = {}
    name: Text = None


class ListCoupons(ListParameters):
    created: Created = None


class GivenDiscount(Nested):
    """A discount as it is asked for in other calls."""

    coupon: str


@endpoint("POST", "/v1/coupons", CreateCoupon)
def create(world: World, params: CreateCoupon) -> Object:
    """Makes a coupon of an amount or a percentage."""
    if (params.amount_off is None) == (params.percent_off is None):
        raise InvalidRequest(
            "You must pass exactly one of percent_off and amount_off.", param="percent_off"
        )
    if params.amount_off is not None and params.currency is None:
        raise InvalidRequest(
            "You must pass currency when passing amount_off.",
            code="parameter_missing",
            param="currency",
        )
    if params.percent_off is not None and not 0 < params.percent_off <= _WHOLE:
        raise InvalidRequest("percent_off must be above 0 and at most 100.", param="percent_off")
    if (params.duration == "repeating") != (params.duration_in_months is not None):
        raise InvalidRequest(
            "duration_in_months goes with duration=repeating.", param="duration_in_months"
        )
    if params.id is not None and world.find(params.id, "coupon") is not None:
        raise InvalidRequest("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = world.create(
        "coupon",
        {
            "amount_off": params.amount_off,
            "created": world.now,
            "currency": params.currency,
            "duration": params.duration,
            "duration_in_months": params.duration_in_months,
            "livemode": False,
            "max_redemptions": params.max_redemptions,
            "metadata": merged_metadata({}, params.metadata),
            "name": params.name,
            "percent_off": None if params.percent_off is None else str(params.percent_off),
            "redeem_by": params.redeem_by,
            "times_redeemed": 0,
            "valid": True,
            "_products": params.applies_to.products if params.applies_to else [],
        },
        object_id=params.id,
    )
    emit(world, "coupon.created", coupon)
    return coupon


@endpoint("POST", "/v1/coupons/{coupon}", UpdateCoupon)
def update(world: World, params: UpdateCoupon, coupon: str) -> Object:
    """Changes what is written on a coupon; what it takes off never changes."""
    thing = world.get(coupon, "coupon")
    with updating(world, thing, "coupon.updated"):
        if params.sent("name"):
            thing["name"] = params.name
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/coupons", ListCoupons)
def list_all(world: World, params: ListCoupons) -> Object:
    """Lists coupons."""
    return lists.of_kind(
        world, "coupon", "/v1/coupons", params, lambda thing: lists.fits(params, thing)
    )


@endpoint("GET", "/v1/coupons/{coupon}", Parameters)
def get(world: World, params: Parameters, coupon: str) -> Object:
    """Returns a coupon."""
    return world.get(coupon, "coupon")


@endpoint("DELETE", "/v1/coupons/{coupon}", Parameters)
def delete(world: World, params: Parameters, coupon: str) -> Object:
    """Removes a coupon; what it was given to keeps it."""
    thing = world.get(coupon, "coupon")
    emit(world, "coupon.deleted", thing)
    world.delete(thing)
    return {"id": coupon, "object": "coupon", "deleted": True}


@view("coupon")
def _view(world: World, coupon: Object) -> Object:
    """Shows the percentage as a number, which it is on the wire."""
    percent = coupon["percent_off"]
    return {"percent_off": None if percent is None else json.loads(percent)}


@extra("coupon", "applies_to")
def _applies_to(world: World, thing: Object) -> Object | None:
    coupon = world.find(thing["id"], "coupon")
    return {"products": coupon["_products"]} if coupon and coupon["_products"] else None


def redeem(
    world: World, given: Sequence[GivenDiscount], *, start: int, customer: str, subscription: str
) -> list[Object]:
    """Returns the discounts that coupons give from an instant on.

    Raises:
        ResourceMissing: there is no such coupon.
        InvalidRequest: a coupon is used up or over.
    """
    made = []
    for number, one in enumerate(given):
        param = f"discounts[{number}][coupon]"
        coupon = world.get(one.coupon, "coupon", param=param)
        used_up = coupon["max_redemptions"] == coupon["times_redeemed"]
        over = coupon["redeem_by"] is not None and coupon["redeem_by"] <= world.now
        if used_up or over or not coupon["valid"]:
            raise InvalidRequest(
                f"Coupon expired: {coupon['id']}", code="coupon_expired", param=param
            )
        coupon["times_redeemed"] += 1
        if coupon["times_redeemed"] == coupon["max_redemptions"]:
            coupon["valid"] = False
        months = coupon["duration_in_months"]
        made.append(
            {
                "id": world.new_id("invoiceitem").replace("ii_", "di_"),
                "object": "discount",
                "customer": customer,
                "end": None if months is None else add_months(start, months),
                "source": {"coupon": coupon["id"], "type": "coupon"},
                "start": start,
                "subscription": subscription,
                "_coupon": dict(coupon),
                "_used": False,
            }
        )
    return made


def still_good(discounts: Sequence[Object], now: int) -> list[Object]:
    """Returns the discounts that an invoice made now gets."""
    return [
        one
        for one in discounts
        if (one["end"] is None or now < one["end"])
        and not (one["_coupon"]["duration"] == "once" and one["_used"])
    ]


def apply(discounts: Sequence[Object], lines: Sequence[Object]) -> list[Object]:
    """Takes discounts off lines and returns what each discount took in all.

    An amount is split over the lines in proportion, earlier lines rounded down and the last taking
    the rest; a percentage is rounded for each line. Proration lines are left alone. (§3)
    """
    totals = []
    for line in lines:
        line["discount_amounts"] = []
    for discount in discounts:
        coupon = discount["_coupon"]
        eligible = [line for line in lines if _eligible(line, coupon["_products"])]
        taken = (
            _percentage(eligible, Decimal(coupon["percent_off"]))
            if coupon["percent_off"] is not None
            else _amount(eligible, coupon["amount_off"])
        )
        for line, amount in zip(eligible, taken, strict=True):
            line["discount_amounts"].append({"amount": amount, "discount": discount["id"]})
        totals.append({"amount": sum(taken), "discount": discount["id"]})
    return totals


def left_of(line: Object) -> int:
    """Returns a line's amount after discounts."""
    amount: int = line["amount"]
    taken: int = sum(one["amount"] for one in line["discount_amounts"])
    return amount - taken


def _eligible(line: Object, products: Sequence[str]) -> bool:
    product = (line.get("pricing") or {}).get("price_details", {}).get("product")
    return bool(
        line["discountable"] and left_of(line) > 0 and (not products or product in products)
    )


def _percentage(lines: Sequence[Object], percent: Decimal) -> list[int]:
    return [rounded(left_of(line) * percent / _WHOLE) for line in lines]


def _amount(lines: Sequence[Object], amount: int) -> list[int]:
    whole = sum(left_of(line) for line in lines)
    amount = min(amount, whole)
    taken: list[int] = []
    for number, line in enumerate(lines, start=1):
        last = number == len(lines)
        taken.append(amount - sum(taken) if last else amount * left_of(line) // whole)
    return taken
