"""What a contract bills on dates of its own.

Owns: changing a contract's charges, on which invoice a dated amount lies, its line, royalties.
Does not own: subscriptions, usage, storage.
Times: a dated amount is billed at its timestamp, or with the usage invoice ending on that day.
Invariants: each dated amount lies on exactly one invoice; an invoice's lines never change unit.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backbeat.domain import identity, periods
from backbeat.domain.identity import derived_id
from backbeat.domain.invoicing import usage_invoice_id
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.catalog import Product
from backbeat.models.charges import (
    Amount,
    ChargeChanges,
    Discount,
    PointSchedule,
    ProServiceInvoice,
    ResellerRoyalty,
    ResellerRoyaltyChange,
    ResellerType,
    ScheduledCharge,
    ScheduledChargeUpdate,
    ScheduleItem,
)
from backbeat.models.contracts import Contract
from backbeat.models.invoices import InvoiceType, LineItem, LineType, RoyaltyRecord
from backbeat.models.money import EXACT, CreditType, multiply
from backbeat.models.period import Period

_ZERO = Decimal(0)
_PRO_SERVICE = (ResellerType.AWS_PRO_SERVICE, ResellerType.GCP_PRO_SERVICE)

FIXED_LINE = "FixedProductListItem"
"""The product type that lines of dated amounts carry."""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A scheduled invoice's place: one for each date and unit, and those set apart from it."""

    scheduled_at: datetime
    credit_type_id: str
    apart: str = ""


def slot_id(contract_id: str, slot: Slot) -> str:
    """Returns the id of a slot's invoice, the same for draft and final (decision D-11)."""
    return identity.invoice_id(
        contract_id,
        contract_id,
        InvoiceType.SCHEDULED,
        slot.scheduled_at,
        slot.credit_type_id,
        slot.apart,
    )


def trueup_slot(commit: Balance) -> Slot:
    """Returns the place of a postpaid commit's true-up: an invoice of its own.

    Raises:
        ValueError: the commit has none.
    """
    if commit.invoice_schedule is None or not commit.invoice_schedule.items:
        raise ValueError(f"commit {commit.id} has no invoice schedule")
    unit = commit.invoice_schedule.credit_type
    return Slot(commit.invoice_schedule.items[-1].timestamp, unit.id, apart=commit.id)


def trueup_at(commit: Balance) -> datetime:
    """Returns the date of a postpaid commit's true-up."""
    return trueup_slot(commit).scheduled_at


def trueup_invoice_id(commit: Balance) -> str:
    """Returns the id of a postpaid commit's true-up invoice, the same for draft and final."""
    return slot_id(commit.invoiced_by or "", trueup_slot(commit))


@dataclass(frozen=True, slots=True)
class Billed:
    """A dated amount and the term it comes from."""

    term: ScheduledCharge | Discount
    item: ScheduleItem

    @property
    def credit_type(self) -> CreditType:
        """The unit it is billed in."""
        return self.term.schedule.credit_type

    @property
    def slot(self) -> Slot:
        """The scheduled invoice it lies on, unless it joins a usage invoice."""
        return Slot(self.item.timestamp, self.credit_type.id, self.item.apart or "")


def with_payment(contract: Contract, commit: Balance) -> Contract:
    """Returns the contract with what it bills for a commit, as the commit's schedule says now.

    A postpaid commit is billed once, what is missing of it then, on an invoice of its own.
    """
    others = [one for one in contract.scheduled_charges if one.commit_id != commit.id]
    before = next((one for one in contract.scheduled_charges if one.commit_id == commit.id), None)
    schedule = commit.invoice_schedule
    is_trueup = commit.type is BalanceType.POSTPAID
    if (
        schedule is None
        or commit.invoiced_by != contract.id
        or commit.archived_at is not None
        or (is_trueup and not commit.has_trueup)
    ):
        return contract.model_copy(update={"scheduled_charges": tuple(others)})
    apart = {} if before is None else {item.id: item for item in before.schedule.items}
    payment = ScheduledCharge(
        id=derived_id("commit payment", commit.id),
        commit_id=commit.id,
        is_trueup=is_trueup,
        product_id=commit.product_id,
        name=commit.name,
        schedule=schedule.model_copy(
            update={
                "items": tuple(
                    item.model_copy(
                        update={"apart": commit.id if is_trueup else _apart_of(item, apart)}
                    )
                    for item in schedule.items
                )
            }
        ),
    )
    if before is None:
        return contract.model_copy(
            update={"scheduled_charges": (*contract.scheduled_charges, payment)}
        )
    return contract.model_copy(
        update={
            "scheduled_charges": tuple(
                payment if one is before else one for one in contract.scheduled_charges
            )
        }
    )


