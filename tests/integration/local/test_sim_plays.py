"""Scenarios with steps: events, changes and moves of the clock on the engine (D-159)."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backbeat.api import json, yaml_text
from backbeat.models.errors import InvalidArgument
from backbeat_local.plays.comparing import differences
from backbeat_local.plays.documents import ExpectedHere, play_of
from backbeat_local.plays.player import Stage, play
from backbeat_local.scenario_files import Outcome, check, run
from backbeat_local.scenario_reports import FORMATS

FILES = Path(__file__).parents[2] / "scenarios"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


@pytest.fixture
def upgrade() -> Document:
    """Calls of January at 2 cents, then 1; the end of January; 250 cents."""
    document = yaml_text.loads((FILES / "upgrade.sim.yaml").read_text())
    assert isinstance(document, dict)
    return copy.deepcopy(document)


def found(
    stage: Stage, document: Document, *, strict: bool = False
) -> list[tuple[str | None, ...]]:
    """Returns place, field, expectation and fact of all that differs."""
    result = play(stage.url, play_of(document), strict=strict)
    return [
        (one["metric"], one["field"], one["expected"], one["actual"])
        for one in result["comparison"]["differences"]
    ]


def test_what_differs_is_named(stage: Stage, upgrade: Document) -> None:
    [final, _] = upgrade["expected"]["invoices"]
    final["total"] = 300
    final["lineItems"][1]["quantity"] = 51
    final["lineItems"].append({"name": "Support"})
    upgrade["expected"]["invoices"].append({"customer": "acme", "status": "VOID"})
    upgrade["expected"]["webhooks"] += [{"type": "contract.end"}]
    upgrade["steps"][3]["expect"]["invoices"][0]["total"] = 100
    assert found(stage, upgrade) == [
        ("steps.3.invoices.0", "total", "100", "200"),
        ("invoices.0", "total", "300", "250"),
        ("invoices.0 Calls", "quantity", "51", "50"),
        ("invoices.0 Support", "lineItems", "Support", None),
        ("invoices.2", "invoice", "acme VOID", None),
        ("webhooks", "contract.end", "at least 1", "0"),
    ]


def test_strictly_nothing_may_come_on_top(stage: Stage, upgrade: Document) -> None:
    [final, _] = upgrade["expected"]["invoices"]
    upgrade["expected"]["invoices"] = [{**final, "lineItems": final["lineItems"][:1]}]
    upgrade["expected"]["webhooks"] = [{"type": "invoice.finalized"}]
    assert found(stage, upgrade) == []
    assert found(stage, upgrade, strict=True) == [
        ("invoices.0 Calls", "lineItems", None, "Calls"),
        ("invoices", "further", None, "DRAFT USAGE of acme: 0"),
        ("webhooks", "contract.edit", None, "1"),
    ]


def test_each_is_played_in_a_sandbox_of_its_own(stage: Stage, upgrade: Document) -> None:
    first, second = (play(stage.url, play_of(upgrade), strict=True) for _ in range(2))
    assert first == second
    assert first["comparison"] == {"passed": True, "differences": []}


def test_the_steps_of_the_readme_come_out_as_it_says(stage: Stage, upgrade: Document) -> None:
    readme = (FILES.parents[1] / "README.md").read_text()
    text = next(one for one in readme.split("```yaml\n")[1:] if one.startswith("steps:"))
    shown = yaml_text.loads(text.partition("```")[0])
    assert isinstance(shown, dict)
    assert found(stage, {**upgrade, **shown}) == []


def test_without_expectation_it_tells_what_there_is(stage: Stage, upgrade: Document) -> None:
    del upgrade["expected"]
    del upgrade["steps"][3]
    result = play(stage.url, play_of(upgrade), strict=False)
    assert result["comparison"] is None
    assert [one["total"] for one in result["invoices"]] == [250, 0]
    assert {"type": "invoice.finalized", "count": 1} in result["webhooks"]


def written(directory: Path, name: str, document: Document) -> Path:
    file = directory / f"{name}.sim.json"
    file.write_text(json.dumps(document))
    return file


def test_what_is_refused_is_invalid_in_every_report(
    stage: Stage, upgrade: Document, tmp_path: Path
) -> None:
    def outcome(name: str, **changed: Any) -> Outcome:
        file = written(tmp_path, name, {**upgrade, **changed})
        return run(file, lambda: stage.url, strict=False)

    unknown = {"call": "POST /v1/contracts/create", "body": {"customer_id": "nobody"}}
    later = {"advance": "soon"}
    lost = {"faults": [{"kind": "drop", "when": "after", "path": "/v1/ingest", "count": 1}]}
    faulty = [{"call": "POST /mock/faults", "body": lost}, upgrade["steps"][2]]
    unnamed = {"call": "GET /v1/customers", "as": "all"}
    no_world = {**upgrade["world"], "customers": {"acme": {"label": "Acme"}}}
    outcomes = [
        outcome("refused", steps=[unknown]),
        outcome("no-duration", steps=[later]),
        outcome("no-world", world=no_world),
        outcome("no-answer", steps=faulty),
        outcome("no-id", steps=[unnamed]),
    ]
    assert [one.status for one in outcomes] == ["invalid"] * 5
    assert outcomes[0].problem.startswith("steps.0: POST /v1/contracts/create was answered 4")
    assert outcomes[1].problem.startswith("steps.0: POST /mock/clock was answered 400")
    assert outcomes[2].problem.startswith("world: POST /mock/fixtures was answered 400")
    assert outcomes[3].problem.startswith("steps.1: POST http")
    assert outcomes[4].problem == "steps.0: as: GET /v1/customers answers no id"
    for format_ in ("json", "markdown", "html", "junit"):
        assert "steps.0: POST /v1/contracts/create was" in FORMATS[format_](outcomes)


def no_step(document: Document) -> None:
    document["steps"] = []


def two_at_once(document: Document) -> None:
    document["steps"][1]["advance"] = "P1D"


def body_of_a_clock(document: Document) -> None:
    document["steps"][1]["body"] = {}


def misspelt(document: Document) -> None:
    document["steps"][1] = {"clok": "2025-01-01"}


def no_method(document: Document) -> None:
    document["steps"][0]["call"] = "/v2/notifications/edit"


def unknown_reference(document: Document) -> None:
    document["steps"][5]["change"]["contract_id"] = "$contracts.other"


def too_early(document: Document) -> None:
    document["steps"][0] |= {"as": "one", "body": {"id": "$steps.one"}}


def stranger(document: Document) -> None:
    document["expected"]["invoices"][0]["customer"] = "other"


def no_amount(document: Document) -> None:
    document["expected"]["invoices"][0]["total"] = "much"


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (no_step, "steps"),
        (two_at_once, "steps.1: must have one of events, clock"),
        (body_of_a_clock, "steps.1: body and as: go with call"),
        (misspelt, "steps.1.clok"),
        (no_method, "steps.0.call"),
        (unknown_reference, "steps.5: there is no contracts.other"),
        (too_early, "steps.0: there is no steps.one"),
        (stranger, "expected.invoices.0.customer: the world has no other"),
        (no_amount, "expected.invoices.0.total"),
    ],
)
def test_invalid_files_are_errors(
    spoil: Callable[[Document], None], named: str, upgrade: Document, tmp_path: Path
) -> None:
    spoil(upgrade)
    checked = check(written(tmp_path, "spoilt", upgrade))
    assert checked.status == "invalid"
    assert named in checked.problem


def test_of_several_lines_each_is_held_against_the_one_that_fits() -> None:
    lines = [
        {"name": "Calls", "type": "usage", "quantity": 1, "unitPrice": 2, "total": 2},
        {"name": "Calls", "type": "usage", "quantity": 5, "unitPrice": 1, "total": 5},
    ]
    invoice = {
        "customer": "acme", "type": "USAGE", "status": "DRAFT", "start": None, "end": None,
        "total": 7, "lineItems": lines,
    }  # fmt: skip
    expected = ExpectedHere.model_validate(
        {
            "invoices": [
                {
                    "total": 7,
                    "lineItems": [{"name": "Calls", "total": 5}, {"name": "Calls", "total": 2}],
                }
            ]
        }
    )
    assert not list(differences(expected, [invoice], Counter(), place="", strict=True))
    # What is asked for at a time is not found where there is none.
    at = {"invoices": [{"start": "2025-01-01"}]}
    told = differences(
        ExpectedHere.model_validate(at), [invoice], Counter(), place="", strict=False
    )
    assert [one["field"] for one in told] == ["invoice"]


def test_a_play_is_not_recorded(stage: Stage, upgrade: Document, tmp_path: Path) -> None:
    from backbeat_local.scenario_files import record

    file = written(tmp_path, "one", upgrade)
    outcome = run(file, lambda: stage.url, strict=False)
    with pytest.raises(InvalidArgument, match="has to say itself"):
        record(file, outcome)
