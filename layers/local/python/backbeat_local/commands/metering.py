"""`backbeat metering`: what operators of metering do, from a terminal."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from backbeat_local.client import Refused
from backbeat_local.commands.connection import Connection, connected
from backbeat_local.metered_files import BadRow, instant_of, rows

_BASE: Final = "/metering/v1"
_AT_ONCE: Final = 1000
"""Events that a request takes."""


class Amount(click.ParamType["Decimal"]):
    """A number, with every digit it has."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Returns the number."""
        try:
            number = Decimal(str(value))
        except ArithmeticError:
            number = Decimal("NaN")
        if not number.is_finite():
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


@click.group()
def metering() -> None:
    """Send metered usage again, correct it, tell it to Stripe and reconcile it."""


@metering.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--window-hours",
    type=click.IntRange(1),
    default=24,
    show_default=True,
    help="How far back from the sandbox's present rows are sent.",
)
@click.option("--dry-run", is_flag=True, help="Send nothing, and say what would be.")
@connected
def resend(connection: Connection, file: Path, window_hours: int, dry_run: bool) -> None:
    """Send the rows of FILE again, a .csv with a header or .jsonl; what is there counts once.

    Fails where a row is no event, or is refused.
    """
    since = _now(connection) - timedelta(hours=window_hours)
    try:
        read = [event for _, event in rows(file)]
    except BadRow as error:
        raise click.ClickException(f"{file.name}: {error}") from error
    recent = [event for event in read if instant_of(event) >= since]
    told = {"total": len(read), "considered": len(recent), "sent": 0, "duplicates": 0, "errors": 0}
    problems: list[str] = []
    for first in range(0, 0 if dry_run else len(recent), _AT_ONCE):
        batch = recent[first : first + _AT_ONCE]
        results = connection.http.post(f"{_BASE}/events/ingest", {"events": batch})["results"]
        for result in results:
            status = result["status"]
            kind = {"duplicate": "duplicates", "error": "errors"}.get(status, "sent")
            told[kind] += 1
            if status == "error":
                problems.append(f"{result['idempotency_key']}: {result['error']}")
    connection.say(told, ", ".join(f"{name} {number}" for name, number in told.items()))
    if problems:
        raise click.ClickException("refused: " + "; ".join(problems[:5]))


@metering.command()
@click.option("--mapping", help="Only this one.")
@connected
def push(connection: Connection, mapping: str | None) -> None:
    """Tell Stripe what changed. Fails where something could not be told."""
    body = {} if mapping is None else {"mapping_id": mapping}
    found = connection.http.post(f"{_BASE}/pushes", body)["data"]
    connection.table(found, "metric", "lane", "status", "total", "message")
    if any(one["status"] in ("failed", "unsure", "deferred") for one in found):
        raise click.exceptions.Exit(1)


@metering.command()
@click.option("--mapping", help="Only this one.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was found there.",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with a chart there.",
)
@connected
def reconcile(
    connection: Connection, mapping: str | None, csv_file: Path | None, html_file: Path | None
) -> None:
    """Hold all places side by side. Fails where they differ, or Stripe cannot be asked."""
    body = {} if mapping is None else {"mapping_id": mapping}
    run = connection.http.post(f"{_BASE}/reconciliation/runs", body)["data"]
    for file, format_ in ((csv_file, "csv"), (html_file, "html")):
        if file is not None:
            path = f"{_BASE}/reconciliation/runs/{run['id']}"
            answer = connection.http.request("GET", path, query={"format": format_})
            file.write_bytes(answer.raw)
    shown = [{**row, **row["totals"], "drift": row["drift_abs"]} for row in run["reports"]]
    if connection.as_json:
        connection.say(run, "")
    else:
        connection.table(shown, "metric", "lane", "status", "local", "pushed", "stripe", "drift")
    if run["investigate"] or run["unknown"]:
        raise click.exceptions.Exit(1)


@metering.group()
def adjustments() -> None:
    """Changes of usage by hand."""


@adjustments.command("list")
@click.option("--status", help="Such as pending.")
@connected
def list_adjustments(connection: Connection, status: str | None) -> None:
    """List them, the newest first."""
    found = list(_all(connection, f"{_BASE}/adjustments", status=status))
    columns = ("id", "metric", "customer_ref", "delta", "value", "reason", "status")
    connection.table(found, *columns)


