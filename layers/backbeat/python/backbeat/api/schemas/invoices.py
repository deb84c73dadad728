"""Requests about invoices."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    BodyLimit,
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Limit,
    Number,
    QueryFlag,
    Schema,
    Timestamp,
    Upper,
)
from backbeat.application.breakdowns import Asked, Slicing, is_one_window
from backbeat.application.historical_invoices import HistoricalInvoice
from backbeat.application.previews import PreviewEvent
from backbeat.models.customers import BillableStatus
from backbeat.models.invoices import GivenAmount, GivenLine, GivenUsage, Invoice
from backbeat.models.period import Period
from backbeat.models.usage import WindowSize


class ListInvoices(Schema):
    """Filters of a customer's invoices."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    status: Annotated[str, Upper] | None = None
    type: Annotated[str, Upper] | None = None
    contract_id: Id | None = None
    credit_type_id: str | None = None
    sort: Literal["date_asc", "date_desc"] = "date_asc"
    starting_on: Timestamp | None = None
    ending_before: Timestamp | None = None
    skip_zero_qty_line_items: QueryFlag = False
    include_list_prices: QueryFlag = False

    def wants(self, invoice: Invoice) -> bool:
        """Tells whether an invoice passes the filters; an unknown value lets nothing pass."""
        return (
            self.status in (None, invoice.status.value)
            and self.type in (None, invoice.type.value)
            and self.contract_id in (None, invoice.contract_id)
            and self.credit_type_id in (None, invoice.credit_type.id)
            and (self.starting_on is None or self._starts(invoice) >= self.starting_on)
            and (self.ending_before is None or self._ends(invoice) < self.ending_before)
        )

    # Decision D-53: what has no period is filtered by the date it is issued.

    @staticmethod
    def _starts(invoice: Invoice) -> datetime:
        return invoice.start_timestamp or invoice.issued_at

    @staticmethod
    def _ends(invoice: Invoice) -> datetime:
        return invoice.end_timestamp or invoice.issued_at


class GetInvoice(Schema):
    """How one invoice is shown."""

    skip_zero_qty_line_items: QueryFlag = False
    include_list_prices: QueryFlag = False


class ChangeInvoice(Schema):
    """Names an invoice to void or to make anew."""

    id: Id


class ListBreakdowns(Schema):
    """Invoices by window; only windows wholly inside the span are shown."""

    starting_on: Timestamp
    ending_before: Timestamp
    window_size: Annotated[Literal["HOUR", "DAY"], Upper] = "DAY"
    status: Annotated[str, Upper] | None = None
    credit_type_id: str | None = None
    sort: Literal["date_asc", "date_desc"] = "date_asc"
    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    skip_zero_qty_line_items: QueryFlag = False
    include_list_prices: QueryFlag = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _refuse_backwards(self.starting_on, self.ending_before)
        return self

    def to_asked(self) -> Asked:
        """Returns the windows asked for."""
        return Asked(
            Period(self.starting_on, self.ending_before),
            WindowSize(self.window_size),
            newest_first=self.sort == "date_desc",
            status=self.status,
            credit_type_id=self.credit_type_id,
        )


class ListPrices(Schema):
    """Whether the price list's rates are shown with the lines."""

    include_list_prices: QueryFlag = False


class ListSpend(Schema):
    """Spend before credits, sliced by properties. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    starting_on: Timestamp
    ending_before: Timestamp
    window_size: Annotated[Literal["DAY", "NONE"], Upper] = "DAY"
    credit_type_id: Id | None = None
    sort: Literal["date_asc", "date_desc"] = "date_asc"
    group_keys: list[str] | None = None
    group_filters: dict[str, list[str]] = {}
    skip_zero_qty_line_items: Flag = False
    limit: BodyLimit = DEFAULT_LIMIT
    next_page: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _refuse_backwards(self.starting_on, self.ending_before)
        return self

    def to_asked(self) -> Asked:
        """Returns the windows asked for."""
        return Asked(
            Period(self.starting_on, self.ending_before),
            WindowSize(self.window_size),
            newest_first=self.sort == "date_desc",
            credit_type_id=self.credit_type_id,
        )

    def to_slicing(self) -> Slicing:
        """Returns by what spend is split."""
        keys = None if self.group_keys is None else tuple(dict.fromkeys(self.group_keys))
        return Slicing(keys, dict(self.group_filters))


class _PreviewEvent(Schema):
    event_type: Annotated[str, StringConstraints(min_length=1)]
    timestamp: Timestamp | None = None
    properties: dict[str, Any] = {}
    transaction_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None


class PreviewEvents(Schema):
    """Events to imagine. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[_PreviewEvent], Field(min_length=1, max_length=100)]
    mode: Literal["replace", "merge"] = "replace"
    skip_zero_qty_line_items: Flag = False

    def to_events(self) -> list[PreviewEvent]:
        """Returns the events in order."""
        return [
            PreviewEvent(one.event_type, one.timestamp, one.properties, one.transaction_id)
            for one in self.events
        ]


