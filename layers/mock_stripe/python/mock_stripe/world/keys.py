"""Where a world's items lie. All begin with the tenant, so a world is one sandbox's own."""

from typing import Final

from backbeat.ports.store import Key

_END: Final = "\x7f"
"""Sorts behind every character of an id."""


def root(tenant: str) -> Key:
    """How many objects the world has made, and how it is set to behave. Whoever writes bumps it."""
    return Key(f"{tenant}#STRIPE", "WORLD")


def thing(tenant: str, kind: str, object_id: str) -> Key:
    """An object."""
    return Key(things(tenant, kind), object_id)


def things(tenant: str, kind: str) -> str:
    """Partition of a kind's objects, in order of creation."""
    return f"{tenant}#STRIPE#{kind}"


def owned(tenant: str, owner_id: str, kind: str, object_id: str) -> Key:
    """The note that an object is an owner's."""
    return Key(owned_by(tenant, owner_id), f"{kind}#{object_id}")


def owned_by(tenant: str, owner_id: str) -> str:
    """Partition of what is an owner's: a customer's, a subscription's, an invoice's."""
    return f"{tenant}#STRIPE#OF#{owner_id}"


def request(tenant: str, key_hash: str) -> Key:
    """The stored answer of an idempotency key."""
    return Key(f"{tenant}#STRIPE#KEY#{key_hash}", "ANSWER")


def due(tenant: str, clock: str, at: int, number: int) -> Key:
    """A piece of work, by when it is due. `clock` is a test clock's id, or "" for the process's."""
    return Key(due_on(tenant, clock), f"{at:012d}#{number:08d}")


def due_on(tenant: str, clock: str) -> str:
    """Partition of a clock's work."""
    return f"{tenant}#STRIPE#DUE#{clock}"


def due_before(at: int) -> str:
    """The sort key that all work due at or before an instant (Unix seconds) sorts below."""
    return f"{at:012d}#{_END}"


def due_at(key: Key) -> int:
    """When work that lies under a key is due."""
    return int(key.sk.partition("#")[0])


def refused(tenant: str, at: int, number: int) -> Key:
    """A piece of work that was due at an instant and could not be done."""
    return Key(refused_in(tenant), f"{at:012d}#{number:08d}")


def refused_in(tenant: str) -> str:
    """Partition of work that could not be done."""
    return f"{tenant}#STRIPE#REFUSED"


def outbox(tenant: str) -> str:
    """Partition of events whose deliveries are not queued yet."""
    return f"{tenant}#STRIPE#OUTBOX"


def delivery(tenant: str, event_id: str, endpoint_id: str) -> Key:
    """How far an event's delivery to an endpoint has come."""
    return Key(deliveries(tenant, event_id), endpoint_id)


def deliveries(tenant: str, event_id: str) -> str:
    """Partition of an event's deliveries."""
    return f"{tenant}#STRIPE#TO#{event_id}"


def usage(tenant: str, meter: str, customer: str) -> str:
    """Partition of a customer's booked meter events, by time."""
    return f"{tenant}#STRIPE#USE#{meter}#{customer}"


def sent(tenant: str, identifier_hash: str) -> Key:
    """An accepted meter event, by the SHA-256 of its identifier."""
    return Key(f"{tenant}#STRIPE#SENT#{identifier_hash}", "EVENT")
