"""Adding and changing subscriptions: from what is asked for to what the contract will hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, rate_cards
from backbeat.application.services import Call
from backbeat.domain import charges, invoicing, periods
from backbeat.domain import subscriptions as recurring
from backbeat.models.catalog import ProductType
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.money import USD, CreditType
from backbeat.models.rates import Rate
from backbeat.models.schedules import Frequency
from backbeat.models.subscriptions import (
    BillingCycle,
    ChangeKind,
    CollectionSchedule,
    Proration,
    ProrationRounding,
    QuantityChange,
    QuantityMode,
    Subscription,
    SubscriptionChanges,
    SubscriptionUpdate,
)
from backbeat.persistence import invoices

_MOST_SEATS: Final = 1000
_QUANTITY_KINDS: Final = (ChangeKind.SET, ChangeKind.ADD)


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change of quantity or seats as asked for; see `QuantityChange`."""

    starting_at: datetime
    kind: ChangeKind
    quantity: Decimal = Decimal(0)
    seat_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription as asked for. Without dates it runs as long as its contract.

    `initial` is what it starts with. `temporary_id` names it within one request only.
    """

    product_id: str
    frequency: Frequency
    collection_schedule: CollectionSchedule
    proration: Proration
    initial: tuple[tuple[ChangeKind, Decimal, tuple[str, ...]], ...]
    name: str | None = None
    description: str | None = None
    billing_cycle: BillingCycle | None = None
    starting_at: datetime | None = None
    ending_before: datetime | None = None
    quantity_mode: QuantityMode = QuantityMode.QUANTITY_ONLY
    seat_group_key: str | None = None
    temporary_id: str | None = None
    custom_fields: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionEdit:
    """A change of a subscription as asked for; see `SubscriptionUpdate`."""

    subscription_id: str
    name: str | None = None
    ending_before: datetime | None = None
    removes_ending_before: bool = False
    rounding: ProrationRounding | None = None
    removes_rounding: bool = False
    seat_group_key: str | None = None
    changes: tuple[NewChange, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prices:
    """The rates of a contract's card, and its currency."""

    rates: Sequence[Rate]
    currency: CreditType

    def billed_units(self, subscription: Subscription) -> set[str]:
        """Returns the units that invoices of a subscription may be in; custom ones never are."""
        units = [
            rate.credit_type for rate in self.rates if rate.product_id == subscription.product_id
        ]
        return {unit.id if unit.is_currency else self.currency.id for unit in units}


def changes(
    call: Call,
    contract: Contract,
    *,
    add: Sequence[NewSubscription] = (),
    update: Sequence[SubscriptionEdit] = (),
    field: str,
) -> SubscriptionChanges:
    """Returns changes of a contract's subscriptions, checked and complete.

    `field` is the request's name of the subscriptions to add.

    Raises:
        NotFound: the contract has no subscription of an id.
        InvalidArgument: something does not fit the contract or its rate card.
    """
    if not add and not update:
        return SubscriptionChanges()
    prices = _Prices((), USD)
    if contract.rate_card_id is not None:
        card, rates = rate_cards.with_rates(call, contract.rate_card_id)
        prices = _Prices(rates, card.fiat_credit_type)
    return SubscriptionChanges(
        add_subscriptions=tuple(
            _added(call, contract, prices, wanted, field=f"{field}[{number}]")
            for number, wanted in enumerate(add)
        ),
        update_subscriptions=tuple(
            _updated(call, contract, prices, wanted, field=f"update_subscriptions[{number}]")
            for number, wanted in enumerate(update)
        ),
    )


def temporary_ids(wanted: Sequence[NewSubscription], made: SubscriptionChanges) -> dict[str, str]:
    """Returns the ids of new subscriptions by the temporary ids they were asked for with."""
    return {
        new.temporary_id: subscription.id
        for new, subscription in zip(wanted, made.add_subscriptions, strict=True)
        if new.temporary_id is not None
    }


