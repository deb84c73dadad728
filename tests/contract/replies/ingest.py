"""Sending events: what works, and what is refused."""

from typing import Final

from tests.contract.replies.cases import INVALID, Refusal, Success


def event(**changes: object) -> dict[str, object]:
    return {
        "transaction_id": "refused",
        "customer_id": "acme-key",
        "event_type": "completion",
        "timestamp": "2025-03-05T00:00:00Z",
        **changes,
    }


SUCCESSES: Final[list[Success]] = [
    Success(
        "ingest-v1",
        "of an unknown customer",
        lambda w: w.sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": w.new("transaction"),
                    "customer_id": "nobody-yet",
                    "event_type": "completion",
                    "timestamp": "2025-03-09T00:00:00Z",
                }
            ]
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal("ingest-v1", "no events", *INVALID, "length >= 1", lambda w: {"body": []}),
    Refusal(
        "ingest-v1",
        "101 events",
        *INVALID,
        "length <= 100",
        lambda w: {"body": [event(transaction_id=str(number)) for number in range(101)]},
    ),
    Refusal(
        "ingest-v1",
        "an event without a customer",
        *INVALID,
        "[1]",
        lambda w: {"body": [event(), {k: v for k, v in event().items() if k != "customer_id"}]},
    ),
    Refusal(
        "ingest-v1",
        "a time without a zone",
        *INVALID,
        "[0].timestamp",
        lambda w: {"body": [event(timestamp="2025-03-05T00:00:00")]},
    ),
    Refusal(
        "ingest-v1",
        "too old",
        *INVALID,
        "[1].timestamp",
        lambda w: {"body": [event(), event(timestamp="2025-02-04T11:59:59Z")]},
    ),
    Refusal(
        "ingest-v1",
        "too far ahead",
        *INVALID,
        "[0].timestamp",
        lambda w: {"body": [event(timestamp="2025-03-11T12:00:01Z")]},
    ),
]
