"""Changes of commits and credits: what is allowed, and what becomes of them."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from backbeat.application import (
    balances,
    charges,
    contracts,
    scheduled_invoices,
)
from backbeat.application.balance_book import Book
from backbeat.application.services import Call
from backbeat.domain import access
from backbeat.domain import charges as billed
from backbeat.models.balance_edits import BalanceUpdate
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.charges import PointSchedule, ScheduleItem
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import InvoiceStatus
from backbeat.models.money import USD
from backbeat.persistence import invoices


def find(
    book: Book, balance_id: str, *, is_commit: bool, contract_id: str | None = None
) -> Balance:
    """Returns a commit or credit of a book, with `contract_id` one of that contract.

    Raises:
        NotFound: there is none.
    """
    balance = book.get(balance_id)
    if balance.is_commit is not is_commit or contract_id not in (None, balance.contract_id):
        raise NotFound("commit" if is_commit else "credit", balance_id)
    return balance


def updated(call: Call, book: Book, balance: Balance, update: BalanceUpdate, field: str) -> Balance:
    """Returns a balance after a change. `field` is put before the names of fields in errors.

    Raises:
        NotFound: it has no segment or payment of an id, or the customer no contract.
        InvalidArgument: the change does not fit, or would touch what is final.
    """
    _refuse_frozen(call, book, balance, update, field)
    after = balance.model_copy(update={name: getattr(update, name) for name in update.given})
    if "priority" in update.given and update.priority is None:
        after = after.model_copy(update={"priority": balances.DEFAULT_PRIORITY})
    if update.changes_access:
        after = _rolling_over_anew(book, _with_access(call, after, update, field))
    if update.changes_payments:
        after = _with_payments(call, after, update, field)
    if after.invoice_contract_id != balance.invoice_contract_id:
        _refuse_other_payer(call, balance, after, field)
    balances.refuse_misfit(call, after, field)
    return after


def archived(call: Call, balance: Balance, field: str) -> Balance:
    """Returns a balance that is archived: nothing is left of it, and nothing more is paid for it.

    Raises:
        InvalidArgument: it is archived already, or final invoices draw it or bill it.
    """
    if balance.archived_at is not None:
        raise InvalidArgument(f"{field}: it is archived already")
    final = [one.invoice_id for one in balance.deductions]
    final += [one.invoice_id for one in balance.trueups]
    if final:
        raise InvalidArgument(f"{field}: void the finalized invoices it is on first, as {final[0]}")
    for item_id, status in _statuses(call, balance).items():
        if status is InvoiceStatus.FINALIZED:
            raise InvalidArgument(f"{field}: void the finalized invoice of payment {item_id} first")
    return balance.model_copy(update={"archived_at": call.now})


def ended(
    call: Call,
    balance: Balance,
    *,
    access_ending_before: datetime | None,
    invoices_ending_before: datetime | None,
) -> Balance:
    """Returns a customer's balance that ends earlier.

    Payments from `invoices_ending_before` on are dropped unless they are final.

    Raises:
        InvalidArgument: it is archived, POSTPAID, or the dates do not lie before its end.
    """
    if balance.archived_at is not None:
        raise InvalidArgument("the balance is archived")
    if balance.type is BalanceType.POSTPAID:
        raise InvalidArgument("commit_id: only PREPAID commits can be ended earlier")
    after = balance
    if access_ending_before is not None:
        first = min(segment.starting_at for segment in balance.segments)
        last = max(segment.ending_before for segment in balance.segments)
        if not first < access_ending_before <= last:
            raise InvalidArgument(
                "access_ending_before: must lie after the start of access, and not after its end"
            )
        after = access.cut(after, access_ending_before)
    if invoices_ending_before is not None and after.invoice_schedule is not None:
        statuses = _statuses(call, balance)
        items = tuple(
            item
            for item in after.invoice_schedule.items
            if item.timestamp < invoices_ending_before or statuses.get(item.id) is not None
        )
        schedule = after.invoice_schedule.model_copy(update={"items": items})
        after = after.model_copy(update={"invoice_schedule": schedule})
    return after


def without_trueup(balance: Balance, contract_id: str) -> Balance:
    """Returns a postpaid commit of whose shortfall nothing is billed.

    Raises:
        NotFound: the contract does not bill it.
        InvalidArgument: it is not POSTPAID, or its true-up is final.
    """
    if contract_id not in (balance.contract_id, balance.invoice_contract_id):
        raise NotFound("commit", balance.id)
    if balance.type is not BalanceType.POSTPAID:
        raise InvalidArgument("commit_id: only POSTPAID commits have a true-up")
    if balance.archived_at is not None:
        raise InvalidArgument("commit_id: the commit is archived")
    if balance.trueups:
        raise InvalidArgument(
            f"commit_id: its true-up is billed by invoice {balance.trueups[0].invoice_id}"
        )
    return balance.model_copy(update={"trueup_disabled": True})


def _refuse_frozen(
    call: Call, book: Book, balance: Balance, update: BalanceUpdate, field: str
) -> None:
    if balance.archived_at is not None:
        raise InvalidArgument(f"{field}: it is archived")
    if balance.rolled_over:
        raise InvalidArgument(f"{field}: what was rolled over cannot be edited")
    for successor in book.balances:
        origin = successor.rolled_over_from
        if origin is None or origin.balance_id != balance.id:
            continue
        if update.changes_access and _has_final_invoice(call, balance, successor.contract_id):
            raise InvalidArgument(
                f"{field}.access_schedule: it rolled over into a contract that has a finalized"
                " invoice"
            )
        if update.changes_payments and _has_ended(call, balance):
            raise InvalidArgument(
                f"{field}.invoice_schedule: it rolled over, and its contract has ended"
            )


def _has_final_invoice(call: Call, balance: Balance, contract_id: str | None) -> bool:
    return any(
        one.contract_id == contract_id and one.status is InvoiceStatus.FINALIZED
        for one in invoices.of_customer(call.store, call.tenant, balance.customer_id)
    )


def _has_ended(call: Call, balance: Balance) -> bool:
    contract = contracts.get(call, balance.customer_id, balance.contract_id or "")
    return contract.ending_before is not None and contract.ending_before <= call.now


def _with_access(call: Call, balance: Balance, update: BalanceUpdate, field: str) -> Balance:
    drawn = {taken.segment_id: taken.invoice_id for taken in balance.deductions}
    changes = {change.id: change for change in update.update_segments}
    for segment_id in (*changes, *update.remove_segments):
        if balance.segment(segment_id) is None:
            raise NotFound("segment", segment_id)
    for segment_id in update.remove_segments:
        if segment_id in drawn:
            raise InvalidArgument(
                f"{field}.access_schedule.remove_schedule_items: {segment_id} was applied to"
                f" finalized invoice {drawn[segment_id]}"
            )
    segments = []
    for segment in balance.segments:
        if segment.id in update.remove_segments:
            continue
        change = changes.get(segment.id)
        given = {} if change is None else change.model_dump(exclude={"id"}, exclude_none=True)
        segments.append(segment.model_copy(update=given))
    segments += [
        AccessSegment(
            id=call.services.ids.new(),
            amount=added.amount,
            starting_at=added.starting_at,
            ending_before=added.ending_before,
        )
        for added in update.add_segments
    ]
    kept = {segment.id for segment in segments}
    entries = tuple(entry for entry in balance.manual_entries if entry.segment_id in kept)
    return balance.model_copy(update={"segments": tuple(segments), "manual_entries": entries})


def _rolling_over_anew(book: Book, balance: Balance) -> Balance:
    """Returns a balance whose rollovers are open again, and so are those that follow it.

    No final invoice draws those: what they hold is computed from what is left of it now.
    """
    for successor in book.balances:
        origin = successor.rolled_over_from
        if origin is not None and origin.balance_id == balance.id:
            book.put(access.emptied(successor))
    return balance.model_copy(update={"rollovers": ()})


def _with_payments(call: Call, balance: Balance, update: BalanceUpdate, field: str) -> Balance:
    if not balance.is_commit:
        raise InvalidArgument(f"{field}.invoice_schedule: credits have none")
    schedule = balance.invoice_schedule or PointSchedule(credit_type=USD, items=())
    statuses = _statuses(call, balance)
    items = {item.id: item for item in schedule.items}
    for change in update.update_payments:
        if change.id not in items:
            raise NotFound("schedule item", change.id)
        if statuses.get(change.id) is InvoiceStatus.FINALIZED:
            raise InvalidArgument(
                f"{field}.invoice_schedule.update_schedule_items: {change.id} is on a finalized"
                " invoice"
            )
        given = {"timestamp": change.timestamp, "amount": change.amount}
        items[change.id] = items[change.id].model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
    for item_id in update.remove_payments:
        if items.pop(item_id, None) is None:
            raise NotFound("schedule item", item_id)
        if statuses.get(item_id) is not None:
            raise InvalidArgument(
                f"{field}.invoice_schedule.remove_schedule_items: {item_id} is on a"
                f" {statuses[item_id]} invoice"
            )
    added = [
        ScheduleItem(id=call.services.ids.new(), timestamp=new.timestamp, amount=new.amount)
        for new in update.add_payments
    ]
    ordered = sorted([*items.values(), *added], key=lambda item: item.timestamp)
    return balance.model_copy(
        update={"invoice_schedule": schedule.model_copy(update={"items": tuple(ordered)})}
    )


def _refuse_other_payer(call: Call, before: Balance, after: Balance, field: str) -> None:
    if after.contract_id is not None:
        raise InvalidArgument(
            f"{field}.invoice_contract_id: a contract's own commit is invoiced by it"
        )
    if after.invoice_contract_id is not None:
        contracts.get(call, after.customer_id, after.invoice_contract_id)
    if any(status is not None for status in _statuses(call, before).values()):
        raise InvalidArgument(
            f"{field}.invoice_contract_id: another contract has billed some of it already"
        )


def _statuses(call: Call, balance: Balance) -> Mapping[str, InvoiceStatus | None]:
    """Returns how far the invoice of each payment is; None is a draft."""
    if balance.invoiced_by is None:
        return {}
    contract = contracts.get(call, balance.customer_id, balance.invoiced_by)
    invoice_of = billed.invoice_ids(contract, scheduled_invoices.currency_of(call, contract))
    return dict(_items_of(call, balance, invoice_of))


def _items_of(
    call: Call, balance: Balance, invoice_of: Mapping[str, str]
) -> Iterator[tuple[str, InvoiceStatus | None]]:
    for item in balance.invoice_schedule.items if balance.invoice_schedule is not None else ():
        yield item.id, charges.invoice_status(call, invoice_of.get(item.id))
