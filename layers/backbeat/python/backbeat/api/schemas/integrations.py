"""Requests of integrations: lines for the log, and the delta stream's secret."""

from typing import Annotated

from pydantic import Field

from backbeat.api.schemas.types import Schema, Timestamp

_Name = Annotated[str, Field(max_length=256)]


class _Dimension(Schema):
    name: _Name
    value: Annotated[str, Field(max_length=1024)]


class LogIntegration(Schema):
    """A metric as CloudWatch takes them: whose, which, and by what it is told apart."""

    service_name: _Name
    metric_name: _Name
    dimensions: Annotated[list[_Dimension], Field(max_length=30)]


class RotateDeltaStreamSecret(Schema):
    """When the new secret is to be used; by itself, in ten minutes."""

    starting_on: Timestamp | None = None
