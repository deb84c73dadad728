"""Terms of a contract as asked for, and as they are once they fit its rate card."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backbeat.application import catalog, custom_fields, rate_card_aliases, rate_cards
from backbeat.application.services import Call
from backbeat.domain import override_rules
from backbeat.models.catalog import Product
from backbeat.models.charges import Discount, ProService, ScheduledCharge
from backbeat.models.contracts import Contract
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import CreditType
from backbeat.models.overrides import (
    Override,
    OverrideTerms,
    OverwriteRate,
    Prioritization,
    RateTerms,
)
from backbeat.models.rates import RateType
from backbeat.models.subscriptions import Subscription
from backbeat.persistence.unit_of_work import UnitOfWork

Term = ScheduledCharge | Discount | ProService | Subscription
"""A term that can have custom fields."""


@dataclass(frozen=True, slots=True)
class WantedTerms:
    """An override as asked for, its dates apart.

    `overwrite` is the new price of an OVERWRITE, in the unit of `credit_type_id`, or of the
    product's rates when none is given. `terms` holds everything else.
    """

    terms: OverrideTerms
    overwrite: RateTerms | None = None
    credit_type_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewOverride:
    """An override as asked for. Dates lie on UTC hours."""

    wanted: WantedTerms
    starting_at: datetime
    ending_before: datetime | None


@dataclass(frozen=True, slots=True)
class PriceList:
    """What overrides are checked against: the products a card prices, and in which units."""

    products: Mapping[str, Product]
    units: Mapping[str, CreditType]


def card_of_alias(call: Call, name: str, at: datetime) -> str:
    """Returns the id of the rate card that a name stands for at an instant.

    Raises:
        InvalidArgument: it stands for none then.
    """
    card_id = rate_card_aliases.holder(call, name, at)
    if card_id is None:
        raise InvalidArgument(f"rate_card_alias: no rate card has the alias {name} at that time")
    return card_id


def price_list(call: Call, rate_card_id: str | None, wanted: Sequence[WantedTerms]) -> PriceList:
    """Returns the part of a card that the overrides name. Without a card it is empty."""
    named = {id_ for entry in wanted for id_ in entry.terms.named_product_ids}
    if rate_card_id is None or not named:
        return PriceList({}, {})
    _, rates = rate_cards.with_rates(call, rate_card_id)
    units = {rate.product_id: rate.credit_type for rate in rates if rate.product_id in named}
    products = catalog.products_of_ids(call, sorted(units))
    return PriceList({product.id: product for product in products}, units)


def checked(
    wanted: WantedTerms,
    prices: PriceList,
    *,
    prioritization: Prioritization,
    at: datetime,
    field: str,
) -> OverrideTerms:
    """Returns the terms of an override, complete and fit for its card.

    Raises:
        InvalidArgument: names what does not fit.
    """
    for product_id in wanted.terms.named_product_ids:
        if product_id not in prices.products:
            raise InvalidArgument(f"{field}: No such product in rate card: {product_id}")
    terms = wanted.terms
    if wanted.overwrite is not None:
        credit_type = _unit(wanted, prices, field=field)
        rate = OverwriteRate(**dict(wanted.overwrite), credit_type=credit_type)
        terms = terms.model_copy(update={"overwrite_rate": rate})
    override_rules.refuse_bad(
        terms, products=prices.products, prioritization=prioritization, at=at, field=field
    )
    return terms


def overrides(
    call: Call, contract: Contract, wanted: Sequence[NewOverride], *, field: str
) -> tuple[Override, ...]:
    """Returns overrides ready to be added to a contract, in the order given.

    Raises:
        InvalidArgument: one does not fit the contract or its rate card.
    """
    prices = price_list(call, contract.rate_card_id, [entry.wanted for entry in wanted])
    return tuple(
        Override(
            **dict(
                checked(
                    entry.wanted,
                    prices,
                    prioritization=contract.multiplier_override_prioritization,
                    at=entry.starting_at,
                    field=f"{field}[{number}]",
                )
            ),
            id=call.services.ids.new(),
            sequence=contract.terms_added + number + 1,
            created_at=call.now,
            starting_at=entry.starting_at,
            ending_before=entry.ending_before,
        )
        for number, entry in enumerate(wanted)
    )


def claim_fields(call: Call, work: UnitOfWork, added: Mapping[FieldEntity, Iterable[Term]]) -> None:
    """Lets terms that the work adds carry their custom fields.

    Raises:
        InvalidArgument: a key is not registered for the kind of term.
    """
    for entity, terms in added.items():
        for term in terms:
            custom_fields.claim(call, work, entity, term.id, term.custom_fields)


def _unit(wanted: WantedTerms, prices: PriceList, *, field: str) -> CreditType:
    units = {prices.units[id_].id: prices.units[id_] for id_ in wanted.terms.named_product_ids}
    if not units:
        raise InvalidArgument(f"{field}: an OVERWRITE needs a product_id")
    asked = wanted.credit_type_id or next(iter(units))
    if wanted.overwrite is not None and wanted.overwrite.rate_type is RateType.PERCENTAGE:
        # A percentage is in the unit of what it is taken of, whatever is sent.
        return next(iter(units.values()))
    if {asked} != {*units}:
        raise InvalidArgument(
            f"{field}.overwrite_rate.credit_type_id: must be the unit of the product's rate"
        )
    return units[asked]
