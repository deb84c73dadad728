"""Logs and metrics of a Lambda environment, set up once.

Everything logs through the standard library's `backbeat.*` loggers and counts through
`Services.count`. In Lambda, Powertools makes JSON lines and embedded metrics of both; elsewhere
the process that runs us has its own say about logs, and nothing is counted.
"""

import logging
import os
from typing import Final

_NAMESPACE: Final = "Backbeat"


def in_lambda() -> bool:
    """Tells whether this process is a Lambda environment."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def set_up_logs() -> None:
    """Makes the `backbeat.*` loggers write JSON lines at the level of `POWERTOOLS_LOG_LEVEL`."""
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.logging import utils

    logging.getLogger("backbeat")
    utils.copy_config_to_registered_loggers(source_logger=Logger(), include={"backbeat"})


def count(name: str, number: int) -> None:
    """Adds to a metric, such as EventsAccepted, in CloudWatch's embedded format."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name=name, unit=MetricUnit.Count, value=number, namespace=_NAMESPACE):
        pass


def count_nothing(name: str, number: int) -> None:
    """Counts where nobody collects metrics."""
