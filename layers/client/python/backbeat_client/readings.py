"""What the server tells of usage. Quantities are exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class CounterUsage:
    """A counter's value in the running period; `limit` is that of a cap, if there is one."""

    name: str
    aggregation: str
    current: Decimal
    unit: str
    limit: Decimal | None


@dataclass(frozen=True, slots=True)
class Usage:
    """A customer's usage in the running period `[start, end)`."""

    customer_ref: str
    start: datetime
    end: datetime
    counters: tuple[CounterUsage, ...]

    def of(self, name: str) -> Decimal:
        """Returns a counter's value.

        Raises:
            KeyError: it is not among them.
        """
        for counter in self.counters:
            if counter.name == name:
                return counter.current
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Window:
    """A counter's value in `[start, end)`."""

    start: datetime
    end: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether more may be used now. Without a cap `limit` and `remaining` are None."""

    allowed: bool
    used: Decimal
    limit: Decimal | None
    remaining: Decimal | None
    warning: str | None


def usage_of(data: Mapping[str, Any]) -> Usage:
    """Reads the answer to a question for current usage."""
    return Usage(
        data["customer_ref"],
        _instant(data["period"]["start"]),
        _instant(data["period"]["end"]),
        tuple(
            CounterUsage(
                one["name"],
                one["aggregation"],
                Decimal(one["current"]),
                one["unit"],
                _decimal(one["limit"]),
            )
            for one in data["metrics"]
        ),
    )


def windows_of(data: Mapping[str, Any]) -> list[Window]:
    """Reads the answer to a question for usage by window."""
    return [
        Window(_instant(one["ts"]), _instant(one["until"]), Decimal(one["value"]))
        for one in data["usage"]
    ]


def verdict_of(data: Mapping[str, Any]) -> Verdict:
    """Reads the answer to the question whether more may be used."""
    return Verdict(
        data["allowed"],
        Decimal(data["used"]),
        _decimal(data["limit"]),
        _decimal(data["remaining"]),
        data["warning"],
    )


def _decimal(value: Decimal | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
