"""How the account is billed through Stripe: its keys, which are secrets, and its options."""

from collections.abc import Mapping
from typing import Final

from backbeat.application import delivery_accounts
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.errors import NotFound
from backbeat.models.provider_configurations import AccountTerms, DeliveryAccount
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Delete, Put, Version

OPTIONS: Final[Mapping[str, bool]] = {
    "leave_invoices_in_draft": False,
    "skip_zero_dollar_invoices": False,
    "export_invoice_sub_line_items": False,
    "include_zero_quantity_sub_line_items": True,
    "stripe_invoice_quantity_always_string": False,
    "set_effective_at_date_to_inclusive_period_end": False,
}
"""The options and what they are until set."""


def create(call: Call, keys_: Mapping[str, str | None], options: Mapping[str, bool | None]) -> None:
    """Sets the keys and options, whatever was set before.

    Raises:
        Retryable: somebody else set them at the same time.
    """
    account = delivery_accounts.stripe(call)
    delivery_accounts.forget_secrets_of(call, account.id)
    _save(call, keys_, options, before={})


def update(call: Call, keys_: Mapping[str, str | None], options: Mapping[str, bool | None]) -> None:
    """Sets what is given; None takes a key away and an option back.

    Raises:
        NotFound: nothing was set so far.
        Retryable: somebody else set them at the same time.
    """
    before = _options(call)
    if not before:
        raise NotFound("stripe settings", delivery_accounts.stripe(call).id)
    _save(call, keys_, options, before=before)


def set_key(call: Call, key: str) -> None:
    """Sets the API key and leaves the rest as it is.

    Raises:
        Retryable: somebody else set it at the same time.
    """
    _save(call, {"stripe_api_key": key}, {}, before=_options(call))


def delete(call: Call) -> None:
    """Takes keys and options away. Customers' configurations stay."""
    account = delivery_accounts.stripe(call)
    call.store.transact([Delete(keys.delivery_account(call.tenant, account.id))])
    delivery_accounts.forget_secrets_of(call, account.id)


def _options(call: Call) -> AccountTerms:
    # A customer's configuration may have made the account before its settings were: then it has
    # no options.
    account = delivery_accounts.stripe(call)
    key = keys.delivery_account(call.tenant, account.id)
    return (read(call.store, key, DeliveryAccount) or account).configuration


def _save(
    call: Call,
    keys_: Mapping[str, str | None],
    options: Mapping[str, bool | None],
    *,
    before: AccountTerms,
) -> None:
    account = delivery_accounts.stripe(call)
    delivery_accounts.keep_secrets(call, account.id, keys_)
    changed: AccountTerms = {
        "stripe_account_id": f"acct_{derived_id('stripe account', call.owner)[:8]}",
        **OPTIONS,
        **before,
        **{name: OPTIONS[name] if value is None else value for name, value in options.items()},
    }
    key = keys.delivery_account(call.tenant, account.id)
    item = call.store.get(key)
    after = (account if item is None else from_item(item, DeliveryAccount)).model_copy(
        update={"configuration": changed}
    )
    version = 0 if item is None else item.version
    condition = Absent() if item is None else Version(version)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, after, version=version + 1), condition))
    work.commit()
