"""Scheduled billing: the tick finds due work, the queue does it piece by piece."""

from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from backbeat import bootstrap
from backbeat.application import audit_sealing, billing, outbox, sandboxes


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers the schedule's `{"action": "tick"}` and batches of the job queue."""
    if event.get("action") == "tick":
        services = bootstrap.services()
        ticked = billing.tick(services, partial(sandboxes.call_for, services))
        audit_sealing.seal_due(services)
        return {"jobs": ticked.jobs, "failed_tenants": ticked.failed}
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=_run, processor=processor, context=context
    )


def _run(record: SQSRecord) -> None:
    services = bootstrap.services()
    tenant, key = outbox.addressed(record.body)
    if not sandboxes.is_abandoned(services, tenant):
        billing.run_all(sandboxes.call_for(services, tenant), key)
