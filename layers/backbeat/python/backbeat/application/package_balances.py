"""Commits and credits of packages: as asked for, as stored, and as a contract gets them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from backbeat.application import balances, catalog
from backbeat.application.balances import NewBalance, NewSegment
from backbeat.application.charges import NewItem, NewSchedule
from backbeat.application.services import Call
from backbeat.domain import packages as rules
from backbeat.models.balances import BalanceSpecifier, BalanceType, RateChoice
from backbeat.models.charges import Amount
from backbeat.models.money import USD, CreditType
from backbeat.models.overrides import OverrideTerms
from backbeat.models.packages import BalanceTemplate, TemplateItem, TemplateSegment
from backbeat.models.schedules import RelativeDate


@dataclass(frozen=True, slots=True)
class NewTemplateSegment:
    """An access segment that begins some time after the contract, and lasts so long."""

    amount: Decimal
    starting_at_offset: RelativeDate
    lasts: RelativeDate


@dataclass(frozen=True, slots=True)
class NewTemplateSchedule:
    """What is paid, and when after the contract's start. Without a unit in USD."""

    credit_type_id: str | None
    items: Sequence[tuple[RelativeDate, Amount]]
    do_not_invoice: bool = False


@dataclass(frozen=True, slots=True)
class NewBalanceTemplate:
    """A commit or credit as asked for; `temporary_id` names it in the request."""

    type: BalanceType
    product_id: str
    credit_type_id: str | None
    segments: Sequence[NewTemplateSegment]
    rate_type: RateChoice = RateChoice.LIST_RATE
    name: str | None = None
    description: str | None = None
    priority: Decimal | None = None
    invoice_schedule: NewTemplateSchedule | None = None
    rollover_fraction: Decimal | None = None
    applicable_product_ids: Sequence[str] = ()
    applicable_product_tags: Sequence[str] = ()
    specifiers: Sequence[BalanceSpecifier] = ()
    custom_fields: dict[str, str] = field(default_factory=dict)
    temporary_id: str | None = None


def template(call: Call, wanted: NewBalanceTemplate) -> BalanceTemplate:
    """Returns a commit or credit of a package as it is stored, under a new id.

    Raises:
        InvalidArgument: a credit type is unknown.
    """
    new_id = call.services.ids.new
    schedule = wanted.invoice_schedule
    return BalanceTemplate(
        id=new_id(),
        type=wanted.type,
        product_id=wanted.product_id,
        rate_type=wanted.rate_type,
        name=wanted.name,
        description=wanted.description,
        priority=wanted.priority,
        credit_type=_unit(call, wanted.credit_type_id),
        segments=tuple(
            TemplateSegment(
                id=new_id(),
                amount=one.amount,
                starting_at_offset=one.starting_at_offset,
                lasts=one.lasts,
            )
            for one in wanted.segments
        ),
        invoice_credit_type=None if schedule is None else _unit(call, schedule.credit_type_id),
        invoice_items=tuple(
            TemplateItem(id=new_id(), date_offset=offset, amount=amount)
            for offset, amount in (() if schedule is None else schedule.items)
        ),
        do_not_invoice=schedule is not None and schedule.do_not_invoice,
        rollover_fraction=wanted.rollover_fraction,
        applicable_product_ids=tuple(wanted.applicable_product_ids),
        applicable_product_tags=tuple(wanted.applicable_product_tags),
        specifiers=tuple(wanted.specifiers),
        custom_fields=wanted.custom_fields,
    )


def wanted_of(made: BalanceTemplate, start: datetime) -> NewBalance:
    """Returns what a template asks for of a contract that begins at an instant."""
    segments = []
    for one in made.segments:
        begin = rules.moved(start, one.starting_at_offset)
        segments.append(NewSegment(one.amount, begin, rules.moved(begin, one.lasts)))
    schedule = None
    if made.invoice_credit_type is not None:
        items = tuple(
            NewItem(rules.moved(start, item.date_offset), item.amount)
            for item in made.invoice_items
        )
        schedule = NewSchedule(
            made.invoice_credit_type.id, items, None, do_not_invoice=made.do_not_invoice
        )
    return NewBalance(
        type=made.type,
        product_id=made.product_id,
        credit_type_id=made.credit_type.id,
        segments=segments,
        rate_type=made.rate_type,
        name=made.name,
        description=made.description,
        priority=made.priority,
        invoice_schedule=schedule,
        rollover_fraction=made.rollover_fraction,
        applicable_product_ids=made.applicable_product_ids,
        applicable_product_tags=made.applicable_product_tags,
        specifiers=made.specifiers,
        # Overrides of the package name it by this.
        temporary_id=made.id,
    )


def refuse_misfits(call: Call, made: Iterable[BalanceTemplate], *, start: datetime) -> None:
    """Refuses what no contract could be given.

    Raises:
        InvalidArgument: names what does not fit.
    """
    numbers = {"commits": 0, "credits": 0}
    for one in made:
        kind = "credits" if one.type is BalanceType.CREDIT else "commits"
        place = f"{kind}[{numbers[kind]}]."
        numbers[kind] += 1
        wanted = wanted_of(one, start)
        balances.checked(call, "", wanted, contract_id=one.id, sequence=0, field=place)


def naming(terms: OverrideTerms, ids: Mapping[str, str]) -> OverrideTerms:
    """Returns an override that names templates by their ids instead of the temporary ones."""
    specifiers = tuple(
        specifier.model_copy(
            update={"commit_ids": tuple(ids.get(id_, id_) for id_ in specifier.commit_ids)}
        )
        for specifier in terms.specifiers
    )
    return terms.model_copy(update={"specifiers": specifiers})


def _unit(call: Call, credit_type_id: str | None) -> CreditType:
    return USD if credit_type_id is None else catalog.credit_type(call, credit_type_id)
