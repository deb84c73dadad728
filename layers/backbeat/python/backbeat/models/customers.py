"""Customers and the names their usage arrives under."""

from datetime import datetime

from backbeat.models.base import Model


class Customer(Model):
    """Who is billed. `ingest_aliases` are further names that events may carry instead of the id."""

    id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    custom_fields: dict[str, str] = {}
    salesforce_account_id: str | None = None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def usage_keys(self) -> tuple[str, ...]:
        """Every customer key whose events are this customer's: the id and the aliases."""
        return (self.id, *(alias for alias in self.ingest_aliases if alias != self.id))
