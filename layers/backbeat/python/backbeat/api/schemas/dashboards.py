"""Requests for embeddable dashboards."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from backbeat.api.schemas.types import Id, Name, Schema
from backbeat.models.dashboards import COLORS, Dashboard, DashboardKind, GroupNames

_SHOW_ZERO: Final = "show_zero_usage_line_items"
_HIDE_VOIDED: Final = "hide_voided_invoices"

_Color = Annotated[
    str, StringConstraints(pattern=r"^#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$")
]
_Short = Annotated[str, StringConstraints(max_length=256)]


class _Option(Schema):
    """A setting of a dashboard; those that it does not have are ignored."""

    key: _Short
    value: _Short

    @model_validator(mode="after")
    def _yes_or_no(self) -> "_Option":
        if self.key in (_SHOW_ZERO, _HIDE_VOIDED) and self.value not in ("true", "false"):
            raise ValueError(f'value: of {self.key} must be "true" or "false"')
        return self


class _ColorOverride(Schema):
    name: str | None = None
    value: _Color | None = None

    @model_validator(mode="after")
    def _known(self) -> "_ColorOverride":
        if self.name is not None and self.name not in COLORS:
            raise ValueError("name: is none of the colors of dashboards")
        return self


class _GroupOverride(Schema):
    group_key_name: Annotated[Name, Field(max_length=256)]
    display_name: _Short | None = None
    value_display_names: Annotated[dict[_Short, _Short], Field(max_length=200)] = {}


class GetEmbeddableUrl(Schema):
    """Which dashboard of which customer, and how it is to look."""

    customer_id: Id
    dashboard: Literal["invoices", "usage", "commits_and_credits"]
    dashboard_options: Annotated[list[_Option], Field(max_length=50)] = []
    color_overrides: Annotated[list[_ColorOverride], Field(max_length=50)] = []
    bm_group_key_overrides: Annotated[list[_GroupOverride], Field(max_length=50)] = []

    def to_dashboard(self) -> Dashboard:
        """Returns the dashboard asked for."""
        options = {one.key: one.value == "true" for one in self.dashboard_options}
        return Dashboard(
            customer_id=self.customer_id,
            kind=DashboardKind(self.dashboard),
            show_zero_lines=options.get(_SHOW_ZERO, False),
            hide_voided=options.get(_HIDE_VOIDED, False),
            colors={one.name: one.value for one in self.color_overrides if one.name and one.value},
            groups=tuple(
                GroupNames(
                    key=one.group_key_name,
                    name=one.display_name,
                    values=one.value_display_names,
                )
                for one in self.bm_group_key_overrides
            ),
        )
