"""Implements `StripeMeters` by the official SDK.

Nothing is retried here: an event's identifier makes trying again safe, and when to do that is
decided where the push is recorded. Meter events get no idempotency key of their own: Stripe would
repeat a stored 500 for a day, where a new request says that the event is known.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import stripe

from backbeat.adapters.stripe.gateway import NAME, client, failures
from backbeat.models.period import Period
from backbeat.ports.meters import BilledUsage, Busy, MeterEvent, Sent, StripeMeter
from backbeat.ports.providers import Access, Refused

_TIMEOUTS: Final = (5, 20)
_MOST: Final = 100
_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_PER_SECOND: Final = {True: 25, False: 100}
"""Calls that Stripe takes in a second: of a test account, and of a live one."""
_KNOWN: Final = "An event already exists with identifier"
"""Stripe gives no code for it."""


class StripeMeterGateway:
    """The meters of an account at Stripe.

    Calls are spaced so that the account's allowance is kept; at Stripe's own address only.
    """

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: the SDK's parameter types are those of one API version only.
        self._v1: Any = client(access, timeouts=_TIMEOUTS, retries=0).v1
        self._is_test = access.key.startswith(_TEST_KEYS)
        is_stripe = access.base_url.endswith("stripe.com")
        self._pace = _Pace(_PER_SECOND[self._is_test] if is_stripe else 0, sleep)
        self._prices: dict[str, str | None] = {}

    @property
    def is_test(self) -> bool:
        """Implements `StripeMeters`."""
        return self._is_test

    def meter(self, meter_id: str) -> StripeMeter:
        """Implements `StripeMeters`."""
        with self._calling():
            meter = self._v1.billing.meters.retrieve(meter_id).to_dict()
        return StripeMeter(
            id=str(meter["id"]),
            event_name=str(meter["event_name"]),
            formula=str(meter["default_aggregation"]["formula"]),
            active=meter["status"] == "active",
            windowed=meter.get("event_time_window") is not None,
            customer_key=str(meter["customer_mapping"]["event_payload_key"]),
            value_key=str(meter["value_settings"]["event_payload_key"]),
        )

    def has_customer(self, customer_id: str) -> bool:
        """Implements `StripeMeters`."""
        try:
            with self._calling():
                customer = self._v1.customers.retrieve(customer_id).to_dict()
        except Refused as refused:
            if refused.code != "resource_missing":
                raise
            return False
        return not customer.get("deleted")

    def send(self, event: MeterEvent) -> Sent:
        """Implements `StripeMeters`."""
        meter = event.meter
        fields = {
            "event_name": meter.event_name,
            "payload": {
                meter.customer_key: event.customer_id,
                meter.value_key: format(event.value, "f"),
            },
            "identifier": event.identifier,
            "timestamp": int(event.timestamp.timestamp()),
        }
        try:
            with self._calling():
                self._v1.billing.meter_events.create(fields)
        except _Known:
            return Sent.KNOWN
        return Sent.ACCEPTED

    def total(self, meter_id: str, customer_id: str, period: Period) -> Decimal:
        """Implements `StripeMeters`."""
        fields = {
            "customer": customer_id,
            "start_time": int(period.starting_at.timestamp()),
            "end_time": int(period.ending_before.timestamp()),
            "limit": _MOST,
        }
        with self._calling():
            listed = self._v1.billing.meters.event_summaries.list(meter_id, fields)
            found = [Decimal(str(one.aggregated_value)) for one in listed.auto_paging_iter()]
        return sum(found, Decimal(0))

    def billed(self, meter_id: str, customer_id: str, period: Period) -> Sequence[BilledUsage]:
        """Implements `StripeMeters`."""
        start, end = (int(at.timestamp()) for at in period)
        with self._calling():
            # An invoice of a period is made when the period is over.
            listed = self._v1.invoices.list(
                {"customer": customer_id, "limit": _MOST, "created": {"gte": end}}
            )
            invoices = [invoice.to_dict() for invoice in listed.auto_paging_iter()]
        found = []
        for invoice in invoices:
            if invoice["status"] == "void":
                continue
            lines = [
                line
                for line in self._lines(invoice)
                if (line["period"]["start"], line["period"]["end"]) == (start, end)
                and self._meter_of(line) == meter_id
            ]
            if lines:
                # A graduated price makes a line of each tier.
                quantity = sum((_quantity(line) for line in lines), Decimal(0))
                amount = sum(int(line["amount"]) for line in lines)
                found.append(
                    BilledUsage(
                        str(invoice["id"]),
                        str(invoice["status"]),
                        quantity,
                        amount,
                        str(invoice["currency"]),
                    )
                )
        return found

    def hold(self, invoice_id: str, *, held: bool) -> None:
        """Implements `StripeMeters`."""
        with self._calling():
            self._v1.invoices.update(invoice_id, {"auto_advance": not held})

    def _lines(self, invoice: Any) -> list[Any]:
        lines = invoice["lines"]
        if not lines.get("has_more"):
            return list(lines["data"])
        with self._calling():
            listed = self._v1.invoices.line_items.list(invoice["id"], {"limit": _MOST})
            return [line.to_dict() for line in listed.auto_paging_iter()]

    def _meter_of(self, line: Any) -> str | None:
        price = ((line.get("pricing") or {}).get("price_details") or {}).get("price")
        if price is None:
            return None
        price_id = price if isinstance(price, str) else str(price["id"])
        if price_id not in self._prices:
            with self._calling():
                made = self._v1.prices.retrieve(price_id).to_dict()
            # What a price measures never changes.
            self._prices[price_id] = (made.get("recurring") or {}).get("meter")
        return self._prices[price_id]

    @contextmanager
    def _calling(self) -> Iterator[None]:
        self._pace.wait()
        with failures():
            try:
                yield
            except stripe.RateLimitError as error:
                raise Busy(NAME, str(error.user_message or error)) from error
            except stripe.InvalidRequestError as error:
                if _KNOWN in str(error):
                    raise _Known from error
                raise


class _Known(Exception):
    """An event of that identifier is there."""


class _Pace:
    """Lets so many calls through in a second, evenly; with 0, all of them."""

    def __init__(self, per_second: int, sleep: Callable[[float], None]) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next call may be made."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            wait = max(0.0, self._next - now)
            self._next = max(now, self._next) + self._gap
        if wait:
            self._sleep(wait)


def _quantity(line: Any) -> Decimal:
    exact = line.get("quantity_decimal")
    return Decimal(str(exact if exact is not None else line.get("quantity") or 0))
