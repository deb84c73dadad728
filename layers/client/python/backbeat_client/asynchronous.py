"""The client for programs with an event loop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

from backbeat_client import exchange, readings
from backbeat_client.errors import MeteringError, NotDelivered, Unavailable
from backbeat_client.events import Event, Result
from backbeat_client.exchange import Question


class AsyncMetering:
    """As `Metering`, in one event loop."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        tries: int = 3,
        flush_events: int = exchange.FLUSH_EVENTS,
        flush_seconds: float = exchange.FLUSH_SECONDS,
        on_error: Callable[[MeteringError], None] | None = None,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Connects with nobody yet. A client that is given is not closed."""
        self._tries = tries
        self._flush_events = flush_events
        self._flush_seconds = flush_seconds
        self._on_error = on_error
        self._sleep = sleep
        self._http = http or httpx.AsyncClient(timeout=exchange.TIMEOUT_SECONDS)
        self._owns_http = http is None
        self._base_url = base_url.rstrip("/")
        self._headers = exchange.headers(api_key)
        self._waiting: list[Event] = []
        self._sending = asyncio.Lock()
        self._wake = asyncio.Event()
        self._closed = False
        self._flusher: asyncio.Task[None] | None = None

    async def track(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1, **said: Any
    ) -> Result:
        """Sends one event now, see `Metering.track`."""
        event = Event(metric=metric, customer_ref=customer_ref, quantity=quantity, **said)
        [result] = await self.send([event])
        return result

    async def send(self, events: Iterable[Event]) -> list[Result]:
        """Sends events now, see `Metering.send`."""
        found: list[Result] = []
        for batch in exchange.batches([*events]):
            found += exchange.results(batch, await self._ask(exchange.ingest(batch)))
        exchange.refuse_errors(found)
        return found

    def buffer(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1, **said: Any
    ) -> Event:
        """Takes an event to be sent soon, and returns it. Call it in the loop.

        Raises:
            RuntimeError: the client is closed.
            ValueError: a field cannot be sent.
        """
        if self._closed:
            raise RuntimeError("the client is closed")
        event = Event(metric=metric, customer_ref=customer_ref, quantity=quantity, **said)
        self._waiting.append(event)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush_in_time())
        if len(self._waiting) >= self._flush_events:
            self._wake.set()
        return event

    async def flush(self) -> list[Result]:
        """Sends what waits, see `Metering.flush`."""
        found: list[Result] = []
        async with self._sending:
            left = len(self._waiting)
            while left:
                batch = self._waiting[: exchange.MOST_EVENTS]
                del self._waiting[: len(batch)]
                left = max(0, left - len(batch))
                try:
                    found += await self.send(batch)
                except Unavailable:
                    self._waiting[:0] = batch
                    raise
        return found

    async def check(
        self, metric: str, customer_ref: str, quantity: Decimal | int = 1
    ) -> readings.Verdict:
        """Tells whether a customer may use some more now, by the caps on it."""
        said = await self._ask(exchange.check(metric, customer_ref, quantity))
        return readings.verdict_of(said["data"])

    async def usage(self, customer_ref: str, metric: str | None = None) -> readings.Usage:
        """Returns a customer's usage of the running period."""
        said = await self._ask(exchange.current(customer_ref, metric))
        return readings.usage_of(said["data"])

    async def history(
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
        return readings.windows_of((await self._ask(question))["data"])

    async def projection(self, customer_ref: str) -> dict[str, Any]:
        """Returns what open periods cost so far and will cost, as the API tells it."""
        found: dict[str, Any] = (await self._ask(exchange.projection(customer_ref)))["data"]
        return found

    async def close(self) -> None:
        """Sends what waits, and ends, see `Metering.close`."""
        self._closed = True
        self._wake.set()
        if self._flusher is not None:
            await self._flusher
        refused: MeteringError | None = None
        try:
            while self._waiting:
                try:
                    await self.flush()
                except Unavailable as error:
                    raise NotDelivered(self._waiting) from error
                except MeteringError as error:
                    refused = refused or error
        finally:
            if self._owns_http:
                await self._http.aclose()
        if refused is not None:
            raise refused

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _flush_in_time(self) -> None:
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._flush_seconds)
            self._wake.clear()
            if self._closed:
                return
            try:
                await self.flush()
            except Exception as error:
                # Whatever it is, the next flush has events of its own.
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        if self._on_error is not None:
            with contextlib.suppress(Exception):
                self._on_error(exchange.as_told(error))

    async def _ask(self, question: Question) -> Any:
        for attempt in range(self._tries):
            response = None
            try:
                response = await self._http.request(
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
                await self._sleep(exchange.wait_seconds(attempt, response))
        raise exchange.given_up(self._tries, last)
