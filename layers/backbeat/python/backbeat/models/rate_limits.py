"""How many calls a token may make."""

from datetime import datetime

from backbeat.models.base import Model


class RateLimit(Model):
    """So many calls in each window of so many seconds; windows begin at multiples of that."""

    requests: int
    seconds: int


class RateWindow(Model):
    """The calls of the present window."""

    starting_at: datetime
    seconds: int
    calls: int
