"""Dashboards that are shown in a frame of somebody else's page."""

from enum import StrEnum

from backbeat.models.base import Model


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