def _added(
    call: Call,
    contract: Contract,
    prices: _Prices,
    wanted: NewSubscription,
    *,
    field: str,
) -> Subscription:
    _refuse_bad_product(call, prices.rates, wanted, field=field)
    starting_at = wanted.starting_at or contract.starting_at
    subscription = Subscription(
        id=call.services.ids.new(),
        product_id=wanted.product_id,
        frequency=wanted.frequency,
        name=wanted.name,
        description=wanted.description,
        collection_schedule=wanted.collection_schedule,
        proration=wanted.proration,
        billing_cycle=wanted.billing_cycle,
        starting_at=starting_at,
        ending_before=wanted.ending_before,
        quantity_mode=wanted.quantity_mode,
        seat_group_key=wanted.seat_group_key,
        changes=tuple(
            QuantityChange(
                sequence=number,
                starting_at=starting_at,
                kind=kind,
                quantity=quantity,
                seat_ids=seat_ids,
            )
            for number, (kind, quantity, seat_ids) in enumerate(wanted.initial, start=1)
        ),
        custom_fields=wanted.custom_fields or {},
        created_at=call.now,
    )
    if starting_at < contract.starting_at:
        raise InvalidArgument(f"{field}.starting_at: must not be before the contract's")
    if contract.ending_before is not None and starting_at >= contract.ending_before:
        raise InvalidArgument(f"{field}.starting_at: must be before the contract's end")
    _refuse_bad_end(contract, subscription, field=field)
    _refuse_bad_quantity(subscription, field=field)
    cycle = wanted.billing_cycle
    if cycle is not None and cycle.anchor is not None and cycle.anchor > starting_at:
        raise InvalidArgument(
            f"{field}.billing_cycle_config.anchor_date: must not be after the subscription's start"
        )
    if _is_any_final(call, contract, subscription, prices):
        return subscription.model_copy(update={"apart": call.services.ids.new()})
    return subscription


def _updated(
    call: Call,
    contract: Contract,
    prices: _Prices,
    wanted: SubscriptionEdit,
    *,
    field: str,
) -> SubscriptionUpdate:
    before = next(
        (entry for entry in contract.subscriptions if entry.id == wanted.subscription_id), None
    )
    if before is None:
        raise NotFound("subscription", wanted.subscription_id)
    _refuse_mixed_modes(before, wanted, field=field)
    fresh = call.services.ids.new()
    sequence = max(change.sequence for change in before.changes)
    update = SubscriptionUpdate(
        subscription_id=before.id,
        name=wanted.name,
        ending_before=wanted.ending_before,
        removes_ending_before=wanted.removes_ending_before,
        rounding=wanted.rounding,
        removes_rounding=wanted.removes_rounding,
        seat_group_key=wanted.seat_group_key,
        changes=tuple(
            QuantityChange(
                sequence=sequence + number,
                starting_at=change.starting_at,
                kind=change.kind,
                quantity=change.quantity,
                seat_ids=change.seat_ids,
                apart=fresh if _is_final_at(call, contract, before, prices, change) else None,
            )
            for number, change in enumerate(wanted.changes, start=1)
        ),
    )
    after = recurring.updated(before, update)
    end = recurring.end_of(after, contract)
    for change in wanted.changes:
        if change.starting_at < before.starting_at or (
            end is not None and change.starting_at >= end
        ):
            raise InvalidArgument(f"{field}: a change lies outside the subscription's dates")
    _refuse_bad_end(contract, after, field=field)
    _refuse_bad_quantity(after, field=field)
    return update


