"""Recurring commits and credits as asked for, and as the templates a contract will hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from backbeat.application import balances, catalog
from backbeat.application.services import Call
from backbeat.domain import recurring as rules
from backbeat.models.balances import BalanceSpecifier, BalanceType, RateChoice
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.overrides import OverrideTerms
from backbeat.models.recurring import (
    ProratedPeriods,
    RecurringAmount,
    RecurringBalance,
    RecurringChanges,
    RecurringTerms,
    RecurringUpdate,
)
from backbeat.models.rounding import RoundedShare
from backbeat.models.schedules import Frequency
from backbeat.models.seats import Allocation, SeatLink
from backbeat.models.sharing import Sharing
from backbeat.models.subscriptions import QuantityMode

T = TypeVar("T", bound=OverrideTerms)


@dataclass(frozen=True, slots=True)
class NewAmount:
    """An amount per period as asked for; without a quantity it is per seat."""

    unit_price: Decimal
    quantity: Decimal | None
    credit_type_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecurringTerms:
    """A template as asked for, but for its dates. `link` may name a subscription's temporary id."""

    type: BalanceType
    product_id: str
    access: NewAmount
    priority: Decimal
    duration: int
    invoice: NewAmount | None = None
    frequency: Frequency | None = None
    proration: ProratedPeriods = ProratedPeriods.FIRST_AND_LAST
    access_rounding: RoundedShare | None = None
    invoice_rounding: RoundedShare | None = None
    rate_type: RateChoice = RateChoice.LIST_RATE
    name: str | None = None
    description: str | None = None
    rollover_fraction: Decimal | None = None
    applicable_product_ids: Sequence[str] = ()
    applicable_product_tags: Sequence[str] = ()
    specifiers: Sequence[BalanceSpecifier] = ()
    link: SeatLink | None = None
    sharing: Sharing | None = None
    temporary_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecurring(NewRecurringTerms):
    """A template as asked for. Dates lie on UTC hours."""

    starting_at: datetime
    ending_before: datetime | None = None

    @property
    def list_name(self) -> str:
        """The request's name of the list it comes in."""
        is_credit = self.type is BalanceType.CREDIT
        return "recurring_credits" if is_credit else "recurring_commits"


def changes(
    call: Call,
    contract: Contract,
    *,
    add: Sequence[NewRecurring] = (),
    update: Sequence[RecurringUpdate] = (),
    subscription_ids: Mapping[str, str],
    prefix: str = "",
) -> RecurringChanges:
    """Returns changes of a contract's templates, checked and complete.

    The contract holds its subscriptions already; `subscription_ids` are those of temporary ids.
    `prefix` is what the request puts before the names of the lists to add.

    Raises:
        NotFound: the contract has no such template of an id.
        InvalidArgument: something does not fit.
    """
    _refuse_second_daily(contract, add, prefix)
    added: list[RecurringBalance] = []
    numbers = {wanted.list_name: 0 for wanted in add}
    for wanted in add:
        place = f"{prefix}{wanted.list_name}[{numbers[wanted.list_name]}]."
        numbers[wanted.list_name] += 1
        sequence = len(contract.recurring_balances) + len(added)
        added.append(_template(call, contract, wanted, subscription_ids, sequence, field=place))
    for entry in update:
        _refuse_bad_update(contract, entry)
    return RecurringChanges(add_recurring=tuple(added), update_recurring=tuple(update))


def temporary_ids(wanted: Sequence[NewRecurring], made: RecurringChanges) -> dict[str, str]:
    """Returns the ids of new templates by the temporary ids they were asked for with."""
    return {
        new.temporary_id: template.id
        for new, template in zip(wanted, made.add_recurring, strict=True)
        if new.temporary_id is not None
    }


def naming(terms: T, ids: Mapping[str, str]) -> T:
    """Returns an override that names templates by their ids instead of the temporary ones."""
    specifiers = tuple(
        specifier.model_copy(
            update={
                "recurring_commit_ids": tuple(
                    ids.get(id_, id_) for id_ in specifier.recurring_commit_ids
                )
            }
        )
        for specifier in terms.specifiers
    )
    return terms.model_copy(update={"specifiers": specifiers})


def _template(
    call: Call,
    contract: Contract,
    wanted: NewRecurring,
    subscription_ids: Mapping[str, str],
    sequence: int,
    *,
    field: str,
) -> RecurringBalance:
    _refuse_bad_dates(contract, wanted, field)
    if wanted.specifiers and (wanted.applicable_product_ids or wanted.applicable_product_tags):
        raise InvalidArgument(f"{field}specifiers: cannot be combined with applicable products")
    if wanted.rollover_fraction is not None and not 0 <= wanted.rollover_fraction <= 1:
        raise InvalidArgument(f"{field}rollover_fraction: must lie between 0 and 1")
    name = balances.product_name(call, wanted.product_id, field)
    balances.refuse_unknown_products(call, wanted, field)
    terms = terms_of(call, wanted, link=_link(contract, wanted, subscription_ids, field))
    return RecurringBalance(
        **dict(terms),
        sequence=sequence,
        product_name=name,
        starting_at=wanted.starting_at,
        ending_before=wanted.ending_before,
    )


