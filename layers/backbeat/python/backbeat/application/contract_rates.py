"""What a contract pays: its card's rates, with the contract's overrides over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from backbeat.application import rate_cards, rates
from backbeat.application.rates import PricedProduct, Selector
from backbeat.application.services import Call
from backbeat.domain.overrides import Price, Subject, price_at
from backbeat.models.contracts import Contract
from backbeat.models.overrides import OverwriteRate
from backbeat.models.rates import Rate, RateType


@dataclass(frozen=True, slots=True)
class ContractRate:
    """A rate of the card while the same override, or none, changes it.

    `override` is the price that comes out, where one does.
    """

    rate_card_id: str
    entry: PricedProduct
    override: OverwriteRate | None


def in_force(
    call: Call, contract: Contract, *, at: datetime, selectors: Sequence[Selector]
) -> list[ContractRate]:
    """Returns the entitled rates that hold at an instant, in the order the card has them.

    A contract that does not run then has none. Without selectors all are meant.
    """
    card_id = contract.rate_card_id
    if card_id is None or not contract.covers(at):
        return []
    _, everything = rate_cards.with_rates(call, card_id)
    by_product: dict[str, list[Rate]] = {}
    for rate in everything:
        by_product.setdefault(rate.product_id, []).append(rate)
    found = []
    for entry in rates.in_force(call, card_id, at=at, selectors=selectors):
        line = _Line(contract, entry, by_product[entry.product.id])
        price = line.price(at)
        if price is not None:
            found.append(ContractRate(card_id, line.around(at), _overriding(price)))
    return found


@dataclass(frozen=True, slots=True)
class _Line:
    """One rate line of the card under a contract."""

    contract: Contract
    entry: PricedProduct
    rates: Sequence[Rate]

    def price(self, instant: datetime) -> Price | None:
        rate, state = self.entry.rate, self.entry.product.state_at(instant)
        subject = Subject(
            self.entry.product,
            state,
            pricing=rate.pricing_group_values,
            presentation={},
            frequency=rate.billing_frequency,
        )
        return price_at(
            subject,
            instant,
            rates=self.rates,
            overrides=self.contract.overrides,
            prioritization=self.contract.multiplier_override_prioritization,
        )

    def around(self, at: datetime) -> PricedProduct:
        """Returns the line's stretch around an instant in which its price stays the same."""
        start, end = self._span()
        for before, after in pairwise(self._cuts(start, end)):
            if self.price(before) == self.price(after):
                continue
            if after <= at:
                start = after
            else:
                end = after
                break
        return replace(self.entry, starting_at=start, ending_before=end)

    def _span(self) -> tuple[datetime, datetime | None]:
        start = max(self.entry.starting_at, self.contract.starting_at)
        ends = [
            end
            for end in (self.entry.ending_before, self.contract.ending_before)
            if end is not None
        ]
        return start, min(ends, default=None)

    def _cuts(self, start: datetime, end: datetime | None) -> list[datetime]:
        return sorted({start, *(cut for cut in self._dates() if _inside(cut, start, end))})

    def _dates(self) -> Iterator[datetime]:
        for override in self.contract.overrides:
            yield override.starting_at
            if override.ending_before is not None:
                yield override.ending_before


def _inside(instant: datetime, start: datetime, end: datetime | None) -> bool:
    return start < instant and (end is None or instant < end)


def _overriding(price: Price) -> OverwriteRate | None:
    if price.override is None:
        return None
    tiered = len(price.ladder) > 1
    rate_type = RateType.TIERED if tiered and price.rate_type is RateType.FLAT else price.rate_type
    return OverwriteRate(
        rate_type=rate_type,
        price=None if tiered else price.ladder[0].price,
        tiers=price.ladder if tiered else (),
        minimum=price.minimum,
        credit_type=price.credit_type,
    )
