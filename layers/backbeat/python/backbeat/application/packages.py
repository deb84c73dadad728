"""Packages, and the contracts made from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from backbeat.application import (
    catalog,
    contract_drafting,
    contract_terms,
    custom_fields,
    package_balances,
    rate_cards,
    recurring_terms,
)
from backbeat.application.catalog import ArchiveFilter
from backbeat.application.charges import NewCharge, NewItem, NewSchedule, WantedCharges
from backbeat.application.contract_terms import NewOverride, WantedTerms
from backbeat.application.new_contracts import NewContract
from backbeat.application.package_balances import NewBalanceTemplate
from backbeat.application.recharge_terms import NewPrepaid
from backbeat.application.recurring_terms import NewRecurring, NewRecurringTerms
from backbeat.application.services import Call
from backbeat.application.subscription_changes import NewSubscription
from backbeat.domain import packages as rules
from backbeat.models.balances import BalanceType
from backbeat.models.charges import Amount
from backbeat.models.contracts import Contract, ProviderChoice
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.errors import InvalidArgument, NotFound, Unprocessable
from backbeat.models.money import USD
from backbeat.models.overrides import OverrideTerms, Prioritization, RateTerms
from backbeat.models.packages import (
    OverrideTemplate,
    Package,
    PackageAlias,
    PackageAssignment,
    PackageName,
    RecurringTemplate,
    ScheduledChargeTemplate,
    SubscriptionTemplate,
    TemplateItem,
)
from backbeat.models.period import hour_of
from backbeat.models.schedules import Frequency, RelativeDate, StatementDay
from backbeat.models.subscriptions import ChangeKind, QuantityMode
from backbeat.models.threshold_billing import PrepaidThreshold, SpendThreshold
from backbeat.persistence import claims, keys
from backbeat.persistence.entities import from_item, page_of, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Put, Query, Version

_KIND: Final = "PACKAGE"
_UNIQUENESS_KEY: Final = "PACKAGE"
_KEY_USED: Final = "This uniqueness key has already been used."


class NewOverrideTemplate(NamedTuple):
    """An override as asked for; its start counts from the contract's, its duration from that."""

    wanted: WantedTerms
    starting_at_offset: RelativeDate
    duration: RelativeDate | None


@dataclass(frozen=True, slots=True)
class NewChargeTemplate:
    """A scheduled charge as asked for: amounts and when after the contract's start they fall due.

    Without a unit they are in USD.
    """

    product_id: str
    items: Sequence[tuple[RelativeDate, Amount]]
    name: str | None = None
    credit_type_id: str | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)


class NewRecurringTemplate(NamedTuple):
    """A recurring commit or credit as asked for; its start counts from the contract's."""

    terms: NewRecurringTerms
    starting_at_offset: RelativeDate
    lasts: RelativeDate | None


class NewSubscriptionTemplate(NamedTuple):
    """A subscription as asked for, without its id; `temporary_id` names it in the request."""

    template: SubscriptionTemplate
    temporary_id: str | None


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A package as asked for."""

    name: str
    uniqueness_key: str | None = None
    contract_name: str | None = None
    aliases: Sequence[PackageAlias] = ()
    rate_card_id: str | None = None
    rate_card_alias: str | None = None
    duration: RelativeDate | None = None
    overrides: Sequence[NewOverrideTemplate] = ()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    scheduled_charges: Sequence[NewChargeTemplate] = ()
    subscriptions: Sequence[NewSubscriptionTemplate] = ()
    recurring: Sequence[NewRecurringTemplate] = ()
    balances: Sequence[NewBalanceTemplate] = ()
    prepaid_threshold: NewPrepaid | None = None
    spend_threshold: SpendThreshold | None = None
    scheduled_charges_on_usage_invoices: Literal["ALL"] | None = None
    frequency: Frequency = Frequency.MONTHLY
    statement_day: StatementDay = StatementDay.FIRST_OF_MONTH
    invoice_generation_offset: RelativeDate | None = None
    net_payment_terms_days: int | None = None
    billing_provider: ProviderChoice | None = None


class ListedContracts(NamedTuple):
    """Filters of a package's contracts."""

    starting_at: datetime | None = None
    covering_date: datetime | None = None
    include_archived: bool = False


