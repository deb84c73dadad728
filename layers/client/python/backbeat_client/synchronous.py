"""The client for programs with threads."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

from backbeat_client import exchange, readings
from backbeat_client.errors import MeteringError, NotDelivered, Unavailable
from backbeat_client.events import Event, Result
from backbeat_client.exchange import Question


class Metering:
    """Sends usage and asks about it. Threads may share one.

    Events that are buffered go out when `flush_events` wait, and after `flush_seconds` at the
    latest. What a flush in the background could not send waits for the next, and `on_error` is
    told.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        tries: int = 3,
        flush_events: int = exchange.FLUSH_EVENTS,
        flush_seconds: float = exchange.FLUSH_SECONDS,
        on_error: Callable[[MeteringError], None] | None = None,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connects with nobody yet. A client that is given is not closed."""
        self._tries = tries
        self._flush_events = flush_events
        self._flush_seconds = flush_seconds
        self._on_error = on_error
        self._sleep = sleep
        self._http = http or httpx.Client(timeout=exchange.TIMEOUT_SECONDS)
        self._owns_http = http is None
        self._base_url = base_url.rstrip("/")
        self._headers = exchange.headers(api_key)
        self._waiting: list[Event] = []
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._flusher: threading.Thread | None = None

    def track(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1, **said: Any
    ) -> Result:
        """Sends one event now; `said` are further fields of `Event`.

        Raises:
            RefusedEvents: it was refused.
            ApiError: the whole request was.
            Unavailable: it is not known whether it arrived; sending the same event again is safe.
            ValueError: a field cannot be sent.
        """
        event = Event(metric=metric, customer_ref=customer_ref, quantity=quantity, **said)
        [result] = self.send([event])
        return result

    def send(self, events: Iterable[Event]) -> list[Result]:
        """Sends events now, as many requests as it takes, and returns what became of each.

        Raises:
            RefusedEvents: some were refused. All those of other requests were sent before.
            ApiError: a whole request was refused.
            Unavailable: it is not known whether all arrived; sending the same again is safe.
        """
        found: list[Result] = []
        for batch in exchange.batches([*events]):
            found += exchange.results(batch, self._ask(exchange.ingest(batch)))
        exchange.refuse_errors(found)
        return found

    def buffer(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1, **said: Any
    ) -> Event:
        """Takes an event to be sent soon, and returns it.

        Raises:
            RuntimeError: the client is closed.
            ValueError: a field cannot be sent.
        """
        event = Event(metric=metric, customer_ref=customer_ref, quantity=quantity, **said)
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            self._waiting.append(event)
            if self._flusher is None:
                self._flusher = threading.Thread(
                    target=self._flush_in_time, name="backbeat-metering", daemon=True
                )
                self._flusher.start()
            if len(self._waiting) >= self._flush_events:
                self._wake.set()
        return event

    def flush(self) -> list[Result]:
        """Sends what waits. What cannot be sent goes on waiting, and goes out once.

        Raises:
            RefusedEvents: some events of a request were refused.
            ApiError: a whole request was refused.
            Unavailable: there was no answer.

        What was refused waits no longer; what lies behind it does.
        """
        found: list[Result] = []
        with self._sending:
            left = len(self._waiting)
            while left:
                with self._lock:
                    batch = self._waiting[: exchange.MOST_EVENTS]
                    del self._waiting[: len(batch)]
                left = max(0, left - len(batch))
                try:
                    found += self.send(batch)
                except Unavailable:
                    with self._lock:
                        self._waiting[:0] = batch
                    raise
        return found

    def check(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1
    ) -> readings.Verdict:
        """Tells whether a customer may use some more now, by the caps on it."""
        said = self._ask(exchange.check(metric, customer_ref, quantity))
        return readings.verdict_of(said["data"])

    def usage(self, customer_ref: str, metric: str | None = None) -> readings.Usage:
        """Returns a customer's usage of the running period."""
        return readings.usage_of(self._ask(exchange.current(customer_ref, metric))["data"])

    def history(
        self,
        metric: str,
        customer_ref: str,
        *,
        since: datetime,
        until: datetime,
        interval: str = "day",
    ) -> list[readings.Window]:
        """Returns usage in `[since, until)` by hour, day or month."""
        question = exchange.history(metric, customer_ref, since, until, interval)
        return readings.windows_of(self._ask(question)["data"])

    def projection(self, customer_ref: str) -> dict[str, Any]:
        """Returns what open periods cost so far and will cost, as the API tells it."""
        found: dict[str, Any] = self._ask(exchange.projection(customer_ref))["data"]
        return found

    def close(self) -> None:
        """Sends what waits, and ends.

        Raises:
            NotDelivered: something could not be sent; it carries the events.
            MeteringError: something was refused, and all else was sent.
        """
        with self._lock:
            self._closed = True
        self._wake.set()
        if self._flusher is not None:
            self._flusher.join()
        refused: MeteringError | None = None
        try:
            while self._waiting:
                try:
                    self.flush()
                except Unavailable as error:
                    raise NotDelivered(self._waiting) from error
                except MeteringError as error:
                    refused = refused or error
        finally:
            if self._owns_http:
                self._http.close()
        if refused is not None:
            raise refused

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _flush_in_time(self) -> None:
        while not self._closed:
            self._wake.wait(self._flush_seconds)
            self._wake.clear()
            if self._closed:
                return
            try:
                self.flush()
            except Exception as error:
                # Whatever it is, the next flush has events of its own.
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        if self._on_error is not None:
            with contextlib.suppress(Exception):
                self._on_error(exchange.as_told(error))

    def _ask(self, question: Question) -> Any:
        for attempt in range(self._tries):
            response = None
            try:
                response = self._http.request(
                    question.method,
                    self._base_url + question.path,
                    params=dict(question.params),
                    content=question.body,
                    headers=self._headers,
                )
                return exchange.answer(response)
            except httpx.TransportError as error:
                last: Exception = error
            except Unavailable as error:
                last = error
            if attempt + 1 < self._tries:
                self._sleep(exchange.wait_seconds(attempt, response))
        raise exchange.given_up(self._tries, last)
