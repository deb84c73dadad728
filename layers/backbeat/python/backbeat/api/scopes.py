"""Which right a route needs, by its path and method."""

from typing import Final

from backbeat.api.operations import ROUTED
from backbeat.models.api_keys import Scope

_BY_PATH: Final = (
    ("/api/keys", Scope.KEYS, Scope.KEYS),
    ("/api/roles", Scope.KEYS, Scope.KEYS),
    # What only asks, though by POST.
    ("/api/entitlements/", Scope.BILLING_READ, Scope.BILLING_READ),
    ("/api/", Scope.BILLING_READ, Scope.BILLING_WRITE),
    ("/explain/", Scope.BILLING_READ, Scope.BILLING_READ),
    ("/metering/v1/usage/", Scope.METERING_READ, Scope.METERING_READ),
    ("/metering/v1/check", Scope.METERING_READ, Scope.METERING_READ),
    ("/metering/v1/simulations/compare", Scope.METERING_READ, Scope.METERING_READ),
    ("/metering/v1/simulations/what-if", Scope.METERING_READ, Scope.METERING_READ),
    # What decides how usage is counted and billed.
    ("/metering/v1/caps", Scope.METERING_READ, Scope.METERING_ADMIN),
    ("/metering/v1/approval-policy", Scope.METERING_READ, Scope.METERING_ADMIN),
    ("/metering/v1/mappings", Scope.METERING_READ, Scope.METERING_ADMIN),
    ("/metering/v1/periods/", Scope.METERING_READ, Scope.METERING_ADMIN),
    ("/metering/v1/reconciliation/", Scope.METERING_READ, Scope.METERING_ADMIN),
    ("/metering/", Scope.METERING_READ, Scope.METERING_WRITE),
    ("/mock/clock", Scope.METRONOME_READ, Scope.METRONOME),
    ("/mock/explain/", Scope.METRONOME_READ, Scope.METRONOME),
    # What a sandbox tells of itself may contain what was sent as a secret.
    ("/mock/", Scope.METRONOME, Scope.METRONOME),
)
"""Beginnings of paths, each with the right to read and the one to write. The first one counts."""

_PREVIEW: Final = "/preview"
"""How paths of billing end by which somebody asks what a change would cost."""

_DECISIONS: Final = ("/approve", "/reject", "/revert")
"""How paths end by which somebody decides about what another asked for."""


_ASKS: Final = ("get", "list", "search", "preview")
"""How the ids of Metronome's operations begin that change nothing, whatever their method."""

_ASKING: Final = frozenset(
    (operation.method, operation.path) for operation in ROUTED if operation.id.startswith(_ASKS)
)


def needed(method: str, path: str) -> Scope:
    """Returns the right that a call needs. What is below no path of the list is Metronome's."""
    if path.startswith("/metering/") and path.endswith(_DECISIONS):
        return Scope.METERING_ADMIN
    if path.startswith("/api/") and path.endswith(_PREVIEW):
        return Scope.BILLING_READ
    for beginning, read, write in _BY_PATH:
        if path.startswith(beginning):
            return read if method == "GET" else write
    asks = method == "GET" or (method, path) in _ASKING
    return Scope.METRONOME_READ if asks else Scope.METRONOME
