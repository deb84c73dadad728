"""Recurring quantities into lines.

Owns: a quantity and its seats over time, subscription periods, proration, what is billed when.
Does not own: prices (see overrides), the invoice around the lines, storage.
Times: periods follow the contract's usage anchor, or the subscription's own, at its frequency; a
part of a period is measured by the time that elapses.
Invariants: a unit is billed once a period; what goes down in a period costs nothing back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from itertools import groupby

from backbeat.domain import periods
from backbeat.domain.identity import derived_id
from backbeat.domain.invoicing import GRACE
from backbeat.domain.ladders import Piece, first_step, split
from backbeat.domain.overrides import Price
from backbeat.models.catalog import Product
from backbeat.models.contracts import Contract
from backbeat.models.invoices import LineBasis, LineItem, LineType
from backbeat.models.money import EXACT, multiply
from backbeat.models.period import Period
from backbeat.models.schedules import StatementSchedule
from backbeat.models.subscriptions import (
    ChangeKind,
    CollectionSchedule,
    InvoiceBehavior,
    InvoicePlacement,
    ProrationRounding,
    ProrationRoundingMethod,
    QuantityChange,
    QuantityMode,
    Seats,
    Stretch,
    Subscription,
    SubscriptionChanges,
    SubscriptionUpdate,
)

_ZERO = Decimal(0)
_MICROSECOND = timedelta(microseconds=1)

SUBSCRIPTION_LINE = "SubscriptionProductListItem"
"""The product type that lines of subscriptions carry."""

_ROUNDINGS = {
    ProrationRoundingMethod.HALF_UP: ROUND_HALF_UP,
    ProrationRoundingMethod.FLOOR: ROUND_FLOOR,
    ProrationRoundingMethod.CEILING: ROUND_CEILING,
}


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a subscription that are billed together.

    They are those between two cumulative quantities of `period`, used during `span`, at the price
    of the period's start times `elapsed` / `whole`. They are billed `at` an instant: with the usage
    of the period that ends then or has it inside, or else on a scheduled invoice, which `apart`
    sets apart from that date's shared one.
    """

    subscription: Subscription
    period: Period
    span: Period
    quantity_from: Decimal
    quantity_to: Decimal
    elapsed: timedelta
    whole: timedelta
    at: datetime
    with_usage: bool
    apart: str | None

    @property
    def is_prorated(self) -> bool:
        """Tells whether it costs less than a whole period does."""
        return self.subscription.proration.is_prorated and self.elapsed != self.whole


# The quantity over time


def stretches(subscription: Subscription) -> list[Stretch]:
    """Returns the quantity from the subscription's start on, a stretch for each different one.

    Changes apply by the time they take effect, those of one instant in the order they were made.
    """
    found: list[Stretch] = []
    for start, seats in _states(subscription):
        if found and found[-1].seats == seats:
            continue
        if found:
            found[-1] = Stretch(found[-1].starting_at, start, found[-1].seats)
        found.append(Stretch(start, subscription.ending_before, seats))
    return found


def seats_at(subscription: Subscription, instant: datetime) -> Seats:
    """Returns the quantity at an instant: all changes up to and at it apply."""
    seats = Seats()
    for start, after in _states(subscription):
        if start > instant:
            break
        seats = after
    return seats


def lowest_quantity(subscription: Subscription) -> Decimal:
    """Returns the smallest quantity there ever is, after each single change."""
    quantities = [seats.quantity for seats in _after_each(_ordered(subscription.changes))]
    return min(quantities, default=_ZERO)


def highest_quantity(subscription: Subscription) -> Decimal:
    """Returns the largest quantity there ever is, after each single change."""
    quantities = [seats.quantity for seats in _after_each(_ordered(subscription.changes))]
    return max(quantities, default=_ZERO)


def _ordered(changes: Iterable[QuantityChange]) -> list[QuantityChange]:
    return sorted(changes, key=lambda change: (change.starting_at, change.sequence))


def _after_each(ordered: Iterable[QuantityChange]) -> Iterator[Seats]:
    seats = Seats()
    for change in ordered:
        seats = _applied(seats, change)
        yield seats


def _states(subscription: Subscription) -> Iterator[tuple[datetime, Seats]]:
    """Yields the quantity after all changes of an instant, for each instant that has some."""
    ordered = _ordered(subscription.changes)
    after = list(_after_each(ordered))
    for place, change in enumerate(ordered):
        is_last = place + 1 == len(ordered)
        if is_last or ordered[place + 1].starting_at > change.starting_at:
            yield change.starting_at, after[place]


