"""Adding, changing and billing charges: from what is asked for to what the contract will hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import (
    billing,
    catalog,
    contracts,
    customers,
    invoices,
    scheduled_invoices,
)
from backbeat.application.services import Call
from backbeat.domain import charges as rules
from backbeat.domain import schedules
from backbeat.domain.identity import derived_id
from backbeat.models.catalog import ProductType
from backbeat.models.charges import (
    Amount,
    ChargeChanges,
    Discount,
    PointSchedule,
    ProService,
    ProServiceInvoice,
    ProServiceLine,
    RecurringSchedule,
    ResellerRoyalty,
    ResellerRoyaltyChange,
    ResellerType,
    ScheduledCharge,
    ScheduledChargeUpdate,
    ScheduleItem,
    ScheduleItemUpdate,
)
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType
from backbeat.models.money import USD
from backbeat.persistence import contracts as persisted
from backbeat.persistence import invoices as stored_invoices
from backbeat.persistence.unit_of_work import UnitOfWork

_MOST_DATES: Final = 1200
"""Dates one schedule may have: a contract and all its terms are one stored item."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """A dated amount as asked for."""

    timestamp: datetime
    amount: Amount


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """Dated amounts as asked for: one by one, or recurring. Without a unit they are in USD."""

    credit_type_id: str | None
    items: tuple[NewItem, ...]
    recurring: RecurringSchedule | None
    do_not_invoice: bool = False


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A scheduled charge or discount as asked for."""

    product_id: str
    schedule: NewSchedule
    name: str | None = None
    netsuite_sales_order_id: str | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewProService:
    """A professional service as asked for."""

    product_id: str
    unit_price: Decimal
    quantity: Decimal
    max_amount: Decimal
    description: str | None = None
    netsuite_sales_order_id: str | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRoyalty:
    """A royalty as asked for. `given` are its fields; what is missing is as in the one before.

    With `starting_at` it is a new segment, else the type's last one changes.
    """

    reseller_type: ResellerType
    given: dict[str, object]


@dataclass(frozen=True, slots=True)
class ItemEdit:
    """New values of a dated amount; None leaves one as it is."""

    id: str
    timestamp: datetime | None = None
    amount: Amount | None = None


@dataclass(frozen=True, slots=True)
class ChargeEdit:
    """A change of a scheduled charge as asked for."""

    scheduled_charge_id: str
    netsuite_sales_order_id: str | None = None
    removes_netsuite_sales_order_id: bool = False
    add_items: tuple[NewItem, ...] = ()
    update_items: tuple[ItemEdit, ...] = ()
    remove_items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedCharges:
    """All changes of charges that are asked for together."""

    scheduled_charges: Sequence[NewCharge] = ()
    discounts: Sequence[NewCharge] = ()
    professional_services: Sequence[NewProService] = ()
    reseller_royalties: Sequence[NewRoyalty] = ()
    update_scheduled_charges: Sequence[ChargeEdit] = ()
    archive_scheduled_charges: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WantedService:
    """A part of a professional service to bill. Without a unit price the term's holds."""

    professional_service_id: str
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    metadata: str | None = None


def changes(
    call: Call, contract: Contract, wanted: WantedCharges, *, prefix: str = ""
) -> ChargeChanges:
    """Returns changes of a contract's charges, checked and complete.

    `prefix` is what the request puts before the names of the lists to add.

    Raises:
        NotFound: the contract has no scheduled charge or schedule item of an id.
        InvalidArgument: something does not fit, or is on a final invoice.
    """
    proposed = ChargeChanges(
        add_scheduled_charges=tuple(
            _new_charge(call, entry, field=f"{prefix}scheduled_charges[{number}]")
            for number, entry in enumerate(wanted.scheduled_charges)
        ),
        update_scheduled_charges=tuple(
            _update(call, contract, entry) for entry in wanted.update_scheduled_charges
        ),
        archive_scheduled_charges=tuple(
            _archivable(call, contract, charge_id) for charge_id in wanted.archive_scheduled_charges
        ),
        add_discounts=tuple(
            _new_discount(call, entry, field=f"{prefix}discounts[{number}]")
            for number, entry in enumerate(wanted.discounts)
        ),
        add_professional_services=tuple(
            _new_service(call, entry, field=f"{prefix}professional_services[{number}]")
            for number, entry in enumerate(wanted.professional_services)
        ),
        add_reseller_royalties=_royalties(
            contract, wanted.reseller_royalties, field=f"{prefix}reseller_royalties"
        ),
    )
    return _beside_final_invoices(call, contract, proposed)


