"""The `backbeat` command."""

import difflib
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import click

from backbeat_local.intrinsics import TemplateError
from backbeat_local.template import Template, load_template
from backbeat_local.template_files import find_template

_DEFAULT_STATE: Final = ".backbeat"
_WATCH_SECONDS: Final = 0.5
_GROUPS: Final = (
    "catalog",
    "clock",
    "demo",
    "events",
    "fixtures",
    "metering",
    "sim",
    "usage",
    "webhooks",
)

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _template_option(command: _Command) -> _Command:
    command = click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give a parameter of the template another value than its default.",
    )(command)
    return click.option(
        "--template",
        "template_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The SAM template; by default template.yaml here or in a directory above.",
    )(command)


def _state_option(command: _Command) -> _Command:
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="BACKBEAT_STATE",
        default=_DEFAULT_STATE,
        show_default=True,
        show_envvar=True,
        help="Directory that keeps the state.",
    )(command)


class _Commands(click.Group):
    """Imports the groups that talk with a server when they are asked for: `serve` starts sooner.

    Names the commands that are like one that there is not.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_GROUPS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _GROUPS:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"backbeat_local.commands.{cmd_name}")
        group: click.Command = getattr(module, cmd_name)
        return group

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            like = difflib.get_close_matches(args[0], self.list_commands(ctx))
            if not like:
                raise
            raise click.UsageError(
                f"No such command '{args[0]}'. Did you mean {' or '.join(like)}?", ctx
            ) from error


@click.group(cls=_Commands)
@click.version_option(package_name="backbeat")
def main() -> None:
    """Backbeat: usage billing on this machine."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=3000, envvar="PORT",
              show_default=True, show_envvar=True, help="0 takes a free one.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True)
@_state_option
@click.option("--memory", is_flag=True, help="Forget all state when the server stops.")
@click.option("--profile", type=click.Choice(["default", "mock"]), default="default",
              envvar="BACKBEAT_PROFILE", show_default=True, show_envvar=True,
              help="mock serves suites written for the older mock.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as a line of JSON.")
@click.option("--until", type=int, hidden=True, help="Stop when the process of this id ends.")
@_template_option
def serve(
    port: int,
    host: str,
    state: Path,
    template_file: Path | None,
    parameters: tuple[str, ...],
    profile: str,
    *,
    memory: bool,
    as_json: bool,
    until: int | None,
) -> None:
    """Serve the template until interrupted: API, queues and schedules."""
    from backbeat_local.gateway import CannotListen
    from backbeat_local.runner import STATE_FILE, CannotKeepState, Runner

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        directory = None if memory else state
        template = _load(template_file, parameters)
        runner = Runner(template, directory, host, port, profile=profile)
        runner.start()
    except (CannotListen, CannotKeepState, TemplateError) as error:
        raise click.ClickException(str(error)) from error
    kept = "in memory, gone when the server stops" if memory else str(state.resolve() / STATE_FILE)
    told = {"url": runner.base_url, "state": kept, "template": str(runner.template.path)}
    click.echo(json.dumps(told) if as_json else _welcome(**told))
    while not stopped.wait(None if until is None else _WATCH_SECONDS):
        if until is not None and not _is_running(until):
            break
    # Whoever is in a hurry can interrupt the stopping, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runner.stop()


@main.command()
@click.argument("function")
@click.option("-e", "--event", type=click.File("r", encoding="utf-8"), required=True,
              help="The event as JSON; - reads it from the standard input.")  # fmt: skip
@_state_option
@_template_option
def invoke(
    function: str,
    event: IO[str],
    state: Path,
    template_file: Path | None,
    parameters: tuple[str, ...],
) -> None:
    """Call FUNCTION (such as IngestFunction) once with an event and print what it returns."""
    from backbeat_local.invocation import UnknownFunction, invoke_once
    from backbeat_local.runner import CannotKeepState

    try:
        payload = json.load(event)
    except json.JSONDecodeError as error:
        raise click.ClickException(f"{event.name} is not JSON: {error}") from error
    try:
        reply = invoke_once(_load(template_file, parameters), function, payload, state)
    except (CannotKeepState, TemplateError, UnknownFunction) as error:
        raise click.ClickException(str(error)) from error
    except Exception:
        logging.getLogger("backbeat").exception("%s failed", function)
        sys.exit(1)
    click.echo(reply)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_template_option
def routes(template_file: Path | None, parameters: tuple[str, ...], *, as_json: bool) -> None:
    """Print the routes of the template."""
    from backbeat_local.route_listing import route_listing, routes_by_function

    try:
        template = _load(template_file, parameters)
    except TemplateError as error:
        raise click.ClickException(str(error)) from error
    listing = json.dumps(routes_by_function(template), indent=2) if as_json else None
    click.echo(listing or route_listing(template))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete this command: eval "$(backbeat completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - one of the choices
    click.echo(found(main, {}, "backbeat", "_BACKBEAT_COMPLETE").source())


@main.group()
def token() -> None:
    """API tokens of a deployed stage; a local server takes any token."""


@token.command("create")
@click.option("--name", default="", help="What the token is for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--table",
    envvar="BACKBEAT_TABLE",
    required=True,
    show_envvar=True,
    help="The stage's table: output TableName of the stack.",
)
def create_token(name: str, table: str, *, as_json: bool) -> None:
    """Issue a token that owns a new, empty world, and print it. It cannot be shown again."""
    from backbeat.application import tokens
    from backbeat.bootstrap import build
    from backbeat.config import from_environment

    config = from_environment().model_copy(update={"table": table})
    issued = tokens.issue(build(config), name)
    click.echo(json.dumps({"token": issued, "name": name}) if as_json else issued)


def _load(template_file: Path | None, parameters: tuple[str, ...]) -> Template:
    values = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise click.ClickException(f"--parameter {parameter} is not of the form NAME=VALUE")
        values[name] = value
    return load_template(template_file or find_template(Path.cwd()), values)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's, so it is there.
        return True
    return True


def _welcome(url: str, state: str, template: str) -> str:
    return f"""\
Backbeat listens on {url}
  state     {state}
  template  {template}

  curl -H 'Authorization: Bearer demo' {url}/v1/customers

  from metronome import Metronome
  client = Metronome(base_url="{url}", bearer_token="demo")
"""
