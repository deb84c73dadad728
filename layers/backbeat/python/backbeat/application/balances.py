"""Commits and credits: creating, reading, manual entries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from backbeat.application import (
    catalog,
    charges,
    consequences,
    contracts,
    custom_fields,
    customers,
    outbox,
    settled_drafts,
)
from backbeat.application.charges import NewSchedule
from backbeat.application.services import Call
from backbeat.domain import ledgers, notices, seats
from backbeat.domain.identity import derived_id
from backbeat.models.balances import (
    AccessSegment,
    Balance,
    BalanceSpecifier,
    BalanceType,
    Deduction,
    LedgerEntry,
    ManualEntry,
    RateChoice,
)
from backbeat.models.catalog import Product, ProductType
from backbeat.models.charges import PointSchedule, ScheduledCharge
from backbeat.models.contracts import Contract
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.errors import InvalidArgument, NotBuilt, NotFound
from backbeat.models.money import USD, CreditType
from backbeat.models.overrides import Override
from backbeat.models.sharing import Sharing
from backbeat.persistence import balances, claims
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_UNIQUENESS_KEY: Final = "BALANCE"
_KEY_USED: Final = "This uniqueness key has already been used."
_DEFAULT_PRIORITY: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class NewSegment:
    """An access segment as asked for. Dates lie on UTC hours."""

    amount: Decimal
    starting_at: datetime
    ending_before: datetime


class Applicability(Protocol):
    """Which usage a balance is to pay, as asked for."""

    @property
    def applicable_product_ids(self) -> Sequence[str]:
        """Products by id."""

    @property
    def specifiers(self) -> Sequence[BalanceSpecifier]:
        """Products and groups."""


@dataclass(frozen=True, slots=True)
class NewBalance:
    """A commit or credit as asked for; amounts in the unit of the credit type (USD: cents)."""

    type: BalanceType
    product_id: str
    credit_type_id: str | None
    segments: Sequence[NewSegment]
    rate_type: RateChoice = RateChoice.LIST_RATE
    name: str | None = None
    description: str | None = None
    priority: Decimal | None = None
    invoice_schedule: NewSchedule | None = None
    invoice_contract_id: str | None = None
    rollover_fraction: Decimal | None = None
    applicable_product_ids: Sequence[str] = ()
    applicable_product_tags: Sequence[str] = ()
    specifiers: Sequence[BalanceSpecifier] = ()
    applicable_contract_ids: Sequence[str] = ()
    sharing: Sharing | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)
    uniqueness_key: str | None = None
    temporary_id: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceFilter:
    """Which balances are wanted: by kind, place, and when they may be drawn."""

    types: frozenset[BalanceType]
    id: str | None
    with_contracts: bool
    with_archived: bool
    covering_date: datetime | None
    starting_at: datetime | None
    effective_before: datetime | None

    def wants(self, balance: Balance) -> bool:
        """Tells whether a balance passes."""
        return (
            balance.type in self.types
            and self.id in (None, balance.id)
            and (self.with_contracts or balance.contract_id is None)
            and (self.with_archived or balance.archived_at is None)
            and any(self._wants_segment(segment) for segment in balance.segments)
        )

    def _wants_segment(self, segment: AccessSegment) -> bool:
        covering, start, before = self.covering_date, self.starting_at, self.effective_before
        return (
            (covering is None or segment.period.covers(covering))
            and (start is None or segment.ending_before > start)
            and (before is None or segment.starting_at < before)
        )


@dataclass(frozen=True, slots=True)
class NetFilter:
    """Which balances to add up; None means whichever."""

    types: frozenset[BalanceType] | None
    ids: frozenset[str] | None
    custom_fields: dict[str, str]

    def wants(self, balance: Balance) -> bool:
        """Tells whether a balance passes."""
        return (
            (self.types is None or balance.type in self.types)
            and (self.ids is None or balance.id in self.ids)
            and self.custom_fields.items() <= balance.custom_fields.items()
        )


@dataclass(frozen=True, slots=True)
class ShownBalance:
    """A balance with what is derived from its facts and from the drafts there are now."""

    balance: Balance
    product_name: str
    worth: Decimal
    ledger: Sequence[LedgerEntry]

    @property
    def position(self) -> str:
        """Its place in lists, which show the newest first."""
        return f"{self.balance.created_at.isoformat()}#{self.balance.id}"


@dataclass(frozen=True, slots=True)
class Net:
    """An amount in the unit of its credit type (USD: cents)."""

    amount: Decimal
    credit_type: CreditType


def create(call: Call, customer_id: str, wanted: NewBalance) -> Balance:
    """Creates a balance of a customer, for all its contracts or the ones named.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: something does not fit.
        Conflict: the uniqueness key was used before.
    """
    customer = customers.get(call, customer_id)
    schedule = wanted.invoice_schedule
    if schedule is not None and not schedule.do_not_invoice:
        raise NotBuilt("invoice_schedule: invoices of customer commits are not built yet")
    for contract_id in wanted.applicable_contract_ids:
        contracts.get(call, customer.id, contract_id)
    balance = checked(call, customer_id, wanted, contract_id=None, sequence=0, field="")
    work = UnitOfWork(call.store)
    add(call, work, balance)
    told = notices.balance_changed(
        balance,
        None,
        customer,
        notices.Change.CREATE,
        environment_type=call.services.environment_type,
        at=call.now,
    )
    outbox.commit(call, work, [told])
    return balance


def add(call: Call, work: UnitOfWork, balance: Balance) -> None:
    """Adds the creation of a balance to the work.

    Raises:
        InvalidArgument: it has custom fields under keys that are not registered.
    """
    work.add(balances.insert(call.tenant, balance))
    consequences.add(call, work, balance.customer_id)
    is_credit = balance.type is BalanceType.CREDIT
    entity = FieldEntity.CONTRACT_CREDIT if is_credit else FieldEntity.COMMIT
    custom_fields.claim(call, work, entity, balance.id, balance.custom_fields)
    if balance.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, balance.uniqueness_key, balance.id),
            otherwise=claims.taken(_KEY_USED),
        )


def checked(
    call: Call,
    customer_id: str,
    wanted: NewBalance,
    *,
    contract_id: str | None,
    sequence: int,
    field: str,
) -> Balance:
    """Returns the balance asked for. `field` is put before the names of fields in errors.

    Raises:
        InvalidArgument: names what does not fit.
    """
    balance_id = call.services.ids.new()
    schedule = (
        None
        if wanted.invoice_schedule is None
        else charges.point_schedule(
            call, wanted.invoice_schedule, owner_id=balance_id, field=f"{field}invoice_schedule"
        )
    )
    _refuse_bad_access(wanted, field)
    if wanted.specifiers and (wanted.applicable_product_ids or wanted.applicable_product_tags):
        raise InvalidArgument(f"{field}specifiers: cannot be combined with applicable products")
    if wanted.rollover_fraction is not None and not 0 <= wanted.rollover_fraction <= 1:
        raise InvalidArgument(f"{field}rollover_fraction: must lie between 0 and 1")
    name = product_name(call, wanted.product_id, field)
    refuse_unknown_products(call, wanted, field)
    unit = wanted.credit_type_id
    return Balance(
        id=balance_id,
        sequence=sequence,
        customer_id=customer_id,
        contract_id=contract_id,
        type=wanted.type,
        rate_type=wanted.rate_type,
        name=wanted.name or name,
        description=wanted.description,
        priority=_DEFAULT_PRIORITY if wanted.priority is None else wanted.priority,
        product_id=wanted.product_id,
        credit_type=USD if unit is None else catalog.credit_type(call, unit),
        segments=tuple(
            AccessSegment(
                id=derived_id("segment", balance_id, number),
                amount=segment.amount,
                starting_at=segment.starting_at,
                ending_before=segment.ending_before,
            )
            for number, segment in enumerate(wanted.segments)
        ),
        invoice_schedule=schedule,
        invoice_contract_id=wanted.invoice_contract_id,
        rollover_fraction=wanted.rollover_fraction,
        applicable_product_ids=tuple(wanted.applicable_product_ids),
        applicable_product_tags=tuple(wanted.applicable_product_tags),
        specifiers=tuple(wanted.specifiers),
        applicable_contract_ids=tuple(wanted.applicable_contract_ids),
        sharing=wanted.sharing,
        custom_fields=wanted.custom_fields,
        uniqueness_key=wanted.uniqueness_key,
        created_at=call.now,
    )


def with_contract(
    call: Call, work: UnitOfWork, contract: Contract, wanted: Sequence[NewBalance]
) -> tuple[Contract, list[Balance]]:
    """Adds a new contract's balances to the work.

    Returns the contract with the charges that pay for them, and with the overrides that are for
    some of them naming them by their ids; and the balances.

    Raises:
        InvalidArgument: names what does not fit.
        NotBuilt: postpaid commits are not part of Backbeat yet.
    """
    payments = list(contract.scheduled_charges)
    made: list[Balance] = []
    ids: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for sequence, new in enumerate(wanted):
        kind = "credits" if new.type is BalanceType.CREDIT else "commits"
        name = f"{kind}[{numbers[kind]}]."
        numbers[kind] += 1
        balance = checked(
            call,
            contract.customer_id,
            new,
            contract_id=contract.id,
            sequence=sequence,
            field=name,
        )
        add(call, work, balance)
        made.append(balance)
        schedule = balance.invoice_schedule
        if schedule is not None and not schedule.do_not_invoice:
            payments.append(_payment(balance, schedule))
        if new.temporary_id is not None:
            ids[new.temporary_id] = balance.id
    drawn_up = contract.model_copy(
        update={
            "scheduled_charges": tuple(payments),
            "overrides": tuple(_naming(override, ids) for override in contract.overrides),
        }
    )
    return drawn_up, made


def _payment(balance: Balance, schedule: PointSchedule) -> ScheduledCharge:
    return ScheduledCharge(
        id=derived_id("commit payment", balance.id),
        commit_id=balance.id,
        product_id=balance.product_id,
        name=balance.name,
        schedule=schedule,
    )


def _naming(override: Override, ids: Mapping[str, str]) -> Override:
    """Returns an override whose temporary commit ids are the real ones."""
    specifiers = tuple(
        specifier.model_copy(
            update={"commit_ids": tuple(ids.get(id_, id_) for id_ in specifier.commit_ids)}
        )
        for specifier in override.specifiers
    )
    return override.model_copy(update={"specifiers": specifiers})


def of_customer(call: Call, customer_id: str) -> list[Balance]:
    """Returns all of a customer's balances, also those of its contracts, the newest first."""
    found = [balance for _, balance in balances.of_customer(call.store, call.tenant, customer_id)]
    return sorted(found, key=lambda balance: (balance.created_at, balance.id), reverse=True)


