"""Subscriptions as the API shows them."""

from backbeat.api.views.charges import Names
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.subscription_history import (
    QuantityHistory,
    ShownSubscription,
)
from backbeat.models.period import Period
from backbeat.models.subscriptions import (
    ChangeKind,
    ProrationRounding,
    QuantityChange,
    Stretch,
    SubscriptionUpdate,
)


def subscription_view(shown: ShownSubscription, *, products: Names) -> dict[str, object]:
    """Returns a subscription with its quantities over time and the periods around now."""
    subscription, periods = shown.subscription, shown.periods
    cycle = subscription.billing_cycle
    return present(
        id=subscription.id,
        name=subscription.name,
        description=subscription.description,
        collection_schedule=subscription.collection_schedule.value,
        subscription_rate={
            "billing_frequency": subscription.frequency.value,
            "product": {"id": subscription.product_id, "name": products[subscription.product_id]},
        },
        proration=present(
            is_prorated=subscription.proration.is_prorated,
            invoice_behavior=subscription.proration.invoice_behavior.value,
            rounding=_rounding_view(subscription.proration.rounding),
        ),
        quantity_management_mode=subscription.quantity_mode.value,
        seat_config=None
        if subscription.seat_group_key is None
        else {"seat_group_key": subscription.seat_group_key},
        billing_cycle_config=None
        if cycle is None or cycle.anchor is None
        else {
            "anchor_date": timestamp(cycle.anchor),
            "invoice_placement": cycle.placement.value,
        },
        starting_at=timestamp(subscription.starting_at),
        ending_before=optional(subscription.ending_before),
        created_at=timestamp(subscription.created_at),
        fiat_credit_type_id=shown.currency.id,
        custom_fields=subscription.custom_fields,
        quantity_schedule=[
            present(
                quantity=stretch.seats.quantity,
                starting_at=timestamp(stretch.starting_at),
                ending_before=optional(stretch.ending_before),
            )
            for stretch in shown.stretches
        ],
        billing_periods=present(
            previous=_period_view(periods.previous),
            current=_period_view(periods.current),
            next=_period_view(periods.next),
        ),
    )


def quantity_history_view(history: QuantityHistory) -> dict[str, object]:
    """Returns what a subscription's quantities and prices have been."""
    return {
        "subscription_id": history.subscription_id,
        "fiat_credit_type_id": history.currency.id,
        "history": [
            {
                "starting_at": timestamp(period.starting_at),
                "data": [
                    {
                        "quantity": line.quantity,
                        "unit_price": line.unit_price,
                        "total": line.total,
                    }
                    for line in period.lines
                ],
            }
            for period in history.periods
        ],
    }


def seats_view(stretch: Stretch) -> dict[str, object]:
    """Returns a stretch of time with the same seats."""
    return {
        "starting_at": timestamp(stretch.starting_at),
        "ending_before": optional(stretch.ending_before),
        "total_quantity": stretch.seats.quantity,
        "assigned_seat_ids": list(stretch.seats.assigned),
    }


def subscription_update_view(update: SubscriptionUpdate) -> dict[str, object]:
    """Returns what an edit did to a subscription."""
    seats = present(
        add_seat_ids=_of_kind(update, ChangeKind.ADD_SEATS),
        remove_seat_ids=_of_kind(update, ChangeKind.REMOVE_SEATS),
        add_unassigned_seats=_of_kind(update, ChangeKind.ADD_UNASSIGNED),
        remove_unassigned_seats=_of_kind(update, ChangeKind.REMOVE_UNASSIGNED),
    )
    quantities = [
        {
            "starting_at": timestamp(change.starting_at),
            "quantity" if change.kind is ChangeKind.SET else "quantity_delta": change.quantity,
        }
        for change in update.changes
        if change.kind in (ChangeKind.SET, ChangeKind.ADD)
    ]
    return present(
        id=update.subscription_id,
        ending_before=optional(update.ending_before),
        quantity_updates=quantities or None,
        seat_updates=seats or None,
    )


def _of_kind(update: SubscriptionUpdate, kind: ChangeKind) -> list[dict[str, object]] | None:
    return [_seat_change_view(change) for change in update.changes if change.kind is kind] or None


def _seat_change_view(change: QuantityChange) -> dict[str, object]:
    starting_at = timestamp(change.starting_at)
    if change.kind in (ChangeKind.ADD_SEATS, ChangeKind.REMOVE_SEATS):
        return {"seat_ids": list(change.seat_ids), "starting_at": starting_at}
    return {"quantity": change.quantity, "starting_at": starting_at}


def _period_view(period: Period | None) -> dict[str, object] | None:
    if period is None:
        return None
    return {
        "starting_at": timestamp(period.starting_at),
        "ending_before": timestamp(period.ending_before),
    }


def _rounding_view(rounding: ProrationRounding | None) -> dict[str, object] | None:
    if rounding is None:
        return None
    return {
        "rounding_method": rounding.rounding_method.value,
        "decimal_places": rounding.decimal_places,
    }
