"""Calls that fail because a test wants them to: before their work is done, or after it."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from backbeat.ports.http import DROPPED
from mock_stripe.wire.replies import Reply
from mock_stripe.world.world import World

_SETTING: Final = "faults"

_ERRORS: Final[dict[int, dict[str, str]]] = {
    409: {
        "type": "idempotency_error",
        "code": "idempotency_key_in_use",
        "message": (
            "There is currently another in-progress request using this Idempotent Key. Please try"
            " again later."
        ),
    },
    429: {
        "type": "invalid_request_error",
        "code": "rate_limit",
        "message": "Request rate limit exceeded. Learn more about rate limits at"
        " https://stripe.com/docs/rate-limits.",
    },
}
_UNFORESEEN: Final = {"type": "api_error", "message": "An unknown error occurred"}


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call fails. With `drop` the connection ends instead, where the server can do that."""

    status: int
    after_work: bool
    drop: bool

    def reply(self) -> Reply:
        """Returns what is answered. It is kept for no idempotency key."""
        error = _ERRORS.get(self.status, _UNFORESEEN)
        return Reply(self.status, {"error": dict(error)}, {DROPPED: "drop"} if self.drop else {})


def ask_for(world: World, method: str | None, path: str, count: int, fault: Fault) -> int:
    """Has the next calls of a path (`*` stands for anything) fail and returns how many wait."""
    waiting = [one for one in world.settings.get(_SETTING, []) if one["left"] > 0]
    if count:
        told = {"status": fault.status, "after_work": fault.after_work, "drop": fault.drop}
        waiting.append({"method": method, "path": path, "left": count, "fault": told})
    else:
        waiting = []
    world.settings[_SETTING] = waiting
    return sum(one["left"] for one in waiting)


def spend(world: World, method: str, path: str) -> Fault | None:
    """Returns how this call is to fail, and counts that down; None if it is not."""
    for one in world.settings.get(_SETTING, []):
        if one["left"] > 0 and _meets(one, method, path):
            one["left"] -= 1
            return Fault(**one["fault"])
    return None


def _meets(wanted: dict[str, Any], method: str, path: str) -> bool:
    return wanted["method"] in (None, method) and fnmatchcase(path, wanted["path"])