def create(call: Call, wanted: NewPackage) -> Package:
    """Creates a package.

    Raises:
        NotFound: the rate card does not exist.
        InvalidArgument: a term does not fit the rate card, or an alias ends before it starts.
        Conflict: the uniqueness key was used before.
    """
    subscriptions = [
        entry.template.model_copy(update={"id": call.services.ids.new()})
        for entry in wanted.subscriptions
    ]
    subscription_ids = {
        new.temporary_id: made.id
        for new, made in zip(wanted.subscriptions, subscriptions, strict=True)
        if new.temporary_id is not None
    }
    recurring = [_recurring(call, entry, subscription_ids) for entry in wanted.recurring]
    recurring_ids = {
        new.terms.temporary_id: made.id
        for new, made in zip(wanted.recurring, recurring, strict=True)
        if new.terms.temporary_id is not None
    }
    owned = [package_balances.template(call, entry) for entry in wanted.balances]
    balance_ids = {
        new.temporary_id: made.id
        for new, made in zip(wanted.balances, owned, strict=True)
        if new.temporary_id is not None
    }
    package = Package(
        id=call.services.ids.new(),
        name=wanted.name,
        uniqueness_key=wanted.uniqueness_key,
        contract_name=wanted.contract_name,
        aliases=tuple(wanted.aliases),
        rate_card_id=wanted.rate_card_id,
        rate_card_alias=wanted.rate_card_alias,
        duration=wanted.duration,
        overrides=tuple(
            entry.model_copy(
                update={
                    "terms": package_balances.naming(
                        recurring_terms.naming(entry.terms, recurring_ids), balance_ids
                    )
                }
            )
            for entry in _templates(call, wanted)
        ),
        multiplier_override_prioritization=wanted.prioritization,
        scheduled_charges=tuple(_charge(call, entry) for entry in wanted.scheduled_charges),
        subscriptions=tuple(subscriptions),
        recurring_balances=tuple(recurring),
        commits=tuple(one for one in owned if one.type is not BalanceType.CREDIT),
        credits=tuple(one for one in owned if one.type is BalanceType.CREDIT),
        prepaid_threshold=_prepaid(call, wanted.prepaid_threshold),
        spend_threshold=wanted.spend_threshold,
        scheduled_charges_on_usage_invoices=wanted.scheduled_charges_on_usage_invoices,
        frequency=wanted.frequency,
        statement_day=wanted.statement_day,
        invoice_generation_offset=wanted.invoice_generation_offset,
        net_payment_terms_days=wanted.net_payment_terms_days,
        billing_provider=wanted.billing_provider,
        created_at=call.now,
    )
    # What no contract could be made of is refused now rather than then.
    sample = NewContract(customer_id="", starting_at=hour_of(call.now))
    contract_drafting.draw_up(call, _expanded(package, sample))
    package_balances.refuse_misfits(call, owned, start=sample.starting_at)
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, package), Absent()))
    for entity, terms in (
        (FieldEntity.PACKAGE_SCHEDULED_CHARGE, package.scheduled_charges),
        (FieldEntity.PACKAGE_SUBSCRIPTION, package.subscriptions),
        (FieldEntity.PACKAGE_COMMIT, package.commits),
        (FieldEntity.PACKAGE_CREDIT, package.credits),
    ):
        for term in terms:
            custom_fields.claim(call, work, entity, term.id, term.custom_fields)
    work.add(*_assignments(call, package))
    if package.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, package.uniqueness_key, package.id),
            otherwise=claims.taken(_KEY_USED),
        )
    work.commit()
    return package


def get(call: Call, package_id: str) -> Package:
    """Returns a package, archived ones included.

    Raises:
        NotFound: no package has the id.
    """
    return from_item(_stored(call, package_id), Package)


