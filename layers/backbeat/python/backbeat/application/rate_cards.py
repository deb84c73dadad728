"""Rate cards and their rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.application import catalog
from backbeat.application.services import Call
from backbeat.domain.rates import rate_at
from backbeat.models.base import Model
from backbeat.models.catalog import Product
from backbeat.models.errors import InvalidArgument, NotBuilt, NotFound
from backbeat.models.money import CreditType
from backbeat.models.rates import Rate, RateCard, RateType
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Index, IndexKey, Item, Put, Query, Version

_KIND: Final = "RATECARD"
_RATES_PER_PAGE: Final = 200


class NewRate(NamedTuple):
    """A rate as asked for. `price` is in the unit of `credit_type` (USD: cents) per unit."""

    product_id: str
    starting_at: datetime
    ending_before: datetime | None
    entitled: bool
    rate_type: RateType
    price: Decimal
    credit_type: CreditType
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

    def selects(self, rate: Rate, product: Product) -> bool:
        """Tells whether a rate of the product is meant."""
        values = rate.pricing_group_values
        partial = self.partial_pricing_group_values or {}
        return (
            self.product_id in (None, product.id)
            and (self.product_tags is None or bool(self.product_tags & {*product.initial.tags}))
            and self.pricing_group_values in (None, values)
            and partial.items() <= values.items()
        )


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A rate and the product it prices."""

    rate: Rate
    product: Product


class _RatePage(Model):
    rates: tuple[Rate, ...]


def create(
    call: Call,
    *,
    name: str,
    description: str | None,
    fiat_credit_type: CreditType,
    custom_fields: dict[str, str],
) -> RateCard:
    """Creates an empty rate card."""
    card = RateCard(
        id=call.services.ids.new(),
        name=name,
        description=description,
        fiat_credit_type=fiat_credit_type,
        custom_fields=custom_fields,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, card), Absent()))
    work.commit()
    return card


def get(call: Call, rate_card_id: str) -> RateCard:
    """Returns a rate card.

    Raises:
        NotFound: no card has the id.
    """
    return from_item(_stored(call, rate_card_id), RateCard)


def page(call: Call, *, limit: int, cursor: str | None) -> tuple[list[RateCard], str | None]:
    """Returns a page of the cards in order of creation, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, _KIND, archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(call.store, query, keep=lambda item: True)
    return [from_item(item, RateCard) for item in items], next_cursor


def add_rates(call: Call, rate_card_id: str, wanted: Sequence[NewRate]) -> list[Rate]:
    """Adds rates to a card, all or none. Each supersedes what it overlaps.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: a product is unknown or archived, its unit would change, or the group
            values are not those of its pricing group key.
        NotBuilt: the rate type is not part of Backbeat yet.
    """
    item = _stored(call, rate_card_id)
    card = from_item(item, RateCard)
    existing = _rates(call, item)
    for number, rate in enumerate(wanted):
        _refuse_bad_rate(call, rate, existing, field=f"rates[{number}]")
    rates = [
        Rate(**rate._asdict(), created_at=call.now, sequence=card.rates_added + number)
        for number, rate in enumerate(wanted, start=1)
    ]
    card = card.model_copy(update={"rates_added": card.rates_added + len(rates)})
    work = UnitOfWork(call.store)
    # The card's version makes concurrent additions one after the other.
    work.add(Put(_item(call, card, item.version + 1), Version(item.version)))
    for start in range(0, len(rates), _RATES_PER_PAGE):
        page = rates[start : start + _RATES_PER_PAGE]
        key = keys.rate_page(call.tenant, card.id, page[0].sequence)
        work.add(Put(to_item(key, _RatePage(rates=tuple(page))), Absent()))
    work.commit()
    return rates


def in_force(
    call: Call, rate_card_id: str, *, at: datetime, selectors: Sequence[Selector]
) -> list[PricedProduct]:
    """Returns the rates that hold at an instant, in the order they were added.

    Without selectors all are meant, else those that any of them selects.

    Raises:
        NotFound: no card has the id.
    """
    _, rates = with_rates(call, rate_card_id)
    product_ids = dict.fromkeys(rate.product_id for rate in rates)
    products = {product.id: product for product in catalog.products_of_ids(call, [*product_ids])}
    holding = [
        rate
        for rate in rates
        if rate.in_force(at)
        and rate
        is rate_at(
            [other for other in rates if other.product_id == rate.product_id],
            group_values=rate.pricing_group_values,
            instant=at,
        )
    ]
    found = [PricedProduct(rate, products[rate.product_id]) for rate in holding]
    return [
        entry
        for entry in found
        if not selectors
        or any(selector.selects(entry.rate, entry.product) for selector in selectors)
    ]


def with_rates(call: Call, rate_card_id: str) -> tuple[RateCard, tuple[Rate, ...]]:
    """Returns a card and its rates as of one instant.

    Raises:
        NotFound: no card has the id.
    """
    item = _stored(call, rate_card_id)
    return from_item(item, RateCard), _rates(call, item)


def _rates(call: Call, item: Item) -> tuple[Rate, ...]:
    # Rates are only ever added, and each addition is a new version of the card.
    return call.services.rates.get(item.key, item.version, lambda: _load_rates(call, item))


def _load_rates(call: Call, item: Item) -> tuple[Rate, ...]:
    card = from_item(item, RateCard)
    pk, low, high = keys.rates(call.tenant, card.id)
    return tuple(
        rate
        for page in walk(call.store, Query(pk, low=low, high=high))
        for rate in from_item(page, _RatePage).rates
        # Rates that a later version of the card added are not this version's.
        if rate.sequence <= card.rates_added
    )


def _refuse_bad_rate(call: Call, rate: NewRate, existing: Sequence[Rate], *, field: str) -> None:
    try:
        product = catalog.get_product(call, rate.product_id)
    except NotFound as unknown:
        raise InvalidArgument(f"{field}.product_id: {unknown.message}") from unknown
    if product.archived_at is not None:
        raise InvalidArgument(f"{field}.product_id: the product is archived")
    if rate.rate_type is not RateType.FLAT:
        raise NotBuilt(f"{field}.rate_type: {rate.rate_type} rates are not built yet")
    if rate.ending_before is not None and rate.ending_before <= rate.starting_at:
        raise InvalidArgument(f"{field}.ending_before: must be after starting_at")
    if any(
        other.product_id == rate.product_id and other.credit_type != rate.credit_type
        for other in existing
    ):
        raise InvalidArgument(f"{field}.credit_type_id: a product's pricing unit cannot change")
    _refuse_bad_group_values(product, rate, field=field)


def _refuse_bad_group_values(product: Product, rate: NewRate, *, field: str) -> None:
    expected = set(product.initial.pricing_group_key or ())
    # A rate without values is the product's default for groups that have no rate of their own.
    if rate.pricing_group_values and set(rate.pricing_group_values) != expected:
        raise InvalidArgument(
            f"{field}.pricing_group_values: must name exactly the product's pricing group key"
            f" {sorted(expected)}"
        )


def _stored(call: Call, rate_card_id: str) -> Item:
    item = call.store.get(keys.entity(call.tenant, _KIND, rate_card_id))
    if item is None:
        raise NotFound("rate card", rate_card_id)
    return item


def _item(call: Call, card: RateCard, version: int = 1) -> Item:
    return to_item(
        keys.entity(call.tenant, _KIND, card.id),
        card,
        version=version,
        gsi1=IndexKey(
            keys.entities(call.tenant, _KIND, archived=False),
            keys.created(card.created_at, card.id),
        ),
    )
