"""`backbeat catalog`."""

from typing import IO, Any

import click

from backbeat.api import yaml_text
from backbeat.models.errors import InvalidArgument
from backbeat_local.commands.connection import Connection, connected


@click.group()
def catalog() -> None:
    """Show the tiers that are offered, or set others up."""


@catalog.command()
@click.argument("file", type=click.File("rb"), required=False)
@connected
def apply(connection: Connection, file: IO[bytes] | None) -> None:
    """Set the tiers in FILE up in Metronome and offer them from now on.

    Without FILE, a catalogue in YAML or JSON, the built-in tiers. Repeated, it changes nothing.
    """
    body: dict[str, Any] = {}
    if file is not None:
        try:
            # With exact numbers: what is read are prices.
            body["catalogue"] = yaml_text.loads(file.read().decode())
        except (InvalidArgument, UnicodeDecodeError) as error:
            raise click.ClickException(f"{file.name}: {error}") from error
    _say(connection, connection.http.post("/api/catalog/apply", body)["data"])


@catalog.command()
@connected
def show(connection: Connection) -> None:
    """Show the tiers that are offered."""
    _say(connection, connection.http.get("/api/catalog")["data"])


def _say(connection: Connection, offered: dict[str, Any]) -> None:
    if connection.as_json:
        connection.say(offered, "")
    else:
        connection.table(offered["tiers"], "id", "monthly_price", "yearly_price", "credits")
