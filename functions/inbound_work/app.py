"""Does what events of providers ask for, and looks up those that were missed."""

from functools import partial
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from backbeat import bootstrap
from backbeat.application import outbox, sandboxes
from backbeat.application.intake import catch_up, running
from backbeat.application.intake.running import Outcome

_ONE_EVENT_MILLISECONDS: Final = 30_000
_BUSY_SECONDS: Final = 10


class NotDone(Exception):
    """Keeps the message in the queue."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers the schedule's `{"action": "catch_up"}` and batches of the queue.

    Messages that failed stay in the queue.
    """
    if event.get("action") == "catch_up":
        services = bootstrap.services()
        caught = catch_up.run(services, partial(sandboxes.call_for, services))
        return {"events": caught.events, "failed_tenants": caught.failed}
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=_run, processor=processor, context=context
    )


def _run(record: SQSRecord, lambda_context: Any) -> None:
    services = bootstrap.services()
    if lambda_context.get_remaining_time_in_millis() < _ONE_EVENT_MILLISECONDS:
        # Killed in the middle, it would be hidden for as long as the queue's visibility.
        services.inbound_queue.postpone(record.receipt_handle, delay_seconds=0)
        raise NotDone("no time left in this batch")
    tenant, key = outbox.addressed(record.body)
    if sandboxes.is_abandoned(services, tenant):
        return
    call = sandboxes.call_for(services, tenant)
    received = int(record.attributes.approximate_receive_count)
    # After this many receipts the queue itself moves the message to the dead letters.
    last = received >= services.inbound_max_attempts
    match running.run(call, key, last=last):
        case Outcome.DONE:
            return
        case Outcome.BUSY:
            delay = _BUSY_SECONDS
        case Outcome.FAILED:
            delay = running.delay_seconds(received)
        case Outcome.GIVEN_UP:
            delay = 0
    services.inbound_queue.postpone(record.receipt_handle, delay_seconds=delay)
    raise NotDone(key.pk)
