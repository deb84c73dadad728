"""Requests about usage."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Flag, Id, Limit, MidnightTimestamp, Name, Schema, Upper
from backbeat.application.seats import SeatUsage
from backbeat.models.period import Period
from backbeat.models.usage import WindowSize


class GroupBySchema(Schema):
    """One group key, and the values to show."""

    key: Name
    values: Annotated[list[str], Field(max_length=200)] | None = None


class UsageMetric(Schema):
    """A metric to read, perhaps by group."""

    id: Id
    group_by: GroupBySchema | None = None

    @property
    def grouping(self) -> tuple[str, list[str] | None] | None:
        """The group key and the values to show."""
        return None if self.group_by is None else (self.group_by.key, self.group_by.values)


_LONGEST: Final = {
    WindowSize.HOUR: timedelta(days=366),
    WindowSize.DAY: timedelta(days=10_000),
    WindowSize.NONE: timedelta(days=10_000),
}
"""How much time one request may ask about: it reads every month of it, and lists its windows."""


def _refuse_bad_span(start: datetime, end: datetime, size: WindowSize) -> None:
    if end <= start:
        raise ValueError("ending_before: must be after starting_on")
    if end - start > _LONGEST[size]:
        raise ValueError(
            f"ending_before: at most {_LONGEST[size].days} days after starting_on"
            f" with a window_size of {size}"
        )


class GetUsage(Schema):
    """Usage of customers and metrics; a list left out means all of them."""

    window_size: Annotated[WindowSize, Upper]
    starting_on: MidnightTimestamp
    ending_before: MidnightTimestamp
    customer_ids: list[Id] | None = None
    billable_metrics: list[UsageMetric] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _refuse_bad_span(self.starting_on, self.ending_before, self.window_size)
        return self

    @property
    def span(self) -> Period:
        """The time asked about."""
        return Period(self.starting_on, self.ending_before)


class NextPage(Schema):
    """Where a list goes on."""

    next_page: str | None = None


class PageOf(Schema):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class OfOneCustomer(Schema):
    """Usage of one customer between dates, or in the current period."""

    customer_id: Id
    window_size: Annotated[WindowSize, Upper]
    starting_on: MidnightTimestamp | None = None
    ending_before: MidnightTimestamp | None = None
    current_period: Flag = False

    @model_validator(mode="after")
    def _dates_or_current(self) -> Self:
        if self.current_period:
            if self.starting_on is not None or self.ending_before is not None:
                raise ValueError("current_period: cannot be combined with dates")
            return self
        if self.starting_on is None or self.ending_before is None:
            raise ValueError("starting_on and ending_before: required without current_period")
        _refuse_bad_span(self.starting_on, self.ending_before, self.window_size)
        return self

    @property
    def span(self) -> Period | None:
        """The time asked about; None for the current period."""
        if self.starting_on is None or self.ending_before is None:
            return None
        return Period(self.starting_on, self.ending_before)


class GetSeatsUsage(OfOneCustomer):
    """The seat count of each window: the greatest, or the latest."""

    seat_metric_id: Id
    usage_type: Annotated[SeatUsage, Upper]


class GetGroupedUsage(OfOneCustomer):
    """Usage of one metric by group: `group_key`, or the older `group_by` for one simple key."""

    billable_metric_id: Id
    group_key: list[Name] | None = None
    group_filters: dict[str, list[str]] = {}
    group_by: GroupBySchema | None = None

    @model_validator(mode="after")
    def _one_grouping(self) -> Self:
        if self.group_key is not None and self.group_by is not None:
            raise ValueError("group_key: cannot be combined with group_by")
        unknown = set(self.group_filters) - set(self.group_key or ())
        if unknown:
            raise ValueError(f"group_filters: {sorted(unknown)} are not in group_key")
        return self

    @property
    def grouping(self) -> tuple[list[str], dict[str, list[str]]]:
        """The group key's names, and by name the values that are wanted."""
        if self.group_by is not None:
            return [self.group_by.key], {self.group_by.key: self.group_by.values or []}
        return self.group_key or [], self.group_filters


class SearchEvents(Schema):
    """The transaction ids to look for."""

    transactionIds: Annotated[list[Name], Field(min_length=1)]  # noqa: N815 (the API's name)
