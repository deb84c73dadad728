"""What the usage widget's tokens are asked for."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from backbeat.api.schemas.types import Id, Schema
from backbeat.application.widget_tokens import LONGEST

_LONGEST_SECONDS: Final = LONGEST // timedelta(seconds=1)


_MOST_ORIGINS: Final = 10

Origin = Annotated[
    str,
    StringConstraints(
        max_length=255,
        to_lower=True,
        pattern=r"^[hH][tT][tT][pP][sS]?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
    ),
]
"""A scheme, a host and perhaps a port, as browsers tell origins apart; no path, no wildcard."""


class IssueWidgetToken(Schema):
    """Whose usage the token shows, for how long, and in whose pages: in any, unless named."""

    customer_id: Id
    origins: Annotated[list[Origin], Field(min_length=1, max_length=_MOST_ORIGINS)] | None = None
    expires_in_seconds: Annotated[int, Field(ge=30, le=_LONGEST_SECONDS)] = _LONGEST_SECONDS
