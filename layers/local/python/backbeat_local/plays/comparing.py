"""What came of a scenario's steps against what was expected of it. Amounts are exact."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from backbeat_local.plays.documents import (
    ExpectedHere,
    ExpectedInvoice,
    ExpectedLine,
    ExpectedWebhook,
)

Shown = Mapping[str, Any]
"""An invoice or a line as the result shows it."""

Difference = dict[str, str | None]
"""`metric` says of what, `field` in what; None stands for absent."""


def differences(
    expected: ExpectedHere,
    invoices: Sequence[Shown],
    webhooks: Counter[str],
    *,
    place: str,
    strict: bool,
) -> Iterator[Difference]:
    """Yields what is not as expected. Strictly, nothing may come on top of what is expected."""
    unmatched = list(invoices)
    for number, invoice in enumerate(expected.invoices):
        yield from _of_invoice(f"{place}invoices.{number}", invoice, unmatched, strict=strict)
    for webhook in expected.webhooks:
        yield from _of_webhook(place, webhook, webhooks[webhook.type])
    if not strict:
        return
    if expected.invoices:
        for left in unmatched:
            actual = f"{left['status']} {left['type']} of {left['customer']}: {left['total']}"
            yield _difference(f"{place}invoices", "further", None, actual)
    if expected.webhooks:
        for type_ in sorted(webhooks.keys() - {webhook.type for webhook in expected.webhooks}):
            yield _difference(f"{place}webhooks", type_, None, webhooks[type_])


def are_told(expected: Sequence[ExpectedWebhook], webhooks: Counter[str]) -> bool:
    """Tells whether as many webhooks have come as are expected."""
    return all(webhooks[one.type] >= (1 if one.count is None else one.count) for one in expected)


def _of_invoice(
    place: str, expected: ExpectedInvoice, unmatched: list[Shown], *, strict: bool
) -> Iterator[Difference]:
    meant = [one for one in unmatched if _is_meant(expected, one)]
    if not meant:
        sought = expected.model_dump(include={"customer", "type", "status"}, exclude_none=True)
        yield _difference(place, "invoice", " ".join(sought.values()) or "one", None)
        return
    yield from _closest(meant, unmatched, lambda one: _inside(place, expected, one, strict=strict))


def _is_meant(expected: ExpectedInvoice, actual: Shown) -> bool:
    same = all(
        wanted is None or wanted == actual[field]
        for field, wanted in (
            ("customer", expected.customer),
            ("type", expected.type),
            ("status", expected.status),
        )
    )
    return same and all(
        wanted is None or (actual[field] and wanted == datetime.fromisoformat(actual[field]))
        for field, wanted in (("start", expected.start), ("end", expected.end))
    )


def _inside(
    place: str, expected: ExpectedInvoice, actual: Shown, *, strict: bool
) -> Iterator[Difference]:
    yield from _of_fields(place, expected, ("total",), actual)
    lines = list(actual["lineItems"])
    for wanted in expected.line_items:
        named = [line for line in lines if _is_line(wanted, line)]
        at = f"{place} {wanted.name}"
        if not named:
            yield _difference(at, "lineItems", wanted.name, None)
            continue
        fields = ("quantity", "unitPrice", "total")
        compared = partial(_of_fields, at, wanted, fields)
        yield from _closest(named, lines, compared)
    if strict and expected.line_items:
        for line in lines:
            yield _difference(f"{place} {line['name']}", "lineItems", None, line["name"])


def _closest(
    candidates: Sequence[Shown],
    unmatched: list[Shown],
    compared: Callable[[Shown], Iterator[Difference]],
) -> list[Difference]:
    """Takes, of what could be meant, that which differs least; returns how it differs."""
    found = [list(compared(one)) for one in candidates]
    best = min(range(len(candidates)), key=lambda place: len(found[place]))
    unmatched.remove(candidates[best])
    return found[best]


def _is_line(expected: ExpectedLine, actual: Shown) -> bool:
    return expected.name == actual["name"] and expected.type in (None, actual["type"])


def _of_fields(
    place: str,
    expected: ExpectedInvoice | ExpectedLine,
    fields: Sequence[str],
    actual: Shown,
) -> Iterator[Difference]:
    wanted = expected.model_dump(by_alias=True)
    for field in fields:
        if wanted[field] is not None and wanted[field] != actual[field]:
            yield _difference(place, field, wanted[field], actual[field])


def _of_webhook(place: str, expected: ExpectedWebhook, came: int) -> Iterator[Difference]:
    if came != expected.count if expected.count is not None else not came:
        wanted = "at least 1" if expected.count is None else expected.count
        yield _difference(f"{place}webhooks", expected.type, wanted, came)


def _difference(place: str, field: str, expected: object, actual: object) -> Difference:
    return {
        "field": field,
        "metric": place,
        "expected": None if expected is None else _text(expected),
        "actual": None if actual is None else _text(actual),
    }


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
