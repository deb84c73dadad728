"""Calls as a sandbox remembers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class LoggedRequest:
    """A call and what was answered. Bodies are cut to a few kilobytes, `at` is real time.

    `number` counts a process's calls, so that those of one instant keep their order. `status` and
    `reply` tell of the work done, `fault` what became of it on its way back.
    """

    number: int
    at: datetime
    operation: str
    method: str
    path: str
    status: int
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    reply: str = ""
    fault: str | None = None
    idempotency_key: str | None = None
