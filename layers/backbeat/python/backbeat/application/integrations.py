"""What integrations want written down."""

import logging
from collections.abc import Mapping

from backbeat.application.services import Call

_log = logging.getLogger("backbeat.integrations")


def log(call: Call, service: str, metric: str, dimensions: Mapping[str, str]) -> None:
    """Writes one line. It becomes no metric: callers could make up any number of them."""
    _log.info(
        "integration",
        extra={
            "tenant": call.tenant,
            "service": service,
            "metric": metric,
            "dimensions": dict(dimensions),
        },
    )
