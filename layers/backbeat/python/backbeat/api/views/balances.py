"""Commits and credits as the API shows them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.balances import ShownBalance
from backbeat.application.seat_balances import ShownPart, ShownSeat
from backbeat.models.balance_edits import BalanceUpdate
from backbeat.models.balances import Balance, BalanceSpecifier, BalanceType, LedgerEntry
from backbeat.models.charges import Amount
from backbeat.models.seats import SeatLink
from backbeat.models.sharing import Sharing

_NOT_OF_ADDITIONS: Final = (
    "applicable_contract_ids",
    "contract",
    "created_at",
    "custom_fields",
    "invoice_contract",
    "rolled_over_from",
    "uniqueness_key",
)


def added_balance_view(
    balance: Balance, *, products: Mapping[str, str], invoices: Mapping[str, str]
) -> dict[str, object]:
    """Returns a commit or credit as the history of edits shows it: its terms when it was added."""
    shown = ShownBalance(balance, products[balance.product_id], Decimal(0), (), invoices)
    view = balance_view(shown, with_balance=False, with_ledger=False)
    view = {name: value for name, value in view.items() if name not in _NOT_OF_ADDITIONS}
    if balance.rollover_fraction is not None:
        view["rollover_fraction"] = balance.rollover_fraction
    return view


def balance_update_view(update: BalanceUpdate) -> dict[str, object]:
    """Returns a change of a commit or credit: what it named, and nothing else."""
    given: dict[str, object] = {
        "name": update.name,
        "description": update.description,
        "product_id": update.product_id,
        "priority": update.priority,
        "rate_type": None if update.rate_type is None else update.rate_type.value,
        "rollover_fraction": update.rollover_fraction,
        "netsuite_sales_order_id": update.netsuite_sales_order_id,
        "applicable_product_ids": list(update.applicable_product_ids),
        "applicable_product_tags": list(update.applicable_product_tags),
        "specifiers": [specifier_view(one) for one in update.specifiers],
    }
    named = {name: value for name, value in given.items() if name in update.given}
    if "sharing" in update.given:
        named["hierarchy_configuration"] = sharing_view(update.sharing)
    return present(
        id=update.balance_id,
        access_schedule=_access_update_view(update) if update.changes_access else None,
        invoice_schedule=_payments_update_view(update) if update.changes_payments else None,
        **named,
    )


def balance_view(
    shown: ShownBalance, *, with_balance: bool, with_ledger: bool
) -> dict[str, object]:
    """Returns a commit or credit. Worth and ledger only when asked for."""
    balance = shown.balance
    is_commit = balance.type is not BalanceType.CREDIT
    return present(
        id=balance.id,
        type=balance.type.value,
        rate_type=balance.rate_type.value,
        name=balance.name,
        description=balance.description,
        priority=balance.priority,
        product={"id": balance.product_id, "name": shown.product_name},
        contract=None if balance.contract_id is None else {"id": balance.contract_id},
        access_schedule=_access_view(balance),
        invoice_schedule=_invoice_schedule_view(balance, shown.invoices),
        invoice_contract=None
        if balance.invoice_contract_id is None
        else {"id": balance.invoice_contract_id},
        rolled_over_from=_origin_view(balance),
        rollover_fraction=balance.rollover_fraction if is_commit else None,
        applicable_product_ids=list(balance.applicable_product_ids) or None,
        applicable_product_tags=list(balance.applicable_product_tags) or None,
        applicable_contract_ids=list(balance.applicable_contract_ids) or None,
        specifiers=[specifier_view(one) for one in balance.specifiers] or None,
        recurring_commit_id=balance.recurring_id if is_commit else None,
        recurring_credit_id=None if is_commit else balance.recurring_id,
        subscription_config=None
        if balance.seats is None or balance.rolled_over
        else subscription_config_view(balance.seats.link),
        hierarchy_configuration=sharing_view(balance.sharing),
        netsuite_sales_order_id=balance.netsuite_sales_order_id,
        spend_tracker_attributes={"counts_as_discounted": True}
        if balance.counts_as_discounted
        else None,
        custom_fields=balance.custom_fields,
        uniqueness_key=balance.uniqueness_key,
        archived_at=optional(balance.archived_at) if is_commit else None,
        created_at=timestamp(balance.created_at) if is_commit else None,
        balance=shown.worth if with_balance else None,
        ledger=[_entry_view(entry) for entry in shown.ledger] if with_ledger else None,
    )


def subscription_config_view(link: SeatLink, *, name: str = "subscription_id") -> dict[str, object]:
    """Returns the subscription whose seats a balance follows, under a name for its id."""
    return {
        name: link.subscription_id,
        "allocation": link.allocation.value,
        "apply_seat_increase_config": {"is_prorated": link.is_prorated},
    }


def sharing_view(sharing: Sharing | None) -> dict[str, object] | None:
    """Returns which contracts below may draw; None where nothing was said."""
    if sharing is None:
        return None
    access = present(type=sharing.access.value, contract_ids=list(sharing.contract_ids) or None)
    return {"child_access": access}


def _access_view(balance: Balance) -> dict[str, object]:
    return {
        "credit_type": credit_type_view(balance.credit_type),
        "schedule_items": [
            {
                "id": segment.id,
                "amount": segment.amount,
                "starting_at": timestamp(segment.starting_at),
                "ending_before": timestamp(segment.ending_before),
            }
            for segment in balance.segments
        ],
    }


def _access_update_view(update: BalanceUpdate) -> dict[str, object]:
    return present(
        add_schedule_items=[
            {
                "amount": one.amount,
                "starting_at": timestamp(one.starting_at),
                "ending_before": timestamp(one.ending_before),
            }
            for one in update.add_segments
        ]
        or None,
        update_schedule_items=[
            present(
                id=one.id,
                amount=one.amount,
                starting_at=optional(one.starting_at),
                ending_before=optional(one.ending_before),
            )
            for one in update.update_segments
        ]
        or None,
        remove_schedule_items=[{"id": id_} for id_ in update.remove_segments] or None,
    )


def _payments_update_view(update: BalanceUpdate) -> dict[str, object]:
    return present(
        add_schedule_items=[
            {"timestamp": timestamp(one.timestamp), **_amount_view(one.amount)}
            for one in update.add_payments
        ]
        or None,
        update_schedule_items=[
            present(
                id=one.id,
                timestamp=optional(one.timestamp),
                **({} if one.amount is None else _amount_view(one.amount)),
            )
            for one in update.update_payments
        ]
        or None,
        remove_schedule_items=[{"id": id_} for id_ in update.remove_payments] or None,
    )


def _amount_view(amount: Amount) -> dict[str, object]:
    return {"amount": amount.total, "unit_price": amount.unit_price, "quantity": amount.quantity}


def _origin_view(balance: Balance) -> dict[str, object] | None:
    origin = balance.rolled_over_from
    if origin is None:
        return None
    kind = "commit" if balance.is_commit else "credit"
    return {"contract_id": origin.contract_id, f"{kind}_id": origin.balance_id}


def _invoice_schedule_view(
    balance: Balance, invoices: Mapping[str, str]
) -> dict[str, object] | None:
    schedule = balance.invoice_schedule
    if schedule is None:
        return None
    return {
        "credit_type": credit_type_view(schedule.credit_type),
        "do_not_invoice": schedule.do_not_invoice,
        "schedule_items": [
            present(
                id=item.id,
                invoice_id=invoices.get(item.id),
                timestamp=timestamp(item.timestamp),
                **_amount_view(item.amount),
            )
            for item in schedule.items
        ],
    }


def specifier_view(specifier: BalanceSpecifier) -> dict[str, object]:
    """Returns which usage a balance pays."""
    return present(
        product_id=specifier.product_id,
        product_tags=list(specifier.product_tags) or None,
        pricing_group_values=specifier.pricing_group_values or None,
        presentation_group_values=specifier.presentation_group_values or None,
        exclude=[{"product_tags": list(tags)} for tags in specifier.excluded_tags] or None,
    )


def seat_view(shown: ShownSeat, *, with_parts: bool, with_ledger: bool) -> dict[str, object]:
    """Returns a seat's balances by unit; its parts of commits and credits only when asked for."""
    parts: dict[str, object] = {}
    if with_parts:
        parts = {
            "commits": [
                _part_view(part, with_ledger=with_ledger)
                for part in shown.parts
                if part.balance.is_commit
            ],
            "credits": [
                _part_view(part, with_ledger=with_ledger)
                for part in shown.parts
                if not part.balance.is_commit
            ],
        }
    return {
        "seat_id": shown.seat_id,
        "balances": [
            {
                "credit_type_id": total.credit_type_id,
                "balance": total.worth,
                "starting_balance": total.granted,
            }
            for total in shown.totals
        ],
        **parts,
    }


def _part_view(part: ShownPart, *, with_ledger: bool) -> dict[str, object]:
    [segment] = part.balance.segments
    ledger = [
        {
            "type": entry.type,
            "amount": entry.amount,
            "timestamp": timestamp(entry.timestamp),
        }
        for entry in part.ledger
    ]
    return present(
        id=part.balance.id,
        balance=part.worth,
        start_date=timestamp(segment.starting_at),
        end_date=timestamp(segment.ending_before),
        ledger_entries=ledger if with_ledger else None,
    )


def _entry_view(entry: LedgerEntry) -> dict[str, object]:
    return present(
        type=entry.type,
        timestamp=timestamp(entry.timestamp),
        amount=entry.amount,
        segment_id=entry.segment_id,
        invoice_id=entry.invoice_id,
        contract_id=entry.contract_id,
        new_contract_id=entry.new_contract_id,
        reason=entry.reason,
    )
