"""Scenarios with steps as they are written in files.

Bodies of steps are in the words of the API; everything else is in camel case, as in scenarios of
prices. Amounts are in the units of the API: cents for USD.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from backbeat.api.requests import parse
from backbeat.api.schemas.simulations import Amount, Document, Instant, MetadataBody
from backbeat.models.errors import InvalidArgument

REFERENCE: Final = re.compile(r"\$(\w+\.[\w-]+)")
"""Stands for the id of a thing of the world by section and name, or of a step's by `$steps.name`"""

MADE: Final = "steps"
"""The section of what steps made."""

_MOST: Final = 10_000

Name = Annotated[str, StringConstraints(pattern=r"^[\w-]+$")]
Body = dict[str, Any]


def _call(value: object) -> object:
    method, _, path = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if method not in ("GET", "POST", "PUT", "PATCH", "DELETE") or not path.startswith("/"):
        raise ValueError("must be a method and a path, such as POST /v1/contracts/create")
    return (method, path)


class ExpectedLine(Document):
    """A line of an invoice by its name; what is not given is not looked at."""

    name: str
    type: str | None = None
    quantity: Amount | None = None
    unit_price: Amount | None = None
    total: Amount | None = None


class ExpectedInvoice(Document):
    """An invoice by whose, of which kind and of which time it is; what it comes to."""

    customer: str | None = None
    type: str | None = None
    status: str | None = None
    start: Instant | None = None
    end: Instant | None = None
    total: Amount | None = None
    line_items: tuple[ExpectedLine, ...] = Field((), max_length=_MOST)


class ExpectedWebhook(Document):
    """How often a type of webhook is told: at least once if nothing else is said."""

    type: str = Field(min_length=1)
    count: int | None = Field(None, ge=0)


class ExpectedHere(Document):
    """What there is to be at a time."""

    invoices: tuple[ExpectedInvoice, ...] = Field((), max_length=_MOST)
    webhooks: tuple[ExpectedWebhook, ...] = Field((), max_length=_MOST)


class Step(Document):
    """One thing that happens; `body` and `as`, the name of what is made, go with `call`."""

    events: tuple[Body, ...] | None = Field(None, min_length=1, max_length=_MOST)
    clock: Instant | None = None
    advance: int | str | None = None
    change: Body | None = None
    call: Annotated[tuple[str, str], BeforeValidator(_call)] | None = None
    body: Body | None = None
    made: Name | None = Field(None, alias="as")
    expect: ExpectedHere | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Step":
        kinds = ("events", "clock", "advance", "change", "call", "expect")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"must have one of {', '.join(kinds)}")
        if given != ["call"] and (self.body is not None or self.made is not None):
            raise ValueError("body and as: go with call")
        return self


class Play(Document):
    """A world, what happens in it, and what is expected in the end."""

    metadata: MetadataBody
    world: Body = {}
    steps: tuple[Step, ...] = Field(min_length=1, max_length=_MOST)
    expected: ExpectedHere | None = None

    @property
    def expects(self) -> bool:
        """Tells whether anything is expected at any time."""
        return self.expected is not None or any(step.expect is not None for step in self.steps)


def is_play(document: object) -> bool:
    """Tells whether a scenario's document has steps; otherwise it is one of prices."""
    return isinstance(document, Mapping) and "steps" in document


def play_of(document: object) -> Play:
    """Returns what a decoded document is.

    Raises:
        InvalidArgument: names what is wrong, or what a reference does not find.
    """
    play = parse(document, Play)
    known = {
        f"{section}.{name}"
        for section, things in play.world.items()
        if isinstance(things, Mapping)
        for name in things
    }
    for number, step in enumerate(play.steps):
        _refuse_unknown(f"steps.{number}", step.model_dump(), known)
        if step.expect is not None:
            _refuse_strangers(f"steps.{number}.expect", step.expect, known)
        if step.made is not None:
            known.add(f"{MADE}.{step.made}")
    if play.expected is not None:
        _refuse_strangers("expected", play.expected, known)
    return play


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Returns a body with ids in the place of references."""
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: ids.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {name: filled(part, ids) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, ids) for part in value]
    return value


def _refuse_unknown(place: str, value: object, known: set[str]) -> None:
    for text in _texts(value):
        for name in REFERENCE.findall(text):
            if name not in known:
                raise InvalidArgument(f"{place}: there is no {name} before")


def _refuse_strangers(place: str, expected: ExpectedHere, known: set[str]) -> None:
    for number, invoice in enumerate(expected.invoices):
        if invoice.customer is not None and f"customers.{invoice.customer}" not in known:
            raise InvalidArgument(
                f"{place}.invoices.{number}.customer: the world has no {invoice.customer}"
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
