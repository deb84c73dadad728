"""Dated prices on rate cards: adding them, and reading which holds when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.application import catalog, rate_cards
from backbeat.application.services import Call
from backbeat.domain import rates as rate_rules
from backbeat.models.catalog import Product, ProductType
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import USD, CreditType
from backbeat.models.rates import CommitRate, Rate, RateCard, RateType, Tier
from backbeat.models.schedules import Frequency
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork

_PRICED_BY: Final = {
    ProductType.USAGE: (RateType.FLAT, RateType.TIERED),
    ProductType.SUBSCRIPTION: (RateType.FLAT, RateType.SUBSCRIPTION),
    ProductType.COMPOSITE: (RateType.PERCENTAGE, RateType.TIERED_PERCENTAGE),
}
"""Which types of rates a product may have; fixed products and services are priced where used."""


class NewRate(NamedTuple):
    """A rate as asked for. `price` is in the unit of the credit type (USD: cents) per unit."""

    product_id: str
    starting_at: datetime
    ending_before: datetime | None
    entitled: bool
    rate_type: RateType
    price: Decimal | None
    tiers: tuple[Tier, ...]
    minimum: Decimal | None
    commit_rate: CommitRate | None
    billing_frequency: Frequency | None
    quantity: Decimal | None
    is_prorated: bool | None
    credit_type_id: str | None
    pricing_group_values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Selector:
    """Which rates are meant; every field that is given must match.

    `pricing_group_values` are meant exactly, partial ones as a part, and of the tags one suffices.
    """

    product_id: str | None
    product_tags: frozenset[str] | None
    pricing_group_values: Mapping[str, str] | None
    partial_pricing_group_values: Mapping[str, str] | None
    billing_frequency: Frequency | None

    def selects(self, rate: Rate, product: Product, instant: datetime) -> bool:
        """Tells whether a rate of the product, as it is defined at the instant, is meant."""
        values = rate.pricing_group_values
        partial = self.partial_pricing_group_values or {}
        tags = {*product.state_at(instant).tags}
        return (
            self.product_id in (None, product.id)
            and (self.product_tags is None or bool(self.product_tags & tags))
            and self.pricing_group_values in (None, values)
            and partial.items() <= values.items()
            and self.billing_frequency in (None, rate.billing_frequency)
        )


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A stretch in which a rate holds, and the product it prices. No end is None."""

    rate: Rate
    product: Product
    starting_at: datetime
    ending_before: datetime | None


def add(call: Call, rate_card_id: str, wanted: NewRate) -> Rate:
    """Adds a rate to a card, as `add_all` does."""
    [rate] = _add(call, rate_card_id, [("", wanted)])
    return rate


def add_all(call: Call, rate_card_id: str, wanted: Sequence[NewRate]) -> None:
    """Adds rates to a card, all or none. Each supersedes what it overlaps.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: the card or a product is archived, a product is unknown or cannot be
            priced like that, its unit would change or has no conversion on the card, or the group
            values are not those of its pricing group key.
    """
    _add(call, rate_card_id, [(f"rates.{number}.", rate) for number, rate in enumerate(wanted)])


def in_force(
    call: Call, rate_card_id: str, *, at: datetime, selectors: Sequence[Selector]
) -> list[PricedProduct]:
    """Returns the rates that hold at an instant, in the order they were added.

    Without selectors all are meant, else those that any of them selects.

    Raises:
        NotFound: no card has the id.
    """
    return [
        entry
        for entry in schedule(call, rate_card_id, starting_at=at, selectors=selectors)
        if entry.starting_at <= at
    ]


def schedule(
    call: Call,
    rate_card_id: str,
    *,
    starting_at: datetime,
    ending_before: datetime | None = None,
    selectors: Sequence[Selector] = (),
) -> list[PricedProduct]:
    """Returns when which rate holds, as far as it does so between the two instants.

    In the order in which the rates were added, then by time. Without selectors all are meant.

    Raises:
        NotFound: no card has the id.
    """
    _, rates = rate_cards.with_rates(call, rate_card_id)
    products = catalog.known_products(call, [*dict.fromkeys(rate.product_id for rate in rates)])
    return [
        PricedProduct(
            segment.rate,
            products[segment.rate.product_id],
            segment.starting_at,
            segment.ending_before,
        )
        for segment in rate_rules.schedule(rates)
        if segment.overlaps(starting_at, ending_before)
        and _selected(selectors, segment.rate, products[segment.rate.product_id], starting_at)
    ]


