"""`backbeat sim`: scenarios from files. Those with steps are played in this process."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from backbeat.models.errors import BackbeatError, InvalidArgument
from backbeat_local import scenario_files, scenario_reports
from backbeat_local.plays.player import Stage
from backbeat_local.scenario_files import Outcome

_PATH = click.Path(exists=True, path_type=Path)
_MARKS = {"passed": "ok", "done": "ok", "different": "DIFFERENT", "invalid": "INVALID"}


@click.group()
def sim() -> None:
    """Simulate bills from scenario files (.sim.json, .sim.yaml, .sim.yml).

    A scenario prices quantities, or has steps (events, changes of plan, moves of the clock) that
    are played on the engine in an empty sandbox of this process.
    """


@sim.command()
@click.argument("paths", nargs=-1, required=True, type=_PATH)
def validate(paths: Sequence[Path]) -> None:
    """Check the scenarios in PATHS: files, or directories that are searched for them."""
    outcomes = [scenario_files.check(file) for file in _files(paths)]
    invalid = [one for one in outcomes if one.status == "invalid"]
    for one in outcomes:
        click.echo(f"{one.name}: {one.problem or 'valid'}")
    sys.exit(1 if invalid else 0)


@sim.command()
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              help="Write a result file for each scenario into this directory.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Allow no tolerance and no further lines.")
@click.option("--record", is_flag=True,
              help="Write what comes out beside each scenario, to expect it later.")  # fmt: skip
def run(paths: Sequence[Path], out: Path | None, *, strict: bool, record: bool) -> None:
    """Run the scenarios in PATHS. Fails if one is invalid or not as expected."""
    files = _files(paths)
    try:
        if out is not None:
            scenario_files.refuse_one_result(files, out)
        if record:
            scenario_files.refuse_one_result(files)
    except InvalidArgument as error:
        raise click.ClickException(str(error)) from error
    with Stage() as stage:
        outcomes = [scenario_files.run(file, lambda: stage.url, strict=strict) for file in files]
    for file, one in zip(files, outcomes, strict=True):
        if out is not None:
            scenario_files.write_result(one, out)
        if record:
            _record(file, one)
        click.echo(f"{_MARKS[one.status]:10}{one.name}  {one.totals}".rstrip())
        for text in one.differences:
            click.echo(f"{'':10}{text}")
    sys.exit(0 if all(one.is_fine for one in outcomes) else 1)


@sim.command()
@click.option("--results", "directory", required=True, type=_PATH,
              help="Where `run --out` wrote its results.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(sorted(scenario_reports.FORMATS)),
              default="markdown", show_default=True)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False),
              help="Write to this file.")  # fmt: skip
@click.option("--fail-on-diff", is_flag=True,
              help="Fail if a scenario is invalid or not as expected.")  # fmt: skip
def report(directory: Path, format_: str, out: Path | None, *, fail_on_diff: bool) -> None:
    """Report on the results of a run."""
    try:
        outcomes = scenario_files.results(directory)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    text = scenario_reports.FORMATS[format_](outcomes)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
    sys.exit(1 if fail_on_diff and not all(one.is_fine for one in outcomes) else 0)


def _files(paths: Sequence[Path]) -> list[Path]:
    try:
        return scenario_files.found(paths)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error


def _record(file: Path, outcome: Outcome) -> None:
    try:
        scenario_files.record(file, outcome)
    except BackbeatError as error:
        raise click.ClickException(str(error)) from error