class _Subtotal(Schema):
    inclusive_start_date: HourTimestamp
    exclusive_end_date: HourTimestamp
    quantity: Number


class _UsageLine(Schema):
    product_id: Id
    inclusive_start_date: HourTimestamp
    exclusive_end_date: HourTimestamp
    quantity: Number | None = None
    subtotals_with_quantity: list[_Subtotal] | None = None
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_kind_of_quantity(self) -> Self:
        if (self.quantity is None) is (self.subtotals_with_quantity is None):
            raise ValueError("quantity: give either it or subtotals_with_quantity")
        _refuse_backwards(self.inclusive_start_date, self.exclusive_end_date)
        for one in self.subtotals_with_quantity or ():
            if not (
                self.inclusive_start_date <= one.inclusive_start_date
                and one.exclusive_end_date <= self.exclusive_end_date
            ):
                raise ValueError("subtotals_with_quantity: must lie inside the line's dates")
        return self

    def to_line(self) -> GivenLine:
        """Returns the line's dates and amounts."""
        start, end = self.inclusive_start_date, self.exclusive_end_date
        amounts = (
            [GivenAmount(starting_at=start, ending_before=end, quantity=self.quantity)]
            if self.quantity is not None
            else [
                GivenAmount(
                    starting_at=one.inclusive_start_date,
                    ending_before=one.exclusive_end_date,
                    quantity=one.quantity,
                )
                for one in self.subtotals_with_quantity or ()
            ]
        )
        return GivenLine(starting_at=start, ending_before=end, amounts=tuple(amounts))


class _HistoricalInvoice(Schema):
    customer_id: Id
    contract_id: Id
    credit_type_id: Id
    inclusive_start_date: HourTimestamp
    exclusive_end_date: HourTimestamp
    issue_date: Timestamp
    usage_line_items: list[_UsageLine]
    breakdown_granularity: Annotated[Literal["HOUR", "DAY"], Upper] | None = None
    billable_status: BillableStatus | None = None
    custom_fields: CustomFields = {}

    @model_validator(mode="after")
    def _lines_fit(self) -> Self:
        ends: dict[object, datetime] = {}
        for line in sorted(self.usage_line_items, key=lambda line: line.inclusive_start_date):
            if not (
                self.inclusive_start_date <= line.inclusive_start_date
                and line.exclusive_end_date <= self.exclusive_end_date
            ):
                raise ValueError("usage_line_items: must lie inside the invoice's dates")
            if ends.get(_group(line), self.inclusive_start_date) > line.inclusive_start_date:
                raise ValueError("usage_line_items: lines of one product and group overlap")
            ends[_group(line)] = line.exclusive_end_date
            self._refuse_bad_subtotals(line)
        return self

    def _refuse_bad_subtotals(self, line: _UsageLine) -> None:
        if line.subtotals_with_quantity is None:
            return
        if self.breakdown_granularity is None:
            raise ValueError("breakdown_granularity: required with subtotals_with_quantity")
        size = WindowSize(self.breakdown_granularity)
        for one in line.subtotals_with_quantity:
            if not is_one_window(Period(one.inclusive_start_date, one.exclusive_end_date), size):
                raise ValueError(
                    "subtotals_with_quantity: each must lie in one UTC"
                    f" {self.breakdown_granularity.lower()}"
                )

    def to_invoice(self) -> HistoricalInvoice:
        """Returns the invoice asked for."""
        groups: dict[object, list[_UsageLine]] = {}
        for line in self.usage_line_items:
            groups.setdefault(_group(line), []).append(line)
        return HistoricalInvoice(
            customer_id=self.customer_id,
            contract_id=self.contract_id,
            credit_type_id=self.credit_type_id,
            period=Period(self.inclusive_start_date, self.exclusive_end_date),
            issued_at=self.issue_date,
            usage=tuple(
                GivenUsage(
                    product_id=lines[0].product_id,
                    pricing_group_values=lines[0].pricing_group_values,
                    presentation_group_values=lines[0].presentation_group_values,
                    lines=tuple(line.to_line() for line in lines),
                )
                for lines in groups.values()
            ),
            billable_status=self.billable_status,
            custom_fields=self.custom_fields,
        )


class CreateHistoricalInvoices(Schema):
    """Invoices of the time before."""

    preview: Flag
    invoices: list[_HistoricalInvoice]


def _group(line: _UsageLine) -> object:
    return (
        line.product_id,
        frozenset(line.pricing_group_values.items()),
        frozenset(line.presentation_group_values.items()),
    )


def _refuse_backwards(start: datetime, end: datetime) -> None:
    if start >= end:
        raise ValueError("the end must be after the start")


class ChargeSeats(Schema):
    """Seats of a legacy plan to charge for."""

    seat_charges: list[dict[str, Any]]


class PageOfEvents(Schema):
    """A page of the events that a line counts."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
