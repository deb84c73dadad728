"""Credit grants: granting, reading, editing, voiding."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, custom_fields, customers, looks, outbox
from backbeat.application.services import Call
from backbeat.domain import credit_grants as rules
from backbeat.domain import invoicing, notices
from backbeat.domain.credit_grants import Settled
from backbeat.domain.identity import derived_id
from backbeat.models.credit_grants import (
    CreditGrant,
    GrantDeduction,
    GrantEntry,
    PlanUsage,
    Rollover,
)
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineItem, LineType
from backbeat.models.money import CreditType, add
from backbeat.persistence import claims, invoices, keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Query, Version

_UNIQUENESS_KEY: Final = "CREDITGRANT"
_KEY_USED: Final = "This uniqueness key has already been used."


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant as asked for; amounts in the unit of their credit type (USD: cents)."""

    customer_id: str
    name: str
    amount: Decimal
    credit_type_id: str
    paid_amount: Decimal
    paid_credit_type_id: str
    priority: Decimal
    expires_at: datetime
    effective_at: datetime | None = None
    product_ids: Sequence[str] = ()
    reason: str | None = None
    type: str | None = None
    rollover: Rollover | None = None
    uniqueness_key: str | None = None
    invoice_date: datetime | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which grants are wanted; None means whichever."""

    ids: Collection[str] | None = None
    customer_ids: Collection[str] | None = None
    credit_type_ids: Collection[str] | None = None
    not_expiring_before: datetime | None = None
    effective_before: datetime | None = None

    def wants(self, grant: CreditGrant) -> bool:
        """Tells whether a grant passes."""
        return (
            (self.ids is None or grant.id in self.ids)
            and (self.customer_ids is None or grant.customer_id in self.customer_ids)
            and (self.credit_type_ids is None or grant.credit_type.id in self.credit_type_ids)
            and (self.not_expiring_before is None or grant.expires_at >= self.not_expiring_before)
            and (self.effective_before is None or grant.effective_at < self.effective_before)
        )


@dataclass(frozen=True, slots=True)
class ShownGrant:
    """A grant, what it is worth now and at the end of the billing period, and what is drawn.

    `pending` is drawn by the draft of the running month.
    """

    grant: CreditGrant
    posted: Decimal
    with_pending: Decimal
    period_end: datetime
    product_names: Sequence[tuple[str, str]]
    deductions: Sequence[GrantDeduction]
    pending: Sequence[GrantDeduction]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A customer's entries of one credit type in a window, with the balances at its ends.

    `pending` is what is drawn and expires between now and the window's end.
    """

    credit_type: CreditType
    starting_at: datetime
    starting_balance: Decimal
    ending_at: datetime
    ending_balance: Decimal
    ending_with_pending: Decimal
    entries: Sequence[GrantEntry]
    pending: Sequence[GrantEntry]


def create(call: Call, wanted: NewGrant) -> CreditGrant:
    """Grants credits to a customer.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: something does not fit.
        Conflict: the uniqueness key was used before.
    """
    customer = customers.get(call, wanted.customer_id)
    issued_at = wanted.invoice_date or call.now
    if issued_at > call.now:
        raise InvalidArgument("invoice_date: must not be in the future: a grant is billed at once")
    effective_at = wanted.effective_at or call.now
    if wanted.expires_at <= effective_at:
        raise InvalidArgument("expires_at: must be after effective_at")
    if wanted.rollover is not None and wanted.rollover.expires_at <= wanted.expires_at:
        raise InvalidArgument("rollover_settings.expires_at: must be after expires_at")
    known = catalog.known_products(call, wanted.product_ids)
    for number, product_id in enumerate(wanted.product_ids):
        if product_id not in known:
            raise InvalidArgument(f"product_ids.{number}: product not found: {product_id}")
    grant = CreditGrant(
        id=call.services.ids.new(),
        customer_id=wanted.customer_id,
        name=wanted.name,
        reason=wanted.reason,
        type=wanted.type,
        priority=wanted.priority,
        amount=wanted.amount,
        credit_type=catalog.credit_type(call, wanted.credit_type_id),
        paid_amount=wanted.paid_amount,
        paid_credit_type=catalog.credit_type(call, wanted.paid_credit_type_id),
        product_ids=tuple(wanted.product_ids),
        rollover=wanted.rollover,
        uniqueness_key=wanted.uniqueness_key,
        custom_fields=wanted.custom_fields,
        effective_at=effective_at,
        expires_at=wanted.expires_at,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    bill = _purchase(call, customer, grant, issued_at) if grant.paid_amount > 0 else None
    if bill is not None:
        grant = grant.model_copy(update={"invoice_id": bill.id})
        work.add(*invoices.insert(call.store, call.tenant, bill))
    work.add(Put(_item(call, grant), Absent()))
    custom_fields.claim(call, work, FieldEntity.CREDIT_GRANT, grant.id, grant.custom_fields)
    if grant.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, grant.uniqueness_key, grant.id),
            otherwise=claims.taken(_KEY_USED),
        )
    looks.request(call, work, grant.customer_id, recharges=False)
    told = [] if bill is None else [notices.invoice_finalized(bill, at=call.now)]
    outbox.commit(call, work, told)
    return grant


