"""What a caller does and what comes of it, and what cases have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.contract.replies.world import World

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
INVALID: Final = (400, "InvalidArgument")
BAD_REQUEST: Final = (400, "BadRequest")
NO_CUSTOMER: Final = (404, "CustomerNotFound", UNKNOWN)


@dataclass(frozen=True)
class Success:
    """Something a caller does that works."""

    operation: str
    what: str
    call: Callable[[World], object]

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


@dataclass(frozen=True)
class Refusal:
    """A request that is refused: `status`, `code`, and `names`, which the message contains."""

    operation: str
    what: str
    status: int
    code: str
    names: str
    request: Callable[[World], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


def raw(operation: str, **request: Any) -> Callable[[World], object]:
    """Calls an operation that the SDK has no method for."""
    return lambda world: world.api.call(operation, token=world.token, **request)


def posted(operation: str, body: Callable[[World], object]) -> Callable[[World], object]:
    """Calls an operation that the SDK has no method for, with what the world has."""
    return lambda world: world.api.call(operation, token=world.token, body=body(world))
