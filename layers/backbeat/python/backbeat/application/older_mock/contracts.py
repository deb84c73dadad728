"""Contracts of profile `mock`: creating, reading, editing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from backbeat.application import outbox
from backbeat.application.attempts import insistently
from backbeat.application.older_mock import customers, payments
from backbeat.application.older_mock.payments import Threshold
from backbeat.application.older_mock.profile import OlderMock, new_id
from backbeat.application.services import Call
from backbeat.domain.notices.shapes import system_event
from backbeat.domain.older_mock import bridging, notices
from backbeat.domain.older_mock.bridging import Edit
from backbeat.models.errors import NotFound
from backbeat.models.notifications import Notification
from backbeat.models.older_mock import (
    GivenCredit,
    GivenRecurring,
    MockContract,
    MockOverride,
    MockRecurringCredit,
    MockSubscription,
)
from backbeat.models.period import hour_of
from backbeat.persistence import claims, keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Query, Version

_KEY: Final = "OLDERMOCKKEY"
"""One set of uniqueness keys, for contracts and edits alike."""
_CONTRACT_KEY_USED: Final = "Contract already exists with same uniqueness_key"
_EDIT_KEY_USED: Final = "Uniqueness key already used"


class Ending(NamedTuple):
    """When something ends; None takes an end away."""

    id: str
    ending_before: datetime | None


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription to add."""

    temporary_id: str | None
    product_id: str
    billing_frequency: str
    quantity: Decimal
    starting_at: datetime
    custom_fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit asks for, in the order in which it is done. Unknown ids are passed over."""

    uniqueness_key: str | None = None
    update_subscriptions: Sequence[Ending] = ()
    update_recurring_credits: Sequence[Ending] = ()
    archive_credits: Sequence[str] = ()
    add_subscriptions: Sequence[NewSubscription] = ()
    add_recurring_credits: Sequence[GivenRecurring] = ()
    add_credits: Sequence[GivenCredit] = ()
    add_overrides: Sequence[MockOverride] = ()
    threshold: Threshold = field(default_factory=Threshold)


def create(
    call: Call,
    *,
    customer_id: str,
    name: str,
    rate_card_id: str,
    starting_at: datetime,
    uniqueness_key: str | None,
) -> MockContract:
    """Creates a contract and tells of it under both names.

    Raises:
        NotFound: the customer does not exist.
        Conflict: the uniqueness key was used before.
    """
    customers.get(call, customer_id)
    contract = MockContract(
        id=new_id(call, "contract"),
        customer_id=customer_id,
        name=name,
        rate_card_id=rate_card_id,
        starting_at=starting_at,
        uniqueness_key=uniqueness_key,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, contract), Absent()))
    _take(
        call, work, uniqueness_key, contract.id, "Contract already exists with same uniqueness_key"
    )
    outbox.commit(call, work, _told(call, contract, "create", "contract.created", fact=contract.id))
    return contract


def get(call: Call, customer_id: str, contract_id: str) -> MockContract:
    """Returns a customer's contract.

    Raises:
        NotFound: the customer has no such contract.
    """
    return from_item(_stored(call, customer_id, contract_id), MockContract)


def of_customer(
    call: Call, customer_id: str, *, covering: datetime | None = None
) -> list[MockContract]:
    """Returns a customer's contracts, those that began by a date; nobody is looked for."""
    pk, low, high = keys.older_mock_contracts(call.tenant, customer_id)
    found = [
        from_item(item, MockContract) for item in walk(call.store, Query(pk, low=low, high=high))
    ]
    return sorted(
        (one for one in found if covering is None or one.starting_at <= covering),
        key=lambda one: (one.created_at, one.id),
    )


def edit(
    call: Call, profile: OlderMock, customer_id: str, contract_id: str, changes: Changes
) -> str:
    """Changes a contract, all or nothing, and returns the edit's id.

    Raises:
        NotFound: the customer has no such contract.
        Conflict: the uniqueness key was used before.
        Retryable: others kept changing the contract.
    """
    return insistently(partial(_edit, call, profile, customer_id, contract_id, changes))


