"""Whether metering can work: its store answers, and its schedules run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from backbeat.application.services import Services
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Put

_LATE: Final = {"push": timedelta(minutes=20), "reconcile": timedelta(hours=3)}
"""How long ago a schedule may have run: some turns may be missed."""


class _Beat(Model):
    """When a schedule ran last."""

    at: datetime


class Readiness(StrEnum):
    """How well metering works. What is degraded still takes usage in."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """What was looked at. `lag_seconds` says how long ago each schedule ran that ever did."""

    readiness: Readiness
    store: bool
    lag_seconds: dict[str, int]


def beat(services: Services, schedule: str) -> None:
    """Notes that a schedule ran."""
    item = to_item(keys.heartbeat(schedule), _Beat(at=services.clock.now()))
    services.store.transact([Put(item)])


def look(services: Services) -> Health:
    """Returns how metering is. Nothing raises: what does not answer is what this is about."""
    now = services.clock.now()
    lag: dict[str, timedelta] = {}
    try:
        for schedule in _LATE:
            last = read(services.store, keys.heartbeat(schedule), _Beat)
            if last is not None:
                lag[schedule] = now - last.at
    except Exception:
        return Health(Readiness.UNHEALTHY, store=False, lag_seconds={})
    late = any(since > _LATE[schedule] for schedule, since in lag.items())
    readiness = Readiness.DEGRADED if late else Readiness.HEALTHY
    seconds = {schedule: int(since.total_seconds()) for schedule, since in lag.items()}
    return Health(readiness, store=True, lag_seconds=seconds)
