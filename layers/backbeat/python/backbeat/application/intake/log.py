"""The events that came in: listed, looked at, run again."""

from dataclasses import dataclass

from backbeat.application.intake import receiving
from backbeat.application.services import Call
from backbeat.models.errors import Conflict, NotFound
from backbeat.models.inbound import InboundEvent, InboundState, ProviderName
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Index, Item, Put, Query, Version


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None takes all."""

    provider: ProviderName | None = None
    type: str | None = None
    state: InboundState | None = None

    def takes(self, event: InboundEvent) -> bool:
        """Tells whether an event is wanted."""
        return (
            self.provider in (None, event.provider)
            and self.type in (None, event.type)
            and self.state in (None, event.state)
        )


def page(
    call: Call, which: EventFilter, *, limit: int, cursor: str | None
) -> tuple[list[InboundEvent], str | None]:
    """Returns a page of events, the latest first, and the cursor behind it."""
    query = Query(
        keys.inbound_events(call.tenant),
        index=Index.GSI1,
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    items, after = page_of(
        call.store, query, lambda item: which.takes(from_item(item, InboundEvent))
    )
    return [from_item(item, InboundEvent) for item in items], after


def find(call: Call, provider: ProviderName, event_id: str) -> InboundEvent:
    """Returns an event.

    Raises:
        NotFound: it never came, or is forgotten.
    """
    return _held(call, provider, event_id)[1]


def rerun(call: Call, provider: ProviderName, event_id: str) -> InboundEvent:
    """Queues an event anew that was given up on, or whose message was lost with its function.

    Raises:
        NotFound: it never came, or is forgotten.
        Conflict: it is done, or being done.
        Retryable: it was changed at the same time.
    """
    item, event = _held(call, provider, event_id)
    leased = event.leased_until is not None and call.services.clock.now() < event.leased_until
    if event.state.is_over or leased:
        raise Conflict(f"The event is {'being done' if leased else event.state}", value=event_id)
    again = event.model_copy(update={"state": InboundState.RETRYING, "leased_until": None})
    work = UnitOfWork(call.store)
    work.add(Put(receiving.item_of(call, again, item.version + 1), Version(item.version)))
    work.commit()
    receiving.queue(call, item.key)
    return again


def _held(call: Call, provider: ProviderName, event_id: str) -> tuple[Item, InboundEvent]:
    item = call.store.get(keys.inbound_event(call.tenant, provider, event_id))
    if item is None:
        raise NotFound("event", event_id)
    return item, from_item(item, InboundEvent)
