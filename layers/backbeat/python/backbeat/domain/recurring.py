"""Recurring commits and credits into the balances they make.

Owns: the periods of a template, proration, when each balance is made, its amounts and payment.
Does not own: ledgers, drawdown, what seats added later bring (see seats), storage.
Times: periods are those of the contract's usage, or count from the template's start at its own
frequency; a part of a period is measured by the time that elapses.
Invariants: periods are adjacent and cover the template's span; the same template and period always
give the same balance, with the same id.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from backbeat.domain import periods
from backbeat.domain.identity import derived_id
from backbeat.domain.subscriptions import seats_at, stretches
from backbeat.models.balances import AccessSegment, Balance
from backbeat.models.charges import Amount, PointSchedule, ScheduleItem
from backbeat.models.contracts import Contract
from backbeat.models.money import EXACT
from backbeat.models.period import HOUR, Period
from backbeat.models.recurring import (
    AmountUpdate,
    ProratedPeriods,
    RecurringAmount,
    RecurringBalance,
    RecurringChanges,
    RecurringUpdate,
)
from backbeat.models.rounding import RoundedShare
from backbeat.models.schedules import StatementSchedule
from backbeat.models.seats import Allocation, SeatGrant
from backbeat.models.subscriptions import Seats, Subscription

_PRORATES_FIRST = (ProratedPeriods.FIRST, ProratedPeriods.FIRST_AND_LAST)
_PRORATES_LAST = (ProratedPeriods.LAST, ProratedPeriods.FIRST_AND_LAST)


class Occurrence(NamedTuple):
    """One balance to be made: for `period` of `whole`, drawn during `access`.

    What counts of the whole period is the time from `counts_from` to `counts_until`.
    """

    period: Period
    whole: Period
    access: Period
    counts_from: datetime
    counts_until: datetime
    made_at: datetime


# When


def anchor_of(template: RecurringBalance, contract: Contract) -> datetime:
    """Returns what the template's periods are counted from."""
    return _schedule(template, contract).anchor


def occurrences(template: RecurringBalance, contract: Contract) -> Iterator[Occurrence]:
    """Yields what the template makes, in order; endless for an open-ended contract.

    A balance is made one period ahead: when the one before it begins, and the first one when the
    period before its own begins.
    """
    schedule = _schedule(template, contract)
    start = _start(template, contract)
    number = periods.first_after(schedule, start)
    made_at = periods.boundary(schedule, number - 2)
    end = _end(template, contract)
    while end is None or start < end:
        whole = Period(periods.boundary(schedule, number - 1), periods.boundary(schedule, number))
        stop = whole.ending_before if end is None else min(whole.ending_before, end)
        period = Period(start, stop)
        prorates_first = template.proration in _PRORATES_FIRST
        prorates_last = template.proration in _PRORATES_LAST
        yield Occurrence(
            period=period,
            whole=whole,
            access=Period(start, _access_end(template, contract, schedule, number, period, whole)),
            counts_from=start if prorates_first else whole.starting_at,
            counts_until=stop if prorates_last else whole.ending_before,
            made_at=made_at,
        )
        made_at, start, number = start, whole.ending_before, number + 1


def _access_end(
    template: RecurringBalance,
    contract: Contract,
    schedule: StatementSchedule,
    number: int,
    period: Period,
    whole: Period,
) -> datetime:
    end = periods.boundary(schedule, number + template.duration - 1)
    if period.ending_before < whole.ending_before:
        # A last period that is cut gives access no longer than it lasts.
        end = min(end, period.ending_before)
    return end if contract.ending_before is None else min(end, contract.ending_before)


def _schedule(template: RecurringBalance, contract: Contract) -> StatementSchedule:
    if template.frequency is None:
        return contract.usage_statement_schedule
    return StatementSchedule(frequency=template.frequency, anchor=_start(template, contract))


def _start(template: RecurringBalance, contract: Contract) -> datetime:
    return max(template.starting_at, contract.starting_at)


def _end(template: RecurringBalance, contract: Contract) -> datetime | None:
    ends = [e for e in (template.ending_before, contract.ending_before) if e is not None]
    return min(ends, default=None)


def instants_after(
    template: RecurringBalance, contract: Contract, instant: datetime
) -> Iterator[datetime]:
    """Yields the next instant at which there is a balance to make, and that of a seat change."""
    last = None
    for occurrence in occurrences(template, contract):
        last = occurrence.period
        if occurrence.made_at > instant:
            yield occurrence.made_at
            break
    subscription = subscription_of(template, contract)
    if subscription is None or last is None:
        return
    for stretch in stretches(subscription):
        if stretch.starting_at > instant:
            yield stretch.starting_at
            break


def made_at(
    template: RecurringBalance, contract: Contract, instant: datetime
) -> Iterator[Occurrence]:
    """Yields what the template makes at an instant."""
    for occurrence in occurrences(template, contract):
        if occurrence.made_at > instant:
            return
        if occurrence.made_at == instant:
            yield occurrence


# What


def child_id(template: RecurringBalance, period: Period) -> str:
    """Returns the id of the balance that is made for a period."""
    return derived_id("recurring", template.id, period.starting_at)


