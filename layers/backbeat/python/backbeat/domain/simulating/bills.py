"""Scenarios into bills, one for each currency.

Owns: lines, commitments, credits, tax and their order.
Does not own: the amount of a line, what is expected.
Times: a commitment counts where it overlaps the period, a credit where it expires after it.
Invariants: what is applied never exceeds what there is to pay, nor what a commitment or credit
has left; a total is never negative.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.domain.simulating.pricing import Pricer, shown_price
from backbeat.models.currencies import rounded
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import EXACT, add, subtract
from backbeat.models.period import Period
from backbeat.models.simulations import (
    Bill,
    BillLine,
    Commitment,
    CommitmentKind,
    CreditGrant,
    Fee,
    Inputs,
    Reduction,
)

_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
_MICROSECONDS_A_DAY: Final = Decimal(timedelta(days=1) // timedelta(microseconds=1))
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def bills(inputs: Inputs) -> tuple[Bill, ...]:
    """Returns the bills of a period, in the order in which their currencies first occur.

    Raises:
        InvalidArgument: a price is unusable, a quantity negative, or a commitment or credit is in a
            currency that nothing is billed in.
    """
    lines: dict[str, list[BillLine]] = {}
    for number, item in enumerate(inputs.usage):
        try:
            line = Pricer(item.price).line(item.metric, item.quantity)
        except InvalidArgument as error:
            raise InvalidArgument(f"usageItems.{number}.{error}") from error
        lines.setdefault(item.price.currency, []).append(line)
    for fee in inputs.fees:
        charged = _fee_line(fee, inputs.period)
        lines.setdefault(fee.currency, []).extend([] if charged is None else [charged])
    named = [one.currency for one in inputs.commitments] + [one.currency for one in inputs.credits]
    for currency in named:
        if currency not in lines:
            raise InvalidArgument(f"currency: nothing is billed in {currency}")
    return tuple(_bill(currency, own, inputs) for currency, own in lines.items())


def _bill(currency: str, lines: Sequence[BillLine], inputs: Inputs) -> Bill:
    subtotal = add(*(line.subtotal for line in lines))
    active = [
        commitment
        for commitment in inputs.commitments
        if commitment.currency == currency and _is_active(commitment, inputs.period)
    ]
    promised = [one for one in active if one.kind is CommitmentKind.MINIMUM]
    true_up = add(*(_true_up(one, subtotal, inputs.period) for one in promised))
    due = add(subtotal, true_up)
    paid_before = [one for one in active if one.kind is CommitmentKind.DRAWDOWN]
    commitments, due = _reduced(
        due, [("commitment", subtract(one.amount, one.applied)) for one in paid_before]
    )
    given = [
        one
        for one in inputs.credits
        if one.currency == currency and not _is_expired(one, inputs.period)
    ]
    # Those that expire first are used up first.
    ordered = sorted(given, key=lambda credit: credit.expires_at or _NEVER)
    credits, due = _reduced(due, [(one.reason or "credit", one.amount) for one in ordered])
    tax = _tax(due, inputs, currency)
    return Bill(
        currency=currency,
        lines=tuple(lines),
        subtotal=subtotal,
        true_up=true_up,
        commitments=commitments,
        credits=credits,
        tax=tax,
        total=due if inputs.tax_inclusive else add(due, tax),
    )


def _fee_line(fee: Fee, period: Period) -> BillLine | None:
    """Returns what a fee costs for as long as it runs in the period; None where it does not."""
    running = Period(fee.starting_at, fee.ending_before).within(period)
    if running is None:
        return None
    charged, paid_by_amount = _days(running), fee.days or _days(period)
    amount = EXACT.divide(EXACT.multiply(fee.amount, charged), paid_by_amount)
    return BillLine(
        metric=fee.name,
        quantity=charged,
        unit_price=shown_price(EXACT.divide(fee.amount, paid_by_amount)),
        subtotal=rounded(amount, fee.currency),
        model=None,
    )


def _days(span: Period) -> Decimal:
    length = (span.ending_before - span.starting_at) // timedelta(microseconds=1)
    return EXACT.divide(Decimal(length), _MICROSECONDS_A_DAY)


def _is_active(commitment: Commitment, period: Period) -> bool:
    span = Period(commitment.starting_at, commitment.ending_before)
    return span.within(period) is not None


def _is_expired(credit: CreditGrant, period: Period) -> bool:
    return credit.expires_at is not None and credit.expires_at < period.ending_before


def _true_up(commitment: Commitment, subtotal: Decimal, period: Period) -> Decimal:
    """Returns what is still owed of a promise that ends with the period, or in it."""
    if commitment.ending_before > period.ending_before:
        return _ZERO
    missing = subtract(commitment.amount, commitment.applied, subtotal)
    return rounded(max(_ZERO, missing), commitment.currency)


def _reduced(
    due: Decimal, available: Iterable[tuple[str, Decimal]]
) -> tuple[tuple[Reduction, ...], Decimal]:
    """Returns what of each is applied to what is due, in order, and what is left to pay."""
    reductions = []
    for name, amount in available:
        applied = min(due, max(_ZERO, amount))
        due = subtract(due, applied)
        remaining = subtract(amount, applied)
        reductions.append(Reduction(name=name, applied=applied, remaining=remaining))
    return tuple(reductions), due


def _tax(due: Decimal, inputs: Inputs, currency: str) -> Decimal:
    share = EXACT.divide(inputs.tax_rate, _HUNDRED)
    if inputs.tax_inclusive:
        net = EXACT.divide(due, EXACT.add(1, share))
        return rounded(EXACT.subtract(due, net), currency)
    return rounded(EXACT.multiply(due, share), currency)
