"""What is done about Stripe's reports on meters: events that it took and did not count.

A thin event only says that there is a report. Stripe names some of the events in it; what it does
not name, a reconciliation finds by the totals.
"""

from collections.abc import Mapping
from typing import Any

from backbeat.application import connections
from backbeat.application.metering import rejections
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument


def about_report(call: Call, type_: str, body: Mapping[str, Any]) -> str:
    """`v1.billing.meter.*`: pushes that it names are marked as rejected, with Stripe's reason.

    Raises:
        InvalidArgument: the event has no id to ask by.
        ProviderError: Stripe did not answer.
    """
    id_ = body.get("id")
    if not isinstance(id_, str):
        raise InvalidArgument("id: required to ask for the report")
    report = connections.stripe_events(call).meter_report(id_)
    ours = sum(
        rejections.note(call, one.identifier, f"{one.code}: {one.message}") for one in report.named
    )
    return f"{report.count} event(s) not counted, {len(report.named)} named, {ours} of our pushes"
