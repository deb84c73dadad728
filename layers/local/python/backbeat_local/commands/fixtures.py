"""`backbeat fixtures`."""

from pathlib import Path
from typing import IO

import click

from backbeat_local.client import Refused
from backbeat_local.commands.connection import Connection, connected


@click.group()
def fixtures() -> None:
    """Load, export, save and restore whole sandboxes."""


@fixtures.command()
@click.argument("file", type=click.File("rb"))
@connected
def load(connection: Connection, file: IO[bytes]) -> None:
    """Put the world in FILE in the place of what is there.

    FILE is a fixture in YAML or JSON, or what `export` wrote; - reads the standard input.
    """
    ids = connection.http.post("/mock/fixtures", file.read())["data"]["ids"]
    lines = [
        f"{section}.{name}  {id_}" for section, made in ids.items() for name, id_ in made.items()
    ]
    connection.say(ids, "\n".join(lines) or "loaded")


@fixtures.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
              help="Write to this file.")  # fmt: skip
@connected
def export(connection: Connection, output: Path | None) -> None:
    """Print the present world as a file to load again."""
    answer = connection.http.request("GET", "/mock/fixtures")
    if answer.status != 200:
        raise Refused("GET /mock/fixtures", answer.status, answer.body)
    if output is None:
        click.echo(answer.raw.decode())
    else:
        output.write_bytes(answer.raw)
        told = {"file": str(output), "bytes": len(answer.raw)}
        connection.say(told, f"{output}: {len(answer.raw)} bytes")


@fixtures.command()
@click.argument("name", default="default")
@connected
def save(connection: Connection, name: str) -> None:
    """Save the present world under NAME."""
    told = connection.http.post("/mock/snapshot", {"name": name})["data"]
    connection.say(told, f"saved {told['name']}: {told['size_bytes']} bytes, at {told['now']}")


@fixtures.command()
@click.argument("name", default="default")
@connected
def restore(connection: Connection, name: str) -> None:
    """Bring back the world that was saved under NAME."""
    told = connection.http.post("/mock/restore", {"name": name})["data"]
    connection.say(told, f"restored {name}, at {told['now']}")


@fixtures.command("list")
@connected
def list_(connection: Connection) -> None:
    """List the saved worlds."""
    told = connection.http.get("/mock/snapshots")["data"]
    connection.table(told, "name", "now", "size_bytes", "created_at")