def bill_services(
    call: Call,
    customer_id: str,
    contract_id: str,
    *,
    issued_at: datetime,
    wanted: Sequence[WantedService],
) -> Invoice:
    """Schedules an invoice for professional services and returns it, final if it is due.

    Raises:
        NotFound: the customer, the contract or a service does not exist.
        InvalidArgument: a service's maximum would be exceeded, or the contract is archived.
    """
    customer = customers.get(call, customer_id)
    before = contracts.stored(call, customer_id, contract_id)
    contract = before.contract
    if contract.archived_at is not None:
        raise InvalidArgument("contract_id: the contract is archived")
    services = {service.id: service for service in contract.professional_services}
    for entry in wanted:
        if entry.professional_service_id not in services:
            raise NotFound("professional service", entry.professional_service_id)
    asked = ProServiceInvoice(
        id=call.services.ids.new(),
        issued_at=issued_at,
        lines=tuple(
            ProServiceLine(
                professional_service_id=entry.professional_service_id,
                amount=_service_amount(services[entry.professional_service_id], entry),
                metadata=entry.metadata,
            )
            for entry in wanted
        ),
    )
    after = contract.model_copy(
        update={"professional_service_invoices": (*contract.professional_service_invoices, asked)}
    )
    for service in contract.professional_services:
        if rules.pro_service_billed(after, service.id) > service.max_amount:
            raise InvalidArgument(f"line_items: max_amount of {service.id} would be exceeded")
    _commit(call, before, after)
    currency = scheduled_invoices.currency_of(call, after)
    slot = rules.Slot(issued_at, currency.id, asked.id)
    return invoices.get(call, customer, rules.slot_id(contract.id, slot))


def move_issue_date(call: Call, invoice_id: str, issue_date: datetime) -> None:
    """Gives the draft of a scheduled invoice another issue date; one in the past is final at once.

    Raises:
        NotFound: no invoice has the id.
        InvalidArgument: it is not a draft of a scheduled invoice, or its contract ends before.
    """
    invoice = invoices.locate(call, invoice_id)
    if invoice.status is not InvoiceStatus.DRAFT:
        raise InvalidArgument(f"invoice_id: the invoice is {invoice.status}, not a DRAFT")
    if invoice.type is not InvoiceType.SCHEDULED:
        # Decision: a usage invoice is issued when its grace period is over, and at no other time.
        raise InvalidArgument("invoice_id: only scheduled invoices can be moved")
    before = contracts.stored(call, invoice.customer_id, invoice.contract_id)
    contract = before.contract
    if contract.ending_before is not None and issue_date > contract.ending_before:
        raise InvalidArgument("issue_date: must not be after the contract's end")
    dates = {**contract.issue_dates, invoice_id: issue_date}
    _commit(call, before, contract.model_copy(update={"issue_dates": dates}))


def _commit(call: Call, before: persisted.Stored, after: Contract) -> None:
    work = UnitOfWork(call.store)
    work.add(persisted.replace(call.tenant, before, after))
    work.add(*billing.reschedule(call, after))
    work.commit()
    billing.catch_up(call, after)


# Adding


def _new_charge(call: Call, wanted: NewCharge, *, field: str) -> ScheduledCharge:
    _refuse_bad_product(call, wanted.product_id, ProductType.FIXED, field=field)
    id_ = call.services.ids.new()
    schedule = point_schedule(call, wanted.schedule, owner_id=id_, field=f"{field}.schedule")
    return ScheduledCharge(
        id=id_,
        product_id=wanted.product_id,
        name=wanted.name,
        # Whether to invoice counts on commit schedules only.
        schedule=schedule.model_copy(update={"do_not_invoice": False}),
        netsuite_sales_order_id=wanted.netsuite_sales_order_id,
        custom_fields=wanted.custom_fields,
    )


def _new_discount(call: Call, wanted: NewCharge, *, field: str) -> Discount:
    charge = _new_charge(call, wanted, field=field)
    return Discount(
        id=charge.id,
        product_id=charge.product_id,
        name=charge.name,
        schedule=charge.schedule,
        netsuite_sales_order_id=charge.netsuite_sales_order_id,
        custom_fields=charge.custom_fields,
    )


def _new_service(call: Call, wanted: NewProService, *, field: str) -> ProService:
    _refuse_bad_product(call, wanted.product_id, ProductType.PRO_SERVICE, field=field)
    return ProService(
        id=call.services.ids.new(),
        product_id=wanted.product_id,
        description=wanted.description,
        unit_price=wanted.unit_price,
        quantity=wanted.quantity,
        max_amount=wanted.max_amount,
        netsuite_sales_order_id=wanted.netsuite_sales_order_id,
        custom_fields=wanted.custom_fields,
    )


