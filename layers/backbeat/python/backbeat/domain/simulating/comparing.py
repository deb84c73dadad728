"""Bills against what a scenario expects of them.

Owns: which figures are compared, and when they are near enough.
Does not own: how figures come about.
Times: none.
Invariants: what is exactly as expected never differs, whatever the tolerances.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from backbeat.models.errors import InvalidArgument
from backbeat.models.simulations import (
    Bill,
    Difference,
    Expected,
    ExpectedLine,
    Tolerances,
)

_ONE: Final = Decimal(1)
_EXACTLY: Final = Tolerances(absolute=Decimal(0), relative=Decimal(0))


def is_near(expected: Decimal, actual: Decimal, tolerances: Tolerances) -> bool:
    """Tells whether two amounts are within the absolute or the relative tolerance.

    The relative one is a share of what is expected, which counts as at least one.
    """
    apart = abs(actual - expected)
    return apart <= tolerances.absolute or apart <= tolerances.relative * max(_ONE, abs(expected))


def differences(
    bills: Sequence[Bill], expected: Expected, tolerances: Tolerances, *, strict: bool
) -> tuple[Difference, ...]:
    """Returns what is not as expected. Strictly, nothing may be off or come on top.

    Raises:
        InvalidArgument: there are several currencies, and the scenario does not say which it means.
    """
    bill = _meant(bills, expected)
    if bill is None:
        return (_difference("currency", expected.currency, ", ".join(b.currency for b in bills)),)
    allowed = _EXACTLY if strict else tolerances
    return tuple(_found(bill, expected, allowed, strict=strict))


def _meant(bills: Sequence[Bill], expected: Expected) -> Bill | None:
    if expected.currency is not None:
        return next((bill for bill in bills if bill.currency == expected.currency), None)
    if len(bills) > 1:
        raise InvalidArgument("expected.currency: say which, there are bills in several")
    return bills[0] if bills else None


def _found(
    bill: Bill, expected: Expected, tolerances: Tolerances, *, strict: bool
) -> Iterator[Difference]:
    for field, wanted, actual in (
        ("total", expected.total, bill.total),
        ("subtotal", expected.subtotal, bill.subtotal),
        ("tax", expected.tax, bill.tax),
    ):
        if wanted is not None and not is_near(wanted, actual, tolerances):
            yield _difference(field, wanted, actual)
    unmatched = list(bill.lines)
    for line in expected.lines:
        actual_line = next((one for one in unmatched if one.metric == line.metric), None)
        if actual_line is None:
            yield _difference("lineItems", line.metric, None, metric=line.metric)
            continue
        unmatched.remove(actual_line)
        yield from _of_line(line, actual_line.model_dump(), tolerances)
    if strict and expected.lines:
        for one in unmatched:
            yield _difference("lineItems", None, one.metric, metric=one.metric)


def _of_line(
    line: ExpectedLine, actual: dict[str, Decimal], tolerances: Tolerances
) -> Iterator[Difference]:
    # A quantity is counted, not calculated: it is never only nearly right.
    for field, wanted, allowed in (
        ("quantity", line.quantity, _EXACTLY),
        ("unitPrice", line.unit_price, tolerances),
        ("subtotal", line.subtotal, tolerances),
    ):
        found = actual["unit_price" if field == "unitPrice" else field]
        if wanted is not None and not is_near(wanted, found, allowed):
            yield _difference(field, wanted, found, metric=line.metric)


def _difference(
    field: str,
    expected: Decimal | str | None,
    actual: Decimal | str | None,
    *,
    metric: str | None = None,
) -> Difference:
    return Difference(
        field=field,
        metric=metric,
        expected=None if expected is None else _text(expected),
        actual=None if actual is None else _text(actual),
    )


def _text(value: Decimal | str) -> str:
    return value if isinstance(value, str) else f"{value:f}"
