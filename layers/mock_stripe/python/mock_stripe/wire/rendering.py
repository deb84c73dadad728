"""Objects as they are answered: hidden fields left out, references expanded where asked for."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.world.world import Object, World

View = Callable[[World, Object], Object]
Extra = Callable[[World, Object], Any]

_DEEPEST: Final = 4

_views: Final[dict[str, View]] = {}
_references: Final[dict[str, dict[str, str]]] = {}
_extras: Final[dict[str, dict[str, Extra]]] = {}


class Shown(dict[str, Any]):
    """An object as answers show it: nothing is added or left out any more."""


def view(kind: str) -> Callable[[View], View]:
    """Registers what a kind's objects show beyond what is stored, such as a first page of lines."""

    def register(function: View) -> View:
        _views[kind] = function
        return function

    return register


def references(kind: str, fields: dict[str, str]) -> None:
    """Registers the fields of a kind that hold ids, with the kind of what they point to.

    A field inside another one is written `outer.inner`.
    """
    _references.setdefault(kind, {}).update(fields)


def extra(kind: str, field: str) -> Callable[[Extra], Extra]:
    """Registers a field of a kind that is absent unless it is expanded."""

    def register(function: Extra) -> Extra:
        _extras.setdefault(kind, {})[field] = function
        return function

    return register


def visible(thing: Object) -> Object:
    """Returns an object without the fields that are never shown."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def shown(world: World, thing: Object) -> Shown:
    """Returns an object as answers and events show it."""
    if isinstance(thing, Shown):
        return thing
    added = None if thing.get("deleted") else _views.get(thing["object"])
    whole = thing if added is None else {**thing, **added(world, thing)}
    return Shown(deepcopy(visible(whole)))


def expand(world: World, answer: Object, paths: Iterable[str]) -> Object:
    """Puts objects in place of the ids that the paths lead to, in the answer itself.

    Raises:
        InvalidRequest: a path leads nowhere, or deeper than four levels.
    """
    for path in paths:
        steps = path.split(".")
        depth = len([step for step in steps if step != "data"])
        if depth > _DEEPEST:
            raise InvalidRequest(
                f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                param="expand",
            )
        _expand(world, answer, steps, _Place(answer.get("object", ""), "", path))
    return answer


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an answer: inside which kind of object, below which of its fields."""

    kind: str
    inside: str
    path: str

    def field(self, step: str) -> str:
        return f"{self.inside}.{step}" if self.inside else step


def _expand(world: World, here: Any, steps: list[str], place: _Place) -> None:
    if isinstance(here, list):
        for one in here:
            _expand(world, one, steps, place)
        return
    if not steps or not isinstance(here, dict):
        return
    if "object" in here:
        place = _Place(here["object"], "", place.path)
    step, rest = steps[0], steps[1:]
    field = place.field(step)
    if field in _extras.get(place.kind, {}):
        here[step] = _extras[place.kind][field](world, here)
    elif field in _references.get(place.kind, {}):
        if isinstance(here.get(step), str):
            found = world.find(here[step], _references[place.kind][field])
            here[step] = here[step] if found is None else shown(world, found)
    elif not isinstance(here.get(step), dict | list) or not rest:
        raise InvalidRequest(f"This property cannot be expanded ({place.path}).", param="expand")
    _expand(world, here[step], rest, _Place(place.kind, field, place.path))