def point_schedule(call: Call, wanted: NewSchedule, *, owner_id: str, field: str) -> PointSchedule:
    """Returns a schedule as dated amounts. Items get ids derived from the term that owns them.

    Raises:
        InvalidArgument: it has no dates or too many, or its unit is unknown.
    """
    dated = list(wanted.items)
    if wanted.recurring is not None:
        dated = [NewItem(*occurrence) for occurrence in schedules.occurrences(wanted.recurring)]
        if not dated:
            raise InvalidArgument(
                f"{field}.recurring_schedule.ending_before: must be after starting_at"
            )
    if len(dated) > _MOST_DATES:
        raise InvalidArgument(f"{field}: has more than {_MOST_DATES} dates")
    unit = wanted.credit_type_id
    return PointSchedule(
        credit_type=USD if unit is None else catalog.credit_type(call, unit),
        items=tuple(
            ScheduleItem(
                id=derived_id(owner_id, number), timestamp=entry.timestamp, amount=entry.amount
            )
            for number, entry in enumerate(sorted(dated, key=lambda entry: entry.timestamp))
        ),
        do_not_invoice=wanted.do_not_invoice,
    )


def _refuse_bad_product(call: Call, product_id: str, type_: ProductType, *, field: str) -> None:
    try:
        product = catalog.get_product(call, product_id)
    except NotFound as unknown:
        raise InvalidArgument(f"{field}.product_id: {unknown.message}") from unknown
    if product.type is not type_:
        raise InvalidArgument(f"{field}.product_id: must be a {type_} product")
    if product.archived_at is not None:
        raise InvalidArgument(f"{field}.product_id: the product is archived")


def _royalties(
    contract: Contract, wanted: Sequence[NewRoyalty], *, field: str
) -> tuple[ResellerRoyaltyChange, ...]:
    known = list(contract.reseller_royalties)
    changes = []
    for number, entry in enumerate(wanted):
        last = rules.last_royalty(known, entry.reseller_type)
        inherited = {} if last is None else {**dict(last), "ending_before": None}
        if last is not None and "starting_at" not in entry.given:
            inherited["ending_before"] = last.ending_before
        fields = {**inherited, **entry.given, "reseller_type": entry.reseller_type}
        for name in ("starting_at", "fraction", "netsuite_reseller_id"):
            if fields.get(name) is None:
                raise InvalidArgument(f"{field}[{number}].{name}: required")
        royalty = ResellerRoyalty.model_validate(fields)
        if royalty.ending_before is not None and royalty.ending_before <= royalty.starting_at:
            raise InvalidArgument(f"{field}[{number}].ending_before: must be after starting_at")
        if not royalty.applicable_product_ids and not royalty.applicable_product_tags:
            raise InvalidArgument(
                f"{field}[{number}]: needs applicable_product_ids or applicable_product_tags"
            )
        is_new = last is None or "starting_at" in entry.given
        changes.append(ResellerRoyaltyChange(royalty=royalty, is_new=is_new))
        known.append(royalty)
    return tuple(changes)


# Changing


def _update(call: Call, contract: Contract, wanted: ChargeEdit) -> ScheduledChargeUpdate:
    charge = _charge(contract, wanted.scheduled_charge_id)
    if charge.archived_at is not None:
        raise InvalidArgument("update_scheduled_charges: the scheduled charge is archived")
    items = {item.id: item for item in charge.schedule.items}
    for item_id in [*(entry.id for entry in wanted.update_items), *wanted.remove_items]:
        if item_id not in items:
            raise NotFound("schedule item", item_id)
    invoice_of = rules.invoice_ids(contract, scheduled_invoices.currency_of(call, contract))
    for entry in wanted.update_items:
        if invoice_status(call, invoice_of.get(entry.id)) is InvoiceStatus.FINALIZED:
            raise InvalidArgument(f"update_schedule_items: {entry.id} is on a finalized invoice")
    for item_id in wanted.remove_items:
        status = invoice_status(call, invoice_of.get(item_id))
        if status is not None:
            raise InvalidArgument(f"remove_schedule_items: {item_id} is on a {status} invoice")
    return ScheduledChargeUpdate(
        scheduled_charge_id=charge.id,
        netsuite_sales_order_id=wanted.netsuite_sales_order_id,
        removes_netsuite_sales_order_id=wanted.removes_netsuite_sales_order_id,
        add_items=tuple(
            ScheduleItem(id=call.services.ids.new(), timestamp=entry.timestamp, amount=entry.amount)
            for entry in wanted.add_items
        ),
        update_items=tuple(
            ScheduleItemUpdate(
                id=entry.id,
                timestamp=entry.timestamp or items[entry.id].timestamp,
                amount=entry.amount or items[entry.id].amount,
                apart=items[entry.id].apart
                if entry.timestamp in (None, items[entry.id].timestamp)
                else None,
            )
            for entry in wanted.update_items
        ),
        remove_items=wanted.remove_items,
    )


