"""`.env.example` says what a local server and the command take from the environment."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import backbeat
from backbeat.config import Config
from backbeat_local.cli import main
from backbeat_local.environment import local_environment
from backbeat_local.template import load_template

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / ".env.example"
TEMPLATE = load_template(ROOT / "template.yaml")
OWN_URL = "http://127.0.0.1:3000"

BY_SAM = {"AWS_SAM_LOCAL", "AWS_ENDPOINT_URL"}
"""What `sam local` sets itself, and emulators of AWS ask for."""

BY_POWERTOOLS = {"POWERTOOLS_LOG_LEVEL"}
"""What Powertools reads, and the local server lets through."""

_SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
SHOWN = dict(_SETTING.findall(EXAMPLE.read_text()))
SETTINGS = {str(field.alias): name for name, field in Config.model_fields.items()}


def served(own: dict[str, str]) -> dict[str, str]:
    """Returns what functions of a local server find that is started with `own`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in {*SETTINGS, *BY_POWERTOOLS}:
            patch.delenv(name, raising=False)
        for name, value in own.items():
            patch.setenv(name, value)
        return {**own, **local_environment(TEMPLATE, Path(".backbeat"), own_url=OWN_URL)}


def options(command: click.Command) -> Iterator[click.Option]:
    """Returns the options of a command and of all below it."""
    yield from (one for one in command.params if isinstance(one, click.Option))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below)


def of_the_command() -> dict[str, set[str]]:
    """Returns the variables that the command's options take, with their defaults."""
    found: dict[str, set[str]] = {}
    for option in options(main):
        if isinstance(option.envvar, str):
            given = isinstance(option.default, str | int | Path)
            default = {str(option.default)} if given and option.default != "" else set()
            found[option.envvar] = found.get(option.envvar, set()) | default
    return found


def of_the_server() -> set[str]:
    """Returns the variables that come through a local server as they were set."""
    names = {*SETTINGS, *BY_POWERTOOLS} - BY_SAM
    return {name for name in names if served({name: "given"})[name] == "given"}


def test_it_lists_whatever_is_taken_and_nothing_else() -> None:
    assert set(SHOWN) == of_the_server() | set(of_the_command())


def test_it_shows_what_counts_where_nothing_is_set() -> None:
    usual, command = served({}), of_the_command()
    for name, value in SHOWN.items():
        if name in command:
            assert {value} - {""} == command[name], name
        else:
            default = Config.model_fields[SETTINGS[name]].default if name in SETTINGS else ""
            assert value == usual.get(name, default or ""), name


def test_a_shell_reads_it_and_the_settings_take_it() -> None:
    text = re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    wanted = [f'printf "%s\\n" "${name}"' for name in SHOWN]
    script = "\n".join(["set -a", text, *wanted])
    shell = ["/bin/sh", "-eu", "-c", script]
    ran = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [" ".join(shlex.split(value)) for value in SHOWN.values()]
    Config.model_validate({name: value for name, value in SHOWN.items() if name in SETTINGS})


def test_what_is_not_listed_comes_from_the_template() -> None:
    elsewhere = {*TEMPLATE.environment(), "BACKBEAT_STATE", "BACKBEAT_PROFILE"} | BY_SAM
    assert set(SETTINGS) - set(SHOWN) <= elsewhere
    unread = set(TEMPLATE.environment()) - set(SETTINGS)
    assert {name for name in unread if not name.startswith("POWERTOOLS_")} == set()


def test_every_setting_is_used() -> None:
    package = Path(backbeat.__file__).parent
    used = {
        node.attr
        for name in ("bootstrap.py", "config.py")
        for node in ast.walk(ast.parse((package / name).read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("config", "self")
    }
    assert set(SETTINGS.values()) - used == set()
