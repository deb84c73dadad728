"""Lifecycle notifications: the events there are, and which of them a tenant wants when."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from backbeat.models.base import Model


class LifecycleType(StrEnum):
    """What may happen to contracts, commits and credits."""

    CONTRACT_CREATE = "contract.create"
    CONTRACT_START = "contract.start"
    CONTRACT_EDIT = "contract.edit"
    CONTRACT_END = "contract.end"
    CONTRACT_ARCHIVE = "contract.archive"
    COMMIT_CREATE = "commit.create"
    COMMIT_EDIT = "commit.edit"
    COMMIT_ARCHIVE = "commit.archive"
    COMMIT_SEGMENT_START = "commit.segment.start"
    COMMIT_SEGMENT_END = "commit.segment.end"
    CREDIT_CREATE = "credit.create"
    CREDIT_EDIT = "credit.edit"
    CREDIT_ARCHIVE = "credit.archive"
    CREDIT_SEGMENT_START = "credit.segment.start"
    CREDIT_SEGMENT_END = "credit.segment.end"

    @property
    def is_timed(self) -> bool:
        """Tells what comes with time from what somebody does."""
        return self in _TIMED


_TIMED: Final = frozenset(
    {
        LifecycleType.CONTRACT_START,
        LifecycleType.CONTRACT_END,
        LifecycleType.COMMIT_SEGMENT_START,
        LifecycleType.COMMIT_SEGMENT_END,
        LifecycleType.CREDIT_SEGMENT_START,
        LifecycleType.CREDIT_SEGMENT_END,
    }
)


class OffsetConfig(Model):
    """A notification some time after an event, or before it: `offset` is a signed duration.

    What was due before `since`, when the offset was last set, is not told.
    """

    id: str
    name: str
    type: LifecycleType
    offset: str
    uniqueness_key: str | None = None
    created_at: datetime
    since: datetime
    archived_at: datetime | None = None

    @property
    def position(self) -> str:
        """Its place in lists, in order of creation."""
        return f"{self.created_at.isoformat()}#{self.id}"


class Switches(Model):
    """The types of system events that were switched on, and since when, or off (None)."""

    since: dict[LifecycleType, datetime | None] = {}
