"""What a subscription's quantity and seats have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile

from backbeat.application import contracts, customers, scheduled_invoices
from backbeat.application.services import Call
from backbeat.application.subscriptions import lines_of
from backbeat.domain import subscriptions as recurring
from backbeat.models.contracts import Contract
from backbeat.models.errors import NotFound
from backbeat.models.invoices import LineItem
from backbeat.models.money import CreditType
from backbeat.models.period import Period
from backbeat.models.subscriptions import Stretch, Subscription


@dataclass(frozen=True, slots=True)
class BilledPeriod:
    """A subscription period that has begun: its lines so far, increases included."""

    starting_at: datetime
    lines: Sequence[LineItem]


@dataclass(frozen=True, slots=True)
class QuantityHistory:
    """A subscription's quantities and prices, period by period. The future is left out."""

    subscription_id: str
    currency: CreditType
    periods: Sequence[BilledPeriod]


@dataclass(frozen=True, slots=True)
class BillingPeriods:
    """The subscription periods around an instant; None where there is none."""

    previous: Period | None
    current: Period | None
    next: Period | None


@dataclass(frozen=True, slots=True)
class ShownSubscription:
    """A subscription with everything that showing it takes."""

    subscription: Subscription
    currency: CreditType
    stretches: Sequence[Stretch]
    periods: BillingPeriods


def shown(
    contract: Contract, subscriptions: Sequence[Subscription], currency: CreditType, *, at: datetime
) -> list[ShownSubscription]:
    """Returns subscriptions of a contract ready to be shown as they stand at an instant."""
    return [
        ShownSubscription(
            subscription,
            currency,
            recurring.stretches(subscription),
            billing_periods(subscription, contract, now=at),
        )
        for subscription in subscriptions
    ]


def quantities(
    call: Call, customer_id: str, contract_id: str, subscription_id: str
) -> QuantityHistory:
    """Returns what a subscription's quantities and prices have been.

    Raises:
        NotFound: the customer, the contract or the subscription does not exist.
    """
    contract, subscription = _find(call, customer_id, contract_id, subscription_id)
    lines = lines_of(call, contract)
    begun = takewhile(
        lambda part: part.period.starting_at <= call.now, recurring.parts(subscription, contract)
    )
    return QuantityHistory(
        subscription.id,
        scheduled_invoices.currency_of(call, contract),
        [
            BilledPeriod(
                start,
                [
                    line
                    for part in parts
                    if part.span.starting_at <= call.now
                    for line in lines.of_part(part, invoice_id="")
                ],
            )
            for start, parts in groupby(begun, key=lambda part: part.period.starting_at)
        ],
    )


def seats(call: Call, customer_id: str, contract_id: str, subscription_id: str) -> list[Stretch]:
    """Returns who has had, has and will have a subscription's seats, oldest first.

    Raises:
        NotFound: the customer, the contract or the subscription does not exist.
    """
    _, subscription = _find(call, customer_id, contract_id, subscription_id)
    return recurring.stretches(subscription)


def billing_periods(
    subscription: Subscription, contract: Contract, *, now: datetime
) -> BillingPeriods:
    """Returns the subscription periods around an instant."""
    previous = current = None
    for period in recurring.subscription_periods(subscription, contract):
        if period.starting_at > now:
            return BillingPeriods(previous, current, period)
        ended = period.ending_before <= now
        previous, current = (period, None) if ended else (previous, period)
    return BillingPeriods(previous, current, None)


def _find(
    call: Call, customer_id: str, contract_id: str, subscription_id: str
) -> tuple[Contract, Subscription]:
    customers.get(call, customer_id)
    contract = contracts.get(call, customer_id, contract_id)
    for subscription in contract.subscriptions:
        if subscription.id == subscription_id:
            return contract, subscription
    raise NotFound("subscription", subscription_id)