def page(
    call: Call, *, archived: ArchiveFilter, limit: int, cursor: str | None
) -> tuple[list[Package], str | None]:
    """Returns a page of the packages in order of creation, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, _KIND, archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(
        call.store,
        query,
        keep=lambda item: archived.keeps(from_item(item, Package).archived_at),
    )
    return [from_item(item, Package) for item in items], next_cursor


def archive(call: Call, package_id: str) -> None:
    """Archives a package: its contracts go on, new ones cannot be made from it.

    Raises:
        NotFound: no package has the id.
        Unprocessable: it is archived already.
    """
    item = _stored(call, package_id)
    package = from_item(item, Package)
    if package.archived_at is not None:
        raise Unprocessable("The package is already archived")
    archived = package.model_copy(update={"archived_at": call.now})
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, archived, item.version + 1), Version(item.version)))
    work.commit()


def contracts_on(
    call: Call, package_id: str, wanted: ListedContracts, *, limit: int, cursor: str | None
) -> tuple[list[Contract], str | None]:
    """Returns a page of the contracts made from a package by their start, and the next cursor.

    Raises:
        NotFound: no package has the id.
    """
    _stored(call, package_id)

    def keep(item: Item) -> bool:
        contract = from_item(item, Contract)
        return (
            (wanted.include_archived or contract.archived_at is None)
            and (wanted.covering_date is None or contract.covers(wanted.covering_date))
            and (wanted.starting_at is None or contract.starting_at >= wanted.starting_at)
        )

    query = Query(
        keys.contracts_on_package(call.tenant, package_id),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(call.store, query, keep=keep)
    return [from_item(item, Contract) for item in items], next_cursor


def filled_in(call: Call, wanted: NewContract) -> NewContract:
    """Returns the contract asked for with everything its package says, if it names one.

    Raises:
        NotFound: no package has the id.
        InvalidArgument: no package has the alias then, or the package is archived.
    """
    package_id = wanted.package_id
    if wanted.package_alias is not None:
        package_id = _resolved(call, wanted.package_alias, wanted.starting_at)
    if package_id is None:
        return wanted
    package = get(call, package_id)
    if package.archived_at is not None:
        raise InvalidArgument("package_id: the package is archived")
    return _expanded(package, wanted)


def _expanded(package: Package, wanted: NewContract) -> NewContract:
    start = wanted.starting_at
    end, generation = package.duration, package.invoice_generation_offset
    return replace(
        wanted,
        package_id=package.id,
        name=package.contract_name,
        ending_before=None if end is None else rules.moved(start, end),
        rate_card_id=package.rate_card_id,
        rate_card_alias=package.rate_card_alias,
        overrides=[_override(template, start) for template in package.overrides],
        prioritization=package.multiplier_override_prioritization,
        charges=WantedCharges(
            scheduled_charges=[_new_charge(entry, start) for entry in package.scheduled_charges]
        ),
        subscriptions=[_new_subscription(entry, start) for entry in package.subscriptions],
        recurring=[_new_recurring(entry, start) for entry in package.recurring_balances],
        balances=[
            package_balances.wanted_of(entry, start)
            for entry in (*package.commits, *package.credits)
        ],
        prepaid_threshold=_new_prepaid(package.prepaid_threshold),
        spend_threshold=package.spend_threshold,
        scheduled_charges_on_usage_invoices=package.scheduled_charges_on_usage_invoices,
        frequency=package.frequency,
        statement_day=package.statement_day,
        invoice_generation_starting_at=None
        if generation is None
        else rules.moved(start, generation),
        net_payment_terms_days=package.net_payment_terms_days,
        billing_provider=package.billing_provider,
    )


def product_names(call: Call, found: Sequence[Package]) -> dict[str, str]:
    """Returns the present names of the products that packages name."""
    dated = {charge.product_id for package in found for charge in package.scheduled_charges}
    subscribed = {entry.product_id for package in found for entry in package.subscriptions}
    recurring = {entry.product_id for package in found for entry in package.recurring_balances}
    owned = {
        entry.product_id for package in found for entry in (*package.commits, *package.credits)
    }
    products = catalog.products_of_ids(call, sorted(dated | subscribed | recurring | owned))
    return {product.id: product.state_at(call.now).name for product in products}


def _templates(call: Call, wanted: NewPackage) -> tuple[OverrideTemplate, ...]:
    card_id = wanted.rate_card_id
    if wanted.rate_card_alias is not None:
        card_id = contract_terms.card_of_alias(call, wanted.rate_card_alias, call.now)
    if card_id is not None:
        rate_cards.get(call, card_id)
    asked = [entry.wanted for entry in wanted.overrides]
    prices = contract_terms.price_list(call, card_id, asked)
    return tuple(
        OverrideTemplate(
            id=call.services.ids.new(),
            terms=contract_terms.checked(
                entry.wanted,
                prices,
                prioritization=wanted.prioritization,
                at=call.now,
                field=f"overrides[{number}]",
            ),
            starting_at_offset=entry.starting_at_offset,
            duration=entry.duration,
        )
        for number, entry in enumerate(wanted.overrides)
    )


def _override(template: OverrideTemplate, start: datetime) -> NewOverride:
    begin = rules.moved(start, template.starting_at_offset)
    end = None if template.duration is None else rules.moved(begin, template.duration)
    return NewOverride(_wanted(template.terms), begin, end)


def _charge(call: Call, wanted: NewChargeTemplate) -> ScheduledChargeTemplate:
    unit = wanted.credit_type_id
    return ScheduledChargeTemplate(
        id=call.services.ids.new(),
        product_id=wanted.product_id,
        name=wanted.name,
        credit_type=USD if unit is None else catalog.credit_type(call, unit),
        items=tuple(
            TemplateItem(id=call.services.ids.new(), date_offset=offset, amount=amount)
            for offset, amount in wanted.items
        ),
        custom_fields=wanted.custom_fields,
    )


def _new_charge(template: ScheduledChargeTemplate, start: datetime) -> NewCharge:
    items = tuple(
        NewItem(rules.moved(start, item.date_offset), item.amount) for item in template.items
    )
    return NewCharge(
        product_id=template.product_id,
        schedule=NewSchedule(template.credit_type.id, items, recurring=None),
        name=template.name,
    )


def _new_subscription(template: SubscriptionTemplate, start: datetime) -> NewSubscription:
    offset, duration = template.starting_at_offset, template.duration
    begin = start if offset is None else rules.moved(start, offset)
    with_seats = template.quantity_mode is QuantityMode.SEAT_BASED
    kind = ChangeKind.ADD_UNASSIGNED if with_seats else ChangeKind.SET
    return NewSubscription(
        product_id=template.product_id,
        frequency=template.frequency,
        collection_schedule=template.collection_schedule,
        proration=template.proration,
        initial=((kind, template.initial_quantity, ()),),
        name=template.name,
        description=template.description,
        starting_at=begin,
        ending_before=None if duration is None else rules.moved(begin, duration),
        quantity_mode=template.quantity_mode,
        seat_group_key=template.seat_group_key,
        # What is linked to it names it by this.
        temporary_id=template.id,
    )


def _recurring(
    call: Call, wanted: NewRecurringTemplate, subscription_ids: Mapping[str, str]
) -> RecurringTemplate:
    link = wanted.terms.link
    if link is not None:
        named = subscription_ids.get(link.subscription_id, link.subscription_id)
        link = link.model_copy(update={"subscription_id": named})
    terms = recurring_terms.terms_of(call, wanted.terms, link=link)
    return RecurringTemplate(
        **dict(terms), starting_at_offset=wanted.starting_at_offset, lasts=wanted.lasts
    )


def _new_recurring(template: RecurringTemplate, start: datetime) -> NewRecurring:
    begin = rules.moved(start, template.starting_at_offset)
    end = None if template.lasts is None else rules.moved(begin, template.lasts)
    return recurring_terms.wanted_again(template, starting_at=begin, ending_before=end)


def _prepaid(call: Call, wanted: NewPrepaid | None) -> PrepaidThreshold | None:
    if wanted is None or wanted.custom_unit_id is None:
        return None if wanted is None else wanted.threshold
    unit = catalog.credit_type(call, wanted.custom_unit_id)
    return wanted.threshold.model_copy(update={"custom_unit": unit})


def _new_prepaid(threshold: PrepaidThreshold | None) -> NewPrepaid | None:
    if threshold is None:
        return None
    unit = threshold.custom_unit
    return NewPrepaid(threshold, None if unit is None else unit.id)


def _wanted(terms: OverrideTerms) -> WantedTerms:
    """Returns a template's terms as if they were asked for now, to be checked again."""
    rate = terms.overwrite_rate
    if rate is None:
        return WantedTerms(terms)
    price = RateTerms.model_validate(rate.model_dump(exclude={"credit_type"}))
    without = terms.model_copy(update={"overwrite_rate": None})
    return WantedTerms(without, overwrite=price, credit_type_id=rate.credit_type.id)


