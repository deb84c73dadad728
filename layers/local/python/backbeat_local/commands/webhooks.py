"""`backbeat webhooks`."""

import json
import threading
from typing import Any

import click

from backbeat_local.commands.connection import Connection, connected, json_text


@click.group()
def webhooks() -> None:
    """Subscribe targets, send events by hand, watch what comes."""


@webhooks.command("list")
@connected
def list_(connection: Connection) -> None:
    """List the targets."""
    _say_targets(connection, connection.http.get("/webhooks/subscriptions"))


@webhooks.command()
@click.argument("target")
@connected
def add(connection: Connection, target: str) -> None:
    """Send webhooks to the URL TARGET from now on."""
    _say_targets(connection, connection.http.post("/webhooks/subscriptions", {"target": target}))


@webhooks.command()
@click.argument("target", required=False)
@connected
def remove(connection: Connection, target: str | None) -> None:
    """Send no more webhooks to TARGET, or to anybody."""
    body = {} if target is None else {"target": target}
    _say_targets(connection, connection.http.delete("/webhooks/subscriptions", body))


@webhooks.command()
@click.argument("type_", metavar="TYPE")
@click.option("--data", default="{}", help="Further fields of the event, as a JSON object.")
@connected
def send(connection: Connection, type_: str, data: str) -> None:
    """Send an event of TYPE to all targets."""
    try:
        fields = json.loads(data)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"--data is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise click.BadParameter("--data must be an object")
    told = connection.http.post("/webhooks/dispatch", {"event": {"type": type_, **fields}})["data"]
    connection.say(told, f"sent {type_}")


@webhooks.command()
@connected
def deliveries(connection: Connection) -> None:
    """List the latest deliveries and how they went."""
    found = connection.http.get("/webhooks/deliveries")["data"]
    shown = [{**one, "tries": len(one["attempts"])} for one in found]
    if connection.as_json:
        connection.say(found, "")
    else:
        connection.table(shown, "created_at", "event_type", "state", "tries", "target")


@webhooks.command()
@click.option("--count", type=click.IntRange(1), help="Stop after so many.")
@click.option("--secret", default="test-secret", show_default=True,
              help="What the sandbox signs with.")  # fmt: skip
@connected
def listen(connection: Connection, count: int | None, secret: str) -> None:
    """Subscribe a target on this machine and print what it receives, until interrupted."""
    from backbeat_local.testing.webhooks import Webhook, Webhooks

    enough = threading.Event()
    shown = 0

    def show(one: Webhook) -> None:
        nonlocal shown
        event: dict[str, Any] = one.event
        mark = "" if one.verified else "  WRONG SIGNATURE"
        connection.say(event, f"{one.type}{mark}\n{json_text(event)}")
        shown += 1
        if count is not None and shown >= count:
            enough.set()

    receiver = Webhooks(secret=secret, on_attempt=show)
    connection.http.post("/webhooks/subscriptions", {"target": receiver.url})
    click.echo(f"listening at {receiver.url}; Ctrl-C ends", err=True)
    try:
        while not enough.wait(0.2):
            pass
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        connection.http.delete("/webhooks/subscriptions", {"target": receiver.url})
        receiver.close()


def _say_targets(connection: Connection, answer: Any) -> None:
    targets: list[str] = answer["data"]
    connection.say(targets, "\n".join(targets) or "none")


@webhooks.command()
@click.option("--address", help="How the providers reach this server, if not by its --url.")
@connected
def connect(connection: Connection, address: str | None) -> None:
    """Have Stripe and Metronome tell the billing handlers what happens.

    Stripe is asked to, and the secret that it signs with is kept. Here Metronome is the emulator,
    which gets another target; the real one is told in its own settings.
    """
    base = (address or connection.http.url).rstrip("/")
    paths = connection.http.get("/api/webhook-endpoints")["data"]
    stripe = connection.http.post("/api/webhook-endpoints/stripe", {"address": base})["data"]
    target = f"{base}{paths['metronome']}"
    connection.http.post("/webhooks/subscriptions", {"target": target})
    told = {"stripe": stripe["url"], "metronome": target}
    connection.say(told, "\n".join(f"{name:<10} {url}" for name, url in told.items()))
