"""The figures of drafts and billing runs as text."""

from collections.abc import Iterator

from tests.bench.billing import Billing
from tests.bench.profiles import Profile

_ENOUGH = 200
"""Invoices a second that one core must finalize."""


def render(billing: Billing) -> str:
    """Returns the section on drafts and billing runs."""
    draft, run = billing.draft, billing.run
    return "\n".join(
        [
            "## Drafts and billing runs\n",
            "In one process without an HTTP server, in CPU seconds of its one thread: so these are"
            " figures of one core, whatever the other is busy with.\n",
            f"A draft of {draft.shape.events:,} events of a month, {draft.shape.products} products"
            f" with {draft.shape.groups} groups each ({draft.lines:,} lines):"
            f" {draft.seconds:.2f} s, the first time in a process {draft.cold_seconds:.2f} s.\n",
            f"A billing run of {run.customers:,} customers, each with 90 events, a credit and an"
            " invoice of three lines, from the tick through the queue to the last commit of"
            f" invoice, ledger and outbox: {run.cpu_seconds:.2f} s,"
            f" **{run.per_second:,.0f} invoices/s** (must: {_ENOUGH},"
            f" {run.per_second / _ENOUGH:.2f} ×).",
            *_profile("the draft", billing.draft_profile),
            *_profile("the billing run", billing.run_profile),
        ]
    )


def _profile(name: str, profile: Profile) -> Iterator[str]:
    yield f"\n### Where {name} spends its time\n"
    yield "Without what is called from there. Profiled, so what calls much weighs more.\n"
    yield "| part | share | module | share |"
    yield "|---|---|---|---|"
    rows = max(len(profile.parts), len(profile.modules))
    for number in range(rows):
        cells = [*_cells(profile.parts, number), *_cells(profile.modules, number, code=True)]
        yield f"| {' | '.join(cells)} |"


def _cells(entries: list[tuple[str, float]], number: int, *, code: bool = False) -> tuple[str, str]:
    if number >= len(entries):
        return "", ""
    name, share = entries[number]
    return (f"`{name}`" if code else name), f"{share:.0%}"
