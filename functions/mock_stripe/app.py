"""The Stripe double: answers the official SDKs, and delivers what it tells. Test stages only."""

import json
from functools import partial
from hashlib import sha256
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from backbeat import bootstrap
from backbeat.application import faults, sandboxes, tokens
from backbeat.models.errors import Unauthenticated
from mock_stripe import gateway
from mock_stripe.ports import Ports
from mock_stripe.resources import deliveries, test_clocks
from mock_stripe.resources.deliveries import Outcome

_LONGEST_PAUSE_SECONDS: Final = 900
_DOUBLINGS: Final = 10


class NotDelivered(Exception):
    """Keeps the message in the queue."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers requests of the HTTP API and batches of the double's queue."""
    if "Records" in event:
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(
            event=event, record_handler=_run, processor=processor, context=context
        )
    return gateway.answer(_ports(), event, _tenant_of)


def _ports() -> Ports:
    services = bootstrap.services()
    return Ports(
        store=services.store,
        queue=services.stripe_queue,
        http=services.http,
        ids=services.ids,
        clock=services.clock,
        clock_for=services.clock_for,
        declined=partial(faults.decline_of_payment, services.store),
    )


def _tenant_of(token: str) -> str | None:
    services = bootstrap.services()
    try:
        owner = tokens.owner_of(services, sha256(token.encode()).hexdigest())
    except Unauthenticated:
        return None
    return sandboxes.call_of(services, owner).tenant


def _run(record: SQSRecord) -> None:
    services, ports = bootstrap.services(), _ports()
    message = json.loads(record.body)
    if sandboxes.is_abandoned(services, message["tenant"]):
        return
    if "advance" in message:
        test_clocks.run(ports, message["tenant"], message["advance"])
        return
    if deliveries.deliver(ports, message) is Outcome.DONE:
        return
    received = int(record.attributes.approximate_receive_count)
    pause = services.webhook_retry_base_seconds * 2 ** min(received - 1, _DOUBLINGS)
    ports.queue.postpone(record.receipt_handle, delay_seconds=min(pause, _LONGEST_PAUSE_SECONDS))
    raise NotDelivered(f"{message['event']} to {message['to']}")
