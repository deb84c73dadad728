"""Accounts: entities of the product with their subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from backbeat.application.services import Call
from backbeat.models.accounts import Account, Subscription
from backbeat.models.errors import Conflict, NotFound
from backbeat.persistence import accounts as stored
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, walk
from backbeat.ports.connections import ProviderName
from backbeat.ports.store import Index, Item, Query

_MOST: Final = 1_000
"""Accounts that are counted on request."""


def get(call: Call, entity_id: str) -> Account:
    """Returns an account.

    Raises:
        NotFound: no such entity was onboarded.
    """
    return held(call, entity_id)[1]


def held(call: Call, entity_id: str) -> tuple[Item, Account]:
    """Returns an account as stored.

    Raises:
        NotFound: no such entity was onboarded.
    """
    found = stored.account(call.store, call.tenant, entity_id)
    if found is None:
        raise NotFound("entity", entity_id)
    return found


def subscription_of(account: Account) -> Subscription:
    """Returns an account's subscription.

    Raises:
        NotFound: it has none.
    """
    if account.subscription is None:
        raise NotFound("subscription", account.id)
    return account.subscription


def stripe_customer_of(account: Account) -> str:
    """Returns who an account is at Stripe.

    Raises:
        Conflict: its onboarding has not come that far.
    """
    if account.stripe_customer_id is None:
        raise Conflict("The entity is not known to Stripe yet", conflicting_id=account.operation_id)
    return account.stripe_customer_id


def of_customer(call: Call, provider: ProviderName, customer_id: str) -> Account | None:
    """Returns the account of a customer at a provider, or None: for what webhooks tell."""
    entity_id = stored.account_of_customer(call.store, call.tenant, provider, customer_id)
    found = None if entity_id is None else stored.account(call.store, call.tenant, entity_id)
    return None if found is None else found[1]


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts to list. `search` is looked for in ids, names and e-mail addresses."""

    search: str | None = None
    tier: str | None = None
    status: str | None = None


def page(
    call: Call, which: AccountFilter, *, limit: int, cursor: str | None
) -> tuple[list[Account], str | None]:
    """Returns a page of the accounts in order of creation, and the next page's cursor."""
    query = Query(keys.accounts(call.tenant), index=Index.GSI1, limit=limit, cursor=cursor)
    items, next_cursor = page_of(call.store, query, _kept_by(which))
    return [from_item(item, Account) for item in items], next_cursor


class Counted(NamedTuple):
    """How many accounts were found; not all were looked at unless `is_all`."""

    number: int
    is_all: bool


def count(call: Call, which: AccountFilter) -> Counted:
    """Counts accounts, looking at the first thousand: more would take long."""
    kept = _kept_by(which)
    listed = list(
        islice(walk(call.store, Query(keys.accounts(call.tenant), index=Index.GSI1)), _MOST + 1)
    )
    return Counted(sum(map(kept, listed)), is_all=len(listed) <= _MOST)


def _kept_by(which: AccountFilter) -> Callable[[Item], bool]:
    search, tier, status = which.search, which.tier, which.status
    wanted = None if search is None else search.casefold()

    def keep(item: Item) -> bool:
        account = from_item(item, Account)
        subscription = account.subscription
        return (
            (
                wanted is None
                or any(
                    wanted in text.casefold() for text in (account.id, account.name, account.email)
                )
            )
            and (tier is None or (subscription is not None and subscription.plan.tier == tier))
            and (status is None or (subscription is not None and subscription.status == status))
        )

    return keep
