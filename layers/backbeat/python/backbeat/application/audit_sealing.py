"""Seals on the log of changes: an hour's records, fixed once nothing can join them any more.

A tenant's seals are a chain. Sealing afterwards keeps writers from waiting for each other, as they
would if each entry had to name the one before.
"""

import logging
from datetime import timedelta
from typing import Final

from backbeat.application.services import Services
from backbeat.domain import audit_chain
from backbeat.models.audit import AuditHour
from backbeat.persistence import audit_log
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Contention, Effect, Item, TransactionCancelled

_SEALED_AFTER: Final = timedelta(minutes=15)
"""As long as anything may run: after that no change of an hour can be written any more."""

_IN_A_SEAL: Final = 500
"""Records a seal covers at most, so that it fits into an item."""

_log = logging.getLogger("backbeat.audit")


def seal_due(services: Services) -> int:
    """Seals the hours that are over, of all tenants. Returns how many.

    Running it again, at the same time even, seals nothing twice.
    """
    sealed = 0
    for tenant, mark in audit_log.unsealed(
        services.store, before=services.clock.now() - _SEALED_AFTER
    ):
        try:
            _seal(services, tenant, mark)
        except (TransactionCancelled, Contention):
            # Somebody else is sealing it. What is left comes with the next tick.
            continue
        except Exception:
            _log.exception("not sealed", extra={"tenant": tenant, "hour": mark.key.sk})
        else:
            sealed += 1
    return sealed


def _seal(services: Services, tenant: str, mark: Item) -> None:
    """Seals what of an hour is not sealed yet: a crash may have left it sealed by half."""
    hour = from_item(mark, AuditHour).hour
    before = next(audit_log.latest_seals(services.store, tenant), None)
    left = list(
        audit_log.of_hour(
            services.store, tenant, mark.key.sk, after=_sealed_up_to(services, tenant, mark)
        )
    )
    parts = [left[first : first + _IN_A_SEAL] for first in range(0, len(left), _IN_A_SEAL)]
    now = services.clock.now()
    for number, part in enumerate(parts, start=1):
        before = audit_chain.sealed(part, after=before, hour=hour, at=now)
        effects: list[Effect] = [audit_log.insert_seal(tenant, before)]
        if number == len(parts):
            effects.append(audit_log.sealed_mark(mark))
        services.store.transact(effects)
    if not parts:
        services.store.transact([audit_log.sealed_mark(mark)])


def _sealed_up_to(services: Services, tenant: str, mark: Item) -> str | None:
    hour = from_item(mark, AuditHour).hour
    for seal in audit_log.latest_seals(services.store, tenant):
        if seal.hour == hour:
            return seal.records[-1].position
        if seal.hour < hour:
            return None
    return None
