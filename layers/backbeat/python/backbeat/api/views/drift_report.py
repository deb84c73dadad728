"""A run of the reconciliation as a page that stands alone: a chart of the drift, and a table.

Nothing is loaded from anywhere, so the page can be kept and mailed.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from string import Template
from typing import Final

from backbeat.api import json
from backbeat.api.views.times import timestamp
from backbeat.application.metering.reconciliation import Finished
from backbeat.models.reconciliation import Found, ReconciliationRun

_WIDTH: Final = 720
_HEIGHT: Final = 160

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Reconciliation $id</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #1b1b1f }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums }
tr.investigate td { background: #fdecea }
tr.unknown td { background: #fff6dc }
svg { width: 100%; height: auto }
rect { fill: #3b6ea8 } rect.shown { fill: #b3412f }
</style>
</head>
<body>
<h1>Reconciliation</h1>
<p>$at, by $by: $checked periods looked at, $ok agree, $investigate to be looked into,
$unknown unknown. Drift together: $drift.</p>
<h2>Drift of the last runs</h2>
$chart
<h2>Periods</h2>
<table>
<thead><tr><th>Metric</th><th>Customers</th><th>Lane</th><th>Period</th><th>Ours</th><th>Pushed</th>
<th>Stripe</th><th>Invoiced</th><th>Drift</th><th>Why</th><th>Status</th></tr></thead>
<tbody>
$rows
</tbody>
</table>
</body>
</html>
""")


def report_html(finished: Finished, runs: Sequence[ReconciliationRun]) -> str:
    """Returns the page of a run. `runs` are the last ones, the newest first."""
    run = finished.run
    return _PAGE.substitute(
        id=escape(run.id),
        at=timestamp(run.started_at),
        by=escape(run.by),
        checked=run.checked,
        ok=run.ok,
        investigate=run.investigate,
        unknown=run.unknown,
        drift=json.number_text(run.drift),
        chart=_chart(list(runs)[::-1], run.id),
        rows="\n".join(map(_row, finished.rows)),
    )


def _chart(runs: Sequence[ReconciliationRun], shown: str) -> str:
    """Returns a bar for each run, as high as its drift; the one that is shown stands out."""
    highest = max((run.drift for run in runs), default=Decimal(0)) or Decimal(1)
    step = _WIDTH // max(len(runs), 1)
    bars = []
    for number, run in enumerate(runs):
        height = int(run.drift * (_HEIGHT - 20) / highest)
        label = f"{timestamp(run.started_at)}: {json.number_text(run.drift)}"
        bars.append(
            f'<rect class="{"shown" if run.id == shown else ""}" x="{number * step}"'
            f' y="{_HEIGHT - max(height, 1)}" width="{max(step - 2, 1)}"'
            f' height="{max(height, 1)}"><title>{escape(label)}</title></rect>'
        )
    top = json.number_text(highest) if any(run.drift for run in runs) else "0"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Drift of the last runs">'
        f'<text x="0" y="12" font-size="11">{escape(top)}</text>{"".join(bars)}</svg>'
    )


def _row(row: Found) -> str:
    why = "; ".join(f"{one.kind.value} {json.number_text(one.amount)}" for one in row.differences)
    invoiced = ", ".join(f"{json.number_text(one.quantity)} ({one.status})" for one in row.billed)
    cells = [
        _cell(row.metric),
        _cell(", ".join(row.customer_refs)),
        _cell(row.lane.value),
        _cell(f"{timestamp(row.period_start)} to {timestamp(row.period_end)}"),
        _number(row.local),
        _number(row.pushed),
        _number(row.stripe),
        _cell(invoiced),
        _number(row.drift),
        _cell(why or row.message or ""),
        _cell(row.verdict.value),
    ]
    return f'<tr class="{row.verdict.value}">{"".join(cells)}</tr>'


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(value: Decimal | None) -> str:
    text = "?" if value is None else json.number_text(value)
    return f'<td class="number">{text}</td>'
