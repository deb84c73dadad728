"""How soon the console can be used: `python -m tests.bench.pages [--customers N] [--events N]`.

A sandbox with customers that have a contract each, and events spread over them. Chromium opens the
overview again and again: each time as somebody who was never here, and once more as somebody who
was. Measured in the page, in milliseconds since its address was entered.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.bench.server import TOKEN, Server, serving
from tests.bench.traffic import event
from tests.bench.world import created, price_list

_BATCH = 100
_START = datetime(2025, 1, 1, tzinfo=UTC)
_MONTH = f"{_START:%FT%TZ}"
_NOW = "2025-01-20T12:00:00Z"
_PATIENCE_SECONDS = 60
_NOTED = 3
_MUST_MILLISECONDS = 1000

_WATCH = """
sessionStorage.setItem("backbeat-token", %s);
addEventListener("DOMContentLoaded", () => {
  const first = (name, holds) => {
    const look = () => {
      if (name in seen || !holds()) return;
      seen[name] = performance.now();
    };
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(look).observe(document, all);
  };
  const seen = (window.seen = {});
  const figure = (name) =>
    document.querySelector(`[data-figure="${name}"] .value`)?.textContent ?? "…";
  first("drawn", () => document.querySelector("aside nav a") && document.querySelector("main h1"));
  first("usable", () =>
    document.querySelector("main h1")?.textContent === "Overview" &&
    !document.querySelector(".waiting") &&
    document.querySelectorAll("main table, main .empty").length >= 2 &&
    figure("backlog") !== "…" && figure("dead") !== "…");
  first("counting", () => figure("drafts") !== "…");
});
"""
"""Notes when the shell is drawn, when every panel has what it asked for, and when spend counts."""


@dataclass(frozen=True)
class Opened:
    """A page that was opened. `requests` are (milliseconds from, to, address) of what it asked."""

    drawn: float
    usable: float
    counting: float
    requests: Sequence[tuple[float, float, str]]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", action="store_true", help="also what the last round asked")
    options = parser.parse_args()
    with serving() as server:
        begun = time.perf_counter()
        fill(server, options.customers, options.events)
        _say(f"filled in {time.perf_counter() - begun:.0f} s")
        anew, again = measure(server, options.rounds)
    sys.stdout.write(
        f"{options.customers:,} customers, {options.events:,} events; {options.rounds} rounds,"
        " milliseconds: median (most)\n\n"
        "| | shell drawn | usable | first of the spend | must |\n|---|---|---|---|---|\n"
        f"{_row('never here before', anew)}\n{_row('here before', again)}\n"
    )
    if options.requests:
        for start, end, address in anew[-1].requests:
            sys.stdout.write(f"{start:7.0f} {end:7.0f}  {address}\n")


def fill(server: Server, customers: int, events: int) -> None:
    """Creates customers with contracts, and sends events of theirs in random order."""
    server.call("POST", "/mock/clock", {"now": _MONTH})
    card = price_list(server, _START)

    def create(number: int) -> str:
        name = f"Customer {number:05} {random.Random(number).choice(['Ltd', 'GmbH', 'Inc'])}"
        id_ = created(server, "/v1/customers", name=name, ingest_aliases=[f"c{number}"])
        terms = {"customer_id": id_, "rate_card_id": card, "starting_at": _MONTH}
        created(server, "/v1/contracts/create", **terms)
        return id_

    with ThreadPoolExecutor(4) as workers:
        ids = list(workers.map(create, range(customers)))
    _say(f"{customers:,} customers")
    server.call("POST", "/mock/clock", {"now": _NOW})
    chosen = random.Random(20250120)

    def send(number: int) -> None:
        hour = _START.replace(day=1 + number % 19, hour=number % 24)
        some = [
            event(chosen, chosen.choice(ids), hour, f"{number}-{place}")
            for place in range(min(_BATCH, events - number * _BATCH))
        ]
        server.post("/v1/ingest", f"[{','.join(some)}]")

    with ThreadPoolExecutor(4) as workers:
        for number, _ in enumerate(workers.map(send, range(-(-events // _BATCH))), start=1):
            if number % 1000 == 0:
                _say(f"{number * _BATCH:,} events")


def measure(server: Server, rounds: int) -> tuple[list[Opened], list[Opened]]:
    """Opens the overview: each round in a browser without memory, then once more in the same."""
    anew, again = [], []
    with sync_playwright() as playwright:
        browser = _launched(playwright.chromium)
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_init_script(_WATCH % json.dumps(TOKEN))
            anew.append(_opened(context, server))
            again.append(_opened(context, server))
            context.close()
        browser.close()
    return anew, again


def _launched(chromium: Any) -> Browser:
    named = os.environ.get("BACKBEAT_CHROMIUM") or shutil.which("chromium")
    launched: Browser = chromium.launch(executable_path=named, args=["--no-sandbox"])
    return launched


def _opened(context: BrowserContext, server: Server) -> Opened:
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/console", wait_until="commit")
    # Looked at from outside: the page's policy lets no condition be evaluated inside.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(seen := page.evaluate("window.seen ?? {}")) < _NOTED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page is not ready: {seen}")
        page.wait_for_timeout(200)
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map((one) => [one.startTime, one.responseEnd,"
        " one.name.replace(location.origin, '')])"
    )
    page.close()
    return Opened(seen["drawn"], seen["usable"], seen["counting"], [tuple(one) for one in asked])


def _row(name: str, opened: Sequence[Opened]) -> str:
    def told(values: list[float]) -> str:
        return f"{median(values):.0f} ({max(values):.0f})"

    return (
        f"| {name} | {told([one.drawn for one in opened])} | {told([one.usable for one in opened])}"
        f" | {told([one.counting for one in opened])} | usable < {_MUST_MILLISECONDS} |"
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


if __name__ == "__main__":
    main()
