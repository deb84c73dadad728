"""The figures as text: Markdown tables, and the margin to each target."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tests.bench.measures import Figures, Rate

_GROWTH_MILLION = 1_000_000


@dataclass(frozen=True)
class Target:
    """What a figure must reach, and what would be fine to reach."""

    name: str
    figure: float
    bound: float
    aim: float
    unit: str
    at_least: bool = False

    @property
    def margin(self) -> float:
        """How many times better than the bound; below 1 the target is missed."""
        return self.figure / self.bound if self.at_least else self.bound / self.figure


def targets(figures: Figures) -> list[Target]:
    """Returns what one server process must reach, durable and deduplicating."""
    first, last = figures.sizes[0], figures.sizes[-1]
    # Fewer events than a million are no excuse for more per event.
    millions = max(1.0, last.events / _GROWTH_MILLION)
    stored = f"with {last.events:,} events stored"
    many = _fastest(figures.ingest, "100 per request")
    one = _fastest(figures.ingest, "1 per request")
    [get] = [rate for rate in figures.requests if rate.name == "get customer"]
    return [
        Target("events/s, 100 per request", many, 40_000, 78_000, "", at_least=True),
        Target("requests/s, 1 event each", one, 1_500, 5_000, "", at_least=True),
        Target("p50 of a GET, one client", get.p50_ms, 1, 0.3, "ms"),
        Target(f"p50 of a draft {stored}", last.draft.p50_ms, 30, 10, "ms"),
        Target(f"resident {stored}", last.resident_mb, 400 * millions, 400 * millions, "MB"),
        Target(f"disk {stored}", last.disk_mb, 600 * millions, 600 * millions, "MB"),
        Target(
            f"p50 of ingest of 1 {stored}, to none stored",
            last.ingest_one.p50_ms / first.ingest_one.p50_ms, 1.5, 1, "times",
        ),
        Target(
            f"p50 of a GET {stored}, to none stored",
            last.get.p50_ms / first.get.p50_ms, 1.5, 1, "times",
        ),
    ]  # fmt: skip


def render(figures: Figures) -> str:
    """Returns all tables."""
    return "\n".join(
        [
            "## Targets\n",
            *_table(
                ("", "measured", "must", "aim", "margin"),
                (
                    (
                        target.name,
                        f"{_number(target.figure)} {target.unit}".strip(),
                        f"{'≥' if target.at_least else '<'} {target.bound:,.0f}"
                        if target.bound >= 10
                        else f"{'≥' if target.at_least else '<'} {target.bound:g}",
                        f"{target.aim:,g}",
                        f"{target.margin:.2f} ×",
                    )
                    for target in targets(figures)
                ),
            ),
            "\n## Ingest\n",
            *_rates("events/s", figures.ingest),
            "\n## Single requests, one client\n",
            *_rates("requests/s", figures.requests),
            "\n## The HTTP server alone\n",
            "An unknown path, which it refuses by itself: what is left when nothing is done.\n",
            *_rates("requests/s", figures.floor),
            "\n## Growth\n",
            "All events are of one customer and month, over 744 hours and 12 groups, counted by two"
            " metrics.\n",
            *_table(
                ("events stored", "resident", "disk", "ingest 1, p50 (p95)",
                 "ingest 100, p50 (p95)", "get customer, p50", "draft, p50 (p95)"),
                (
                    (
                        f"{size.events:,}",
                        f"{size.resident_mb:,.0f} MB",
                        f"{size.disk_mb:,.0f} MB",
                        _latency(size.ingest_one),
                        _latency(size.ingest_many),
                        f"{size.get.p50_ms:.2f} ms",
                        _latency(size.draft),
                    )
                    for size in figures.sizes
                ),
            ),
            f"\nCold start, process start to first answer: {figures.start_ms:,.0f} ms.",
        ]
    )  # fmt: skip


def readme(figures: Figures, *, beside: str) -> str:
    """Returns the document that keeps the figures. `beside` is what was measured by itself."""
    machine = (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, {date.today():%d %B %Y}"  # noqa: DTZ011 - a label
    )
    return f"""\
# Benchmark

`make bench` starts `backbeat serve` on a fresh state directory and loads it over HTTP from another
process: a closed loop on raw sockets, requests rendered beforehand, keep-alive. Events are about
240 bytes with four string properties and random transaction ids; two metrics (COUNT and SUM) filter
and group them. Each figure is the round in the middle of three. `--quick` takes a minute and says
whether something broke; `--write` writes this file.

Measured on {machine}. Server and load share the machine: absolute figures belong to it, ratios
carry over. "CPU" is what the server spent per event or request on all its threads.

What is acknowledged survives a killed process. A power cut may take what was written since the log
was last flushed, which is when it is copied into the file.

{render(figures)}
{beside}"""


def _fastest(rates: Iterable[Rate], name: str) -> float:
    return max(rate.per_second for rate in rates if rate.name == name)


def _rates(unit: str, rates: Sequence[Rate]) -> Iterator[str]:
    yield from _table(
        ("", "clients", unit, "p50", "p95", "CPU"),
        (
            (
                rate.name,
                str(rate.clients),
                f"{rate.per_second:,.0f}",
                f"{rate.p50_ms:.2f} ms",
                f"{rate.p95_ms:.2f} ms",
                f"{rate.cpu_us:,.0f} µs",
            )
            for rate in rates
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _latency(rate: Rate) -> str:
    return f"{rate.p50_ms:.2f} ({rate.p95_ms:.2f}) ms"


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"