def shown(call: Call, customer_id: str, wanted: BalanceFilter) -> list[ShownBalance]:
    """Returns a customer's balances that are wanted, the newest first.

    Raises:
        NotFound: the customer does not exist.
    """
    customer = customers.get(call, customer_id)
    found = [balance for balance in of_customer(call, customer_id) if wanted.wants(balance)]
    products = catalog.known_products(call, [balance.product_id for balance in found])
    drawn = settled_drafts.drawn(call, customer)
    return [
        _shown(call, balance, products[balance.product_id], drawn.get(balance.id, ()))
        for balance in found
    ]


def of_contracts(
    call: Call, found: Sequence[Contract], *, detailed: bool
) -> dict[str, list[ShownBalance]]:
    """Returns the balances of contracts of one customer, by contract, as they were made.

    What they are worth and their ledgers take computing the drafts: only when `detailed`.
    """
    by_contract: dict[str, list[ShownBalance]] = {contract.id: [] for contract in found}
    for customer_id in {contract.customer_id for contract in found}:
        owned = [one for one in of_customer(call, customer_id) if one.contract_id in by_contract]
        drawn = (
            settled_drafts.drawn(call, customers.get(call, customer_id))
            if detailed and owned
            else {}
        )
        products = catalog.known_products(call, [balance.product_id for balance in owned])
        for balance in sorted(owned, key=lambda one: (one.created_at, one.sequence)):
            by_contract[balance.contract_id or ""].append(
                _shown(call, balance, products[balance.product_id], drawn.get(balance.id, ()))
            )
    return by_contract


