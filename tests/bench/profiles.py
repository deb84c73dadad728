"""Where the time goes, by part of the program."""

import cProfile
import pstats
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LAYER = f"{Path('layers') / 'backbeat' / 'python' / 'backbeat'}/"
_LISTED = 12


@dataclass(frozen=True)
class Profile:
    """Shares of the time, each without what it calls: of the parts, and of our modules.

    The profiler slows calls down, not what they do inside: what calls much looks larger.
    """

    parts: list[tuple[str, float]]
    modules: list[tuple[str, float]]


def profiled(work: Callable[[], object]) -> Profile:
    """Does the work once and tells where the time went."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    parts: dict[str, float] = {}
    modules: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, _) in stats.items():
        part = _part(file, name)
        parts[part] = parts.get(part, 0.0) + own
        if _LAYER in file:
            module = file.rpartition(_LAYER)[2].removesuffix(".py").replace("/", ".")
            modules[module] = modules.get(module, 0.0) + own
    return Profile(_largest(parts, total), _largest(modules, total))


def _largest(seconds: dict[str, float], total: float) -> list[tuple[str, float]]:
    ordered = sorted(seconds.items(), key=lambda entry: entry[1], reverse=True)
    return [(name, spent / total) for name, spent in ordered[:_LISTED]]


def _part(file: str, name: str) -> str:
    if _LAYER in file:
        return file.rpartition(_LAYER)[2].partition("/")[0]
    for library in ("sqlite3", "pydantic", "msgspec", "powertools"):
        if library in file or library in name:
            return library
    return "Python itself"
