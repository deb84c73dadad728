"""The webhook queue's consumer: sign, post, and back off until the target answers 2xx."""

from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from backbeat import bootstrap
from backbeat.application import deliveries, outbox, sandboxes
from backbeat.application.deliveries import Outcome

_ATTEMPT_MILLISECONDS: Final = 25_000
"""What one attempt may take: a reply in drips is given up on after twice the time-out of 10 s."""


class NotDelivered(Exception):
    """Keeps the message in the queue."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Delivers each message of the batch; those that failed stay in the queue."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=_deliver, processor=processor, context=context
    )


def _deliver(record: SQSRecord, lambda_context: Any) -> None:
    services = bootstrap.services()
    if lambda_context.get_remaining_time_in_millis() < _ATTEMPT_MILLISECONDS:
        # Killed in mid-attempt, it would be hidden for as long as the queue's visibility.
        services.webhook_queue.postpone(record.receipt_handle, delay_seconds=0)
        raise NotDelivered("no time left in this batch")
    tenant, key = outbox.addressed(record.body)
    if sandboxes.is_abandoned(services, tenant):
        return
    call = sandboxes.call_for(services, tenant)
    received = int(record.attributes.approximate_receive_count)
    # After this many receipts the queue itself moves the message to the dead letters.
    last = received >= services.webhook_max_attempts
    outcome = deliveries.deliver(call, key, last=last)
    if outcome is Outcome.DONE:
        return
    match outcome:
        case Outcome.GIVEN_UP:
            delay = 0
        case Outcome.HELD:
            delay = deliveries.HELD_SECONDS
        case _:
            delay = deliveries.delay_seconds(call, received)
    services.webhook_queue.postpone(record.receipt_handle, delay_seconds=delay)
    raise NotDelivered(f"{outcome.name}: {key.sk}")
