"""Plays a scenario's steps in a sandbox of its own, through the API and on its clock."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final

from backbeat.models.errors import InvalidArgument
from backbeat_local.client import Refused, Unreachable
from backbeat_local.plays.comparing import Difference, are_told, differences
from backbeat_local.plays.documents import MADE, ExpectedHere, Play, Step, filled
from backbeat_local.runner import Runner
from backbeat_local.template_files import own_template
from backbeat_local.testing.sandbox import Sandbox

_EVENTS_AT_ONCE: Final = 100
_PATIENCE_SECONDS: Final = 30.0
_QUIET_SECONDS: Final = 1.0
"""How long nothing more is on its way before what has not come is missing."""
_POLL_SECONDS: Final = 0.02


class Stage:
    """A Backbeat of this process that starts when it is first needed. Also a context manager."""

    def __init__(self) -> None:
        """Has nothing started yet."""
        self._runner: Runner | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        if self._runner is None:
            self._runner = Runner(own_template(), None)
            self._runner.start()
        return self._runner.base_url

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            self._runner.stop()


def play(url: str, scenario: Play, *, strict: bool) -> dict[str, Any]:
    """Plays a scenario and returns what there is in the end, and what is not as expected.

    Raises:
        InvalidArgument: the world cannot be made, or a step is refused; says which.
    """
    with Sandbox(url) as sandbox:
        with _named("world"):
            made = sandbox.load(scenario.world)
        played = _Played(sandbox, made, strict=strict)
        for number, step in enumerate(scenario.steps):
            with _named(f"steps.{number}"):
                played.take(number, step)
        with _named("expected"):
            if scenario.expected is not None:
                played.compare("", scenario.expected)
            return played.shown(compared=scenario.expects)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Says where in the scenario something was refused, or got no answer for a fault it asked for.

    Raises:
        InvalidArgument: it was.
    """
    try:
        yield
    except (Refused, Unreachable, InvalidArgument) as error:
        raise InvalidArgument(f"{place}: {error}") from error


class _Played:
    """A scenario that is being played."""

    def __init__(self, sandbox: Sandbox, made: dict[str, dict[str, str]], *, strict: bool) -> None:
        self._sandbox, self._strict = sandbox, strict
        self._ids = {
            f"{section}.{name}": id_ for section, ids in made.items() for name, id_ in ids.items()
        }
        self._names = {id_: name for name, id_ in made.get("customers", {}).items()}
        self._differences: list[Difference] = []
        # It subscribes: what the making of the world told is not the scenario's.
        self._webhooks = sandbox.webhooks

    def take(self, number: int, step: Step) -> None:
        """Takes one step."""
        http = self._sandbox.http
        if step.events is not None:
            events = [
                {"transaction_id": f"step-{number}-{place}", **filled(event, self._ids)}
                for place, event in enumerate(step.events)
            ]
            for begin in range(0, len(events), _EVENTS_AT_ONCE):
                http.post("/v1/ingest", events[begin : begin + _EVENTS_AT_ONCE])
        elif step.clock is not None:
            http.post("/mock/clock", {"now": step.clock.isoformat()})
        elif step.advance is not None:
            http.post("/mock/clock", {"advance": step.advance})
        elif step.change is not None:
            http.post("/v2/contracts/edit", filled(step.change, self._ids))
        elif step.call is not None:
            self._call(step, *step.call)
        elif step.expect is not None:
            self.compare(f"steps.{number}.", step.expect)

    def compare(self, place: str, expected: ExpectedHere) -> None:
        """Holds what there is now against what is expected."""
        self._settle(expected)
        found = differences(
            expected, list(self._invoices()), self._told(), place=place, strict=self._strict
        )
        self._differences += found

    def shown(self, *, compared: bool) -> dict[str, Any]:
        """Returns what there is now; the comparison is None where nothing was expected."""
        if not compared:
            self._settle(ExpectedHere())
        told = self._told()
        return {
            "invoices": list(self._invoices()),
            "webhooks": [{"type": type_, "count": told[type_]} for type_ in sorted(told)],
            "comparison": {"passed": not self._differences, "differences": self._differences}
            if compared
            else None,
        }

    def _call(self, step: Step, method: str, path: str) -> None:
        path = filled(path, self._ids)
        answer = self._sandbox.request(method, path, filled(step.body, self._ids))
        if not 200 <= answer.status <= 299:
            raise Refused(f"{method} {path}", answer.status, answer.body)
        if step.made is None:
            return
        content = answer.body if isinstance(answer.body, dict) else {}
        made = content.get("data", content)
        if not isinstance(made, dict) or not isinstance(made.get("id"), str):
            raise InvalidArgument(f"as: {method} {path} answers no id")
        self._ids[f"{MADE}.{step.made}"] = made["id"]

    def _told(self) -> Counter[str]:
        # A webhook may come twice; it is one all the same.
        return Counter({one.event["id"]: one.type for one in self._webhooks.received}.values())

    def _settle(self, expected: ExpectedHere) -> None:
        """Waits until all webhooks have come that are on their way."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        quiet_since: float | None = None
        while (now := time.monotonic()) < deadline:
            pending = self._sandbox.http.get("/webhooks/deliveries", state="PENDING", limit=1)
            if pending["data"]:
                quiet_since = None
            elif are_told(expected.webhooks, self._told()):
                return
            else:
                quiet_since = quiet_since or now
                if now - quiet_since > _QUIET_SECONDS:
                    return
            time.sleep(_POLL_SECONDS)

    def _invoices(self) -> Iterator[dict[str, Any]]:
        for customer in self._all("/v1/customers"):
            found = self._all(f"/v1/customers/{customer['id']}/invoices")
            for one in sorted(found, key=lambda one: (one.get("start_timestamp") or "", one["id"])):
                yield _invoice(self._names.get(customer["id"], customer["name"]), one)

    def _all(self, path: str) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self._sandbox.http.get(path, limit=100, next_page=cursor)
            yield from page["data"]
            cursor = page.get("next_page")
            if cursor is None:
                return


def _invoice(customer: str, one: dict[str, Any]) -> dict[str, Any]:
    lines: Sequence[dict[str, Any]] = one.get("line_items", ())
    return {
        "customer": customer,
        "type": one["type"],
        "status": one["status"],
        "start": one.get("start_timestamp"),
        "end": one.get("end_timestamp"),
        "total": one["total"],
        "currency": one["credit_type"]["name"],
        "lineItems": [
            {
                "name": line["name"],
                "type": line["type"],
                "quantity": line.get("quantity"),
                "unitPrice": line.get("unit_price"),
                "total": line["total"],
            }
            for line in lines
        ],
    }