def terms_of(call: Call, wanted: NewRecurringTerms, *, link: SeatLink | None) -> RecurringTerms:
    """Returns terms as they are stored, under a new id.

    Raises:
        InvalidArgument: a credit type is unknown.
    """
    return RecurringTerms(
        id=call.services.ids.new(),
        type=wanted.type,
        product_id=wanted.product_id,
        name=wanted.name,
        description=wanted.description,
        access=_amount(call, wanted.access),
        invoice=None if wanted.invoice is None else _amount(call, wanted.invoice),
        priority=wanted.priority,
        rate_type=wanted.rate_type,
        duration=wanted.duration,
        frequency=wanted.frequency,
        proration=wanted.proration,
        access_rounding=wanted.access_rounding,
        invoice_rounding=wanted.invoice_rounding,
        rollover_fraction=wanted.rollover_fraction,
        applicable_product_ids=tuple(wanted.applicable_product_ids),
        applicable_product_tags=tuple(wanted.applicable_product_tags),
        specifiers=tuple(wanted.specifiers),
        link=link,
        sharing=wanted.sharing,
    )


def wanted_again(
    terms: RecurringTerms, *, starting_at: datetime, ending_before: datetime | None
) -> NewRecurring:
    """Returns stored terms as if they were asked for now, with dates."""
    return NewRecurring(
        type=terms.type,
        product_id=terms.product_id,
        access=_asked(terms.access),
        invoice=None if terms.invoice is None else _asked(terms.invoice),
        priority=terms.priority,
        duration=terms.duration,
        frequency=terms.frequency,
        proration=terms.proration,
        access_rounding=terms.access_rounding,
        invoice_rounding=terms.invoice_rounding,
        rate_type=terms.rate_type,
        name=terms.name,
        description=terms.description,
        rollover_fraction=terms.rollover_fraction,
        applicable_product_ids=terms.applicable_product_ids,
        applicable_product_tags=terms.applicable_product_tags,
        specifiers=terms.specifiers,
        link=terms.link,
        sharing=terms.sharing,
        temporary_id=terms.id,
        starting_at=starting_at,
        ending_before=ending_before,
    )


def _asked(amount: RecurringAmount) -> NewAmount:
    return NewAmount(amount.unit_price, amount.quantity, amount.credit_type.id)


def _amount(call: Call, wanted: NewAmount) -> RecurringAmount:
    return RecurringAmount(
        unit_price=wanted.unit_price,
        quantity=wanted.quantity,
        credit_type=catalog.credit_type(call, wanted.credit_type_id),
    )


def _refuse_second_daily(contract: Contract, wanted: Sequence[NewRecurring], prefix: str) -> None:
    """Refuses more than one template of single days, and any that follows seats."""
    daily = [one for one in wanted if one.frequency is Frequency.DAILY]
    before = [one for one in contract.recurring_balances if one.frequency is Frequency.DAILY]
    for one in daily:
        place = f"{prefix}{one.list_name}.recurrence_frequency"
        if len(daily) + len(before) > 1:
            raise InvalidArgument(f"{place}: a contract has one DAILY template at most")
        if one.link is not None:
            raise InvalidArgument(f"{place}: DAILY cannot be combined with subscription_config")


def _refuse_bad_dates(contract: Contract, wanted: NewRecurring, field: str) -> None:
    start, end = wanted.starting_at, wanted.ending_before
    if end is not None and end <= max(start, contract.starting_at):
        raise InvalidArgument(f"{field}ending_before: must be after starting_at")
    if contract.ending_before is not None and start >= contract.ending_before:
        raise InvalidArgument(f"{field}starting_at: must be before the contract's end")


def _link(
    contract: Contract, wanted: NewRecurring, subscription_ids: Mapping[str, str], field: str
) -> SeatLink | None:
    link = wanted.link
    if link is None:
        if wanted.access.quantity is None:
            raise InvalidArgument(
                f"{field}access_amount.quantity: required without subscription_config"
            )
        return None
    if wanted.access.quantity is not None:
        raise InvalidArgument(
            f"{field}access_amount.quantity: cannot be given with subscription_config"
        )
    id_ = subscription_ids.get(link.subscription_id, link.subscription_id)
    subscription = next((one for one in contract.subscriptions if one.id == id_), None)
    if subscription is None:
        raise InvalidArgument(
            f"{field}subscription_config.subscription_id: the contract has no subscription {id_}"
        )
    individual = link.allocation is Allocation.INDIVIDUAL
    if individual and subscription.quantity_mode is not QuantityMode.SEAT_BASED:
        raise InvalidArgument(
            f"{field}subscription_config.allocation: INDIVIDUAL needs a SEAT_BASED subscription"
        )
    return link.model_copy(update={"subscription_id": id_})


def _refuse_bad_update(contract: Contract, update: RecurringUpdate) -> None:
    kind = "credit" if update.type is BalanceType.CREDIT else "commit"
    field = f"update_recurring_{kind}s"
    before = next(
        (
            template
            for template in contract.recurring_balances
            if (template.id, template.type) == (update.recurring_id, update.type)
        ),
        None,
    )
    if before is None:
        raise NotFound(f"recurring {kind}", update.recurring_id)
    if update.invoice is not None and before.invoice is None:
        raise InvalidArgument(f"{field}.invoice_amount: the recurring commit has none")
    if before.link is not None and update.access is not None and update.access.quantity is not None:
        raise InvalidArgument(f"{field}.access_amount.quantity: it is that of the subscription")
    after = rules.updated(before, update)
    if after.ending_before is not None and after.ending_before <= after.starting_at:
        raise InvalidArgument(f"{field}.ending_before: must be after starting_at")
