"""When things recur."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class Frequency(StrEnum):
    """How long a billing period is."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    SEMI_ANNUAL = "SEMI_ANNUAL"
    ANNUAL = "ANNUAL"


class RelativeUnit(StrEnum):
    """What a distance in time is counted in."""

    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


class RelativeDate(Model):
    """A distance in time."""

    value: int
    unit: RelativeUnit


class StatementDay(StrEnum):
    """What the boundaries of usage periods are counted from."""

    FIRST_OF_MONTH = "FIRST_OF_MONTH"
    CONTRACT_START = "CONTRACT_START"
    CUSTOM_DATE = "CUSTOM_DATE"


class StatementSchedule(Model):
    """When usage periods begin: at `anchor` plus any whole number of frequencies."""

    frequency: Frequency
    anchor: datetime