def _edit(
    call: Call, profile: OlderMock, customer_id: str, contract_id: str, changes: Changes
) -> str:
    item = _stored(call, customer_id, contract_id)
    edit_id = new_id(call, "edit")
    contract = _changed(call, from_item(item, MockContract), changes)
    contract, outcome = payments.configured(contract, changes.threshold)
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, contract, item.version + 1), Version(item.version)))
    _take(call, work, changes.uniqueness_key, edit_id, _EDIT_KEY_USED)
    told: list[Notification] = []
    if outcome is not None:
        others = [one for one in of_customer(call, customer_id) if one.id != contract.id]
        told += payments.settle(
            call, work, profile, contract, [*others, contract], outcome, fact=edit_id
        )
    told += _told(call, contract, "edit", "contract.updated", fact=edit_id)
    outbox.commit(call, work, told)
    return edit_id


def _changed(call: Call, contract: MockContract, changes: Changes) -> MockContract:
    make = partial(new_id, call)
    added = [_subscription(one, make("sub")) for one in changes.add_subscriptions]
    ends = {one.id: one.ending_before for one in changes.update_subscriptions}
    recurring_ends = {one.id: one.ending_before for one in changes.update_recurring_credits}
    contract = contract.model_copy(
        update={
            "subscriptions": (
                *(_ended(one, ends) for one in contract.subscriptions),
                *added,
            ),
            "recurring_credits": tuple(
                one.model_copy(update={"ending_before": recurring_ends[one.id]})
                if one.id in recurring_ends
                else one
                for one in contract.recurring_credits
            ),
            "credits": tuple(
                one.model_copy(update={"archived_at": call.now})
                if one.id in changes.archive_credits
                else one
                for one in contract.credits
            ),
        }
    )
    asked = Edit(updated=frozenset(ends), added=added, add_credits=changes.add_credits)
    for given in changes.add_recurring_credits:
        contract = _promised(contract, given, make("rc"))
        contract = bridging.bridged(contract, given, asked, now=call.now, new_id=make)
    for credit in changes.add_credits:
        contract = bridging.added(contract, credit, new_id=make)
    return contract.model_copy(update={"overrides": (*contract.overrides, *changes.add_overrides)})


def _subscription(new: NewSubscription, id_: str) -> MockSubscription:
    monthly = new.billing_frequency.upper() == "MONTHLY"
    start, middle, end = bridging.first_periods(new.starting_at, monthly=monthly)
    return MockSubscription(
        id=new.temporary_id or id_,
        product_id=new.product_id,
        billing_frequency=new.billing_frequency,
        quantity=new.quantity,
        starting_at=new.starting_at,
        period_starting_at=start,
        period_ending_before=middle,
        next_period_ending_before=end,
        custom_fields=new.custom_fields,
    )


def _ended(one: MockSubscription, ends: dict[str, datetime | None]) -> MockSubscription:
    if one.id not in ends:
        return one
    # The older mock cuts the current period at the first of a month, where it ends anyway.
    return one.model_copy(update={"ending_before": ends[one.id]})


def _promised(contract: MockContract, given: GivenRecurring, id_: str) -> MockContract:
    known = bridging.recurring_like(
        contract, given.product_id, given.starting_at, given.subscription_id
    )
    if known is not None:
        return contract
    made = MockRecurringCredit(
        id=id_,
        product_id=given.product_id,
        starting_at=hour_of(given.starting_at),
        subscription_id=given.subscription_id,
    )
    return contract.model_copy(update={"recurring_credits": (*contract.recurring_credits, made)})


def _told(
    call: Call, contract: MockContract, change: str, older: str, *, fact: str
) -> list[Notification]:
    """Returns the event of everybody's catalogue and the older mock's own."""
    environment = call.services.environment_type
    fields = {
        "contract_id": contract.id,
        "contract_custom_fields": {},
        "customer_id": contract.customer_id,
        "customer_custom_fields": {},
    }
    return [
        system_event(
            f"contract.{change}",
            fields,
            fact=fact,
            environment_type=environment,
            timestamp=call.now,
            at=call.now,
        ),
        notices.contract_told(
            contract,
            older,
            id_=new_id(call, "evt"),
            environment_type=environment,
            at=call.now,
        ),
    ]


def _take(call: Call, work: UnitOfWork, key: str | None, owner: str, message: str) -> None:
    if key is not None:
        work.add(claims.take(call.tenant, _KEY, key, owner), otherwise=claims.taken(message))


def _stored(call: Call, customer_id: str, contract_id: str) -> Item:
    item = call.store.get(keys.older_mock_contract(call.tenant, customer_id, contract_id))
    if item is None:
        raise NotFound("contract", contract_id)
    return item


def _item(call: Call, contract: MockContract, version: int = 1) -> Item:
    key = keys.older_mock_contract(call.tenant, contract.customer_id, contract.id)
    return to_item(key, contract, version=version)