def _refuse_bad_product(
    call: Call, rates: Sequence[Rate], wanted: NewSubscription, *, field: str
) -> None:
    place = f"{field}.subscription_rate"
    try:
        product = catalog.get_product(call, wanted.product_id)
    except NotFound as unknown:
        raise InvalidArgument(f"{place}.product_id: {unknown.message}") from unknown
    if product.type is not ProductType.SUBSCRIPTION:
        raise InvalidArgument(f"{place}.product_id: must be a SUBSCRIPTION product")
    if product.archived_at is not None:
        raise InvalidArgument(f"{place}.product_id: the product is archived")
    if not any(
        rate.product_id == wanted.product_id and rate.billing_frequency is wanted.frequency
        for rate in rates
    ):
        raise InvalidArgument(
            f"{place}: the rate card has no {wanted.frequency} rate for the product"
        )


def _refuse_bad_end(contract: Contract, subscription: Subscription, *, field: str) -> None:
    end = subscription.ending_before
    if end is None:
        return
    if end <= subscription.starting_at:
        raise InvalidArgument(f"{field}.ending_before: must be after starting_at")
    if contract.ending_before is not None and end > contract.ending_before:
        raise InvalidArgument(f"{field}.ending_before: must not be after the contract's")


def _refuse_bad_quantity(subscription: Subscription, *, field: str) -> None:
    if recurring.lowest_quantity(subscription) < 0:
        raise InvalidArgument(f"{field}: the quantity would be negative")
    if subscription.quantity_mode is not QuantityMode.SEAT_BASED:
        return
    if recurring.highest_quantity(subscription) > _MOST_SEATS:
        raise InvalidArgument(f"{field}: a subscription has at most {_MOST_SEATS} seats")
    if any(change.quantity % 1 for change in subscription.changes):
        raise InvalidArgument(f"{field}: seats are whole numbers")


def _refuse_mixed_modes(before: Subscription, wanted: SubscriptionEdit, *, field: str) -> None:
    is_seat_based = before.quantity_mode is QuantityMode.SEAT_BASED
    if is_seat_based and wanted.seat_group_key is not None:
        raise InvalidArgument(
            f"{field}.quantity_management_mode_update: the subscription is SEAT_BASED already"
        )
    will_be_seats = is_seat_based or wanted.seat_group_key is not None
    for change in wanted.changes:
        if will_be_seats and change.kind in _QUANTITY_KINDS:
            raise InvalidArgument(f"{field}.quantity_updates: the subscription is SEAT_BASED")
        if not will_be_seats and change.kind not in _QUANTITY_KINDS:
            raise InvalidArgument(f"{field}.seat_updates: the subscription is QUANTITY_ONLY")


def _is_any_final(
    call: Call, contract: Contract, subscription: Subscription, prices: _Prices
) -> bool:
    """Tells whether a scheduled invoice that would bill the subscription is final already."""
    dates = [
        part.at
        for part in recurring.scheduled_parts(subscription, contract, now=call.now)
        if part.at <= call.now
    ]
    wanted = [
        slot_id for date in dates for slot_id in _slot_ids(contract, subscription, prices, date)
    ]
    return bool(invoices.stored_ids(call.store, call.tenant, wanted))


def _is_final_at(
    call: Call,
    contract: Contract,
    subscription: Subscription,
    prices: _Prices,
    change: NewChange,
) -> bool:
    """Tells whether the invoice that would bill a change together with others is final already."""
    if subscription.collection_schedule is CollectionSchedule.ARREARS:
        return False
    wanted = list(_slot_ids(contract, subscription, prices, change.starting_at))
    if periods.ends_usage_period(contract, change.starting_at):
        before = change.starting_at - timedelta(microseconds=1)
        ending = next(periods.usage_periods_from(contract, before))
        wanted.append(invoicing.usage_invoice_id(contract.id, ending))
    return bool(invoices.stored_ids(call.store, call.tenant, wanted))


def _slot_ids(
    contract: Contract, subscription: Subscription, prices: _Prices, date: datetime
) -> Iterator[str]:
    for unit_id in prices.billed_units(subscription):
        yield charges.slot_id(contract.id, charges.Slot(date, unit_id))
