"""Rate cards: their names, aliases, units and the order of their products."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, custom_fields, rate_card_aliases
from backbeat.application.rate_card_aliases import NewAlias
from backbeat.application.services import Call
from backbeat.domain import rates as rate_rules
from backbeat.models.base import Model
from backbeat.models.contracts import Contract
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import Known
from backbeat.models.money import USD
from backbeat.models.rates import CreditTypeConversion, Rate, RateCard
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Put, Query, Version

_KIND: Final = "RATECARD"
_RATES_PER_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class NewRateCard:
    """A card as asked for. `conversions` are the fiat prices of custom pricing units by id."""

    name: str
    description: str | None
    fiat_credit_type_id: str | None
    conversions: Sequence[tuple[str, Decimal]]
    aliases: Sequence[NewAlias]
    custom_fields: dict[str, str]


class _RatePage(Model):
    rates: tuple[Rate, ...]


# Cards


def create(call: Call, wanted: NewRateCard) -> RateCard:
    """Creates a card without rates.

    Raises:
        InvalidArgument: a credit type is unknown or of the wrong kind, an alias ends before it
            starts, or a custom field is not registered.
    """
    fiat_id = wanted.fiat_credit_type_id
    fiat = USD if fiat_id is None else catalog.credit_type(call, fiat_id)
    if not fiat.is_currency:
        raise InvalidArgument("fiat_credit_type_id: must be a currency")
    card = RateCard(
        id=call.services.ids.new(),
        name=wanted.name,
        description=wanted.description,
        fiat_credit_type=fiat,
        credit_type_conversions=_conversions(call, wanted.conversions),
        custom_fields=wanted.custom_fields,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    custom_fields.claim(call, work, FieldEntity.RATE_CARD, card.id, card.custom_fields)
    card = rate_card_aliases.assign(call, work, card, wanted.aliases)
    work.add(Put(_item(call, card), Absent()))
    work.commit()
    return card


def update(
    call: Call,
    rate_card_id: str,
    *,
    name: str | None,
    description: str | None,
    aliases: Sequence[NewAlias] | None,
) -> None:
    """Changes what is given; aliases replace the ones the card had.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: the card is archived, or an alias ends before it starts.
    """
    item = _stored(call, rate_card_id)
    card = _active(from_item(item, RateCard))
    changes = {"name": name, "description": description}
    card = card.model_copy(update={field: v for field, v in changes.items() if v is not None})
    work = UnitOfWork(call.store)
    if aliases is not None:
        card = rate_card_aliases.assign(call, work, card, aliases)
    work.add(_replacing(call, card, item))
    work.commit()


def archive(call: Call, rate_card_id: str) -> None:
    """Archives a card: contracts on it go on, new ones cannot be put on it.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: it is archived already.
    """
    item = _stored(call, rate_card_id)
    card = _active(from_item(item, RateCard))
    work = UnitOfWork(call.store)
    work.add(_replacing(call, card.model_copy(update={"archived_at": call.now}), item))
    work.commit()


def get(call: Call, rate_card_id: str) -> RateCard:
    """Returns a card, archived ones included.

    Raises:
        NotFound: no card has the id.
    """
    return from_item(_stored(call, rate_card_id), RateCard)


def get_active(call: Call, rate_card_id: str) -> RateCard:
    """Returns a card that new contracts may be put on.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: the card is archived.
    """
    return _active(get(call, rate_card_id))


def resolve_alias(call: Call, alias: str, at: datetime) -> str:
    """Returns the id of the card that an alias stands for at an instant, for a new contract.

    Raises:
        InvalidArgument: it stands for none then, or for an archived one.
    """
    rate_card_id = rate_card_aliases.holder(call, alias, at)
    if rate_card_id is None:
        raise InvalidArgument(f"rate_card_alias: no rate card has the alias {alias} at that time")
    return get_active(call, rate_card_id).id


def page(call: Call, *, limit: int, cursor: str | None) -> tuple[list[RateCard], str | None]:
    """Returns a page of the cards not archived, oldest first, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, _KIND, archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(call.store, query, keep=lambda item: True)
    return [from_item(item, RateCard) for item in items], next_cursor


# The order of products


def set_product_order(call: Call, rate_card_id: str, product_ids: Sequence[str]) -> None:
    """Lists these products first on invoices, the card's others behind them as they were added.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: a product has no rate on the card, or is named twice.
    """
    item = _stored(call, rate_card_id)
    on_card = {rate.product_id for rate in _rates(call, item)}
    _refuse_absent(product_ids, on_card, field="product_order")
    _reorder(call, item, product_ids)


def move_products(call: Call, rate_card_id: str, moves: Sequence[tuple[str, int]]) -> None:
    """Moves products, one after the other, each to a position counted from 0 or to the end.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: a product has no rate on the card, or is named twice.
    """
    item = _stored(call, rate_card_id)
    card = from_item(item, RateCard)
    on_card = dict.fromkeys(rate.product_id for rate in _rates(call, item))
    _refuse_absent([product_id for product_id, _ in moves], on_card, field="product_moves")
    order = rate_rules.in_product_order(on_card, card.product_order)
    for product_id, position in moves:
        order.remove(product_id)
        order.insert(min(position, len(order)), product_id)
    _reorder(call, item, order)


# The rates of a card


