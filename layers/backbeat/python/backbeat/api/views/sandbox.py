"""A sandbox's controls as JSON."""

from collections import Counter
from collections.abc import Sequence

from backbeat.api.views.times import timestamp
from backbeat.application.product_balances import ProductBalance
from backbeat.application.snapshots import Snapshot
from backbeat.models.faults import Fault
from backbeat.models.rate_limits import RateLimit
from backbeat.models.request_log import LoggedRequest


def fault_view(fault: Fault) -> dict[str, object]:
    """Returns a fault as it was asked for, with how often it happened so far."""
    return fault.model_dump(exclude_none=True, mode="python") | {
        "kind": fault.kind.value,
        "when": fault.when.value,
    }


def snapshot_view(snapshot: Snapshot) -> dict[str, object]:
    """Returns what is known of a saved world."""
    return {
        "name": snapshot.name,
        "created_at": timestamp(snapshot.created_at),
        "now": timestamp(snapshot.now),
        "size_bytes": snapshot.bytes_packed,
    }


def product_balance_view(found: ProductBalance) -> dict[str, object]:
    """Returns what is left under a product."""
    return {"product": {"id": found.product_id, "name": found.name}, "balance": found.balance}


def rate_limit_view(limit: RateLimit | None) -> dict[str, object]:
    """Returns how many calls a token may make; null for any number."""
    return {
        "requests": None if limit is None else limit.requests,
        "seconds": None if limit is None else limit.seconds,
    }


def requests_view(found: Sequence[LoggedRequest], *, latest: int) -> dict[str, object]:
    """Returns counts over all of the calls, and the latest of them in full, oldest first."""
    shown = found[-latest:] if latest else ()
    return {
        "total": len(found),
        "by_operation": dict(sorted(Counter(one.operation for one in found).items())),
        "by_status": dict(sorted(Counter(str(one.status) for one in found).items())),
        "requests": [_request_view(one) for one in shown],
    }


def _request_view(one: LoggedRequest) -> dict[str, object]:
    return {
        "at": timestamp(one.at),
        "operation": one.operation,
        "method": one.method,
        "path": one.path,
        "query": one.query,
        "body": one.body,
        "status": one.status,
        "reply": one.reply,
        "fault": one.fault,
        "idempotency_key": one.idempotency_key,
    }
