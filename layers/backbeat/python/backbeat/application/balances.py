"""Commits and credits: creating, reading, manual entries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from backbeat.application import (
    balance_claims,
    billing,
    catalog,
    charges,
    commit_payments,
    consequences,
    contracts,
    customers,
    outbox,
    past_balances,
    scheduled_invoices,
)
from backbeat.application.attempts import insistently
from backbeat.application.balance_book import Book
from backbeat.application.charges import NewSchedule
from backbeat.application.services import Call
from backbeat.application.settled_drafts import Purse
from backbeat.domain import charges as rules
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
from backbeat.models.catalog import ProductType
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.money import USD, CreditType
from backbeat.models.money import add as add_up
from backbeat.models.overrides import Override
from backbeat.models.sharing import Sharing
from backbeat.models.threshold_billing import PaymentGate
from backbeat.persistence import balances, claims
from backbeat.persistence.unit_of_work import UnitOfWork

_ENTRY_KEY: Final = "LEDGERENTRY"
_KEY_USED: Final = "This uniqueness key has already been used."
DEFAULT_PRIORITY: Final = Decimal(100)


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
    netsuite_sales_order_id: str | None = None
    gate: PaymentGate | None = None
    counts_as_discounted: bool = False


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
    """A balance with what is derived from its facts and from the drafts there are now.

    `invoices` are those of payments, by the id of the schedule item.
    """

    balance: Balance
    product_name: str
    worth: Decimal
    ledger: Sequence[LedgerEntry]
    invoices: Mapping[str, str]

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
    balance, payer = insistently(lambda: _create(call, customer_id, wanted))
    if payer is not None:
        billing.catch_up(call, payer)
    return balance


def _create(call: Call, customer_id: str, wanted: NewBalance) -> tuple[Balance, Contract | None]:
    """Creates the balance. Returns it, and the contract that bills it."""
    customer = customers.get(call, customer_id)
    for contract_id in wanted.applicable_contract_ids:
        contracts.get(call, customer.id, contract_id)
    balance = checked(call, customer_id, wanted, contract_id=None, sequence=0, field="")
    payer_id, payer = balance.invoiced_by, None
    work = UnitOfWork(call.store)
    add(call, work, balance)
    if payer_id is not None:
        payer = commit_payments.bill(call, work, [balance], payer_id)
    told = notices.balance_changed(
        balance,
        None,
        customer,
        notices.Change.CREATE,
        environment_type=call.services.environment_type,
        at=call.now,
    )
    outbox.commit(call, work, [told])
    return balance, payer


def add(call: Call, work: UnitOfWork, balance: Balance) -> None:
    """Adds the creation of a balance to the work.

    Raises:
        InvalidArgument: it has custom fields under keys that are not registered.
    """
    work.add(balances.insert(call.tenant, balance))
    consequences.add(call, work, balance.customer_id)
    balance_claims.claim(call, work, balance)


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
    name = product_name(call, wanted.product_id, field)
    unit = wanted.credit_type_id
    balance = Balance(
        id=balance_id,
        sequence=sequence,
        customer_id=customer_id,
        contract_id=contract_id,
        type=wanted.type,
        rate_type=wanted.rate_type,
        name=wanted.name or name,
        description=wanted.description,
        priority=DEFAULT_PRIORITY if wanted.priority is None else wanted.priority,
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
        netsuite_sales_order_id=wanted.netsuite_sales_order_id,
        custom_fields=wanted.custom_fields,
        uniqueness_key=wanted.uniqueness_key,
        counts_as_discounted=wanted.counts_as_discounted,
        created_at=call.now,
    )
    refuse_misfit(call, balance, field)
    return balance


def refuse_misfit(call: Call, balance: Balance, field: str) -> None:
    """Refuses a balance that cannot be. `field` is put before the names of fields in errors.

    Raises:
        InvalidArgument: names what does not fit.
    """
    prefix = f"{field.rstrip('.')}." if field else ""
    _refuse_bad_access(balance, prefix)
    if balance.specifiers and (balance.applicable_product_ids or balance.applicable_product_tags):
        raise InvalidArgument(f"{prefix}specifiers: cannot be combined with applicable products")
    if balance.rollover_fraction is not None and not 0 <= balance.rollover_fraction <= 1:
        raise InvalidArgument(f"{prefix}rollover_fraction: must lie between 0 and 1")
    product_name(call, balance.product_id, prefix)
    refuse_unknown_products(call, balance, prefix)
    if balance.type is BalanceType.POSTPAID:
        _refuse_bad_commitment(balance, prefix)
    schedule = balance.invoice_schedule
    if schedule is not None and not schedule.do_not_invoice and balance.invoiced_by is None:
        raise InvalidArgument(
            f"{prefix}invoice_contract_id: required for a commit that is invoiced"
        )


def _refuse_bad_commitment(commit: Balance, prefix: str) -> None:
    """Refuses a postpaid commit whose true-up would not be what is missing of its one segment."""
    if len(commit.segments) != 1:
        raise InvalidArgument(
            f"{prefix}access_schedule.schedule_items: a POSTPAID commit has exactly one"
        )
    schedule = commit.invoice_schedule
    if schedule is None or len(schedule.items) != 1:
        raise InvalidArgument(
            f"{prefix}invoice_schedule.schedule_items: a POSTPAID commit has exactly one"
        )
    if schedule.credit_type != commit.credit_type:
        raise InvalidArgument(
            f"{prefix}invoice_schedule.credit_type_id: must be that of access_schedule"
        )
    if schedule.items[0].amount.total != commit.segments[0].amount:
        raise InvalidArgument(
            f"{prefix}invoice_schedule.schedule_items: a POSTPAID commit is invoiced for the"
            " amount of its access_schedule"
        )


def with_contract(
    call: Call, work: UnitOfWork, contract: Contract, wanted: Sequence[NewBalance]
) -> tuple[Contract, list[Balance]]:
    """Adds a new contract's balances to the work.

    Returns the contract with the charges that pay for them, and with the overrides that are for
    some of them naming them by their ids; and the balances.

    Raises:
        InvalidArgument: names what does not fit.
    """
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
        if new.temporary_id is not None:
            ids[new.temporary_id] = balance.id
    overrides = tuple(naming(override, ids) for override in contract.overrides)
    drawn_up = contract.model_copy(update={"overrides": overrides})
    return commit_payments.billed(call, drawn_up, made), made


def naming(override: Override, ids: Mapping[str, str]) -> Override:
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
    return _newest_first(Book(call, customer_id).balances)


def _newest_first(found: Iterable[Balance]) -> list[Balance]:
    return sorted(found, key=lambda balance: (balance.created_at, balance.id), reverse=True)


def shown(
    call: Call, customer_id: str, wanted: BalanceFilter, *, detailed: bool
) -> list[ShownBalance]:
    """Returns a customer's balances that are wanted, the newest first.

    What they are worth and their ledgers take computing the drafts: only when `detailed`.

    Raises:
        NotFound: the customer does not exist.
    """
    purse = _purse(call, customers.get(call, customer_id), detailed=detailed)
    found = [one for one in _newest_first(purse.balances) if wanted.wants(one)]
    return _ready(call, purse, found)


def of_contracts(
    call: Call, found: Sequence[Contract], *, detailed: bool, at: datetime | None = None
) -> dict[str, list[ShownBalance]]:
    """Returns the balances of contracts of one customer, by contract, as they were made.

    What they are worth and their ledgers take computing the drafts: only when `detailed`. At an
    earlier time they are what they were by all that is dated until then.
    """
    by_contract: dict[str, list[ShownBalance]] = {contract.id: [] for contract in found}
    archived = {contract.id for contract in found if contract.archived_at is not None}
    for customer_id in {contract.customer_id for contract in found}:
        purse = _purse(call, customers.get(call, customer_id), detailed=detailed)
        everything = [one for one in purse.balances if one.contract_id in by_contract]
        if at is not None and at < call.now:
            everything = [
                one
                for contract in found
                for one in past_balances.as_of(
                    call,
                    contract,
                    [one for one in everything if one.contract_id == contract.id],
                    at,
                )
            ]
        owned = [
            one for one in everything if one.archived_at is None or one.contract_id in archived
        ]
        made = sorted(owned, key=lambda one: (one.created_at, one.sequence, one.id))
        for ready in _ready(call, purse, made, at=at):
            by_contract[ready.balance.contract_id or ""].append(ready)
    return by_contract


def _purse(call: Call, customer: Customer, *, detailed: bool) -> Purse:
    """Returns the customer's balances, settled where it matters what is left of them."""
    purse = Purse(call, customer)
    rolls_over = any(one.awaits_rollover for one in purse.balances)
    return purse.settle() if detailed or rolls_over else purse


