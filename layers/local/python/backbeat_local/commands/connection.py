"""Which Backbeat a command talks with, and how it says what came of it."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from backbeat_local.client import Http, Refused, Unreachable

_Command = TypeVar("_Command", bound=Callable[..., Any])

_DEFAULT_URL: Final = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Connection:
    """A sandbox on a running server, and whether answers are wanted as JSON."""

    http: Http
    as_json: bool

    def say(self, content: Any, text: str) -> None:
        """Prints content as JSON where that was asked for, else the text."""
        click.echo(json_text(content) if self.as_json else text)

    def table(self, content: list[dict[str, Any]], *columns: str) -> None:
        """Prints a list as JSON where that was asked for, else some of its fields in columns."""
        rows = [[_cell(entry.get(column)) for column in columns] for entry in content]
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [[column.upper() for column in columns], *rows]
        ]
        self.say(content, "\n".join(lines) if rows else "none")


def connected(command: _Command) -> _Command:
    """Gives a command options that say where Backbeat is, and its `connection`."""

    @functools.wraps(command)
    def run(*, url: str, token: str, as_json: bool, **options: Any) -> Any:
        http = Http(url.rstrip("/"), token)
        try:
            return command(connection=Connection(http, as_json), **options)
        except Unreachable as error:
            raise click.ClickException(
                f"nobody answers at {url}. Start Backbeat with `backbeat serve`, or say where it"
                f" is with --url or BACKBEAT_URL.\n({error})"
            ) from error
        except Refused as refused:
            raise click.ClickException(_explained(refused)) from refused
        finally:
            http.close()

    options = [
        click.option("--url", envvar="BACKBEAT_URL", default=_DEFAULT_URL, show_default=True,
                     show_envvar=True, help="Where Backbeat answers."),
        click.option("--token", envvar="BACKBEAT_TOKEN", default="demo", show_default=True,
                     show_envvar=True, help="The bearer token, which is the sandbox."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    ]  # fmt: skip
    for option in reversed(options):
        run = option(run)
    return run  # type: ignore[return-value]


def json_text(content: Any) -> str:
    """Returns content as indented JSON; decimals are numbers."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    # Only decimals are left: exact in text, and shown as the number that text is.
    return json.loads(str(value))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, default=_plain)


def _explained(refused: Refused) -> str:
    if refused.status == 401:
        return f"{refused}. Give an issued token with --token or BACKBEAT_TOKEN."
    if refused.status == 404 and "Route not found" in str(refused):
        return f"{refused}. This stage has no sandboxes, or is of another version."
    return str(refused)
