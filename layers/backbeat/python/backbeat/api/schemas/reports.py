"""What reports are asked for."""

from typing import Annotated, Final

from pydantic import Field

from backbeat.api.schemas.types import Schema, Upper
from backbeat.models.invoices import InvoiceStatus

_CUSTOMERS_AT_ONCE: Final = 50
"""Drafts of so many customers are computed well within the time that a request may take."""


class PageOfCustomers(Schema):
    """How many customers a reply is about, and where it goes on."""

    limit: Annotated[int, Field(ge=1, le=200)] = _CUSTOMERS_AT_ONCE
    next_page: str | None = None


class ListEveryInvoice(PageOfCustomers):
    """Which invoices of a page of customers are wanted."""

    status: Annotated[InvoiceStatus, Upper] | None = None
