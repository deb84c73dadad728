"""Agreements: which customer pays by which price list, from when, in which periods."""

from datetime import datetime

from backbeat.models.base import Model
from backbeat.models.overrides import Override, Prioritization
from backbeat.models.schedules import StatementSchedule


class Contract(Model):
    """An agreement. Without `ending_before` it is open-ended.

    `terms_added` counts the terms ever added: it gives each its sequence number.
    Usage before `invoice_generation_starting_at` is billed elsewhere: it has no invoice here.
    """

    id: str
    customer_id: str
    rate_card_id: str | None = None
    starting_at: datetime
    ending_before: datetime | None = None
    name: str | None = None
    uniqueness_key: str | None = None
    usage_statement_schedule: StatementSchedule
    invoice_generation_starting_at: datetime | None = None
    overrides: tuple[Override, ...] = ()
    multiplier_override_prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    terms_added: int = 0
    net_payment_terms_days: int | None = None
    custom_fields: dict[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        """Tells whether the contract runs at the instant."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )


class DueItem(Model):
    """A contract's next scheduled work: at `due_at`, finalize the period from `period_start`.

    Whoever was given it holds a lease until `leased_until` (real time, whatever the sandbox's).
    A parked item is work that cannot be done until somebody mends the reason.
    """

    customer_id: str
    contract_id: str
    period_start: datetime
    due_at: datetime
    leased_until: datetime | None = None
    parked: str | None = None