def _shown(
    call: Call, balance: Balance, product: Product, drawn: Sequence[Deduction]
) -> ShownBalance:
    return ShownBalance(
        balance,
        product.state_at(call.now).name,
        ledgers.worth(balance, call.now, drawn),
        ledgers.entries(balance, call.now, drawn),
    )


def net(
    call: Call,
    customer_id: str,
    *,
    credit_type_id: str | None,
    filters: Sequence[NetFilter],
    with_drafts: bool,
) -> Net:
    """Returns what a customer can spend now: every balance of the unit that any filter wants.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: the credit type is unknown.
    """
    customer = customers.get(call, customer_id)
    unit = USD if credit_type_id is None else catalog.credit_type(call, credit_type_id)
    drawn = settled_drafts.drawn(call, customer) if with_drafts else {}
    total = Decimal(0)
    for balance in of_customer(call, customer_id):
        if balance.credit_type.id != unit.id:
            continue
        if not filters or any(wanted.wants(balance) for wanted in filters):
            total += ledgers.worth(balance, call.now, drawn.get(balance.id, ()))
    return Net(total, unit)


def add_manual_entry(
    call: Call,
    customer_id: str,
    *,
    balance_id: str,
    contract_id: str | None,
    segment_id: str,
    amount: Decimal,
    timestamp: datetime | None,
    reason: str,
    by_seat: Mapping[str, Decimal],
) -> None:
    """Adds an amount to a segment, or takes it away; dated its start unless said otherwise.

    `by_seat` says whose part it is about, where each seat has its own.

    Raises:
        NotFound: the customer, the balance in that place, or the segment does not exist.
        InvalidArgument: the balance is archived, or the amounts by seat do not fit it.
    """
    customers.get(call, customer_id)
    item, balance = _stored(call, customer_id, balance_id)
    if balance.contract_id != contract_id:
        raise NotFound("balance", balance_id)
    segment = next((one for one in balance.segments if one.id == segment_id), None)
    if segment is None:
        raise NotFound("segment", segment_id)
    if balance.archived_at is not None:
        raise InvalidArgument("id: the balance is archived")
    seats.refuse_bad_parts(balance, amount, by_seat)
    entry = ManualEntry(
        id=call.services.ids.new(),
        segment_id=segment_id,
        amount=amount,
        timestamp=timestamp or segment.starting_at,
        reason=reason,
        by_seat=dict(by_seat),
    )
    changed = balance.model_copy(update={"manual_entries": (*balance.manual_entries, entry)})
    work = UnitOfWork(call.store)
    work.add(balances.replace(call.tenant, changed, item))
    consequences.add(call, work, customer_id)
    work.commit()


