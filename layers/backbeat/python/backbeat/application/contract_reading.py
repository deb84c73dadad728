"""Contracts with everything that showing them takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from backbeat.application import (
    balances,
    catalog,
    contracts,
    provider_choices,
    scheduled_invoices,
    subscription_history,
)
from backbeat.application.balances import ShownBalance
from backbeat.application.services import Call
from backbeat.application.subscription_history import ShownSubscription
from backbeat.domain import charges, periods, recurring
from backbeat.domain import contracts as rules
from backbeat.models.contracts import Contract, FilterSegment, UsageFilter
from backbeat.models.edits import ContractEdit
from backbeat.models.period import Period
from backbeat.models.provider_configurations import ProviderConfiguration
from backbeat.models.recurring import RecurringBalance
from backbeat.persistence import contracts as persisted


class BalanceDetail(NamedTuple):
    """What is wanted of a contract's commits and credits beside their terms."""

    worth: bool = False
    ledger: bool = False


class ShownRecurring(NamedTuple):
    """A recurring commit or credit and what its periods are counted from."""

    template: RecurringBalance
    anchor: datetime


TERMS_ALONE: Final = BalanceDetail()


@dataclass(frozen=True, slots=True)
class ShownContract:
    """A contract, the names of the products it names, and its usage filters by date.

    `invoices` are those of schedule items, by item id. `usage_filter` is the filter in force, or
    the first to come. `account` is where invoices are sent, unless it was archived.
    `open_period` is the usage period at the time that is shown.
    """

    contract: Contract
    products: Mapping[str, str]
    invoices: Mapping[str, str]
    subscriptions: Sequence[ShownSubscription]
    filters: Sequence[FilterSegment]
    usage_filter: UsageFilter | None
    account: ProviderConfiguration | None
    recurring: Sequence[ShownRecurring] = ()
    balances: Sequence[ShownBalance] = ()
    detail: BalanceDetail = TERMS_ALONE
    open_period: Period | None = None


@dataclass(frozen=True, slots=True)
class ShownEdit:
    """An edit of a contract with everything that showing it takes; see `ShownContract`.

    `balances` are those it added, as they are now.
    """

    contract: Contract
    edit: ContractEdit
    products: Mapping[str, str]
    invoices: Mapping[str, str]
    subscriptions: Sequence[ShownSubscription]
    recurring: Sequence[ShownRecurring] = ()
    balances: Sequence[ShownBalance] = ()


@dataclass(frozen=True, slots=True)
class ShownHistory:
    """A contract as it is, as it was created, and the amendments between."""

    current: ShownContract
    initial: ShownContract
    amendments: Sequence[ShownEdit]


def shown(
    call: Call,
    found: Sequence[Contract],
    *,
    as_of: datetime | None = None,
    detail: BalanceDetail = TERMS_ALONE,
) -> list[ShownContract]:
    """Returns contracts ready to be shown as they stand, or with `as_of` as they stood then."""
    if as_of is not None:
        found = [contracts.as_of(call, contract, as_of) for contract in found]
    at = as_of or call.now
    products = product_names(call, found)
    owned = balances.of_contracts(call, found, detailed=any(detail), at=as_of)
    return [
        replace(_shown(call, contract, products, at=at), balances=owned[contract.id], detail=detail)
        for contract in found
    ]


def shown_edits(call: Call, contract: Contract, edits: Sequence[ContractEdit]) -> list[ShownEdit]:
    """Returns edits of a contract ready to be shown."""
    products = product_names(call, edits)
    currency = scheduled_invoices.currency_of(call, contract)
    invoices = charges.invoice_ids(contract, currency)
    return [
        ShownEdit(
            contract,
            edit,
            products,
            invoices,
            subscription_history.shown(contract, edit.add_subscriptions, currency, at=call.now),
            _recurring(contract, edit.add_recurring),
        )
        for edit in edits
    ]


def with_history(
    call: Call,
    found: Sequence[Contract],
    *,
    detail: BalanceDetail = TERMS_ALONE,
) -> list[ShownHistory]:
    """Returns contracts ready to be shown with what they once were."""
    first = [contracts.as_created(call, contract) for contract in found]
    edited = [_edits(call, contract) for contract in found]
    amended = [[edit for edit in made if edit.amendment is not None] for made in edited]
    edits = [edit for made in amended for edit in made]
    later = {added.id for made in edited for edit in made for added in edit.add_balances}
    products = product_names(call, [*found, *first, *edits])
    owned = balances.of_contracts(call, found, detailed=any(detail))
    return [
        ShownHistory(
            replace(
                _shown(call, contract, products, at=call.now),
                balances=owned[contract.id],
                detail=detail,
            ),
            replace(
                _shown(call, initial, products, at=initial.starting_at),
                balances=[one for one in owned[contract.id] if one.balance.id not in later],
                detail=detail,
            ),
            [
                replace(
                    one,
                    balances=[
                        held
                        for held in owned[contract.id]
                        if held.balance.id in {added.id for added in one.edit.add_balances}
                    ],
                )
                for one in shown_edits(call, contract, made)
            ],
        )
        for contract, initial, made in zip(found, first, amended, strict=True)
    ]


def product_names(call: Call, found: Iterable[Contract | ContractEdit]) -> dict[str, str]:
    """Returns the present names of the products that contracts or edits name."""
    wanted = {product_id for entry in found for product_id in _named(entry)}
    products = catalog.products_of_ids(call, sorted(wanted))
    return {product.id: product.state_at(call.now).name for product in products}


def _named(entry: Contract | ContractEdit) -> Iterator[str]:
    if isinstance(entry, ContractEdit):
        overrides, subscribed = entry.add_overrides, entry.add_subscriptions
        dated, discounts = entry.add_scheduled_charges, entry.add_discounts
        templates = entry.add_recurring
        yield from (balance.product_id for balance in entry.add_balances)
    else:
        overrides, subscribed = entry.overrides, entry.subscriptions
        dated, discounts = entry.scheduled_charges, entry.discounts
        templates = entry.recurring_balances
    yield from (o.product_id for o in overrides if o.product_id is not None)
    yield from (charge.product_id for charge in dated)
    yield from (discount.product_id for discount in discounts)
    yield from (subscription.product_id for subscription in subscribed)
    yield from (template.product_id for template in templates)


def _recurring(
    contract: Contract, templates: Iterable[RecurringBalance]
) -> tuple[ShownRecurring, ...]:
    return tuple(ShownRecurring(entry, recurring.anchor_of(entry, contract)) for entry in templates)


def _account(call: Call, contract: Contract) -> ProviderConfiguration | None:
    choice = contract.billing_provider
    if choice is None:
        return None
    accounts = provider_choices.accounts_of(call, contract.customer_id)
    return next((one for one in accounts if one.id == choice.configuration_id), None)


def _shown(
    call: Call, contract: Contract, products: Mapping[str, str], *, at: datetime
) -> ShownContract:
    holding = rules.filter_at(contract, at)
    segments = rules.filter_segments(contract)
    if holding is None and segments:
        holding = segments[0].filter
    currency = scheduled_invoices.currency_of(call, contract)
    return ShownContract(
        contract,
        products,
        charges.invoice_ids(contract, currency),
        subscription_history.shown(contract, contract.subscriptions, currency, at=at),
        segments,
        holding,
        _account(call, contract),
        _recurring(contract, contract.recurring_balances),
        open_period=next(periods.usage_periods_from(contract, at), None),
    )


def _edits(call: Call, contract: Contract) -> list[ContractEdit]:
    return persisted.edits(call.store, call.tenant, contract)
