"""Ingest aliases: names of customers that no two customers share.

A customer may have far more aliases than a transaction holds effects, so most are claimed before
the customer is written. A claim whose customer does not list the alias was left behind by a
process that died in between, and is free again soon.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from backbeat.application import outbox
from backbeat.application.services import Call
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Conflict, Retryable
from backbeat.models.notifications import Notification
from backbeat.persistence import claims, keys
from backbeat.persistence.entities import from_item, read
from backbeat.persistence.unit_of_work import UnitOfWork

AT_ONCE: Final = 34
"""Aliases that are claimed, and as many that are given back, in the transaction of a customer."""

_SCOPE: Final = "ALIAS"
_TAKEN: Final = "A customer with this ID already exists"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WRITING: Final = timedelta(minutes=1)
"""No request lives longer: the customer of an older claim is written, or never will be."""


def holder(call: Call, alias: str) -> Customer | None:
    """Returns the customer that lists an alias, or None."""
    owner = claims.owner(call.store, call.tenant, _SCOPE, alias)
    if owner is None:
        return None
    customer = read(call.store, keys.customer(call.tenant, owner), Customer)
    return customer if customer is not None and alias in customer.ingest_aliases else None


AddCustomer = Callable[[UnitOfWork], Sequence[Notification]]
"""Adds the writing of a customer to a transaction; returns what to tell subscribers."""


def write(
    call: Call,
    customer_id: str,
    add: AddCustomer,
    *,
    claiming: Sequence[str],
    releasing: Sequence[str],
) -> None:
    """Writes a customer that lists the claimed aliases and no longer the released ones.

    `add` is called again when claims had to be freed first. At most `AT_ONCE` are released.

    Raises:
        Conflict: another customer holds an alias or has it for its id; nothing was written.
        Retryable: the customer was changed meanwhile.
    """
    _refuse_ids(call, customer_id, claiming)
    try:
        _try_to_write(call, customer_id, add, claiming, releasing)
    except Conflict:
        if not _free_abandoned(call, claiming):
            raise
        _try_to_write(call, customer_id, add, claiming, releasing)


def _try_to_write(
    call: Call,
    customer_id: str,
    add: AddCustomer,
    claiming: Sequence[str],
    releasing: Sequence[str],
) -> None:
    chunks = list(_chunks(claiming))
    last = chunks.pop() if chunks else ()
    claimed: list[str] = []
    try:
        for chunk in chunks:
            work = UnitOfWork(call.store)
            _claim(call, work, customer_id, chunk)
            work.commit()
            claimed += chunk
        work = UnitOfWork(call.store)
        _claim(call, work, customer_id, last)
        told = add(work)
        _release(call, work, releasing)
        outbox.commit(call, work, told)
    except BackbeatError:
        # After any other error the customer may have been written: then the claims are needed.
        for chunk in _chunks(claimed):
            work = UnitOfWork(call.store)
            _release(call, work, chunk)
            with suppress(Retryable):
                work.commit()
        raise


def _claim(call: Call, work: UnitOfWork, customer_id: str, aliases: Iterable[str]) -> None:
    now = call.services.clock.now()
    for alias in aliases:
        work.add(
            claims.take(call.tenant, _SCOPE, alias, customer_id, claimed_at=now),
            otherwise=claims.taken(_TAKEN),
        )


def _release(call: Call, work: UnitOfWork, aliases: Iterable[str]) -> None:
    work.add(*(claims.release(call.tenant, _SCOPE, alias) for alias in aliases))


def _chunks(aliases: Sequence[str]) -> Iterator[Sequence[str]]:
    return (aliases[start : start + AT_ONCE] for start in range(0, len(aliases), AT_ONCE))


def _refuse_ids(call: Call, customer_id: str, aliases: Iterable[str]) -> None:
    """Refuses other customers' ids, under which events would count for both."""
    ids = [alias for alias in aliases if _UUID.fullmatch(alias) and alias != customer_id]
    for item in call.store.get_many(keys.customer(call.tenant, id_) for id_ in ids).values():
        taken = from_item(item, Customer).id
        raise Conflict(_TAKEN, conflicting_id=taken, value=taken)


def _free_abandoned(call: Call, aliases: Iterable[str]) -> bool:
    """Ends claims that were left behind. Returns whether there were any."""
    ended = False
    for claim, end in claims.held(call.store, call.tenant, _SCOPE, aliases):
        if claim.claimed_at is not None and claim.claimed_at + _WRITING > call.services.clock.now():
            continue
        owner = read(call.store, keys.customer(call.tenant, claim.owner_id), Customer)
        if owner is None or claim.value not in owner.ingest_aliases:
            with suppress(Retryable):
                work = UnitOfWork(call.store)
                work.add(end)
                work.commit()
                ended = True
    return ended
