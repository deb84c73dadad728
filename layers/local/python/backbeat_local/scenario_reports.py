"""Reports about what came of scenario files."""

import html
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final
from xml.etree import ElementTree

from backbeat.api import json as exact_json
from backbeat_local.scenario_files import Outcome

_STYLE: Final = (
    "body{font:16px system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1c2024;background:#fff}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".passed{color:#186a3b}.different,.invalid{color:#b42318}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#16181a}"
    "th,td{border-color:#444}.passed{color:#6fcf97}.different,.invalid{color:#ff8a80}}"
)


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
