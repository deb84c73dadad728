"""Figures in the text format of Prometheus, version 0.0.4."""

from collections.abc import Iterable
from typing import Final

from backbeat.api import json
from backbeat.application.metering.gauges import Gauge, Sample

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPED: Final = {ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n"}


def exposition(gauges: Iterable[Gauge]) -> str:
    """Returns figures as Prometheus reads them."""
    lines: list[str] = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {gauge.help}", f"# TYPE {gauge.name} gauge"]
        lines += [_line(gauge.name, sample) for sample in gauge.samples]
    return "\n".join([*lines, ""])


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(
        f'{label}="{value.translate(_ESCAPED)}"' for label, value in sample.labels.items()
    )
    shown = f"{{{labels}}}" if labels else ""
    return f"{name}{shown} {json.number_text(sample.value)}"
