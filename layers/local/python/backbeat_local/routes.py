"""Which function answers a request: the most specific route of the HTTP API."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar
from urllib.parse import unquote

from backbeat_local.template import HttpRoute

T = TypeVar("T")


class Miss(Enum):
    """Why no route was found."""

    PATH = "no route has this path"
    METHOD = "routes have this path, none of them this method"


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """The route's target, its key such as `GET /v1/customers/{id}`, and the path's parameters."""

    target: T
    route_key: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    """Where a route ends, with the names of its parameters in path order."""

    target: T
    route_key: str
    names: tuple[str, ...]


@dataclass(slots=True)
class _Branch(Generic[T]):
    """What may follow a part of a path. `ends` and `greedy` are by method."""

    literal: dict[str, "_Branch[T]"] = field(default_factory=dict)
    parameter: "_Branch[T] | None" = None
    ends: dict[str, _End[T]] = field(default_factory=dict)
    greedy: dict[str, _End[T]] = field(default_factory=dict)


class RouteTable(Generic[T]):
    """Routes by specificity: literal before `{name}` before `{name+}`, a method before ANY."""

    def __init__(self, routes: Iterable[tuple[HttpRoute, T]]) -> None:
        """Raises ValueError when two routes have the same method and path."""
        # Most paths have no parameter: one look-up finds them.
        self._literal: dict[str, dict[str, Match[T]]] = {}
        self._root: _Branch[T] = _Branch()
        for route, target in routes:
            self._add(route, target)

    def find(self, method: str, path: str) -> Match[T] | Miss:
        """Returns the best route for a path as it stands in the request line, still encoded."""
        if (methods := self._literal.get(path)) is not None:
            found = methods.get(method) or methods.get("ANY")
            if found is not None:
                return found
        miss = Miss.PATH
        for ends, values in _walk(self._root, path.split("/")[1:], 0, ()):
            miss = Miss.METHOD
            end = ends.get(method) or ends.get("ANY")
            if end is not None:
                parameters = dict(zip(end.names, map(unquote, values), strict=True))
                return Match(end.target, end.route_key, parameters)
        return miss

    def _add(self, route: HttpRoute, target: T) -> None:
        branch = self._root
        names: list[str] = []
        greedy = False
        for segment in route.path.split("/")[1:]:
            if greedy:
                raise ValueError(f"{route.path}: a greedy parameter must come last")
            if not (segment.startswith("{") and segment.endswith("}")):
                branch = branch.literal.setdefault(segment, _Branch())
                continue
            greedy = segment.endswith("+}")
            names.append(segment[1:-2] if greedy else segment[1:-1])
            if not greedy:
                branch.parameter = branch.parameter or _Branch()
                branch = branch.parameter
        ends = branch.greedy if greedy else branch.ends
        key = f"{route.method} {route.path}"
        if route.method in ends:
            raise ValueError(f"{key} is declared twice")
        ends[route.method] = _End(target, key, tuple(names))
        if not names:
            self._literal.setdefault(route.path, {})[route.method] = Match(target, key, {})


def _walk(
    branch: _Branch[T], segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[dict[str, _End[T]], tuple[str, ...]]]:
    """Yields the ends that fit, best first, with the values of their parameters."""
    if at == len(segments):
        if branch.ends:
            yield branch.ends, values
        return
    segment = segments[at]
    if (literal := branch.literal.get(segment)) is not None:
        yield from _walk(literal, segments, at + 1, values)
    if branch.parameter is not None and segment:
        yield from _walk(branch.parameter, segments, at + 1, (*values, segment))
    if branch.greedy and any(segments[at:]):
        yield branch.greedy, (*values, "/".join(segments[at:]))