def _add(call: Call, rate_card_id: str, wanted: Sequence[tuple[str, NewRate]]) -> list[Rate]:
    """Adds rates, each with the prefix by which errors name its fields."""
    item, existing = rate_cards.stored_with_rates(call, rate_card_id)
    card = from_item(item, RateCard)
    products = catalog.known_products(call, [*{rate.product_id for _, rate in wanted}])
    units = _units(call, card, wanted)
    unit_of = {
        rate.product_id: rate.credit_type.id
        for rate in existing
        if rate.rate_type is not RateType.PERCENTAGE
    }
    rates = []
    for number, (field, new) in enumerate(wanted, start=1):
        _refuse_bad_rate(new, products.get(new.product_id), field=field)
        unit = units[_unit_id(card, new)]
        if (
            new.rate_type is not RateType.PERCENTAGE
            and unit_of.setdefault(new.product_id, unit.id) != unit.id
        ):
            raise InvalidArgument(f"{field}credit_type_id: a product's pricing unit cannot change")
        asked = new._asdict()
        del asked["credit_type_id"]
        sequence = card.rates_added + number
        rates.append(Rate(**asked, credit_type=unit, created_at=call.now, sequence=sequence))
    work = UnitOfWork(call.store)
    work.add(*rate_cards.append_rates(call, item, rates))
    work.commit()
    return rates


def _unit_id(card: RateCard, rate: NewRate) -> str:
    """Returns the id of the unit a rate is in. A percentage is in the unit of what it is of."""
    if rate.rate_type is RateType.PERCENTAGE:
        return card.fiat_credit_type.id
    return rate.credit_type_id or USD.id


def _units(
    call: Call, card: RateCard, wanted: Sequence[tuple[str, NewRate]]
) -> dict[str, CreditType]:
    """Returns the units of some rates by id, all of which the card can bill in."""
    convertible = {entry.custom_credit_type.id for entry in card.credit_type_conversions}
    units = {}
    for field, rate in wanted:
        unit_id = _unit_id(card, rate)
        if unit_id in units:
            continue
        unit = catalog.credit_type(call, unit_id)
        if unit.is_currency and unit.id != card.fiat_credit_type.id:
            raise InvalidArgument(
                f"{field}credit_type_id: the rate card is in {card.fiat_credit_type.name}, the rate"
                f" in {unit.name}"
            )
        if not unit.is_currency and unit.id not in convertible:
            raise InvalidArgument(
                f"{field}credit_type_id: the rate card has no conversion of {unit.name}"
            )
        units[unit_id] = unit
    return units


def _refuse_bad_rate(rate: NewRate, product: Product | None, *, field: str) -> None:
    if product is None:
        raise InvalidArgument(f"{field}product_id: product not found: {rate.product_id}")
    if product.archived_at is not None:
        raise InvalidArgument(f"{field}product_id: the product is archived")
    allowed = _PRICED_BY.get(product.type, ())
    if rate.rate_type not in allowed:
        raise InvalidArgument(
            f"{field}rate_type: {product.type} products have no {rate.rate_type} rates"
        )
    if rate.ending_before is not None and rate.ending_before <= rate.starting_at:
        raise InvalidArgument(f"{field}ending_before: must be after starting_at")
    if rate.billing_frequency is not None and product.type is not ProductType.SUBSCRIPTION:
        raise InvalidArgument(f"{field}billing_frequency: only for SUBSCRIPTION products")
    if (
        product.type is ProductType.SUBSCRIPTION
        and rate.rate_type is RateType.FLAT
        and rate.billing_frequency is None
    ):
        raise InvalidArgument(f"{field}billing_frequency: required for a SUBSCRIPTION product")
    if rate.commit_rate is not None:
        _refuse_bad_commit_rate(rate.commit_rate, product, field=field)
    _refuse_bad_group_values(rate, product, field=field)


def _refuse_bad_commit_rate(rate: CommitRate, product: Product, *, field: str) -> None:
    if product.type is not ProductType.USAGE:
        raise InvalidArgument(f"{field}commit_rate: only for USAGE products")
    if rate.rate_type not in _PRICED_BY[ProductType.USAGE]:
        raise InvalidArgument(f"{field}commit_rate.rate_type: must be FLAT or TIERED")


def _refuse_bad_group_values(rate: NewRate, product: Product, *, field: str) -> None:
    # A rate without values is the product's default for groups that have no rate of their own.
    if not rate.pricing_group_values:
        return
    starts = {rate.starting_at, *(update.starting_at for update in product.updates)}
    states = [product.state_at(start) for start in sorted(starts) if start >= rate.starting_at]
    expected = [{*(state.pricing_group_key or ())} for state in states]
    if rate.pricing_group_values.keys() not in expected:
        raise InvalidArgument(
            f"{field}pricing_group_values: must name exactly the product's pricing group key"
            f" {sorted(expected[0])}"
        )


def _selected(
    selectors: Sequence[Selector], rate: Rate, product: Product, instant: datetime
) -> bool:
    return not selectors or any(selector.selects(rate, product, instant) for selector in selectors)