def _ready(
    call: Call, purse: Purse, found: Sequence[Balance], *, at: datetime | None = None
) -> list[ShownBalance]:
    at = at or call.now
    products = catalog.known_products(call, [balance.product_id for balance in found])
    invoices: dict[str, str] = {}
    for contract_id in {one.invoiced_by for one in found if one.invoiced_by is not None}:
        contract = contracts.get(call, found[0].customer_id, contract_id)
        currency = scheduled_invoices.currency_of(call, contract)
        invoices |= rules.invoice_ids(contract, currency)
    return [
        ShownBalance(
            balance,
            products[balance.product_id].state_at(call.now).name,
            _worth(call, purse, balance, at),
            ledgers.entries(balance, call.now, purse.drawn_from(balance)),
            invoices,
        )
        for balance in found
    ]


def _worth(call: Call, purse: Purse, balance: Balance, at: datetime) -> Decimal:
    drawn = purse.drawn_from(balance)
    if at >= call.now:
        return ledgers.worth(balance, call.now, drawn)
    # Decision: what is dated later was not known then, drafts of the period included.
    until = [one for one in drawn if one.timestamp <= at]
    return ledgers.worth(ledgers.as_of(balance, at), at, until)


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
    purse = _purse(call, customer, detailed=with_drafts)
    wanted = [
        balance
        for balance in purse.balances
        if balance.credit_type.id == unit.id
        and (not filters or any(one.wants(balance) for one in filters))
    ]
    drawn = purse.drawn_from if with_drafts else _nothing
    return Net(add_up(*(ledgers.worth(one, call.now, drawn(one)) for one in wanted)), unit)