def _purchase(call: Call, customer: Customer, grant: CreditGrant, issued_at: datetime) -> Invoice:
    """Returns the invoice that a grant is bought with. It is final: nothing about it can change."""
    id_ = derived_id("grant purchase", grant.id)
    line = LineItem(
        id=derived_id(id_, "grant"),
        type=LineType.COMMIT_PURCHASE,
        name=grant.name,
        quantity=Decimal(1),
        unit_price=grant.paid_amount,
        total=grant.paid_amount,
        credit_type=grant.paid_credit_type,
    )
    draft = Invoice(
        id=id_,
        customer_id=customer.id,
        contract_id="",
        type=InvoiceType.SCHEDULED,
        status=InvoiceStatus.DRAFT,
        credit_type=grant.paid_credit_type,
        apart=id_,
        issued_at=issued_at,
        line_items=(line,),
        total=grant.paid_amount,
        customer_custom_fields=customer.custom_fields,
        billable_status=invoicing.billable_status(customer, issued_at),
    )
    return invoicing.finalize(draft, at=call.now)


def edit(
    call: Call,
    grant_id: str,
    *,
    name: str | None,
    type_: str | None,
    expires_at: datetime | None,
) -> None:
    """Changes what is given of a grant.

    Raises:
        NotFound: there is no such grant.
        InvalidArgument: it is void, or would end before it begins.
        Retryable: somebody else changed it at the same time.
    """
    grant, item = _held(call, grant_id)
    if grant.voided_at is not None:
        raise InvalidArgument("id: the credit grant is void")
    if expires_at is not None and expires_at <= grant.effective_at:
        raise InvalidArgument("expires_at: must be after effective_at")
    given = {"name": name, "type": type_, "expires_at": expires_at}
    changes = {field: value for field, value in given.items() if value is not None}
    work = UnitOfWork(call.store)
    work.add(_put(call, grant.model_copy(update=changes), item))
    looks.request(call, work, grant.customer_id, recharges=False)
    work.commit()


def void(
    call: Call, grant_id: str, *, release_uniqueness_key: bool, void_invoice: bool = False
) -> None:
    """Takes a grant back, as if it had never been; if asked for, with the invoice that billed it.

    Raises:
        NotFound: there is no such grant.
        InvalidArgument: it is void already.
        Retryable: somebody else changed it at the same time.
    """
    grant, item = _held(call, grant_id)
    if grant.voided_at is not None:
        raise InvalidArgument("id: the credit grant is already void")
    changes: dict[str, object] = {"voided_at": call.now}
    work = UnitOfWork(call.store)
    if release_uniqueness_key and grant.uniqueness_key is not None:
        work.add(claims.release(call.tenant, _UNIQUENESS_KEY, grant.uniqueness_key))
        changes["uniqueness_key"] = None
    bill = (
        None
        if grant.invoice_id is None
        else invoices.locate(call.store, call.tenant, grant.invoice_id)
    )
    if void_invoice and bill is not None and bill.invoice.status is InvoiceStatus.FINALIZED:
        work.add(invoices.change(bill, status=InvoiceStatus.VOID))
    work.add(_put(call, grant.model_copy(update=changes), item))
    looks.request(call, work, grant.customer_id, recharges=False)
    work.commit()


def shown(call: Call, wanted: GrantFilter) -> list[ShownGrant]:
    """Returns the grants that are wanted and not void, the oldest first."""
    settled = everything(call)
    found = [one for one in settled.grants if one.voided_at is None and wanted.wants(one)]
    products = catalog.known_products(call, [id_ for one in found for id_ in one.product_ids])
    names = {id_: product.state_at(call.now).name for id_, product in products.items()}
    end = rules.period_end(call.now)
    return [
        ShownGrant(
            grant,
            rules.balance(grant, call.now, settled.drawn_of(grant, call.now)),
            rules.balance(grant, call.now, settled.drawn_of(grant))
            if grant.expires_at >= end
            else Decimal(0),
            end,
            [(id_, names[id_]) for id_ in grant.product_ids],
            settled.of(grant, call.now),
            [one for one in settled.of(grant) if one.effective_at > call.now],
        )
        for grant in found
    ]