def _applied(seats: Seats, change: QuantityChange) -> Seats:
    assigned, unassigned = seats
    match change.kind:
        case ChangeKind.SET:
            left = EXACT.subtract(change.quantity, Decimal(len(assigned)))
            return Seats(assigned, max(left, _ZERO) if assigned else left)
        case ChangeKind.ADD | ChangeKind.ADD_UNASSIGNED:
            return Seats(assigned, EXACT.add(unassigned, change.quantity))
        case ChangeKind.REMOVE_UNASSIGNED:
            # Only unassigned seats can go this way: more than there are takes all of them.
            return Seats(assigned, max(EXACT.subtract(unassigned, change.quantity), _ZERO))
        case ChangeKind.ADD_SEATS:
            new = tuple(id_ for id_ in dict.fromkeys(change.seat_ids) if id_ not in assigned)
            # New ids fill unassigned seats first, the others raise the total.
            filled = min(Decimal(len(new)), unassigned)
            return Seats((*assigned, *new), EXACT.subtract(unassigned, filled))
        case ChangeKind.REMOVE_SEATS:
            gone = {*change.seat_ids}
            return Seats(tuple(id_ for id_ in assigned if id_ not in gone), unassigned)


# Periods


def schedule_of(subscription: Subscription, contract: Contract) -> StatementSchedule:
    """Returns when the subscription's periods begin."""
    cycle = subscription.billing_cycle
    anchor = contract.usage_statement_schedule.anchor
    if cycle is not None and cycle.anchor is not None:
        anchor = cycle.anchor
    return StatementSchedule(frequency=subscription.frequency, anchor=anchor)


def end_of(subscription: Subscription, contract: Contract) -> datetime | None:
    """Returns when the subscription ends: with its contract at the latest. None is never."""
    ends = [end for end in (subscription.ending_before, contract.ending_before) if end is not None]
    return min(ends, default=None)


def subscription_periods(subscription: Subscription, contract: Contract) -> Iterator[Period]:
    """Yields the subscription's periods: a stub first, the last one cut at the end."""
    end = end_of(subscription, contract)
    for whole in whole_periods(subscription, contract):
        start = max(whole.starting_at, subscription.starting_at)
        if end is not None and start >= end:
            return
        stop = whole.ending_before if end is None else min(whole.ending_before, end)
        yield Period(start, stop)


def whole_periods(subscription: Subscription, contract: Contract) -> Iterator[Period]:
    """Yields the calendar periods from the one the subscription starts in on, never cut."""
    schedule = schedule_of(subscription, contract)
    number = periods.first_after(schedule, subscription.starting_at)
    while True:
        yield Period(periods.boundary(schedule, number - 1), periods.boundary(schedule, number))
        number += 1


# What is billed when


def parts(subscription: Subscription, contract: Contract) -> Iterator[Part]:
    """Yields what the subscription bills, period after period; endless without an end.

    Within a period only units above all that were billed for it before are billed (decision
    D-45), each increase as a part of its own.
    """
    whole_of = whole_periods(subscription, contract)
    for number, (period, whole) in enumerate(
        zip(subscription_periods(subscription, contract), whole_of, strict=False)
    ):
        yield from _parts_of_period(subscription, contract, period, whole, is_first=number == 0)


def _parts_of_period(
    subscription: Subscription,
    contract: Contract,
    period: Period,
    whole: Period,
    *,
    is_first: bool,
) -> Iterator[Part]:
    # Decision D-44: in arrears an early end is prorated; in advance nothing is given back.
    in_arrears = subscription.collection_schedule is CollectionSchedule.ARREARS
    until = period.ending_before if in_arrears else whole.ending_before
    high = _quantity_at_start(subscription, period)
    at, with_usage = _collected(subscription, contract, period, is_first=is_first)
    yield Part(
        subscription=subscription,
        period=period,
        span=period,
        quantity_from=_ZERO,
        quantity_to=high,
        # Decision D-42: by exact elapsed time, not by whole days.
        elapsed=until - period.starting_at,
        whole=whole.ending_before - whole.starting_at,
        at=at,
        with_usage=with_usage,
        apart=subscription.apart if at <= subscription.created_at else None,
    )
    for change, quantity in _changes_within(subscription, period):
        if quantity <= high:
            continue
        at, with_usage = _increase_collected(subscription, contract, period, change.starting_at)
        yield Part(
            subscription=subscription,
            period=period,
            span=Period(change.starting_at, period.ending_before),
            quantity_from=high,
            quantity_to=quantity,
            elapsed=until - change.starting_at,
            whole=whole.ending_before - whole.starting_at,
            at=at,
            with_usage=with_usage,
            apart=change.apart or (subscription.apart if at <= subscription.created_at else None),
        )
        high = quantity