def _nothing(_: Balance) -> list[Deduction]:
    return []


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
    uniqueness_key: str | None = None,
) -> None:
    """Adds an amount to a segment, or takes it away; dated its start unless said otherwise.

    `by_seat` says whose part it is about, where each seat has its own.

    Raises:
        NotFound: the customer, the balance in that place, or the segment does not exist.
        InvalidArgument: the balance is archived, or the amounts by seat do not fit it.
        Conflict: the uniqueness key was used before.
    """
    customers.get(call, customer_id)
    entry = ManualEntry(
        id=call.services.ids.new(),
        segment_id=segment_id,
        amount=amount,
        timestamp=timestamp or call.now,
        reason=reason,
        by_seat=dict(by_seat),
    )
    insistently(
        lambda: _enter(
            call,
            customer_id,
            entry,
            balance_id=balance_id,
            contract_id=contract_id,
            is_dated=timestamp is not None,
            uniqueness_key=uniqueness_key,
        )
    )


def _enter(
    call: Call,
    customer_id: str,
    entry: ManualEntry,
    *,
    balance_id: str,
    contract_id: str | None,
    is_dated: bool,
    uniqueness_key: str | None,
) -> None:
    book = Book(call, customer_id)
    balance = book.get(balance_id)
    if balance.contract_id != contract_id:
        raise NotFound("balance", balance_id)
    segment = balance.segment(entry.segment_id)
    if segment is None:
        raise NotFound("segment", entry.segment_id)
    if balance.archived_at is not None:
        raise InvalidArgument("id: the balance is archived")
    if not is_dated:
        entry = entry.model_copy(update={"timestamp": segment.starting_at})
    seats.refuse_bad_parts(balance, entry.amount, entry.by_seat)
    book.put(balance.model_copy(update={"manual_entries": (*balance.manual_entries, entry)}))
    work = UnitOfWork(call.store)
    work.add(*book.effects())
    consequences.add(call, work, customer_id)
    if uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _ENTRY_KEY, uniqueness_key, entry.id),
            otherwise=claims.taken(_KEY_USED),
        )
    work.commit()


def _refuse_bad_access(balance: Balance, field: str) -> None:
    if not balance.segments:
        raise InvalidArgument(f"{field}access_schedule.schedule_items: needs at least one")
    for number, segment in enumerate(balance.segments):
        if segment.ending_before <= segment.starting_at:
            raise InvalidArgument(
                f"{field}access_schedule.schedule_items[{number}].ending_before:"
                " must be after starting_at"
            )


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
