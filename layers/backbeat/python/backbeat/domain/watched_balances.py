"""Which balances a filter on custom fields, or an alert, is about.

Owns: what a filter looks at, how filters and specifiers combine, the groups of an alert.
Does not own: what is left of a balance, when an alert is past its line.
Times: a holding can be drawn at the time of the look.
Invariants: a balance that no specifier chooses is in no group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from backbeat.models.alerts import (
    Alert,
    AlertSpecifier,
    AlertType,
    FieldChoice,
    FieldFilter,
    FilterEntity,
)
from backbeat.models.balances import AccessSegment, Balance, BalanceType

ContractFields = Mapping[str, Mapping[str, str]]
"""The custom fields of contracts, by their ids."""

_COMMITS_ONLY: Final = frozenset(
    {AlertType.COMMIT_BALANCE, AlertType.COMMIT_PERCENTAGE, AlertType.COMMIT_DAYS}
)
_CREDITS_ONLY: Final = frozenset(
    {AlertType.CREDIT_BALANCE, AlertType.CREDIT_PERCENTAGE, AlertType.CREDIT_DAYS}
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A balance that can be drawn now: what is left, and the segments that are open."""

    balance: Balance
    left: Decimal
    segments: Sequence[AccessSegment]


def field_value(
    balance: Balance, contract_fields: Mapping[str, str], entity: FilterEntity, key: str
) -> str | None:
    """Returns what a filter looks at, None where the balance has none or is of another kind.

    `contract_fields` are those of the balance's own contract, if it has one.
    """
    if entity is FilterEntity.CONTRACT:
        return contract_fields.get(key)
    kinds = {FilterEntity.COMMIT: True, FilterEntity.CONTRACT_CREDIT: False}
    if kinds.get(entity, balance.is_commit) is not balance.is_commit:
        return None
    return balance.custom_fields.get(key)


def meets_all(
    balance: Balance,
    contract_fields: Mapping[str, str],
    filters: Iterable[FieldFilter | FieldChoice],
) -> bool:
    """Tells whether a balance meets filters; one without a value wants the field to be there."""
    for one in filters:
        found = field_value(balance, contract_fields, one.entity, one.key)
        if found is None or one.value not in (None, found):
            return False
    return True


def is_watched(alert: Alert, balance: Balance, contract_fields: ContractFields) -> bool:
    """Tells whether an alert is about a balance.

    Several filters on balances are alternatives, one for each kind; a filter on contracts keeps
    the balances of those contracts only. Specifiers choose among what is left.
    """
    if balance.credit_type.id != alert.credit_type.id:
        return False
    is_credit = balance.type is BalanceType.CREDIT
    if alert.type in _COMMITS_ONLY and is_credit:
        return False
    if alert.type in _CREDITS_ONLY and not is_credit:
        return False
    fields = contract_fields.get(balance.contract_id or "", {})
    on_contracts = [one for one in alert.field_filters if one.entity is FilterEntity.CONTRACT]
    if not meets_all(balance, fields, on_contracts):
        return False
    on_balances = [one for one in alert.field_filters if one.entity is not FilterEntity.CONTRACT]
    if on_balances and not any(meets_all(balance, fields, [one]) for one in on_balances):
        return False
    return not alert.specifiers or any(
        _chooses(specifier, balance, fields) for specifier in alert.specifiers
    )


def by_group(
    alert: Alert, watched: Iterable[Holding], contract_fields: ContractFields
) -> dict[str, list[Holding]]:
    """Returns the balances of each value of the field that the alert groups by.

    A balance that specifiers choose by different values (its own and its contract's) is in each.
    """
    groups: dict[str, list[Holding]] = {}
    for one in watched:
        fields = contract_fields.get(one.balance.contract_id or "", {})
        for value in sorted(_groups(alert, one.balance, fields)):
            groups.setdefault(value, []).append(one)
    return groups


def specifiers_of_group(alert: Alert, value: str) -> list[AlertSpecifier]:
    """Returns an alert's specifiers as one group meets them."""
    return [
        specifier.model_copy(
            update={
                "custom_field_filters": tuple(
                    one if one.value is not None else one.model_copy(update={"value": value})
                    for one in specifier.custom_field_filters
                )
            }
        )
        for specifier in alert.specifiers
    ]


def _groups(alert: Alert, balance: Balance, contract_fields: Mapping[str, str]) -> set[str]:
    values = (
        field_value(balance, contract_fields, one.entity, one.key)
        for specifier in alert.specifiers
        if _chooses(specifier, balance, contract_fields)
        for one in specifier.custom_field_filters
        if one.value is None
    )
    return {value for value in values if value is not None}


def _chooses(
    specifier: AlertSpecifier, balance: Balance, contract_fields: Mapping[str, str]
) -> bool:
    return meets_all(balance, contract_fields, specifier.custom_field_filters) and not any(
        meets_all(balance, contract_fields, excluded.custom_field_filters)
        for excluded in specifier.exclude
    )