def use_plan(
    call: Call,
    customer_id: str,
    *,
    amount: Decimal,
    credit_type_id: str,
    product_id: str | None,
    at: datetime | None,
) -> PlanUsage:
    """Notes what a plan charges a customer for usage, which grants pay.

    Raises:
        NotFound: the customer or the product does not exist.
        InvalidArgument: the credit type is unknown, or the usage is in the future.
    """
    customers.get(call, customer_id)
    if product_id is not None:
        catalog.get_product(call, product_id)
    used_at = at or call.now
    if used_at > call.now:
        raise InvalidArgument("at: must not be in the future")
    usage = PlanUsage(
        id=call.services.ids.new(),
        customer_id=customer_id,
        at=used_at,
        amount=amount,
        credit_type=catalog.credit_type(call, credit_type_id),
        product_id=product_id,
    )
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.plan_usage(call.tenant, usage.id), usage), Absent()))
    looks.request(call, work, customer_id, recharges=False)
    work.commit()
    return usage


def ledgers(
    call: Call,
    wanted: GrantFilter,
    *,
    starting_on: datetime | None,
    ending_before: datetime | None,
) -> dict[str, list[Ledger]]:
    """Returns the ledgers of customers by credit type.

    Raises:
        InvalidArgument: the window ends in the future.
    """
    if ending_before is not None and ending_before > call.now:
        raise InvalidArgument("ending_before: must not be in the future")
    end = ending_before or rules.period_end(call.now)
    settled = everything(call)
    by_place: dict[tuple[str, str], list[CreditGrant]] = {}
    for grant in settled.grants:
        if wanted.wants(grant) and grant.voided_at is None:
            by_place.setdefault((grant.customer_id, grant.credit_type.id), []).append(grant)
    found: dict[str, list[Ledger]] = {}
    for (customer_id, _), grants in sorted(by_place.items()):
        start = starting_on or min(grant.effective_at for grant in grants)
        found.setdefault(customer_id, []).append(_ledger(call, grants, settled, start, end))
    return found


def _ledger(
    call: Call, grants: Sequence[CreditGrant], settled: Settled, start: datetime, end: datetime
) -> Ledger:
    entries = rules.ledger(grants, settled.deductions, end)
    posted = [entry for entry in entries if entry.effective_at <= call.now]
    return Ledger(
        credit_type=grants[0].credit_type,
        starting_at=start,
        starting_balance=_sum(entry for entry in posted if entry.effective_at <= start),
        ending_at=end,
        ending_balance=_sum(posted),
        ending_with_pending=_sum(entries),
        entries=[entry for entry in posted if entry.effective_at >= start],
        pending=[
            entry
            for entry in entries
            if entry.effective_at > call.now and entry.effective_at >= start
        ],
    )


def _sum(entries: Iterable[GrantEntry]) -> Decimal:
    return add(*(entry.amount for entry in entries))


def everything(call: Call) -> Settled:
    """Returns every grant, with those that expired ones rolled over into, and what is drawn."""
    granted = walk(call.store, Query(keys.credit_grants(call.tenant)))
    used = walk(call.store, Query(keys.plan_usages(call.tenant)))
    return rules.settled(
        [from_item(item, CreditGrant) for item in granted],
        [from_item(item, PlanUsage) for item in used],
        now=call.now,
    )


def _held(call: Call, grant_id: str) -> tuple[CreditGrant, Item | None]:
    """Returns a grant and its item, which one that was rolled over into may not have yet."""
    item = call.store.get(keys.credit_grant(call.tenant, grant_id))
    if item is not None:
        return from_item(item, CreditGrant), item
    for grant in everything(call).grants:
        if grant.id == grant_id:
            return grant, None
    raise NotFound("credit grant", grant_id)


def _put(call: Call, grant: CreditGrant, item: Item | None) -> Put:
    version = 0 if item is None else item.version
    condition = Absent() if item is None else Version(version)
    return Put(_item(call, grant, version + 1), condition)


def _item(call: Call, grant: CreditGrant, version: int = 1) -> Item:
    return to_item(keys.credit_grant(call.tenant, grant.id), grant, version=version)
