"""Customers and the names their usage arrives under."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from backbeat.models.base import Model
from backbeat.models.words import words_in

_SEARCHED_ALIASES: Final = 20
_SEARCHED_WORDS: Final = 12


class BillableStatus(StrEnum):
    """Whether invoices are sent to a billing provider. Unbillable ones are made all the same."""

    BILLABLE = "billable"
    UNBILLABLE = "unbillable"


class BillableStatusChange(Model):
    """A status from `effective_at` on."""

    value: BillableStatus
    effective_at: datetime


class Customer(Model):
    """Who is billed. `ingest_aliases` are further names that events may carry instead of the id.

    `billable_statuses` are in the order they were set: each replaces the earlier from its date on.
    """

    id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    custom_fields: dict[str, str] = {}
    salesforce_account_id: str | None = None
    leave_stripe_invoices_in_draft: bool | None = None
    billable_statuses: tuple[BillableStatusChange, ...] = ()
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def usage_keys(self) -> tuple[str, ...]:
        """Every customer key whose events are this customer's: the id and the aliases."""
        return (self.id, *(alias for alias in self.ingest_aliases if alias != self.id))

    @property
    def words(self) -> tuple[str, ...]:
        """What the customer is searched by: the first words of its name, then of its aliases."""
        texts = (self.name, *self.ingest_aliases[:_SEARCHED_ALIASES])
        return words_in(" ".join(texts))[:_SEARCHED_WORDS]

    def billable_status_at(self, instant: datetime) -> BillableStatusChange | None:
        """Returns the status in force at an instant; None while none was ever set for it."""
        begun = [change for change in self.billable_statuses if change.effective_at <= instant]
        return begun[-1] if begun else None