def _quantity_at_start(subscription: Subscription, period: Period) -> Decimal:
    """Returns what a period begins with, without changes that came after its invoice was final."""
    seats = Seats()
    for change, after in _each_state(subscription):
        if change.starting_at < period.starting_at or _is_regular(change, period):
            seats = after
    return seats.quantity


def _changes_within(
    subscription: Subscription, period: Period
) -> Iterator[tuple[QuantityChange, Decimal]]:
    """Yields the quantity after the changes of each instant of the period but its regular start.

    Changes of one instant that lie on different invoices count one after the other.
    """
    pairs = _each_state(subscription)
    for _, group in groupby(pairs, key=lambda pair: (pair[0].starting_at, pair[0].apart)):
        change, seats = list(group)[-1]
        if period.covers(change.starting_at) and not _is_regular(change, period):
            yield change, seats.quantity


def _is_regular(change: QuantityChange, period: Period) -> bool:
    return change.starting_at == period.starting_at and change.apart is None


def _each_state(subscription: Subscription) -> list[tuple[QuantityChange, Seats]]:
    ordered = _ordered(subscription.changes)
    return list(zip(ordered, _after_each(ordered), strict=True))


def _collected(
    subscription: Subscription, contract: Contract, period: Period, *, is_first: bool
) -> tuple[datetime, bool]:
    """Returns when a period is billed, and whether with usage.

    Decision D-46: in advance the first period has a scheduled invoice at its start, each later one
    is on the usage invoice that ends where it starts, or scheduled where none does.
    """
    if subscription.collection_schedule is CollectionSchedule.ARREARS:
        return _at_the_end(subscription, contract, period)
    start = period.starting_at
    scheduled = is_first or _always_scheduled(subscription)
    return start, not scheduled and periods.is_usage_boundary(contract, start)


def _increase_collected(
    subscription: Subscription, contract: Contract, period: Period, at: datetime
) -> tuple[datetime, bool]:
    """Returns when an increase is billed, and whether with usage; in arrears with its period."""
    immediately = subscription.proration.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY
    if immediately and subscription.collection_schedule is CollectionSchedule.ADVANCE:
        return at, False
    return _at_the_end(subscription, contract, period)


def _at_the_end(
    subscription: Subscription, contract: Contract, period: Period
) -> tuple[datetime, bool]:
    end = period.ending_before
    if _always_scheduled(subscription):
        return end, False
    # With a cycle of its own an increase is billed beside the next period, wherever that is.
    own_cycle = subscription.billing_cycle is not None
    return end, not own_cycle or periods.is_usage_boundary(contract, end)


def _always_scheduled(subscription: Subscription) -> bool:
    cycle = subscription.billing_cycle
    return cycle is not None and cycle.placement is InvoicePlacement.ON_SCHEDULED_INVOICE


def with_usage_of(
    subscription: Subscription, contract: Contract, usage_period: Period
) -> Iterator[Part]:
    """Yields what is billed with the usage of a period."""
    for part in parts(subscription, contract):
        # Parts of a period are billed between its start and its end, and so are all later ones.
        if part.period.starting_at > usage_period.ending_before:
            return
        if part.with_usage and usage_period.starting_at < part.at <= usage_period.ending_before:
            yield part


def scheduled_parts(
    subscription: Subscription, contract: Contract, *, now: datetime
) -> Iterator[Part]:
    """Yields what is billed on scheduled invoices, up to the first period that is still to come.

    A change dated further ahead is looked at too.
    Decision: what was due before the contract's invoices start, or with the last usage invoice
    before, is billed elsewhere like that usage.
    """
    horizon = max(now, *(change.starting_at for change in subscription.changes))
    start = contract.invoice_generation_starting_at
    last = None
    for part in parts(subscription, contract):
        if last is not None and part.period != last:
            return
        if part.period.starting_at > horizon:
            last = part.period
        if not part.with_usage and (start is None or part.at >= start):
            yield part


# Lines


def lines(part: Part, price: Price, product: Product, *, invoice_id: str) -> Iterator[LineItem]:
    """Yields the lines of a part: one for each step of the price ladder."""
    pieces = split(price.ladder, start=part.quantity_from, end=part.quantity_to)
    # A quantity of zero is shown.
    for piece in pieces or [Piece(first_step(price.ladder), _ZERO)]:
        yield _line(part, piece, price, product, invoice_id=invoice_id)


