"""Which right a route needs: by its path and method, unless the route names another."""

from typing import Final

from backbeat.models.api_keys import Scope

_BY_PATH: Final = (
    ("/api/keys", Scope.KEYS, Scope.KEYS),
    ("/api/", Scope.BILLING_READ, Scope.BILLING_WRITE),
    ("/metering/", Scope.METERING_READ, Scope.METERING_WRITE),
)
"""Beginnings of paths, each with the right to read and the one to write."""


def needed(method: str, path: str) -> Scope:
    """Returns the right that a call needs. What is below no path of the list is Metronome's."""
    for beginning, read, write in _BY_PATH:
        if path.startswith(beginning):
            return read if method == "GET" else write
    return Scope.METRONOME
