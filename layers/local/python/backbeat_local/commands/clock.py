"""`backbeat clock`."""

import re
from typing import Any, Final

import click

from backbeat_local.commands.connection import Connection, connected

_SHORT: Final = re.compile(
    r"(?:(?P<Y>\d+)y)?(?:(?P<M>\d+)mo)?(?:(?P<W>\d+)w)?(?:(?P<D>\d+)d)?"
    r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?"
)


class Duration(click.ParamType["int | str"]):
    """Seconds, an ISO 8601 duration, or such as 31d or 1y6mo12h."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Returns what the API takes."""
        text = str(value).replace(" ", "")
        if text.isdigit():
            return int(text)
        if text.upper().startswith("P"):
            return text.upper()
        matched = _SHORT.fullmatch(text.lower())
        if not text or matched is None:
            self.fail(f"{value!r} is no duration; give 3600, P1M, 31d or 1y6mo12h", param, ctx)
        parts = {unit: number for unit, number in matched.groupdict().items() if number}
        date = "".join(f"{parts[unit]}{unit}" for unit in "YMWD" if unit in parts)
        time = "".join(f"{parts[unit]}{unit.upper()}" for unit in "hms" if unit in parts)
        return f"P{date}T{time}" if time else f"P{date}"


@click.group(invoke_without_command=True)
@click.pass_context
def clock(context: click.Context) -> None:
    """Show or move a sandbox's clock.

    Moving it on does all that falls due on the way, in order: invoices, balances, webhooks.
    """
    if context.invoked_subcommand is None:
        with show.make_context("show", [], parent=context) as showing:
            show.invoke(showing)


@clock.command()
@connected
def show(connection: Connection) -> None:
    """Print the sandbox's time."""
    _say(connection, connection.http.get("/mock/clock"))


@clock.command("set")
@click.argument("instant")
@connected
def set_(connection: Connection, instant: str) -> None:
    """Stop the clock at INSTANT, such as 2025-01-31T12:00:00Z or 2025-01-31."""
    at = f"{instant}T00:00:00Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}", instant) else instant
    _move(connection, {"now": at})


@clock.command()
@click.argument("duration", type=Duration())
@connected
def advance(connection: Connection, duration: int | str) -> None:
    """Move the clock on by DURATION, such as 31d, 1y6mo, P1M or 3600 seconds."""
    _move(connection, {"advance": duration})


@clock.command()
@connected
def freeze(connection: Connection) -> None:
    """Stop the clock where it is."""
    _move(connection, {"advance": 0})


@clock.command()
@connected
def system(connection: Connection) -> None:
    """Let the clock follow real time."""
    _move(connection, {"system": True})


def _move(connection: Connection, body: dict[str, object]) -> None:
    _say(connection, connection.http.post("/mock/clock", body))


def _say(connection: Connection, answer: Any) -> None:
    told = answer["data"]
    state = "follows real time" if told["frozen_at"] is None else "stands still"
    connection.say(told, f"{told['now']}  {state}")