def unit_price(part: Part, price: Decimal) -> Decimal:
    """Returns what a unit costs in a part of a period, in the unit of the price.

    Only prorated prices are rounded.
    """
    if not part.is_prorated:
        # Decision D-43: unprorated, an increase costs the full price.
        return price
    prorated = EXACT.divide(
        EXACT.multiply(price, Decimal(part.elapsed // _MICROSECOND)),
        Decimal(part.whole // _MICROSECOND),
    )
    return _rounded(prorated, part.subscription.proration.rounding)


def _rounded(amount: Decimal, rounding: ProrationRounding | None) -> Decimal:
    if rounding is None:
        return amount
    step = Decimal(1).scaleb(-rounding.decimal_places)
    steps = EXACT.divide(amount, step).quantize(
        Decimal(1), rounding=_ROUNDINGS[rounding.rounding_method], context=EXACT
    )
    return EXACT.multiply(steps, step)


def _line(part: Part, piece: Piece, price: Price, product: Product, *, invoice_id: str) -> LineItem:
    subscription = part.subscription
    state = product.state_at(part.period.starting_at)
    each = unit_price(part, piece.step.price)
    rate = price.rate
    return LineItem(
        id=derived_id(
            invoice_id,
            LineType.SUBSCRIPTION,
            subscription.id,
            part.period.starting_at,
            part.span.starting_at,
            part.apart or "",
            piece.step.level,
        ),
        type=LineType.SUBSCRIPTION,
        name=subscription.name or state.name,
        product_id=product.id,
        product_type=SUBSCRIPTION_LINE,
        product_tags=state.tags,
        product_custom_fields=product.custom_fields,
        quantity=piece.quantity,
        unit_price=each,
        total=multiply(piece.quantity, each),
        credit_type=price.credit_type,
        starting_at=part.span.starting_at,
        ending_before=part.span.ending_before,
        is_prorated=part.is_prorated,
        subscription_id=subscription.id,
        term_custom_fields=subscription.custom_fields,
        basis=LineBasis(
            quantity_from=part.quantity_from,
            quantity_to=part.quantity_to,
            rate_sequence=None if rate is None else rate.sequence,
            list_price=None if rate is None else rate.price,
            override_id=None if price.override is None else price.override.id,
        ),
    )


# Changes


def changed(contract: Contract, changes: SubscriptionChanges) -> Contract:
    """Returns the contract with subscriptions updated and added."""
    updates = {update.subscription_id: update for update in changes.update_subscriptions}
    kept = [
        updated(subscription, updates[subscription.id])
        if subscription.id in updates
        else subscription
        for subscription in contract.subscriptions
    ]
    return contract.model_copy(update={"subscriptions": (*kept, *changes.add_subscriptions)})


def updated(subscription: Subscription, update: SubscriptionUpdate) -> Subscription:
    """Returns the subscription after an update."""
    fields: dict[str, object] = {"changes": (*subscription.changes, *update.changes)}
    if update.name is not None:
        fields["name"] = update.name
    if update.ending_before is not None or update.removes_ending_before:
        fields["ending_before"] = update.ending_before
    if update.rounding is not None or update.removes_rounding:
        fields["proration"] = subscription.proration.model_copy(
            update={"rounding": update.rounding}
        )
    if update.seat_group_key is not None:
        fields |= {
            "quantity_mode": QuantityMode.SEAT_BASED,
            "seat_group_key": update.seat_group_key,
        }
    return subscription.model_copy(update=fields)


def kept_ended(contract: Contract, ending_before: datetime | None, *, now: datetime) -> Contract:
    """Returns a contract that gets another end, its finished subscriptions bound to its old one.

    Finished is one whose last period was billed: then extending the contract does not extend it.
    """
    end = contract.ending_before
    if end is None or (ending_before is not None and ending_before <= end):
        return contract

    def bound(subscription: Subscription) -> Subscription:
        last = None
        for part in parts(subscription, contract):
            last = part
        if subscription.ending_before is not None or last is None:
            return subscription
        is_final = now >= (last.at + GRACE if last.with_usage else last.at)
        return subscription.model_copy(update={"ending_before": end}) if is_final else subscription

    return contract.model_copy(
        update={"subscriptions": tuple(bound(entry) for entry in contract.subscriptions)}
    )
