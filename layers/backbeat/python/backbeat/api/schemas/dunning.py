"""Requests about renewals that are not paid."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.types import Schema, Whole
from backbeat.models.dunning import DunningEnd, DunningPolicy

_Days = Annotated[list[Annotated[Whole, Field(ge=0, le=90)]], Field(max_length=20)]


class SetDunningPolicy(Schema):
    """Days after a renewal first failed at which it is tried again, or reminded of, and its end."""

    retry_after_days: _Days
    remind_after_days: _Days
    grace_days: Annotated[Whole, Field(ge=1, le=90)]
    end: DunningEnd

    @model_validator(mode="after")
    def _within_grace(self) -> Self:
        for name in ("retry_after_days", "remind_after_days"):
            days = getattr(self, name)
            if sorted(set(days)) != days:
                raise ValueError(f"{name}: must be in order, each day once")
            if days and days[-1] >= self.grace_days:
                raise ValueError(f"{name}: must lie before the end of grace_days")
        if 0 in self.retry_after_days:
            raise ValueError("retry_after_days: the day of the failure is not tried twice")
        return self

    def to_policy(self) -> DunningPolicy:
        """Returns the policy meant."""
        return DunningPolicy(
            retry_after_days=tuple(self.retry_after_days),
            remind_after_days=tuple(self.remind_after_days),
            grace_days=self.grace_days,
            end=self.end,
        )
