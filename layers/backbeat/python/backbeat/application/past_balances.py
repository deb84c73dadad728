"""Commits and credits of a contract as they were at an earlier time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from backbeat.application.services import Call
from backbeat.domain import recurring
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract
from backbeat.persistence import contracts

_FACTS: Final = {"deductions": (), "manual_entries": (), "rollovers": (), "trueups": ()}
_TERMS: Final = (
    "applicable_product_ids",
    "applicable_product_tags",
    "description",
    "invoice_contract_id",
    "invoice_schedule",
    "name",
    "netsuite_sales_order_id",
    "priority",
    "product_id",
    "rate_type",
    "rollover_fraction",
    "segments",
    "sharing",
    "specifiers",
    "trueup_disabled",
)


def terms_alone(balance: Balance) -> Balance:
    """Returns what an edit keeps of a balance that it changes."""
    return balance.model_copy(update=_FACTS)


def as_of(
    call: Call, contract: Contract, owned: Iterable[Balance], instant: datetime
) -> Iterator[Balance]:
    """Yields those of a contract's balances that there were at an instant, by their terms then.

    The contract is as it was then. What was drawn is as it is now.
    """
    made = {
        recurring.child_id(template, occurrence.period)
        for template in contract.recurring_balances
        for occurrence in _made_until(instant, recurring.occurrences(template, contract))
    }
    then: dict[str, Balance] = {}
    for edit in contracts.edits(call.store, call.tenant, contract):
        if edit.timestamp > instant:
            for before in edit.balances_before:
                then.setdefault(before.id, before)
    for balance in owned:
        if balance.created_at > instant and balance.id not in made:
            continue
        terms = then.get(balance.id, balance)
        changes = {name: getattr(terms, name) for name in _TERMS}
        if balance.archived_at is not None and balance.archived_at > instant:
            changes |= {"archived_at": None, "archived_with_contract": False}
        yield balance.model_copy(update=changes)


def _made_until(
    instant: datetime, occurrences: Iterable[recurring.Occurrence]
) -> Iterator[recurring.Occurrence]:
    for occurrence in occurrences:
        if occurrence.made_at > instant:
            return
        yield occurrence
