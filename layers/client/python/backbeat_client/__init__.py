"""A client of Backbeat's metering API.

    from backbeat_client import Metering

    with Metering("http://127.0.0.1:3000", api_key="demo") as metering:
        metering.track("calls", "acme", 3)

Whatever is sent again after a failure is counted once: each event is given its key when it is made.
`AsyncMetering` has the same methods to await.
"""

from backbeat_client.asynchronous import AsyncMetering
from backbeat_client.errors import (
    ApiError,
    MeteringError,
    NotDelivered,
    RefusedEvents,
    Unavailable,
)
from backbeat_client.events import Event, Result
from backbeat_client.readings import CounterUsage, Usage, Verdict, Window
from backbeat_client.synchronous import Metering

__all__ = [
    "ApiError",
    "AsyncMetering",
    "CounterUsage",
    "Event",
    "Metering",
    "MeteringError",
    "NotDelivered",
    "RefusedEvents",
    "Result",
    "Unavailable",
    "Usage",
    "Verdict",
    "Window",
]