def _stored(call: Call, customer_id: str, balance_id: str) -> tuple[Item, Balance]:
    item = balances.find(call.store, call.tenant, customer_id, balance_id)
    if item is None:
        raise NotFound("balance", balance_id)
    return item, from_item(item, Balance)


def _refuse_bad_access(wanted: NewBalance, field: str) -> None:
    if not wanted.segments:
        raise InvalidArgument(f"{field}access_schedule.schedule_items: needs at least one")
    for number, segment in enumerate(wanted.segments):
        if segment.ending_before <= segment.starting_at:
            raise InvalidArgument(
                f"{field}access_schedule.schedule_items[{number}].ending_before:"
                " must be after starting_at"
            )
    if wanted.type is BalanceType.POSTPAID:
        # Usage could draw it, but what is missing at the end would never be billed.
        raise NotBuilt(f"{field}type: POSTPAID commits are not built yet")


def refuse_unknown_products(call: Call, wanted: Applicability, field: str) -> None:
    """Refuses applicability to products that do not exist.

    Raises:
        InvalidArgument: names the place.
    """
    by_place = [
        *(
            (f"applicable_product_ids.{n}", id_)
            for n, id_ in enumerate(wanted.applicable_product_ids)
        ),
        *(
            (f"specifiers.{number}.product_id", specifier.product_id)
            for number, specifier in enumerate(wanted.specifiers)
            if specifier.product_id is not None
        ),
    ]
    known = catalog.known_products(call, [product_id for _, product_id in by_place])
    for place, product_id in by_place:
        if product_id not in known:
            raise InvalidArgument(f"{field}{place}: product not found: {product_id}")


def product_name(call: Call, product_id: str, field: str) -> str:
    """Returns the present name of the product that a balance is to be billed as.

    Raises:
        InvalidArgument: it does not exist or is not a FIXED one.
    """
    try:
        product = catalog.get_product(call, product_id)
    except NotFound as unknown:
        raise InvalidArgument(f"{field}product_id: {unknown.message}") from unknown
    if product.type is not ProductType.FIXED:
        raise InvalidArgument(f"{field}product_id: must be a FIXED product")
    return product.state_at(call.now).name