def set_apart(contract: Contract, item_ids: Collection[str], apart: str) -> Contract:
    """Returns the contract with some amounts of its commits on an invoice of their own."""

    def moved(charge: ScheduledCharge) -> ScheduledCharge:
        items = tuple(
            item.model_copy(update={"apart": apart}) if item.id in item_ids else item
            for item in charge.schedule.items
        )
        return charge.model_copy(
            update={"schedule": charge.schedule.model_copy(update={"items": items})}
        )

    return contract.model_copy(
        update={
            "scheduled_charges": tuple(
                charge if charge.commit_id is None else moved(charge)
                for charge in contract.scheduled_charges
            )
        }
    )


def changed(contract: Contract, changes: ChargeChanges, *, at: datetime) -> Contract:
    """Returns the contract after a change made at an instant."""
    updates = {update.scheduled_charge_id: update for update in changes.update_scheduled_charges}
    archived = {*changes.archive_scheduled_charges}
    kept = [
        charge.model_copy(update={"archived_at": at})
        if charge.id in archived
        else _updated(charge, updates.get(charge.id))
        for charge in contract.scheduled_charges
    ]
    royalties = contract.reseller_royalties
    for change in changes.add_reseller_royalties:
        royalties = _with_royalty(royalties, change)
    return contract.model_copy(
        update={
            "scheduled_charges": (*kept, *changes.add_scheduled_charges),
            "discounts": (*contract.discounts, *changes.add_discounts),
            "professional_services": (
                *contract.professional_services,
                *changes.add_professional_services,
            ),
            "reseller_royalties": royalties,
        }
    )


def ended(contract: Contract, ending_before: datetime, *, keeps_trueups: bool = False) -> Contract:
    """Returns the contract without what it would have billed after an earlier end.

    What is dated exactly at the end stays, like the usage invoice that ends there; and with
    `keeps_trueups`, what is to be billed of postpaid commits.
    """

    def cut(schedule: PointSchedule) -> PointSchedule:
        items = tuple(item for item in schedule.items if item.timestamp <= ending_before)
        return schedule.model_copy(update={"items": items})

    return contract.model_copy(
        update={
            "scheduled_charges": tuple(
                charge
                if charge.is_trueup and keeps_trueups
                else charge.model_copy(update={"schedule": cut(charge.schedule)})
                for charge in contract.scheduled_charges
            ),
            "discounts": tuple(
                discount.model_copy(update={"schedule": cut(discount.schedule)})
                for discount in contract.discounts
            ),
            "professional_service_invoices": tuple(
                invoice
                for invoice in contract.professional_service_invoices
                if invoice.issued_at <= ending_before
            ),
        }
    )


def billed(contract: Contract) -> Iterator[Billed]:
    """Yields the dated amounts of a contract: charges in the order they were added, discounts."""
    terms: list[ScheduledCharge | Discount] = [
        *(charge for charge in contract.scheduled_charges if charge.archived_at is None),
        *contract.discounts,
    ]
    for term in terms:
        if not term.schedule.do_not_invoice:
            yield from (Billed(term, item) for item in term.schedule.items)


