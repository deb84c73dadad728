"""Measures speed, memory and disk: `python -m tests.bench [--quick] [--write]`."""

import argparse
import sys
from pathlib import Path

from tests.bench import billing, billing_report, simulator, stripe_double
from tests.bench.measures import QUICK, THOROUGH, measure
from tests.bench.report import readme, render

README = Path(__file__).with_name("README.md")


def main() -> None:
    """Measures and prints tables."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each, few events")
    parser.add_argument("--write", action="store_true", help="write the figures to README.md")
    options = parser.parse_args()
    billed = billing.measure(
        billing.SMALL if options.quick else billing.LARGE,
        billing.FEW if options.quick else billing.MANY,
        _say,
    )
    rounds, seconds = (1, 1.5) if options.quick else (3, 2.5)
    double = stripe_double.render(stripe_double.measure(rounds, seconds, _say))
    priced = simulator.render(simulator.measure(rounds, _say))
    figures = measure(QUICK if options.quick else THOROUGH, _say)
    section = billing_report.render(billed)
    sys.stdout.write(f"{render(figures)}\n\n{section}\n\n{double}\n\n{priced}\n")
    if options.write:
        _, heading, alerts = README.read_text(encoding="utf-8").partition("\n## Alerts\n")
        beside = f"\n{section}\n\n{double}\n\n{priced}\n{heading}{alerts}"
        README.write_text(readme(figures, beside=beside), encoding="utf-8")


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


if __name__ == "__main__":
    main()
