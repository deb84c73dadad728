"""`backbeat events`."""

import uuid
from typing import Any

import click

from backbeat_local.commands.connection import Connection, connected
from backbeat_local.usage_sending import Refusal, send


def _property(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
    pairs = [text.partition("=") for text in given]
    if bad := [name for name, equals, _ in pairs if not equals]:
        raise click.BadParameter(f"{bad[0]} is not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


@click.group()
def events() -> None:
    """Send single usage events and look for them."""


@events.command("send")
@click.argument("event_type")
@click.option("--customer", required=True, help="Id or ingest alias of the customer.")
@click.option("--property", "properties", multiple=True, metavar="NAME=VALUE",
              callback=_property, help="A property of the event; several times.")  # fmt: skip
@click.option("--at", "timestamp", help="When it happened; by default the sandbox's present.")
@click.option("--id", "transaction_id", help="Its transaction id; by default a new one.")
@connected
def send_(
    connection: Connection,
    event_type: str,
    customer: str,
    properties: dict[str, str],
    timestamp: str | None,
    transaction_id: str | None,
) -> None:
    """Send one event of EVENT_TYPE."""
    event = {
        "transaction_id": transaction_id or str(uuid.uuid4()),
        "customer_id": customer,
        "event_type": event_type,
        "timestamp": timestamp or connection.http.get("/mock/clock")["data"]["now"],
        "properties": properties,
    }
    try:
        send(connection.http, [event])
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    connection.say(event, f"sent {event['transaction_id']}")


@events.command()
@click.argument("transaction_ids", nargs=-1, required=True)
@connected
def search(connection: Connection, transaction_ids: tuple[str, ...]) -> None:
    """Look for events by TRANSACTION_IDS."""
    found = connection.http.post("/v1/events/search", {"transactionIds": list(transaction_ids)})
    connection.table(
        found, "transaction_id", "event_type", "timestamp", "customer_id", "properties"
    )
