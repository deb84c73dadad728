"""What goes wrong on purpose in a sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal, TypedDict

from typing_extensions import Unpack

from backbeat_local.client import Http, Refused

When = Literal["before", "after"]


class Often(TypedDict, total=False):
    """How often: at most `count` times, each with `probability` as the `seed` has it."""

    count: int
    probability: float | Decimal
    seed: int


class Calls(Often, total=False):
    """Which calls: a method, a path such as `/v1/customers/*`, a customer's id or alias."""

    method: str
    path: str
    customer: str


class Events(Often, total=False):
    """Which webhooks: a type such as `invoice.*`, a customer's id."""

    event: str
    customer: str


class Payments(Often, total=False):
    """Which payments: a customer's id, or at the Stripe double a value of its metadata."""

    customer: str


class Fault:
    """One fault. As a context manager it ends with the block."""

    def __init__(self, http: Http, id_: str) -> None:
        self.id = id_
        self._http = http

    @property
    def fired(self) -> int:
        """How often it happened so far."""
        told = self._http.get("/mock/faults")["data"]
        return next((int(fault["fired"]) for fault in told if fault["id"] == self.id), 0)

    def remove(self) -> None:
        """Ends it."""
        try:
            self._http.delete(f"/mock/faults/{self.id}")
        except Refused as refused:
            # Cleared or reset meanwhile.
            if refused.status != 404:
                raise

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """Makes calls and webhooks fail, until the test is over or they are removed."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def fail(
        self,
        status: Literal[429, 500, 503] = 503,
        *,
        when: When = "before",
        retry_after_seconds: float | None = None,
        **calls: Unpack[Calls],
    ) -> Fault:
        """Answers calls with an error, before their work is done or after."""
        return self._add(
            kind="status",
            status=status,
            when=when,
            retry_after_seconds=retry_after_seconds,
            **calls,
        )

    def drop(self, *, when: When = "before", **calls: Unpack[Calls]) -> Fault:
        """Ends the connection without an answer, before the work of a call is done or after."""
        return self._add(kind="drop", when=when, **calls)

    def delay(self, milliseconds: int, **calls: Unpack[Calls]) -> Fault:
        """Answers calls late."""
        return self._add(kind="latency", milliseconds=milliseconds, **calls)

    def lose_webhooks(self, **events: Unpack[Events]) -> Fault:
        """Never delivers webhooks, though the delivery log takes them for sent."""
        return self._add(kind="webhook_loss", **events)

    def duplicate_webhooks(self, **events: Unpack[Events]) -> Fault:
        """Delivers webhooks twice."""
        return self._add(kind="webhook_duplicate", **events)

    def reorder_webhooks(self, **events: Unpack[Events]) -> Fault:
        """Delivers webhooks two seconds late, after those that follow."""
        return self._add(kind="webhook_reorder", **events)

    def forge_webhooks(self, **events: Unpack[Events]) -> Fault:
        """Delivers webhooks with a wrong signature."""
        return self._add(kind="webhook_bad_signature", **events)

    def decline_payments(
        self, decline_code: str = "generic_decline", **payments: Unpack[Payments]
    ) -> Fault:
        """Has banks decline payments, those of gates and those at the Stripe double."""
        return self._add(kind="payment_decline", decline_code=decline_code, **payments)

    def clear(self) -> None:
        """Lets everything go right again."""
        self._http.delete("/mock/faults")

    @contextmanager
    def none(self) -> Iterator[None]:
        """Clears all faults when the block is over, whatever happened in it."""
        try:
            yield
        finally:
            self.clear()

    def _add(self, **fault: Any) -> Fault:
        wanted = {name: value for name, value in fault.items() if value is not None}
        told = self._http.post("/mock/faults", {"faults": [wanted]})["data"]
        return Fault(self._http, told[-1]["id"])
