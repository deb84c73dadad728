"""Looking up what providers told while nobody listened.

Stripe lists its events of thirty days; each is taken up as if it came by webhook, and only once.
Metronome lists no events, but its final invoices and its contracts: an invoice that is not known to
be dealt with, and a plan's contract that somebody else ended, are taken up as the event that was
missed. What its alerts and payment gates told cannot be looked up like that.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from backbeat.application import connections, tenants
from backbeat.application.intake import from_metronome, receiving
from backbeat.application.services import Call, Services
from backbeat.models.accounts import Account
from backbeat.models.base import Model
from backbeat.models.errors import Unprocessable
from backbeat.models.inbound import InboundEvent, ProviderName, Source
from backbeat.persistence import collections, keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.ports.store import Index, Put, Query

_FIRST_LOOK: Final = timedelta(days=3)
_LISTED: Final = timedelta(days=30)
_OVERLAP: Final = timedelta(hours=2)
"""Looked at again each time: what was told last is listed late now and then."""

_log = logging.getLogger("backbeat.intake")


class _Mark(Model):
    """Until when, by the provider's own time, everything was looked up."""

    until: datetime


class Caught(NamedTuple):
    """What a run found: events that nobody had heard of, and tenants it could not serve."""

    events: int
    failed: int


def run(services: Services, call_for: Callable[[str], Call]) -> Caught:
    """Looks up, for every tenant with accounts at the providers, what was missed."""
    found = failed = 0
    for tenant in tenants.marked(services):
        try:
            found += of_tenant(call_for(tenant))
        except Exception:
            # The others are not to wait for one whose provider is away; the next run looks again.
            _log.exception("nothing looked up", extra={"tenant": tenant})
            failed += 1
    return Caught(found, failed)


def of_tenant(call: Call) -> int:
    """Takes up what one tenant missed, and returns how much that was.

    Raises:
        ProviderError: a provider did not answer.
    """
    try:
        return _from_stripe(call) + _from_metronome(call)
    except Unprocessable:
        # Nobody said what its accounts are, so it has none.
        return 0


def _from_stripe(call: Call) -> int:
    since = _since(call, ProviderName.STRIPE)
    latest, events = since, []
    for body in connections.stripe_events(call).since(since - _OVERLAP):
        event = receiving.event_in(
            ProviderName.STRIPE, body, source=Source.CATCH_UP, now=call.services.clock.now()
        )
        latest = max(latest, event.occurred_at or latest)
        events.append(event)
    return _taken_up(call, ProviderName.STRIPE, reversed(events), latest)


def _from_metronome(call: Call) -> int:
    since = _since(call, ProviderName.METRONOME)
    billing = connections.metronome_billing(call)
    latest, events = since, []
    for account, customer in _metronome_customers(call):
        ended = from_metronome.ended_elsewhere(call, account)
        if ended is not None:
            events.append(_ended(call, customer, account, ended))
        for invoice in billing.finalized(customer, since - _OVERLAP):
            latest = max(latest, invoice.issued_at or latest)
            if collections.found(call.store, call.tenant, invoice.id) is None:
                events.append(_final(call, customer, invoice.id))
    return _taken_up(call, ProviderName.METRONOME, iter(events), latest)


def _final(call: Call, customer_id: str, invoice_id: str) -> InboundEvent:
    properties = {"customer_id": customer_id, "invoice_id": invoice_id}
    return _missed(call, "invoice.finalized", invoice_id, properties)


def _ended(call: Call, customer_id: str, account: Account, how: str) -> InboundEvent:
    assert account.subscription is not None  # noqa: S101 - only a plan has a contract
    properties = {"customer_id": customer_id, "contract_id": account.subscription.contract_id}
    return _missed(call, "contract.edit", how, properties)


def _missed(
    call: Call, type_: str, fact: str, properties: Mapping[str, str | None]
) -> InboundEvent:
    body = {"id": f"catch_up:{type_}:{fact}", "type": type_, "properties": properties}
    return receiving.event_in(
        ProviderName.METRONOME,
        json.dumps(body).encode(),
        source=Source.CATCH_UP,
        now=call.services.clock.now(),
    )


def _taken_up(
    call: Call, provider: ProviderName, events: Iterator[InboundEvent], latest: datetime
) -> int:
    new = sum(receiving.take_up_missed(call, event) for event in events)
    # Last: whatever dies before it looks again. What is told on a clock of its own may be ahead.
    mark = _Mark(until=min(latest, call.now))
    call.store.transact([Put(to_item(keys.inbound_mark(call.tenant, provider), mark))])
    return new


def _since(call: Call, provider: ProviderName) -> datetime:
    mark = read(call.store, keys.inbound_mark(call.tenant, provider), _Mark)
    if mark is None:
        return call.now - _FIRST_LOOK
    return max(mark.until, call.now - _LISTED)


def _metronome_customers(call: Call) -> Iterator[tuple[Account, str]]:
    for item in walk(call.store, Query(keys.accounts(call.tenant), index=Index.GSI1)):
        account = from_item(item, Account)
        if account.metronome_customer_id is not None:
            yield account, account.metronome_customer_id
