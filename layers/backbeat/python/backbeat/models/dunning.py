"""What is done about renewals and invoices that are not paid."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class DunningEnd(StrEnum):
    """What becomes of a plan that stays unpaid.

    DOWNGRADE to the lowest tier, which is free. CANCEL ends it. SUSPEND leaves it as it is, of no
    use until the renewal is paid after all, which restores it.
    """

    DOWNGRADE = "downgrade"
    CANCEL = "cancel"
    SUSPEND = "suspend"


class DunningPolicy(Model):
    """When an unpaid renewal is tried again, and reminded of, and when that ends.

    All are days after it first failed; 0 is at once. On the day of the end nothing else is done.
    """

    retry_after_days: tuple[int, ...] = (1, 3, 5, 7)
    remind_after_days: tuple[int, ...] = (0, 3, 7, 12)
    grace_days: int = 14
    end: DunningEnd = DunningEnd.DOWNGRADE


class Overdue(Model):
    """Something unpaid, and how many of the policy's actions are done.

    The policy is the one that held when it failed.
    """

    began_at: datetime
    policy: DunningPolicy
    done: int = 0
    ended: bool = False


class Dunning(Overdue):
    """An unpaid renewal: its operation, and what is done about it."""

    operation_id: str
    entity_id: str
