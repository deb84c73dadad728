"""Dashboards that are shown in a frame of somebody else's page."""

from enum import StrEnum
from typing import Final

from backbeat.models.base import Model

COLORS: Final = {
    "Gray_dark": "#1f2430",
    "Gray_medium": "#667085",
    "Gray_light": "#d6dae1",
    "Gray_extralight": "#f4f5f7",
    "White": "#ffffff",
    "Primary_medium": "#2a6fdb",
    "Primary_light": "#e3edfb",
    "Primary_green": "#1a7f4b",
    "Primary_red": "#b3261e",
    "Progress_bar": "#2a6fdb",
    "Progress_bar_background": "#e3e6eb",
    "UsageLine_0": "#2a6fdb",
    "UsageLine_1": "#d9730d",
    "UsageLine_2": "#1a7f4b",
    "UsageLine_3": "#a03bb0",
    "UsageLine_4": "#c2185b",
    "UsageLine_5": "#00838f",
    "UsageLine_6": "#7a5c00",
    "UsageLine_7": "#4b55c4",
    "UsageLine_8": "#5d6b00",
    "UsageLine_9": "#6d4c41",
}
"""The colors by the API's names, unless a dashboard has others."""


class DashboardKind(StrEnum):
    """What a dashboard shows of a customer."""

    INVOICES = "invoices"
    USAGE = "usage"
    BALANCES = "commits_and_credits"


class GroupNames(Model):
    """What people call a group key and its values."""

    key: str
    name: str | None = None
    values: dict[str, str] = {}


class Dashboard(Model):
    """A dashboard as it was asked for. `colors` are hexadecimal, by the API's names."""

    customer_id: str
    kind: DashboardKind
    show_zero_lines: bool = False
    hide_voided: bool = False
    colors: dict[str, str] = {}
    groups: tuple[GroupNames, ...] = ()

    def group_name(self, key: str) -> str:
        """Returns what to call a group key."""
        return next((one.name for one in self.groups if one.key == key and one.name), key)

    def value_name(self, key: str, value: str) -> str:
        """Returns what to call a value of a group key."""
        named = (one.values.get(value) for one in self.groups if one.key == key)
        return next((name for name in named if name), value)
