"""The schedule of something unpaid: a renewal, or an invoice.

Owns: which action is due when. Does not own: doing it.
Times: days of 24 hours after the payment first failed.
Invariants: actions are in order of time, of one instant a retry before a reminder; the last one is
the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from backbeat.models.dunning import Overdue


class Doing(IntEnum):
    """What is to be done, in the order of one instant."""

    RETRY = 1
    REMIND = 2
    END = 3


@dataclass(frozen=True, slots=True, order=True)
class Action:
    """Something to be done at an instant."""

    at: datetime
    doing: Doing


def actions(dunning: Overdue) -> Sequence[Action]:
    """Returns all actions from the first failure to the end."""
    policy, began = dunning.policy, dunning.began_at
    end = began + timedelta(days=policy.grace_days)
    planned = [
        *(Action(began + timedelta(days=day), Doing.RETRY) for day in policy.retry_after_days),
        *(Action(began + timedelta(days=day), Doing.REMIND) for day in policy.remind_after_days),
    ]
    return [*sorted(action for action in planned if action.at < end), Action(end, Doing.END)]


def following(dunning: Overdue) -> Action | None:
    """Returns the next action, or None when all are done."""
    planned = actions(dunning)
    return None if dunning.ended or dunning.done >= len(planned) else planned[dunning.done]
