"""Requests about reconciliation."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from backbeat.api.schemas.types import Flag, Limit, Number, Schema, Timestamp, Whole
from backbeat.models.errors import InvalidArgument
from backbeat.models.mappings import Lane
from backbeat.models.period import Period
from backbeat.models.reconciliation import Correction, CorrectionKind, CorrectionStatus

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")

_Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]

Format = Literal["json", "csv", "html"]


class RunReconciliation(Schema):
    """What to reconcile now: everything, or one mapping's periods."""

    mapping_id: str | None = None


class ListRuns(Schema):
    """Which runs to list."""

    limit: Limit = 25
    next_page: str | None = None


class ShowRun(Schema):
    """How to show a run."""

    format: Format = "json"


def _month(value: Any) -> Any:
    found = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a month such as 2025-01")
    return datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)


Month = Annotated[datetime, BeforeValidator(_month)]


class Summarize(Schema):
    """Which periods to sum up: those that begin in the months from the first to the last."""

    period_start: Month
    period_end: Month
    lane: Lane = Lane.LIVE
    format: Literal["json", "csv"] = "json"

    @property
    def span(self) -> Period:
        """The months, the last included.

        Raises:
            InvalidArgument: they are reversed.
        """
        if self.period_start > self.period_end:
            raise InvalidArgument("period_end: must not be before period_start")
        last = self.period_end
        following = last.replace(year=last.year + last.month // 12, month=last.month % 12 + 1)
        return Period(self.period_start, following)


class Explain(Schema):
    """Which period to explain."""

    mapping_id: str
    period_start: Timestamp
    lane: Lane = Lane.LIVE


class ListCorrections(Schema):
    """Which corrections to list."""

    mapping_id: str | None = None
    status: CorrectionStatus | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, correction: Correction) -> bool:
        """Tells whether a correction is meant."""
        return self.mapping_id in (None, correction.mapping_id) and self.status in (
            None,
            correction.status,
        )


class ApproveCorrection(Schema):
    """How to mend a difference, where there is a choice."""

    kind: CorrectionKind | None = None
    reason: _Reason | None = None


class ApproveCorrections(Schema):
    """Which corrections to apply as they are suggested, and why."""

    correction_ids: Annotated[list[str], Field(min_length=1, max_length=100)]
    reason: _Reason | None = None


class ChangeSettings(Schema):
    """How strict reconciliation is while periods are open."""

    epsilon: Annotated[Number, Field(ge=0, le=1)] | None = None
    lag_seconds: Annotated[Whole, Field(ge=0, le=86_400)] | None = None
    holds_invoices: Flag | None = None

    def changes(self) -> dict[str, object]:
        """Returns what is given."""
        return self.model_dump(exclude_none=True)


class FinalizePeriod(Schema):
    """Which period to close. An override needs a reason."""

    mapping_id: str
    period_start: Timestamp
    override_reason: _Reason | None = None
