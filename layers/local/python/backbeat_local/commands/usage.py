"""`backbeat usage`."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import click

from backbeat_local.client import Unreachable
from backbeat_local.commands.connection import Connection, connected, json_text
from backbeat_local.usage_files import BadFile, Progress, Reading, events, fingerprint
from backbeat_local.usage_profiles import PROFILES, Load, Property, Span, generate
from backbeat_local.usage_sending import AT_ONCE, Event, Refusal, send

_RANGE: Final = re.compile(r"(-?\d+)\.\.(-?\d+)")


class PropertySpec(click.ParamType["Property"]):
    """NAME=1..500 for whole numbers, NAME=small,large for one of some texts."""

    name = "property"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Property:
        """Returns what the property may be."""
        name, equals, values = str(value).partition("=")
        if not (name and equals and values):
            self.fail(f"{value!r} is not of the form NAME=1..500 or NAME=small,large", param, ctx)
        numbers = _RANGE.fullmatch(values)
        if numbers is None:
            return Property(name, choices=tuple(values.split(",")))
        low, high = int(numbers[1]), int(numbers[2])
        if low > high:
            self.fail(f"{value!r}: {low} is more than {high}", param, ctx)
        return Property(name, low=low, high=high)


@click.group()
def usage() -> None:
    """Send much usage: made up, or from a file."""


@usage.command("generate")
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="office",
    show_default=True,
    help="When usage happens.",
)
@click.option(
    "--events",
    "count",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many events.",
)
@click.option(
    "--customer",
    "customers",
    multiple=True,
    help="Ingest alias or id of a customer, the greatest first; several times.",
)
@click.option(
    "--customers",
    "number",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Without --customer: that many, called customer-1 and so on.",
)
@click.option(
    "--event-type",
    "types",
    multiple=True,
    default=("api_call",),
    show_default=True,
    help="Type of the events; several times.",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    type=PropertySpec(),
    metavar="NAME=VALUES",
    help="Such as tokens=1..500 or model=small,large.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 34),
    default=7,
    show_default=True,
    help="How far back from the sandbox's present.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="The same seed gives the same usage, which is counted once.",
)
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8"),
    help="Write JSON lines there and send nothing; - is the standard output.",
)
@connected
def generate_(
    connection: Connection,
    profile: str,
    count: int,
    customers: tuple[str, ...],
    number: int,
    types: tuple[str, ...],
    properties: tuple[Property, ...],
    days: int,
    seed: int,
    output: IO[str] | None,
) -> None:  # fmt: skip
    """Make up usage that looks like real usage, and send it."""
    now = datetime.fromisoformat(connection.http.get("/mock/clock")["data"]["now"])
    # By the hour: the same day gives the same usage.
    end = now.replace(minute=0, second=0, microsecond=0)
    load = Load(
        profile=profile,
        seed=seed,
        events=count,
        span=Span(end - timedelta(days=days), end),
        customers=customers or [f"customer-{place}" for place in range(1, number + 1)],
        event_types=types,
        properties=properties,
    )
    made = generate(load)
    if output is not None:
        for event in made:
            output.write(f"{json.dumps(event)}\n")
        return
    with _progress(count, "sending") as done:
        for batch in _batches(made):
            _send(connection, batch)
            done(len(batch))
    told = {"events": count, "customers": list(load.customers), "seed": seed, "profile": profile}
    connection.say(told, f"sent {count} events of {len(load.customers)} customers")


@usage.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="What the file calls transaction_id, customer_id, event_type or timestamp.",
)
@click.option("--event-type", help="The type of events that have none in the file.")
@click.option("--again", is_flag=True, help="Begin at the first line, whatever has arrived.")
@connected
def import_(
    connection: Connection, file: Path, columns: tuple[str, ...], event_type: str | None, *,
    again: bool,
) -> None:  # fmt: skip
    """Send the events in FILE, a .csv with a header or .jsonl.

    What was interrupted goes on where it was, and what is sent twice is counted once.
    """
    reading = Reading(dict(_pair(text) for text in columns), event_type)
    progress = Progress.beside(file, url=connection.http.url, token=connection.http.token)
    already = 0 if again else progress.read()
    done = already
    try:
        with _progress(_count(file, reading), "importing") as show:
            show(already)
            for lines, batch in _numbered(islice(events(file, reading), already, None)):
                _send(connection, batch, lines)
                done += len(batch)
                progress.note(done)
                show(len(batch))
    except BadFile as error:
        raise click.ClickException(f"{file}: {error}") from error
    except (Unreachable, KeyboardInterrupt) as error:
        raise click.ClickException(
            f"{done} events have arrived; the same command goes on from there. ({error})"
        ) from error
    progress.forget()
    told = {"file": str(file), "sha256": fingerprint(file), "events": done, "before": already}
    before = f", {already} of them before" if already else ""
    connection.say(told, f"{done} events have arrived{before}")


def _count(file: Path, reading: Reading) -> int:
    """Reads the whole file once, so that nothing is sent of one that is wrong."""
    return sum(1 for _ in events(file, reading))


def _send(connection: Connection, batch: list[Event], lines: list[int] | None = None) -> None:
    try:
        send(connection.http, batch)
    except Refusal as refusal:
        where = "" if lines is None else f"lines {lines[0]} to {lines[-1]}: "
        shown = ""
        if refusal.index is not None and refusal.index < len(batch):
            where = where if lines is None else f"line {lines[refusal.index]}: "
            shown = f"\n{json_text(batch[refusal.index])}"
        raise click.ClickException(f"{where}{refusal}{shown}") from refusal


def _batches(made: Iterable[Event]) -> Iterator[list[Event]]:
    rest = iter(made)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch


def _numbered(
    made: Iterable[tuple[int, Event]],
) -> Iterator[tuple[list[int], list[Event]]]:
    rest = iter(made)
    while some := list(islice(rest, AT_ONCE)):
        yield [line for line, _ in some], [event for _, event in some]


@contextmanager
def _progress(total: int, label: str) -> Iterator[Any]:
    """Shows a bar on the standard error if a person is looking; gives what moves it on."""
    with click.progressbar(
        length=total, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield bar.update


def _pair(text: str) -> tuple[str, str]:
    field, equals, name = text.partition("=")
    if not equals:
        raise click.BadParameter(f"--column {text} is not of the form FIELD=NAME")
    return field, name
