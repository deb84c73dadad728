"""Implements `MetronomeBilling` by the official SDK.

Replies are read from their text: the SDK would make inexact floats of amounts.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from backbeat.adapters.metronome.sdk import client, failures
from backbeat.ports.metronome_billing import BilledInvoice, BilledLine
from backbeat.ports.providers import Access, Refused

_RELEASE: Final = "/v1/contracts/commits/threshold-billing/release"
_INVOICE: Final = "invoice"
_TAKEN: Final = 409
_BAD: Final = 400
_DECIDED: Final = (400, 409, 422)


class MetronomeInvoices:
    """The invoices of an account at Metronome."""

    def __init__(self, access: Access) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: one of the calls is not in the SDK's own list.
        self._sdk: Any = client(access)
        self._invoices: Any = self._sdk.v1.customers.invoices
        self._fields: Any = self._sdk.v1.custom_fields

    def invoice(self, customer_id: str, invoice_id: str) -> BilledInvoice:
        """Implements `MetronomeBilling`."""
        with failures():
            raw = self._invoices.with_raw_response.retrieve(
                customer_id=customer_id, invoice_id=invoice_id
            )
            return _invoice(_read(raw)["data"])

    def finalized(self, customer_id: str, since: datetime) -> Iterator[BilledInvoice]:
        """Implements `MetronomeBilling`."""
        page: str | None = None
        while True:
            wanted: dict[str, Any] = {} if page is None else {"next_page": page}
            with failures():
                raw = self._invoices.with_raw_response.list(
                    customer_id=customer_id, status="FINALIZED", sort="date_desc", **wanted
                )
                listed = _read(raw)
            for one in map(_invoice, listed["data"]):
                if one.issued_at is not None and one.issued_at >= since:
                    yield one
            page = listed.get("next_page")
            if page is None:
                return

    def note(self, invoice_id: str, fields: Mapping[str, str]) -> None:
        """Implements `MetronomeBilling`."""
        try:
            self._set(invoice_id, fields)
        except Refused as refused:
            if refused.status != _BAD:
                raise
            for key in fields:
                self._register(key)
            self._set(invoice_id, fields)

    def release(self, workflow_id: str, *, paid: bool) -> None:
        """Implements `MetronomeBilling`."""
        body = {"workflow_id": workflow_id, "outcome": "paid" if paid else "failed"}
        try:
            with failures():
                self._sdk.post(_RELEASE, body=body, cast_to=type(None))
        except Refused as refused:
            if refused.status not in _DECIDED:
                raise

    def _set(self, invoice_id: str, fields: Mapping[str, str]) -> None:
        with failures():
            self._fields.set_values(
                entity=_INVOICE, entity_id=invoice_id, custom_fields=dict(fields)
            )

    def _register(self, key: str) -> None:
        try:
            with failures():
                self._fields.add_key(entity=_INVOICE, key=key, enforce_uniqueness=False)
        except Refused as refused:
            if refused.status != _TAKEN:
                raise


def _read(raw: Any) -> Any:
    return json.loads(raw.text(), parse_float=Decimal)


def _invoice(given: Any) -> BilledInvoice:
    return BilledInvoice(
        id=given["id"],
        customer_id=given["customer_id"],
        type=given["type"],
        status=given["status"],
        credit_type=given["credit_type"]["name"],
        total=Decimal(given["total"]),
        issued_at=_instant(given.get("issued_at")),
        is_sent=given.get("external_invoice") is not None,
        lines=[_line(line) for line in given.get("line_items") or ()],
    )


def _line(given: Any) -> BilledLine:
    return BilledLine(
        name=given["name"],
        product_id=given.get("product_id"),
        total=Decimal(given["total"]),
        starting_at=_instant(given.get("starting_at")),
        ending_before=_instant(given.get("ending_before")),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
