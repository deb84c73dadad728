"""What changes make of a contract.

Owns: applying an edit, cutting terms at an end date, which usage filter holds when.
Does not own: whether a change is allowed (see override_rules and the use cases), invoices.
Times: terms and filters are in force on `[starting_at, ending_before)`.
Invariants: an edit changes nothing but what it names; a contract that ends bears no term beyond.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from backbeat.domain import charges, recurring, subscriptions
from backbeat.models.catalog import BillableMetric
from backbeat.models.charges import ChargeChanges
from backbeat.models.contracts import Contract, FilterSegment, UsageFilter
from backbeat.models.edits import ContractEdit
from backbeat.models.overrides import Override
from backbeat.models.recurring import RecurringBalance
from backbeat.models.subscriptions import Subscription, SubscriptionChanges
from backbeat.models.usage import UsageCell

Dated = TypeVar("Dated", Override, RecurringBalance, Subscription)


def edited(contract: Contract, edit: ContractEdit) -> Contract:
    """Returns the contract after an edit. The end date comes last, so that it cuts new terms."""
    kept = tuple(o for o in contract.overrides if o.id not in edit.remove_overrides)
    changes: dict[str, object] = {
        "edits": edit.number,
        "overrides": (*kept, *edit.add_overrides),
        "terms_added": contract.terms_added + len(edit.add_overrides),
        "usage_filters": (*contract.usage_filters, *edit.add_usage_filters),
        "spend_trackers": (
            *(t for t in contract.spend_trackers if t.alias not in edit.archive_spend_trackers),
            *edit.add_spend_trackers,
        ),
    }
    if edit.add_billing_provider is not None:
        changes["billing_provider"] = edit.add_billing_provider
    if edit.add_revenue_system is not None:
        changes["revenue_system"] = edit.add_revenue_system
    for name in ("prepaid_threshold", "spend_threshold"):
        wanted = getattr(edit, f"update_{name}") or getattr(edit, f"add_{name}")
        if wanted is not None:
            changes[name] = wanted
    if edit.update_contract_name is not None:
        changes["name"] = edit.update_contract_name.name
    if edit.update_net_payment_terms_days is not None:
        changes["net_payment_terms_days"] = edit.update_net_payment_terms_days.days
    if edit.amendment is not None and edit.amendment.total_contract_value is not None:
        changes["total_contract_value"] = edit.amendment.total_contract_value
    after = contract.model_copy(update=changes)
    after = with_terms(after, edit, edit, at=edit.timestamp)
    after = recurring.changed(after, edit)
    if edit.update_contract_end_date is None:
        return after
    end = edit.update_contract_end_date.ending_before
    return ended(
        subscriptions.kept_ended(after, end, now=edit.timestamp),
        end,
        keeps_trueups=edit.update_contract_end_date.keeps_trueups,
    )


def with_terms(
    contract: Contract, billed: ChargeChanges, subscribed: SubscriptionChanges, *, at: datetime
) -> Contract:
    """Returns the contract after changes of its charges and subscriptions made at an instant."""
    return subscriptions.changed(charges.changed(contract, billed, at=at), subscribed)


def ended(
    contract: Contract, ending_before: datetime | None, *, keeps_trueups: bool = False
) -> Contract:
    """Returns the contract with another end, None for open-ended.

    Terms that reach beyond an earlier end are cut there or dropped; a later end lengthens none.
    Terms without an end of their own go on for as long as the contract does. With `keeps_trueups`
    postpaid commits are billed later all the same.
    """
    terms: dict[str, object] = {"ending_before": ending_before}
    if ending_before is not None:
        contract = charges.ended(contract, ending_before, keeps_trueups=keeps_trueups)
        terms |= {
            "overrides": _bounded(
                (one for one in contract.overrides if one.starting_at < ending_before),
                ending_before,
            ),
            "subscriptions": _bounded(contract.subscriptions, ending_before),
            "recurring_balances": _bounded(contract.recurring_balances, ending_before),
        }
    return contract.model_copy(update=terms)


def filter_segments(contract: Contract) -> list[FilterSegment]:
    """Returns the contract's usage filters by date; usage before the first is all rated.

    A filter replaces everything set before it from its start on, later-dated ones included.
    """
    end = contract.ending_before
    starts = sorted(
        {e.starting_at for e in contract.usage_filters if end is None or e.starting_at < end}
    )
    segments: list[FilterSegment] = []
    ends = [*starts[1:], end]
    for number, start in enumerate(starts):
        holding = [entry for entry in contract.usage_filters if entry.starting_at <= start][-1]
        begin = start
        if segments and segments[-1].filter == holding:
            begin = segments.pop().starting_at
        segment = FilterSegment(filter=holding, starting_at=begin, ending_before=ends[number])
        segments.append(segment)
    return segments


def filter_at(contract: Contract, instant: datetime) -> UsageFilter | None:
    """Returns the usage filter in force, or None when all usage counts."""
    begun = [entry for entry in contract.usage_filters if entry.starting_at <= instant]
    return begun[-1] if begun else None


def counted(
    contract: Contract, metric: BillableMetric, cells: Sequence[UsageCell]
) -> list[UsageCell]:
    """Returns those of a metric's cells that the contract's usage filters let through.

    Decision D-34: where the filter's key is not among the metric's group keys, nothing is.
    """
    if not contract.usage_filters:
        return [*cells]
    return [cell for cell in cells if _passes(cell, filter_at(contract, cell.hour), metric)]


def _passes(cell: UsageCell, holding: UsageFilter | None, metric: BillableMetric) -> bool:
    if holding is None:
        return True
    if holding.group_key not in metric.cell_keys:
        return False
    return cell.groups[metric.cell_keys.index(holding.group_key)] in holding.group_values


def _bounded(terms: Iterable[Dated], end: datetime) -> tuple[Dated, ...]:
    """Returns the terms with no own end behind the end; without one they end with the contract."""
    return tuple(
        term
        if term.ending_before is None or term.ending_before <= end
        else term.model_copy(update={"ending_before": end})
        for term in terms
    )
