"""The account's own ways to deliver invoices: its accounts at providers, and their secrets.

A provider need not be set up before customers are billed through it: a way to deliver that is
named by provider and method alone exists from its first use on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from backbeat.application import audit
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.audit import AuditAction
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.provider_configurations import AccountTerms, DeliveryAccount, DeliveryMethod
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Item, Put, Query

_HIDDEN: Final = "raw_"
"""Fields of a configuration that begin with this are secrets."""


def of_tenant(call: Call) -> list[DeliveryAccount]:
    """Returns the account's ways to deliver, in order of creation."""
    found = walk(call.store, Query(keys.delivery_accounts(call.tenant)))
    return sorted(
        (from_item(item, DeliveryAccount) for item in found),
        key=lambda account: (account.created_at, account.id),
    )


def set_up(
    call: Call, provider: str, method: DeliveryMethod, configuration: AccountTerms
) -> DeliveryAccount:
    """Adds a way to deliver. Its secrets are kept apart and never shown.

    Raises:
        Conflict: it was set up before, in the same words.
    """
    shown = {name: value for name, value in configuration.items() if not _is_secret(name)}
    text = msgspec.json.encode(shown, order="deterministic").decode()
    account = DeliveryAccount(
        id=derived_id("delivery account", call.owner, provider, method, text),
        provider=provider,
        method=method,
        configuration=shown,
        created_at=call.now,
    )
    secrets = {name: value for name, value in configuration.items() if _is_secret(name)}
    # First: whoever finds the account finds its secrets.
    if secrets:
        keep_secrets(call, account.id, {name: str(value) for name, value in secrets.items()})
    work = UnitOfWork(call.store)

    def known(_: Item | None) -> Exception:
        return Conflict("The billing provider is configured already.", conflicting_id=account.id)

    work.add(Put(_item(call, account), Absent()), otherwise=known)
    work.commit()
    return account


def meant(
    call: Call, provider: str, *, method: DeliveryMethod | None, id_: str | None
) -> DeliveryAccount:
    """Returns the way to deliver that a customer's configuration names.

    Raises:
        InvalidArgument: there is none, or there are several.
    """
    known = [account for account in of_tenant(call) if account.provider == provider]
    if id_ is not None:
        implied = (_implied(call, provider, each) for each in DeliveryMethod)
        found = next((account for account in [*known, *implied] if account.id == id_), None)
        if found is None:
            raise InvalidArgument(f"delivery_method_id: no delivery method {id_}")
        if method not in (None, found.method):
            raise InvalidArgument("delivery_method: is not that of delivery_method_id")
        return found
    if method is None:
        raise InvalidArgument("delivery_method: either it or delivery_method_id is required")
    fitting = [account for account in known if account.method is method]
    if len(fitting) > 1:
        raise InvalidArgument(
            f"delivery_method_id: required, as there are {len(fitting)} accounts at {provider}"
        )
    return fitting[0] if fitting else _implied(call, provider, method)


def ensure(call: Call, account: DeliveryAccount) -> list[Effect]:
    """Returns the effect that adds a way to deliver, unless it is there."""
    if read(call.store, keys.delivery_account(call.tenant, account.id), DeliveryAccount):
        return []
    return [Put(_item(call, account), Absent())]


def stripe(call: Call) -> DeliveryAccount:
    """Returns the account at Stripe that is set by itself, as it is before anything is set."""
    return _implied(call, "stripe", DeliveryMethod.DIRECT_TO_BILLING_PROVIDER)


def found(call: Call, ids: Sequence[str]) -> list[DeliveryAccount]:
    """Returns the ways to deliver of the ids.

    Raises:
        NotFound: one does not exist.
    """
    accounts = {account.id: account for account in of_tenant(call)}
    for id_ in ids:
        if id_ not in accounts:
            raise NotFound("delivery method", id_)
    return [accounts[id_] for id_ in dict.fromkeys(ids)]


def keep_secrets(call: Call, account_id: str, secrets: Mapping[str, str | None]) -> None:
    """Sets secrets of a way to deliver by name; None takes one away, the others stay."""
    name = _secret_name(call, account_id)
    text = call.services.secrets.get(name)
    before: dict[str, str] = {} if text is None else msgspec.json.decode(text)
    after = {name: value for name, value in {**before, **secrets}.items() if value is not None}
    if after == before:
        return
    audit.announce(call, "delivery_method_secrets", account_id, AuditAction.UPDATE)
    if after:
        call.services.secrets.put(name, msgspec.json.encode(after).decode())
    else:
        call.services.secrets.delete(name)


def copy_secrets(call: Call, other: Call) -> None:
    """Gives another tenant the secrets of the caller's ways to deliver."""
    for account in of_tenant(call):
        text = call.services.secrets.get(_secret_name(call, account.id))
        if text is not None:
            other.services.secrets.put(_secret_name(other, account.id), text)


def forget_secrets(call: Call) -> None:
    """Removes the secrets of all ways to deliver."""
    for account in of_tenant(call):
        forget_secrets_of(call, account.id)


def forget_secrets_of(call: Call, account_id: str) -> None:
    """Removes the secrets of a way to deliver."""
    call.services.secrets.delete(_secret_name(call, account_id))


def _implied(call: Call, provider: str, method: DeliveryMethod) -> DeliveryAccount:
    id_ = derived_id("delivery method", call.owner, provider, method)
    return DeliveryAccount(id=id_, provider=provider, method=method, created_at=call.now)


def _is_secret(name: str) -> bool:
    return name.startswith(_HIDDEN)


def _secret_name(call: Call, account_id: str) -> str:
    return f"{call.tenant}/delivery_account/{account_id}"


def _item(call: Call, account: DeliveryAccount) -> Item:
    return to_item(keys.delivery_account(call.tenant, account.id), account)
