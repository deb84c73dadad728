"""`backbeat sim`: scenario files in, results and reports out."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from backbeat_local.cli import main

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def sim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["sim", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Returns a directory with a scenario in JSON and one in YAML."""
    directory = tmp_path / "scenarios"
    directory.mkdir()
    for name in ("tiered-calls.sim.json", "seats-and-packages.sim.yaml"):
        shutil.copy(SCENARIOS / name, directory)
    return directory


def spoil(files: Path) -> None:
    file = files / "tiered-calls.sim.json"
    file.write_text(file.read_text().replace('"total": 30.00', '"total": 28.00'))


def test_json_and_yaml_run_alike_t22_t52(files: Path, tmp_path: Path) -> None:
    result = sim("run", files, "--out", tmp_path / "results")
    assert result.exit_code == 0, result.output
    assert "tiered-calls  30" in result.output
    assert "seats-and-packages  99" in result.output
    written = json.loads((tmp_path / "results" / "tiered-calls.result.json").read_text())
    assert written["status"] == "passed"


def test_the_shipped_scenarios_are_as_expected_w25_w35_d159(tmp_path: Path) -> None:
    result = sim("run", SCENARIOS, "--strict", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    for named in ("mixed-cadence  41.95 USD", "upgrade  250 USD (cents), 0 USD (cents)"):
        assert f"ok        {named}" in result.output
    played = json.loads((tmp_path / "upgrade.result.json").read_text())["result"]
    assert played["webhooks"] == [
        {"type": "contract.edit", "count": 1}, {"type": "invoice.finalized", "count": 1},
    ]  # fmt: skip
    assert sim("validate", SCENARIOS).exit_code == 0
    report = sim("report", "--results", tmp_path, "--format", "junit", "--fail-on-diff")
    assert report.exit_code == 0
    assert 'tests="5" failures="0" errors="0"' in report.output


def test_results_of_one_name_do_not_replace_each_other(files: Path, tmp_path: Path) -> None:
    other = files / "more" / "tiered-calls.sim.json"
    other.parent.mkdir()
    shutil.copy(files / "tiered-calls.sim.json", other)
    results = tmp_path / "results"
    refused = sim("run", files, "--out", results)
    assert refused.exit_code == 1
    for named in (files / "tiered-calls.sim.json", other):
        assert str(named) in refused.output
    assert not results.exists()
    # Without a common directory there is nothing to replace.
    assert sim("run", files).exit_code == 0
    assert sim("run", files, "--record").exit_code == 0
    # In one directory, both would be recorded into one file.
    shutil.copy(files / "seats-and-packages.sim.yaml", files / "tiered-calls.sim.yaml")
    refused = sim("run", files, "--record")
    assert refused.exit_code == 1
    assert "tiered-calls.sim.yaml" in refused.output


def test_a_wrong_expectation_fails_w13(files: Path, tmp_path: Path) -> None:
    spoil(files)
    result = sim("run", files, "--out", tmp_path / "results")
    assert result.exit_code == 1
    assert "total: expected 28.00, is 30.00" in result.output
    assert sim("validate", files).exit_code == 0


def test_an_invalid_scenario_is_an_error(files: Path) -> None:
    (files / "bad.sim.yaml").write_text("metadata: {name: bad}\ninputs: {}\n")
    result = sim("validate", files)
    assert result.exit_code == 1
    assert "bad: inputs.periodStart: field required" in result.output
    assert sim("run", files / "bad.sim.yaml").exit_code == 1
    assert sim("validate", files.parent / "nowhere").exit_code == 2
    (files.parent / "empty").mkdir()
    assert "no file that ends in" in sim("run", files.parent / "empty").output


def test_reports_t23(files: Path, tmp_path: Path) -> None:
    spoil(files)
    (files / "bad.sim.yaml").write_text("metadata: {name: bad}\n")
    results = tmp_path / "results"
    sim("run", files, "--out", results)

    document = json.loads(sim("report", "--results", results, "--format", "json").output)
    assert document["summary"] == {
        "total": 3, "passed": 1, "different": 1, "done": 0, "invalid": 1,
    }  # fmt: skip
    markdown = sim("report", "--results", results).output
    assert "| tiered-calls | different | 30 USD | total: expected 28.00, is 30.00 |" in markdown
    page = sim("report", "--results", results, "--format", "html").output
    assert "1 of 3 are as they should be" in page
    file = tmp_path / "junit.xml"
    told = sim("report", "--results", results, "--format", "junit", "--out", file)
    assert told.exit_code == 0
    suite = ElementTree.parse(file).getroot()  # noqa: S314 - written a moment ago
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert sim("report", "--results", results, "--fail-on-diff").exit_code == 1
    assert sim("report", "--results", files).exit_code == 1


def test_a_recorded_outcome_is_expected_from_then_on(files: Path) -> None:
    file = files / "open.sim.yaml"
    text = (files / "seats-and-packages.sim.yaml").read_text().partition("expected:")[0]
    file.write_text(text.replace("seats-and-packages", "open"))
    assert sim("run", file, "--record").exit_code == 0
    recorded = json.loads((files / "open.expected.json").read_text())
    assert (recorded["total"], recorded["tax"]) == (99, 9)
    file.write_text(file.read_text().replace("quantity: 7", "quantity: 8"))
    # (80 + 20) x 1.10 instead of 99
    assert "total: expected 99, is 110.00" in sim("run", file).output


def test_names_are_escaped_in_pages(files: Path, tmp_path: Path) -> None:
    file = files / "tiered-calls.sim.json"
    file.write_text(file.read_text().replace('"calls"', '"<script>"').replace("30.00}", "31.00}"))
    sim("run", file, "--out", tmp_path / "results")
    page = sim("report", "--results", tmp_path / "results", "--format", "html").output
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