def with_rates(
    call: Call, rate_card_id: str, *, known: Known | None = None
) -> tuple[RateCard, tuple[Rate, ...]]:
    """Returns a card and its rates as of one version, without those that were replaced.

    With `known` the rates are those that were known then.

    Raises:
        NotFound: no card has the id.
    """
    item = _stored(call, rate_card_id)
    card = from_item(item, RateCard)
    if known is None or known.rates >= card.rates_added:
        return card, _rates(call, item)
    added = (rate for rate in _added(call, item) if rate.sequence <= known.rates)
    return card, tuple(rate_rules.not_replaced(added))


def known_now(call: Call, contract: Contract) -> Known:
    """Returns what an invoice of a contract is made by now.

    Raises:
        NotFound: the contract's card does not exist.
    """
    rates = 0 if contract.rate_card_id is None else get(call, contract.rate_card_id).rates_added
    return Known(edits=contract.edits, rates=rates)


def every_rate(call: Call, rate_card_id: str) -> tuple[Rate, ...]:
    """Returns all rates ever added to a card, in that order: final invoices may name any of them.

    Raises:
        NotFound: no card has the id.
    """
    return _added(call, _stored(call, rate_card_id))


def stored_with_rates(call: Call, rate_card_id: str) -> tuple[Item, tuple[Rate, ...]]:
    """Returns the item of a card that may be changed, and its rates.

    Raises:
        NotFound: no card has the id.
        InvalidArgument: the card is archived.
    """
    item = _stored(call, rate_card_id)
    _active(from_item(item, RateCard))
    return item, _rates(call, item)


def append_rates(call: Call, item: Item, rates: Sequence[Rate]) -> list[Effect]:
    """Returns the effects that add rates, numbered from the next one on, to a card's item."""
    card = from_item(item, RateCard)
    card = card.model_copy(update={"rates_added": card.rates_added + len(rates)})
    # The card's version makes concurrent additions one after the other.
    effects: list[Effect] = [_replacing(call, card, item)]
    for start in range(0, len(rates), _RATES_PER_PAGE):
        together = rates[start : start + _RATES_PER_PAGE]
        key = keys.rate_page(call.tenant, card.id, together[0].sequence)
        effects.append(Put(to_item(key, _RatePage(rates=tuple(together))), Absent()))
    return effects


def _conversions(
    call: Call, wanted: Sequence[tuple[str, Decimal]]
) -> tuple[CreditTypeConversion, ...]:
    units = [catalog.credit_type(call, unit_id) for unit_id, _ in wanted]
    if any(unit.is_currency for unit in units):
        raise InvalidArgument(
            "credit_type_conversions: custom_credit_type_id must be a custom pricing unit"
        )
    if len({unit.id for unit in units}) < len(units):
        raise InvalidArgument("credit_type_conversions: names a custom pricing unit twice")
    return tuple(
        CreditTypeConversion(custom_credit_type=unit, fiat_per_custom_credit=price)
        for unit, (_, price) in zip(units, wanted, strict=True)
    )


def _refuse_absent(product_ids: Sequence[str], on_card: Collection[str], *, field: str) -> None:
    for product_id in product_ids:
        if product_id not in on_card:
            raise InvalidArgument(f"{field}: the rate card has no rate of product {product_id}")
    if len(set(product_ids)) < len(product_ids):
        raise InvalidArgument(f"{field}: names a product twice")


def _reorder(call: Call, item: Item, order: Sequence[str]) -> None:
    card = from_item(item, RateCard).model_copy(update={"product_order": tuple(order)})
    work = UnitOfWork(call.store)
    work.add(_replacing(call, card, item))
    work.commit()


def _rates(call: Call, item: Item) -> tuple[Rate, ...]:
    # Rates are only ever added, and each addition is a new version of the card.
    return call.services.rates.get(item.key, item.version, lambda: _load_rates(call, item))


def _load_rates(call: Call, item: Item) -> tuple[Rate, ...]:
    return tuple(rate_rules.not_replaced(_added(call, item)))


def _added(call: Call, item: Item) -> tuple[Rate, ...]:
    card = from_item(item, RateCard)
    pk, low, high = keys.rates(call.tenant, card.id)
    return tuple(
        rate
        for page in walk(call.store, Query(pk, low=low, high=high))
        for rate in from_item(page, _RatePage).rates
        # Rates that a later version of the card added are not this version's.
        if rate.sequence <= card.rates_added
    )


def _active(card: RateCard) -> RateCard:
    if card.archived_at is not None:
        raise InvalidArgument("rate_card_id: the rate card is archived")
    return card


def _stored(call: Call, rate_card_id: str) -> Item:
    item = call.store.get(keys.entity(call.tenant, _KIND, rate_card_id))
    if item is None:
        raise NotFound("rate card", rate_card_id)
    return item


def _replacing(call: Call, card: RateCard, before: Item) -> Put:
    return Put(_item(call, card, before.version + 1), Version(before.version))


def _item(call: Call, card: RateCard, version: int = 1) -> Item:
    return to_item(
        keys.entity(call.tenant, _KIND, card.id),
        card,
        version=version,
        gsi1=IndexKey(
            keys.entities(call.tenant, _KIND, archived=card.archived_at is not None),
            keys.created(card.created_at, card.id),
        ),
    )
