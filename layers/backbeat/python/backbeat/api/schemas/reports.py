"""What reports are asked for."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.types import MidnightTimestamp, Schema, Upper
from backbeat.models.invoices import InvoiceStatus
from backbeat.models.period import Period

_CUSTOMERS_AT_ONCE: Final = 50
"""Drafts of so many customers are computed well within the time that a request may take."""


class PageOfCustomers(Schema):
    """How many customers a reply is about, and where it goes on."""

    limit: Annotated[int, Field(ge=1, le=200)] = _CUSTOMERS_AT_ONCE
    next_page: str | None = None


class ListEveryInvoice(PageOfCustomers):
    """Which invoices of a page of customers are wanted."""

    status: Annotated[InvoiceStatus, Upper] | None = None


_LONGEST: Final = timedelta(days=3 * 366)
_YEAR: Final = timedelta(days=334)


class ReadReport(PageOfCustomers):
    """Which time a report is about, and how it is written: the last twelve months as JSON."""

    starting_on: MidnightTimestamp | None = None
    ending_before: MidnightTimestamp | None = None
    format: Literal["json", "csv"] = "json"

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.starting_on is None or self.ending_before is None:
            return self
        if not timedelta(0) < self.ending_before - self.starting_on <= _LONGEST:
            raise ValueError("ending_before: must come after starting_on, by three years at most")
        return self

    def span(self, now: datetime) -> Period:
        """Returns the time it is about; the running month is the last one."""
        midnight = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = self.ending_before or (midnight + timedelta(days=32)).replace(day=1)
        start = self.starting_on or (end - _YEAR).replace(day=1)
        return Period(start, end)