def child(template: RecurringBalance, contract: Contract, occurrence: Occurrence) -> Balance:
    """Returns the balance that the template makes for a period."""
    id_ = child_id(template, occurrence.period)
    grant = _grant(template, contract, occurrence)
    segment = AccessSegment(
        id=derived_id("segment", id_, 0),
        amount=_granted(template, occurrence, grant),
        starting_at=occurrence.access.starting_at,
        ending_before=occurrence.access.ending_before,
    )
    return Balance(
        id=id_,
        sequence=template.sequence,
        customer_id=contract.customer_id,
        contract_id=contract.id,
        type=template.type,
        rate_type=template.rate_type,
        name=template.name or template.product_name,
        description=template.description,
        priority=template.priority,
        product_id=template.product_id,
        credit_type=template.access.credit_type,
        segments=(segment,),
        invoice_schedule=_invoice_schedule(template, occurrence, id_),
        rollover_fraction=template.rollover_fraction,
        applicable_product_ids=template.applicable_product_ids,
        applicable_product_tags=template.applicable_product_tags,
        specifiers=template.specifiers,
        recurring_id=template.id,
        seats=grant,
        sharing=template.sharing,
        created_at=occurrence.period.starting_at,
    )


def subscription_of(template: RecurringBalance, contract: Contract) -> Subscription | None:
    """Returns the subscription that a template is linked to."""
    if template.link is None:
        return None
    wanted = template.link.subscription_id
    return next((one for one in contract.subscriptions if one.id == wanted), None)


def _grant(
    template: RecurringBalance, contract: Contract, occurrence: Occurrence
) -> SeatGrant | None:
    link, subscription = template.link, subscription_of(template, contract)
    if link is None or subscription is None:
        return None
    seats = seats_at(subscription, occurrence.period.starting_at)
    individual = link.allocation is Allocation.INDIVIDUAL
    return SeatGrant(
        link=link,
        group_key=subscription.seat_group_key if individual else None,
        quantity=_counted(seats, individual=individual),
        seat_ids=seats.assigned if individual else (),
        each=_share(occurrence, template.access.unit_price, template.access_rounding),
        rounding=template.access_rounding,
        unit_price=template.access.unit_price,
        starting_at=occurrence.period.starting_at,
        ending_before=occurrence.period.ending_before,
        counts_until=occurrence.counts_until,
        whole_hours=_hours(occurrence.whole),
    )


def _granted(
    template: RecurringBalance, occurrence: Occurrence, grant: SeatGrant | None
) -> Decimal:
    """Returns what a balance is given: parts of seats' own are rounded one by one."""
    if grant is not None and grant.is_individual:
        return EXACT.multiply(grant.each, grant.quantity)
    seats = Decimal(1) if grant is None else grant.quantity
    return _share(occurrence, template.access.for_quantity(seats), template.access_rounding)


def _counted(seats: Seats, *, individual: bool) -> Decimal:
    """Unassigned seats bring nothing where each seat has its own."""
    return Decimal(len(seats.assigned)) if individual else seats.quantity


def _invoice_schedule(
    template: RecurringBalance, occurrence: Occurrence, id_: str
) -> PointSchedule | None:
    amount = template.invoice
    if amount is None:
        return None
    full = amount.for_quantity(Decimal(1))
    total = _share(occurrence, full, template.invoice_rounding)
    # A prorated total is one of its own: a prorated price times the quantity might not come to it.
    billed = (
        Amount(unit_price=amount.unit_price, quantity=amount.quantity or Decimal(1))
        if total == full
        else Amount(unit_price=total)
    )
    item = ScheduleItem(
        id=derived_id(id_, 0), timestamp=occurrence.period.starting_at, amount=billed
    )
    return PointSchedule(credit_type=amount.credit_type, items=(item,))


def _share(occurrence: Occurrence, amount: Decimal, rounding: RoundedShare | None) -> Decimal:
    """Returns what an amount per full period comes to by the time that counts.

    A part of it is exact unless it is to be rounded.
    """
    counted = _hours(Period(occurrence.counts_from, occurrence.counts_until))
    whole = _hours(occurrence.whole)
    if counted == whole:
        return amount
    part = EXACT.divide(EXACT.multiply(amount, Decimal(counted)), Decimal(whole))
    return part if rounding is None else rounding.of(part)


def _hours(period: Period) -> int:
    """Counts the hours of a period; all dates of contracts lie on hours."""
    return (period.ending_before - period.starting_at) // HOUR


# Changes


def changed(contract: Contract, changes: RecurringChanges) -> Contract:
    """Returns the contract with templates updated and added."""
    updates = {update.recurring_id: update for update in changes.update_recurring}
    kept = [
        updated(template, updates[template.id]) if template.id in updates else template
        for template in contract.recurring_balances
    ]
    return contract.model_copy(update={"recurring_balances": (*kept, *changes.add_recurring)})


def updated(template: RecurringBalance, update: RecurringUpdate) -> RecurringBalance:
    """Returns the template after an update."""
    fields: dict[str, object] = {"access": _amount(template.access, update.access)}
    if template.invoice is not None:
        fields["invoice"] = _amount(template.invoice, update.invoice)
    if update.ending_before is not None or update.removes_ending_before:
        fields["ending_before"] = update.ending_before
    if update.rate_type is not None:
        fields["rate_type"] = update.rate_type
    return template.model_copy(update=fields)


def _amount(before: RecurringAmount, update: AmountUpdate | None) -> RecurringAmount:
    given = {} if update is None else update.model_dump(exclude_none=True)
    return before.model_copy(update=given)
