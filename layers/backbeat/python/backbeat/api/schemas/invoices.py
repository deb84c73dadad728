"""Requests about invoices."""

from typing import Annotated, Literal

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Limit, QueryFlag, Schema, Timestamp, Upper
from backbeat.models.invoices import Invoice


class ListInvoices(Schema):
    """Filters of a customer's invoices."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
    status: Annotated[str, Upper] | None = None
    type: Annotated[str, Upper] | None = None
    contract_id: str | None = None
    credit_type_id: str | None = None
    sort: Literal["date_asc", "date_desc"] = "date_asc"
    starting_on: Timestamp | None = None
    ending_before: Timestamp | None = None
    skip_zero_qty_line_items: QueryFlag = False

    def wants(self, invoice: Invoice) -> bool:
        """Tells whether an invoice passes the filters; an unknown value lets nothing pass."""
        return (
            self.status in (None, invoice.status.value)
            and self.type in (None, invoice.type.value)
            and self.contract_id in (None, invoice.contract_id)
            and self.credit_type_id in (None, invoice.credit_type.id)
            and (self.starting_on is None or invoice.start_timestamp >= self.starting_on)
            and (self.ending_before is None or invoice.end_timestamp < self.ending_before)
        )


class GetInvoice(Schema):
    """How one invoice is shown."""

    skip_zero_qty_line_items: QueryFlag = False