@adjustments.command()
@click.argument("metric")
@click.argument("customer")
@click.argument("delta", type=Amount())
@click.option("--at", required=True, help="An instant of the usage, such as 2025-01-15T10:00:00Z.")
@click.option("--reason", default="manual", show_default=True, help="Or correction, credit, …")
@click.option("--note", help="Why, in words.")
@connected
def propose(
    connection: Connection,
    metric: str,
    customer: str,
    delta: Decimal,
    at: str,
    reason: str,
    note: str | None,
) -> None:
    """Propose to change METRIC's usage of CUSTOMER by DELTA; after --, it may be negative."""
    body = {
        "metric": metric,
        "customer_ref": customer,
        "ts": at,
        "delta": delta,
        "reason": reason,
        **({} if note is None else {"note": note}),
    }
    made = connection.http.post(f"{_BASE}/adjustments", body)["data"]
    connection.say(made, f"{made['id']}  {made['status']}")


@adjustments.command("decide")
@click.argument("decision", type=click.Choice(["approve", "reject", "revert"]))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@connected
def decide_adjustments(connection: Connection, decision: str, ids: tuple[str, ...]) -> None:
    """Approve, reject or revert adjustments, and fail where one cannot be."""
    _decide(connection, f"{_BASE}/adjustments", decision, ids)


@metering.group()
def corrections() -> None:
    """What reconciliations suggest."""


@corrections.command("list")
@click.option("--status", default="open", show_default=True, help="Or applied, rejected, …")
@connected
def list_corrections(connection: Connection, status: str) -> None:
    """List them, the newest first."""
    found = list(_all(connection, f"{_BASE}/reconciliation/corrections", status=status))
    connection.table(found, "id", "metric", "difference", "kind", "amount", "status")


@corrections.command("decide")
@click.argument("decision", type=click.Choice(["approve", "reject"]))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@connected
def decide_corrections(connection: Connection, decision: str, ids: tuple[str, ...]) -> None:
    """Apply or reject corrections, and fail where one cannot be."""
    _decide(connection, f"{_BASE}/reconciliation/corrections", decision, ids)


@metering.group()
def alerts() -> None:
    """Where alerts about usage and spend stand."""


@alerts.command("list")
@click.option("--status", help="Such as triggered, acknowledged, snoozed or ok.")
@connected
def list_alerts(connection: Connection, status: str | None) -> None:
    """List where alerts stand, the latest change first."""
    found = list(_all(connection, f"{_BASE}/alerts/states", status=status))
    connection.table(found, "alert_id", "alert_name", "customer_ref", "severity", "status", "value")


@alerts.command()
@click.argument("alert")
@click.argument("customer")
@connected
def acknowledge(connection: Connection, alert: str, customer: str) -> None:
    """Say that you know that ALERT is triggered for CUSTOMER."""
    path = f"{_BASE}/alerts/{quote(alert, safe='')}/acknowledge"
    state = connection.http.post(path, {"customer_ref": customer})["data"]
    connection.say(state, state["status"])


@alerts.command()
@click.argument("alert")
@click.argument("customer")
@click.argument("hours", type=click.IntRange(1))
@connected
def snooze(connection: Connection, alert: str, customer: str, hours: int) -> None:
    """Say that you look at ALERT of CUSTOMER in some HOURS."""
    path = f"{_BASE}/alerts/{quote(alert, safe='')}/snooze"
    state = connection.http.post(path, {"customer_ref": customer, "hours": hours})["data"]
    connection.say(state, f"{state['status']} until {state['snoozed_until']}")


def _decide(connection: Connection, base: str, decision: str, ids: tuple[str, ...]) -> None:
    decided: list[dict[str, Any]] = []
    refused = 0
    for id_ in ids:
        try:
            body: object = {} if "corrections" in base and decision == "approve" else None
            path = f"{base}/{quote(id_, safe='')}/{decision}"
            decided.append(connection.http.post(path, body)["data"])
        except Refused as error:
            refused += 1
            click.echo(f"{id_}: {error}", err=True)
    connection.table(decided, "id", "status")
    if refused:
        raise click.exceptions.Exit(1)


def _all(connection: Connection, path: str, **query: str | None) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = connection.http.get(path, limit=100, next_page=cursor, **query)
        yield from page["data"]
        cursor = page["next_page"]
        if cursor is None:
            return


def _now(connection: Connection) -> datetime:
    return datetime.fromisoformat(connection.http.get("/mock/clock")["data"]["now"])
