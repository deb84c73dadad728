"""Calls as a sandbox remembers them."""

from datetime import datetime

from backbeat.models.base import Model


class LoggedRequest(Model):
    """A call and what was answered. Bodies are cut to a few kilobytes, `at` is real time.

    `number` counts a process's calls, so that those of one instant keep their order. `status` and
    `reply` tell of the work done, `fault` what became of it on its way back.
    """

    number: int
    at: datetime
    operation: str
    method: str
    path: str
    query: dict[str, str] = {}
    body: str = ""
    status: int
    reply: str = ""
    fault: str | None = None
    idempotency_key: str | None = None
