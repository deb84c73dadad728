"""Commits and credits as the API shows them."""

from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.balances import ShownBalance
from backbeat.application.seat_balances import ShownPart, ShownSeat
from backbeat.models.balances import Balance, BalanceSpecifier, BalanceType, LedgerEntry
from backbeat.models.seats import SeatLink
from backbeat.models.sharing import Sharing


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
        invoice_schedule=_invoice_schedule_view(balance),
        invoice_contract=None
        if balance.invoice_contract_id is None
        else {"id": balance.invoice_contract_id},
        rollover_fraction=balance.rollover_fraction if is_commit else None,
        applicable_product_ids=list(balance.applicable_product_ids) or None,
        applicable_product_tags=list(balance.applicable_product_tags) or None,
        applicable_contract_ids=list(balance.applicable_contract_ids) or None,
        specifiers=[specifier_view(one) for one in balance.specifiers] or None,
        recurring_commit_id=balance.recurring_id if is_commit else None,
        recurring_credit_id=None if is_commit else balance.recurring_id,
        subscription_config=None
        if balance.seats is None
        else subscription_config_view(balance.seats.link),
        hierarchy_configuration=sharing_view(balance.sharing),
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


def _invoice_schedule_view(balance: Balance) -> dict[str, object] | None:
    schedule = balance.invoice_schedule
    if schedule is None:
        return None
    return {
        "credit_type": credit_type_view(schedule.credit_type),
        "do_not_invoice": schedule.do_not_invoice,
        "schedule_items": [
            {
                "id": item.id,
                "timestamp": timestamp(item.timestamp),
                "amount": item.amount.total,
                "unit_price": item.amount.unit_price,
                "quantity": item.amount.quantity,
            }
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
        reason=entry.reason,
    )
