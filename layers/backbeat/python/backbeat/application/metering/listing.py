"""Events of the ledger that were metered, as lists show them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from backbeat.application.metering import definitions, references
from backbeat.application.services import Call
from backbeat.models.counters import SYSTEM_PROPERTIES
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import Period
from backbeat.models.usage import PropertyValue, StoredEvent, UsageEvent
from backbeat.persistence import raw_events

LONGEST_SPAN: Final = timedelta(days=400)
"""How much time events are looked for in at once: each day is read by itself."""


def page(
    call: Call,
    span: Period,
    *,
    metric: str | None,
    customer_ref: str | None,
    source: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[tuple[str, StoredEvent]]:
    """Returns metered events of a span behind a position, each with its own position.

    They are in order of customer reference, then the newest first.

    Raises:
        InvalidArgument: the span is longer than events are looked for at once.
    """
    if span.ending_before - span.starting_at > LONGEST_SPAN:
        raise InvalidArgument(f"since: more than {LONGEST_SPAN.days} days before until")
    refs = references.every(call) if customer_ref is None else [customer_ref]
    counters = definitions.of(call).counters
    found: list[tuple[str, StoredEvent]] = []
    for ref in refs:
        if after is not None and ref < after[0]:
            continue
        for position, stored in _newest_first(call, ref, span):
            if after is not None and ref == after[0] and position >= after[1]:
                continue
            event = stored.event
            if event.event_type not in counters or metric not in (None, event.event_type):
                continue
            if source not in (None, event.properties.get("source")):
                continue
            found.append((position, stored))
            if len(found) == limit:
                return found
    return found


def meta_of(event: UsageEvent) -> dict[str, PropertyValue]:
    """Returns what an event's sender said beside its quantity."""
    said = event.properties.items()
    return {name: value for name, value in said if name not in SYSTEM_PROPERTIES}


def _newest_first(call: Call, customer_ref: str, span: Period) -> Iterator[tuple[str, StoredEvent]]:
    end = span.ending_before
    while end > span.starting_at:
        midnight = (end - timedelta(microseconds=1)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        day = Period(max(midnight, span.starting_at), end)
        events = raw_events.events(call.store, call.tenant, [customer_ref], day)
        positions = [
            (
                f"{one.event.timestamp.isoformat(timespec='microseconds')}|{one.event.transaction_id}",
                one,
            )
            for one in events
        ]
        yield from sorted(positions, key=lambda pair: pair[0], reverse=True)
        end = day.starting_at