def _assignments(call: Call, package: Package) -> Iterator[Effect]:
    for alias in package.aliases:
        start, end = alias.starting_at, alias.ending_before
        if start is not None and end is not None and end <= start:
            raise InvalidArgument(f"aliases: {alias.name}: ending_before must be after starting_at")
    for name in dict.fromkeys(alias.name for alias in package.aliases):
        key = keys.entity(call.tenant, "PACKAGEALIAS", name)
        item = call.store.get(key)
        before = () if item is None else from_item(item, PackageName).assignments
        new = [
            PackageAssignment(
                package_id=package.id,
                starting_at=alias.starting_at,
                ending_before=alias.ending_before,
            )
            for alias in package.aliases
            if alias.name == name
        ]
        entry = PackageName(name=name, assignments=(*before, *new))
        if item is None:
            yield Put(to_item(key, entry), Absent())
        else:
            yield Put(to_item(key, entry, version=item.version + 1), Version(item.version))


def _resolved(call: Call, name: str, at: datetime) -> str:
    entry = read(call.store, keys.entity(call.tenant, "PACKAGEALIAS", name), PackageName)
    package_id = None if entry is None else rules.holder(entry.assignments, at)
    if package_id is None:
        raise InvalidArgument(f"package_alias: no package has the alias {name} at that time")
    return package_id


def _stored(call: Call, package_id: str) -> Item:
    item = call.store.get(keys.entity(call.tenant, _KIND, package_id))
    if item is None:
        raise NotFound("package", package_id)
    return item


def _item(call: Call, package: Package, version: int = 1) -> Item:
    return to_item(
        keys.entity(call.tenant, _KIND, package.id),
        package,
        version=version,
        gsi1=IndexKey(
            keys.entities(call.tenant, _KIND, archived=False),
            keys.created(package.created_at, package.id),
        ),
    )
