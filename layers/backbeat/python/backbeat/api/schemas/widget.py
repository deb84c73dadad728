"""What the usage widget's tokens are asked for."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from backbeat.api.schemas.types import Id, Schema
from backbeat.application.widget_tokens import LONGEST

_LONGEST_SECONDS: Final = LONGEST // timedelta(seconds=1)


class IssueWidgetToken(Schema):
    """Whose usage the token shows, and for how long."""

    customer_id: Id
    expires_in_seconds: Annotated[int, Field(ge=30, le=_LONGEST_SECONDS)] = _LONGEST_SECONDS
