"""Threshold alerts: what is watched for whom, and where each stands."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from backbeat.models.base import Model
from backbeat.models.money import CreditType


class AlertType(StrEnum):
    """What an alert watches."""

    SPEND = "spend_threshold_reached"
    MONTHLY_TOTAL = "monthly_invoice_total_spend_threshold_reached"
    USAGE = "usage_threshold_reached"
    INVOICE_TOTAL = "invoice_total_reached"
    COMMIT_BALANCE = "low_remaining_commit_balance_reached"
    COMMIT_PERCENTAGE = "low_remaining_commit_percentage_reached"
    COMMIT_DAYS = "low_remaining_days_for_commit_segment_reached"
    CREDIT_BALANCE = "low_remaining_contract_credit_balance_reached"
    CREDIT_PERCENTAGE = "low_remaining_contract_credit_percentage_reached"
    CREDIT_DAYS = "low_remaining_days_for_contract_credit_segment_reached"
    COMBINED_BALANCE = "low_remaining_contract_credit_and_commit_balance_reached"
    COMBINED_PERCENTAGE = "low_remaining_contract_credit_and_commit_percentage_reached"
    SEAT_BALANCE = "low_remaining_seat_balance_reached"
    GRANT_BALANCE = "low_credit_balance_reached"
    GRANT_PERCENTAGE = "low_remaining_credit_percentage_reached"
    PLAN_DAYS = "low_remaining_days_in_plan_reached"


PERCENTAGES: Final = frozenset(
    {
        AlertType.COMMIT_PERCENTAGE,
        AlertType.CREDIT_PERCENTAGE,
        AlertType.COMBINED_PERCENTAGE,
        AlertType.GRANT_PERCENTAGE,
    }
)
COMBINED: Final = frozenset({AlertType.COMBINED_BALANCE, AlertType.COMBINED_PERCENTAGE})
"""Alerts on commits and credits together, among which specifiers may choose."""
LEFT: Final = COMBINED | {
    AlertType.COMMIT_BALANCE,
    AlertType.COMMIT_PERCENTAGE,
    AlertType.CREDIT_BALANCE,
    AlertType.CREDIT_PERCENTAGE,
    AlertType.SEAT_BALANCE,
}
"""Alerts on what is left of commits and credits."""
DAYS: Final = frozenset({AlertType.COMMIT_DAYS, AlertType.CREDIT_DAYS, AlertType.PLAN_DAYS})
GRANTS: Final = frozenset({AlertType.GRANT_BALANCE, AlertType.GRANT_PERCENTAGE})
"""Alerts on credit grants of the older kind, whose types may be named."""
BY_PERIOD: Final = frozenset(
    {AlertType.SPEND, AlertType.MONTHLY_TOTAL, AlertType.USAGE, AlertType.INVOICE_TOTAL}
)
"""Alerts on what a billing period comes to; all others watch what is left of balances."""


class FilterEntity(StrEnum):
    """Whose custom field a filter looks at."""

    CONTRACT = "Contract"
    COMMIT = "Commit"
    CONTRACT_CREDIT = "ContractCredit"
    CREDIT_OR_COMMIT = "ContractCreditOrCommit"


class FieldFilter(Model):
    """Keeps things whose custom field has a value."""

    entity: FilterEntity
    key: str
    value: str


class FieldChoice(Model):
    """Keeps things by a custom field; without a value, each value is watched by itself."""

    entity: FilterEntity
    key: str
    value: str | None = None


class BalanceExclusion(Model):
    """Balances that meet all filters, which are left out."""

    custom_field_filters: tuple[FieldFilter, ...]


class AlertSpecifier(Model):
    """Balances that meet all filters, but for those that any exclusion names."""

    custom_field_filters: tuple[FieldChoice, ...] = ()
    exclude: tuple[BalanceExclusion, ...] = ()


class GroupValue(Model):
    """A group of lines; without a value, each value of the key is watched by itself."""

    key: str
    value: str | None = None


class SeatFilter(Model):
    """The seats that are watched: all of a key, or one."""

    seat_group_key: str
    seat_group_value: str | None = None


class Alert(Model):
    """A threshold and what it is held against; without `customer_id`, for every customer.

    `threshold` is in the unit of `credit_type` (USD: cents), in percent, days, or units of usage.
    With `evaluate_on_create` customers that are past the line already are told of at once.
    Specifiers are alternatives: a balance is watched when one of them chooses it.
    """

    id: str
    type: AlertType
    name: str
    threshold: Decimal
    credit_type: CreditType
    customer_id: str | None = None
    billable_metric_id: str | None = None
    evaluate_on_create: bool = True
    field_filters: tuple[FieldFilter, ...] = ()
    specifiers: tuple[AlertSpecifier, ...] = ()
    access_type: str | None = None
    group_values: tuple[GroupValue, ...] = ()
    seat_filter: SeatFilter | None = None
    invoice_types: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    uniqueness_key: str | None = None
    custom_fields: dict[str, str] = {}
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def grouping_field(self) -> str | None:
        """The custom field whose values are watched one by one, if there is one."""
        for specifier in self.specifiers:
            for one in specifier.custom_field_filters:
                if one.value is None:
                    return one.key
        return None


class AlarmStatus(StrEnum):
    """Where an alert stands. EVALUATING: nobody has looked since it was made or reset."""

    OK = "ok"
    IN_ALARM = "in_alarm"
    EVALUATING = "evaluating"


class AlertState(Model):
    """Where an alert stands for a customer, in one place.

    A place is what the alert watches by itself: a group, a segment, an invoice, a seat. The place
    "" is the alert as a whole, which is in alarm while any place is. `changes` counts the changes
    of status, so that each has a notification of its own. `told` says that the present alarm was
    sent to subscribers.
    """

    alert_id: str
    place: str = ""
    status: AlarmStatus
    told: bool = False
    changes: int = 0
    triggered_by: str | None = None
