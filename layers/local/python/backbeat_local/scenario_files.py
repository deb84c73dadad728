"""Scenario files of the simulator, their results, and reports about them."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from backbeat.api import json as exact_json
from backbeat.api import yaml_text
from backbeat.api.schemas.simulations import scenario_of
from backbeat.api.views.simulations import outcome_view
from backbeat.domain.simulating import runs
from backbeat.models.errors import BackbeatError, InvalidArgument

ENDINGS: Final = (".sim.json", ".sim.yaml", ".sim.yml")
RESULT: Final = ".result.json"

_STYLE: Final = (
    "body{font:16px system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1c2024;background:#fff}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".passed{color:#186a3b}.different,.invalid{color:#b42318}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#16181a}"
    "th,td{border-color:#444}.passed{color:#6fcf97}.different,.invalid{color:#ff8a80}}"
)


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


def run(file: Path, *, strict: bool) -> Outcome:
    """Runs a scenario file. One that cannot be read or priced is invalid."""
    try:
        text = file.read_text()
        is_json = file.suffix == ".json"
        document = exact_json.loads(text) if is_json else yaml_text.loads(text)
        expected = file.with_name(f"{name_of(file)}.expected.json")
        if isinstance(document, dict) and "expected" not in document and expected.is_file():
            document["expected"] = exact_json.loads(expected.read_text())
        outcome = runs.run(scenario_of(document), strict=strict)
    except (BackbeatError, UnicodeDecodeError) as error:
        return Outcome(name_of(file), "invalid", None, str(error))
    differences = outcome.differences
    status = "done" if differences is None else "different" if differences else "passed"
    # As text and back: numbers as they are written.
    shown = exact_json.loads(exact_json.dumps(outcome_view(outcome)))
    return Outcome(name_of(file), status, shown)


def write_result(outcome: Outcome, directory: Path) -> Path:
    """Writes what came of a file, and returns where."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{outcome.name}{RESULT}"
    file.write_text(exact_json.dumps(asdict(outcome)) + "\n")
    return file


def record(file: Path, outcome: Outcome) -> Path:
    """Writes what a scenario gives now beside it, to be expected from now on.

    Raises:
        InvalidArgument: there is nothing to expect, or bills in several currencies.
    """
    bills = (outcome.result or {}).get("invoices", [])
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


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Returns a report for programs."""
    counted = {
        status: sum(one.status == status for one in outcomes)
        for status in ("passed", "different", "done", "invalid")
    }
    summary = {"total": len(outcomes), **counted}
    documents = [asdict(one) for one in outcomes]
    return exact_json.dumps({"summary": summary, "scenarios": documents}) + "\n"


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """Returns a report for pull requests."""
    lines = ["| scenario | status | total | differences |", "|---|---|---|---|"]
    for one in outcomes:
        cells = (one.name, one.status, one.totals, "; ".join(one.differences))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def as_html(outcomes: Sequence[Outcome]) -> str:
    """Returns a page that needs nothing beside it."""
    rows = "".join(
        f"<tr><td>{html.escape(one.name)}</td><td class={one.status}>{one.status}</td>"
        f"<td class=n>{html.escape(one.totals)}</td>"
        f"<td>{'<br>'.join(map(html.escape, one.differences))}</td></tr>"
        for one in outcomes
    )
    fine = sum(one.is_fine for one in outcomes)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>Simulations</title><style>{_STYLE}</style>"
        f"<h1>Simulations</h1><p>{fine} of {len(outcomes)} are as they should be.</p>"
        "<table><thead><tr><th>Scenario<th>Status<th>Total<th>Differences</tr></thead>"
        f"<tbody>{rows}</tbody></table></html>\n"
    )


def as_junit(outcomes: Sequence[Outcome]) -> str:
    """Returns a report as continuous integration reads it."""
    suite = ElementTree.Element(
        "testsuite",
        name="simulations",
        tests=str(len(outcomes)),
        failures=str(sum(one.status == "different" for one in outcomes)),
        errors=str(sum(one.status == "invalid" for one in outcomes)),
    )
    for one in outcomes:
        case = ElementTree.SubElement(suite, "testcase", name=one.name, classname="simulations")
        if not one.is_fine:
            kind = "error" if one.status == "invalid" else "failure"
            told = ElementTree.SubElement(case, kind, message="; ".join(one.differences))
            told.text = "\n".join(one.differences)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


FORMATS: Final = {
    "json": as_json,
    "markdown": as_markdown,
    "html": as_html,
    "junit": as_junit,
}