def joins_usage_invoice(contract: Contract, entry: Billed, currency: CreditType) -> bool:
    """Tells whether a dated amount is billed with the usage of the period that ends on its day.

    So it is where the contract says so, the amount is in the currency of usage invoices, and a
    period ends on the same UTC day, unless its invoice was final when the amount was added.
    """
    if contract.scheduled_charges_on_usage_invoices is None or entry.item.apart is not None:
        return False
    return (
        entry.credit_type == currency and _usage_end_on(contract, entry.item.timestamp) is not None
    )


def joining(contract: Contract, period: Period, currency: CreditType) -> Iterator[Billed]:
    """Yields the dated amounts that are billed with the usage of a period."""
    for entry in billed(contract):
        same_day = entry.item.timestamp.date() == period.ending_before.date()
        if same_day and joins_usage_invoice(contract, entry, currency):
            yield entry


def invoice_ids(contract: Contract, currency: CreditType) -> dict[str, str]:
    """Returns the invoice of each dated amount, by the id of its schedule item.

    `currency` is that of the contract's usage invoices.
    """
    found = {}
    for entry in billed(contract):
        end = _usage_end_on(contract, entry.item.timestamp)
        if end is not None and joins_usage_invoice(contract, entry, currency):
            before = end - timedelta(microseconds=1)
            period = next(periods.usage_periods_from(contract, before))
            found[entry.item.id] = usage_invoice_id(contract.id, period)
        else:
            found[entry.item.id] = slot_id(contract.id, entry.slot)
    return found


