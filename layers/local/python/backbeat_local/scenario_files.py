"""Scenario files, of prices and with steps, and their results."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from backbeat.api import json as exact_json
from backbeat.api import yaml_text
from backbeat.api.schemas.simulations import scenario_of
from backbeat.api.views.simulations import outcome_view
from backbeat.domain.simulating import runs
from backbeat.models.errors import BackbeatError, InvalidArgument
from backbeat_local.plays import documents, player

ENDINGS: Final = (".sim.json", ".sim.yaml", ".sim.yml")
RESULT: Final = ".result.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file. `status` is passed, different, done (nothing expected) or invalid."""

    name: str
    status: str
    result: Any
    problem: str = ""

    @property
    def is_fine(self) -> bool:
        """Tells whether nothing is wrong with it."""
        return self.status in ("passed", "done")

    @property
    def totals(self) -> str:
        """The totals of all currencies, as text."""
        bills = (self.result or {}).get("invoices", [])
        return ", ".join(f"{bill['total']} {bill['currency']}" for bill in bills)

    @property
    def differences(self) -> list[str]:
        """What is not as expected, a text each."""
        if self.problem:
            return [self.problem]
        comparison = (self.result or {}).get("comparison") or {}
        return [
            f"{one['metric'] + ' ' if one['metric'] else ''}{one['field']}:"
            f" expected {one['expected']}, is {one['actual']}"
            for one in comparison.get("differences", [])
        ]


def found(paths: Iterable[Path]) -> list[Path]:
    """Returns the scenario files among files and directories, in order.

    Raises:
        FileNotFoundError: a directory holds none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_file():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS))
        if not inside:
            raise FileNotFoundError(f"{path} has no file that ends in {', '.join(ENDINGS)}")
        files += inside
    return files


def name_of(file: Path) -> str:
    """Returns a file's name without the ending that says what it is."""
    ending = next((one for one in ENDINGS if file.name.endswith(one)), file.suffix)
    return file.name.removesuffix(ending)


def refuse_one_result(files: Sequence[Path], directory: Path | None = None) -> None:
    """Makes sure that what is written of each file has a place of its own.

    Results go into a directory; without one, what is recorded goes beside the file.

    Raises:
        InvalidArgument: names two files of which one result would replace the other.
    """
    taken: dict[Path, Path] = {}
    for file in files:
        place = (directory or file.parent) / name_of(file)
        before = taken.setdefault(place, file)
        if before != file:
            raise InvalidArgument(f"{before} and {file}: both would be written as {place.name}")


def check(file: Path) -> Outcome:
    """Returns what is wrong with a scenario file, if anything. One with steps is not played."""

    def outcome(document: object) -> tuple[str, Any]:
        if documents.is_play(document):
            documents.play_of(document)
            return "done", None
        return _priced(document, strict=False)

    return _outcome(file, outcome)


def run(file: Path, url: Callable[[], str], *, strict: bool) -> Outcome:
    """Runs a scenario file. One that cannot be read, priced or played is invalid.

    One with steps is played on the server that `url` tells the address of.
    """

    def outcome(document: object) -> tuple[str, Any]:
        if not documents.is_play(document):
            return _priced(document, strict=strict)
        result = player.play(url(), documents.play_of(document), strict=strict)
        comparison = result["comparison"]
        passed = comparison and comparison["passed"]
        return ("done" if comparison is None else "passed" if passed else "different"), result

    return _outcome(file, outcome)


def _outcome(file: Path, of: Callable[[object], tuple[str, Any]]) -> Outcome:
    try:
        status, result = of(_read(file))
    except (BackbeatError, UnicodeDecodeError) as error:
        return Outcome(name_of(file), "invalid", None, str(error))
    # As text and back: numbers as they are written.
    return Outcome(name_of(file), status, exact_json.loads(exact_json.dumps(result)))


def _read(file: Path) -> object:
    text = file.read_text()
    document = exact_json.loads(text) if file.suffix == ".json" else yaml_text.loads(text)
    recorded = file.with_name(f"{name_of(file)}.expected.json")
    if isinstance(document, dict) and "expected" not in document and recorded.is_file():
        document["expected"] = exact_json.loads(recorded.read_text())
    return document


def _priced(document: object, *, strict: bool) -> tuple[str, Any]:
    outcome = runs.run(scenario_of(document), strict=strict)
    differences = outcome.differences
    status = "done" if differences is None else "different" if differences else "passed"
    return status, outcome_view(outcome)


def write_result(outcome: Outcome, directory: Path) -> Path:
    """Writes what came of a file, and returns where."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{outcome.name}{RESULT}"
    file.write_text(exact_json.dumps(asdict(outcome)) + "\n")
    return file


def record(file: Path, outcome: Outcome) -> Path:
    """Writes what a scenario gives now beside it, to be expected from now on.

    Raises:
        InvalidArgument: there is nothing to expect, there are bills in several currencies, or the
            scenario has steps.
    """
    bills = (outcome.result or {}).get("invoices", [])
    if "webhooks" in (outcome.result or {}):
        raise InvalidArgument(f"{outcome.name}: with steps, it has to say itself what it expects")
    if len(bills) != 1:
        raise InvalidArgument(f"{outcome.name}: only one bill can be recorded")
    [bill] = bills
    expected = {name: bill[name] for name in ("total", "subtotal", "tax", "currency")}
    expected["lineItems"] = [
        {name: line[name] for name in ("metric", "quantity", "unitPrice", "subtotal")}
        for line in bill["lineItems"]
    ]
    target = file.with_name(f"{name_of(file)}.expected.json")
    target.write_text(exact_json.dumps(expected) + "\n")
    return target


def results(directory: Path) -> list[Outcome]:
    """Reads what `write_result` wrote.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(directory.glob(f"*{RESULT}"))
    if not files:
        raise FileNotFoundError(f"{directory} has no file that ends in {RESULT}")
    documents: list[Any] = [exact_json.loads(file.read_text()) for file in files]
    return [Outcome(**document) for document in documents]
