"""`backbeat demo`."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import click

from backbeat.adapters.clock import SystemClock
from backbeat.ports.providers import Access, ProviderError
from backbeat_local.client import Http, Refused, Unreachable
from backbeat_local.commands.connection import json_text

_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_STRIPE: Final = "https://api.stripe.com"
_BEFORE: Final = timedelta(days=4)
"""The month begins so long ago: Stripe takes usage of the past only."""


@click.group()
def demo() -> None:
    """Show what Backbeat does, from beginning to end."""


@demo.command()
@click.option("--url", envvar="BACKBEAT_URL", help="A running Backbeat; by default one of its own.")
@click.option("--token", help="The sandbox; by default a new one, which is emptied afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--stripe-key", envvar="STRIPE_SECRET_KEY", default="", show_envvar=True,
              help="A key of Stripe's test mode; by default the double is used.")  # fmt: skip
def parity(url: str | None, token: str | None, *, as_json: bool, stripe_key: str) -> None:
    """Bill 425 units three ways, and fail unless all agree.

    Usage of 100 and 250, the 100 a second time and 75 late are sent to Backbeat, told to Stripe
    and billed there, on test clocks. The ledger, Stripe's meter and the invoice have to come to
    425, and the amount to the cent to what Backbeat's own rating core says.
    """
    if url is not None and stripe_key:
        raise click.UsageError("--url and a key of Stripe: a running server has its own connection")
    if stripe_key and not stripe_key.startswith(_TEST_KEYS):
        raise click.UsageError("The key is none for tests: this makes customers and invoices")
    from backbeat_local import parity as played

    sandbox = token or f"parity-{uuid.uuid4()}"
    name = f"parity_{uuid.uuid4().hex[:12]}"
    start = (SystemClock().now() - _BEFORE).replace(minute=0, second=0, microsecond=0)
    with _server(url, stripe_key) as address:
        http = Http(address, sandbox)
        access = (
            Access(_STRIPE, stripe_key)
            if stripe_key
            else Access(f"{address}/stripe", f"sk_test_{sandbox}")
        )
        try:
            shown = played.show(http, access, start=start, name=name, say=_say)
        except (Refused, Unreachable, ProviderError, TimeoutError, ValueError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            if token is None:
                http.request("POST", "/mock/reset")
            http.close()
    if as_json:
        click.echo(json_text({**asdict(shown), "problems": shown.problems}))
    else:
        click.echo(
            f"events   {shown.accepted} accepted, {shown.duplicates} repeat\n"
            f"ledger   {shown.ledger}\n"
            f"Stripe   {shown.stripe}\n"
            f"invoice  {shown.invoiced} for {shown.invoiced_cents} cents, {shown.invoice_status}\n"
            f"rated    {shown.rated_cents} cents"
        )
    if shown.problems:
        raise click.ClickException("no parity: " + "; ".join(shown.problems))


@contextmanager
def _server(url: str | None, stripe_key: str) -> Iterator[str]:
    """Gives the address of a server: a running one, or one that goes when this is over."""
    if url is not None:
        yield url.rstrip("/")
        return
    from backbeat_local.runner import Runner
    from backbeat_local.template_files import own_template

    changed = {"BACKBEAT_STRIPE_KEY": stripe_key, "STRIPE_API_BASE": _STRIPE} if stripe_key else {}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        with Runner(own_template(), None) as runner:
            yield runner.base_url
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _say(text: str) -> None:
    click.echo(f"… {text}", err=True)