def _usage_end_on(contract: Contract, instant: datetime) -> datetime | None:
    """Returns the end of a usage period on the UTC day of an instant, or None."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = [periods.boundary_from(contract.usage_statement_schedule, midnight)]
    if contract.ending_before is not None:
        ends.append(contract.ending_before)
    for end in ends:
        if end.date() == instant.date() and periods.ends_usage_period(contract, end):
            return end
    return None


def line(entry: Billed, product: Product, *, invoice_id: str) -> LineItem:
    """Returns the line of a dated amount."""
    term, item = entry.term, entry.item
    # Decision D-40: a discount is a line with a negative price.
    is_discount = isinstance(term, Discount)
    if isinstance(term, ScheduledCharge) and term.is_trueup:
        kind, refers = LineType.SCHEDULED, {"postpaid_commit_id": term.commit_id}
    elif isinstance(term, ScheduledCharge) and term.commit_id is not None:
        kind, refers = LineType.COMMIT_PURCHASE, {"commit_id": term.commit_id}
    else:
        kind = LineType.SCHEDULED
        refers = {"discount_id" if is_discount else "scheduled_charge_id": term.id}
    price = -item.amount.unit_price if is_discount else item.amount.unit_price
    return _fixed_line(
        Amount(unit_price=price, quantity=item.amount.quantity),
        product,
        at=item.timestamp,
        id=derived_id(invoice_id, kind, item.id),
        type=kind,
        credit_type=entry.credit_type,
    ).model_copy(
        update={
            "name": term.name or product.state_at(item.timestamp).name,
            "term_custom_fields": term.custom_fields,
            **refers,
        }
    )


def pro_service_lines(
    invoice: ProServiceInvoice,
    service_products: Mapping[str, Product],
    credit_type: CreditType,
    *,
    invoice_id: str,
) -> Iterator[LineItem]:
    """Yields the lines of a professional services invoice. Products are given by service id."""
    for number, part in enumerate(invoice.lines):
        yield _fixed_line(
            part.amount,
            service_products[part.professional_service_id],
            at=invoice.issued_at,
            id=derived_id(invoice_id, LineType.PROFESSIONAL_SERVICE, number),
            type=LineType.PROFESSIONAL_SERVICE,
            credit_type=credit_type,
        ).model_copy(
            update={
                "professional_service_id": part.professional_service_id,
                "metadata": part.metadata,
            }
        )


def pro_service_billed(contract: Contract, service_id: str) -> Decimal:
    """Returns what has been asked to be billed of a professional service so far."""
    total = _ZERO
    for invoice in contract.professional_service_invoices:
        for part in invoice.lines:
            if part.professional_service_id == service_id:
                total = EXACT.add(total, part.amount.total)
    return total


def royalty_of(
    contract: Contract, lines: Sequence[LineItem], *, at: datetime
) -> RoyaltyRecord | None:
    """Returns what a reseller keeps of an invoice, or None when none of its lines matches.

    Decision D-41: it is recorded beside the total and never taken off. Of several royalties in
    force at the instant, the first that matches a line is recorded.
    """
    for royalty in contract.reseller_royalties:
        matching = [entry for entry in lines if _keeps(royalty, entry)]
        if royalty.in_force(at) and matching:
            spend = _ZERO
            for entry in matching:
                spend = EXACT.add(spend, entry.total)
            return RoyaltyRecord(royalty=royalty, amount=multiply(spend, royalty.fraction))
    return None


def _keeps(royalty: ResellerRoyalty, entry: LineItem) -> bool:
    is_service = entry.professional_service_id is not None
    if is_service != (royalty.reseller_type in _PRO_SERVICE):
        return False
    return entry.product_id in royalty.applicable_product_ids or bool(
        {*royalty.applicable_product_tags} & {*entry.product_tags}
    )


def _with_royalty(
    royalties: tuple[ResellerRoyalty, ...], change: ResellerRoyaltyChange
) -> tuple[ResellerRoyalty, ...]:
    new = change.royalty
    latest = last_royalty(royalties, new.reseller_type)
    if latest is None:
        return (*royalties, new)
    if not change.is_new:
        return tuple(new if royalty is latest else royalty for royalty in royalties)
    cut = latest.ending_before is None or latest.ending_before > new.starting_at
    before = latest.model_copy(update={"ending_before": new.starting_at}) if cut else latest
    return (*(before if royalty is latest else royalty for royalty in royalties), new)


def last_royalty(
    royalties: Sequence[ResellerRoyalty], reseller_type: ResellerType
) -> ResellerRoyalty | None:
    """Returns the royalty segment of a type that was added last, or None."""
    of_type = [royalty for royalty in royalties if royalty.reseller_type is reseller_type]
    return of_type[-1] if of_type else None


def _apart_of(item: ScheduleItem, before: Mapping[str, ScheduleItem]) -> str | None:
    """Returns on which invoice of its own an amount lies, as long as it keeps its date."""
    if item.apart is not None:
        return item.apart
    known = before.get(item.id)
    return known.apart if known is not None and known.timestamp == item.timestamp else None


def _updated(charge: ScheduledCharge, update: ScheduledChargeUpdate | None) -> ScheduledCharge:
    if update is None:
        return charge
    new = {item.id: item for item in update.update_items}
    items = [
        item
        if item.id not in new
        else item.model_copy(
            update={
                "timestamp": new[item.id].timestamp,
                "amount": new[item.id].amount,
                "apart": new[item.id].apart,
            }
        )
        for item in charge.schedule.items
        if item.id not in update.remove_items
    ]
    ordered = sorted([*items, *update.add_items], key=lambda item: item.timestamp)
    order = charge.netsuite_sales_order_id
    if update.removes_netsuite_sales_order_id:
        order = None
    return charge.model_copy(
        update={
            "schedule": charge.schedule.model_copy(update={"items": tuple(ordered)}),
            "netsuite_sales_order_id": update.netsuite_sales_order_id or order,
        }
    )


def _fixed_line(
    amount: Amount,
    product: Product,
    *,
    at: datetime,
    id: str,
    type: LineType,
    credit_type: CreditType,
) -> LineItem:
    state = product.state_at(at)
    return LineItem(
        id=id,
        type=type,
        name=state.name,
        product_id=product.id,
        product_type=FIXED_LINE,
        product_tags=state.tags,
        product_custom_fields=product.custom_fields,
        quantity=amount.quantity,
        unit_price=amount.unit_price,
        total=amount.total,
        credit_type=credit_type,
        starting_at=at,
    )
