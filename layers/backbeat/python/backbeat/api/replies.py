"""What an operation answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and JSON body. `body` None is an empty body."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(data: object) -> Reply:
    """Returns 200 with the data in its envelope."""
    return Reply(200, {"data": data})


def page(data: object, next_page: str | None) -> Reply:
    """Returns 200 with one page of a list."""
    return Reply(200, {"data": data, "next_page": next_page})


def empty() -> Reply:
    """Returns 200 with an empty body."""
    return Reply(200)