def _archivable(call: Call, contract: Contract, charge_id: str) -> str:
    charge = _charge(contract, charge_id)
    if charge.archived_at is not None:
        raise InvalidArgument("archive_scheduled_charges: the scheduled charge is archived already")
    invoice_of = rules.invoice_ids(contract, scheduled_invoices.currency_of(call, contract))
    for item in charge.schedule.items:
        if invoice_status(call, invoice_of.get(item.id)) is InvoiceStatus.FINALIZED:
            raise InvalidArgument(
                "archive_scheduled_charges: void its finalized invoices first, such as"
                f" {invoice_of[item.id]}"
            )
    return charge.id


def _charge(contract: Contract, charge_id: str) -> ScheduledCharge:
    for charge in contract.scheduled_charges:
        if charge.id == charge_id:
            return charge
    raise NotFound("scheduled charge", charge_id)


def invoice_status(call: Call, invoice_id: str | None) -> InvoiceStatus | None:
    """Returns how far an invoice is, or the one that took its place; None is a draft."""
    status = None
    while invoice_id is not None:
        found = stored_invoices.locate(call.store, call.tenant, invoice_id)
        if found is None:
            return status
        status, invoice_id = found.invoice.status, found.invoice.successor_id
    return status


def _beside_final_invoices(
    call: Call, contract: Contract, proposed: ChargeChanges
) -> ChargeChanges:
    """Returns the changes with amounts whose invoice is final already put on one of their own."""
    moved = {
        entry.id: entry
        for update in proposed.update_scheduled_charges
        for entry in update.update_items
    }
    unchanged = {
        item.id
        for charge in contract.scheduled_charges
        for item in charge.schedule.items
        if item.id not in moved or item.timestamp == moved[item.id].timestamp
    } | {item.id for discount in contract.discounts for item in discount.schedule.items}
    after = rules.changed(contract, proposed, at=call.now)
    invoice_of = rules.invoice_ids(after, scheduled_invoices.currency_of(call, contract))
    new = {item_id: id_ for item_id, id_ in invoice_of.items() if item_id not in unchanged}
    final = stored_invoices.stored_ids(call.store, call.tenant, [*dict.fromkeys(new.values())])
    late = {item_id for item_id, invoice_id in new.items() if invoice_id in final}
    if not late:
        return proposed
    apart = call.services.ids.new()
    return proposed.model_copy(
        update={
            "add_scheduled_charges": tuple(
                charge.model_copy(update={"schedule": _set_apart(charge.schedule, late, apart)})
                for charge in proposed.add_scheduled_charges
            ),
            "add_discounts": tuple(
                discount.model_copy(update={"schedule": _set_apart(discount.schedule, late, apart)})
                for discount in proposed.add_discounts
            ),
            "update_scheduled_charges": tuple(
                update.model_copy(
                    update={
                        "add_items": _items_apart(update.add_items, late, apart),
                        "update_items": tuple(
                            entry.model_copy(update={"apart": apart}) if entry.id in late else entry
                            for entry in update.update_items
                        ),
                    }
                )
                for update in proposed.update_scheduled_charges
            ),
        }
    )


def _set_apart(schedule: PointSchedule, late: set[str], apart: str) -> PointSchedule:
    return schedule.model_copy(update={"items": _items_apart(schedule.items, late, apart)})


def _items_apart(
    items: Iterable[ScheduleItem], late: set[str], apart: str
) -> tuple[ScheduleItem, ...]:
    return tuple(
        item.model_copy(update={"apart": apart}) if item.id in late else item for item in items
    )


def _service_amount(service: ProService, wanted: WantedService) -> Amount:
    if wanted.amount is not None:
        return Amount(unit_price=wanted.amount)
    if wanted.quantity is None:
        raise InvalidArgument("line_items: each needs an amount, or a quantity")
    price = service.unit_price if wanted.unit_price is None else wanted.unit_price
    return Amount(unit_price=price, quantity=wanted.quantity)
