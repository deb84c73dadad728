"""Customers' accounts at billing providers and revenue systems."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backbeat.application import delivery_accounts
from backbeat.application.attempts import insistently
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.provider_configurations import (
    AccountTerms,
    DeliveryAccount,
    DeliveryMethod,
    ProviderConfiguration,
    ProviderKind,
)
from backbeat.persistence import contracts, keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Put, Query, Version

AT_ONCE: Final = 60
"""Configurations that one request may add or archive: they are written in one transaction."""

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "stripe": ("stripe_customer_id",),
    "aws_marketplace": ("aws_customer_id", "aws_product_code", "aws_region"),
    "azure_marketplace": ("azure_subscription_id",),
    "gcp_marketplace": ("gcp_entitlement_id",),
    "netsuite": ("netsuite_customer_id",),
}
_WITH_TAX: Final = ("auto_charge_payment_intent", "manually_charge_payment_intent")
_COLLECTION_METHODS: Final = ("charge_automatically", "send_invoice", *_WITH_TAX)


@dataclass(frozen=True, slots=True)
class NewConfiguration:
    """An account as asked for. The delivery method is named by itself or by its id."""

    kind: ProviderKind
    provider: str
    delivery_method: DeliveryMethod | None
    delivery_method_id: str | None
    configuration: AccountTerms
    tax_provider: str | None = None


def add(call: Call, wanted: Sequence[tuple[str, NewConfiguration]]) -> list[ProviderConfiguration]:
    """Adds configurations to customers, all or none.

    Raises:
        NotFound: a customer does not exist.
        InvalidArgument: one of them is not valid for its provider.
    """
    work = UnitOfWork(call.store)
    made = [made_of(call, customer_id, new) for customer_id, new in wanted]
    for customer_id in {customer_id for customer_id, _ in wanted}:
        if call.store.get(keys.customer(call.tenant, customer_id)) is None:
            raise NotFound("customer", customer_id)
    for configuration in made:
        work.add(*insert(call, configuration))
    if made:
        work.commit()
    return made


def made_of(call: Call, customer_id: str, new: NewConfiguration) -> ProviderConfiguration:
    """Returns the configuration asked for.

    Raises:
        InvalidArgument: it is not valid for its provider.
    """
    _refuse_bad(new)
    account = delivery_accounts.meant(
        call, new.provider, method=new.delivery_method, id_=new.delivery_method_id
    )
    return ProviderConfiguration(
        id=call.services.ids.new(),
        customer_id=customer_id,
        kind=new.kind,
        provider=new.provider,
        delivery_method=account.method,
        delivery_method_id=account.id,
        configuration=dict(new.configuration),
        tax_provider=new.tax_provider,
        created_at=call.now,
    )


def insert(call: Call, configuration: ProviderConfiguration) -> list[Effect]:
    """Returns the effects that store a new configuration, and its way to deliver if it is new."""
    key = keys.provider_configuration(
        call.tenant, configuration.customer_id, configuration.kind, configuration.id
    )
    account = DeliveryAccount(
        id=configuration.delivery_method_id,
        provider=configuration.provider,
        method=configuration.delivery_method,
        created_at=call.now,
    )
    return [Put(to_item(key, configuration), Absent()), *delivery_accounts.ensure(call, account)]


def of_customer(
    call: Call, customer_id: str, kind: ProviderKind, *, include_archived: bool
) -> list[ProviderConfiguration]:
    """Returns a customer's configurations in order of creation.

    Raises:
        NotFound: the customer does not exist.
    """
    if call.store.get(keys.customer(call.tenant, customer_id)) is None:
        raise NotFound("customer", customer_id)
    pk, low, high = keys.provider_configurations(call.tenant, customer_id, kind)
    found = [
        from_item(item, ProviderConfiguration)
        for item in walk(call.store, Query(pk, low=low, high=high))
    ]
    return sorted(
        (one for one in found if include_archived or one.archived_at is None),
        key=lambda one: (one.created_at, one.id),
    )


def archive(call: Call, customer_id: str, kind: ProviderKind, ids: Iterable[str]) -> None:
    """Archives configurations, all or none. Contracts that use them send nothing from now on.

    Their thresholds are switched off: nobody would collect what they charge.

    Raises:
        NotFound: the customer does not exist, or has no configuration of one of the ids.
        InvalidArgument: one is archived already.
        Retryable: others kept changing the contracts.
    """
    wanted = list(dict.fromkeys(ids))
    insistently(lambda: _archive(call, customer_id, kind, wanted))


def _archive(call: Call, customer_id: str, kind: ProviderKind, wanted: Sequence[str]) -> None:
    if call.store.get(keys.customer(call.tenant, customer_id)) is None:
        raise NotFound("customer", customer_id)
    work = UnitOfWork(call.store)
    for id_ in wanted:
        item = call.store.get(keys.provider_configuration(call.tenant, customer_id, kind, id_))
        if item is None:
            raise NotFound(f"{kind} configuration", id_)
        before = from_item(item, ProviderConfiguration)
        if before.archived_at is not None:
            raise InvalidArgument(f"the configuration {id_} is already archived")
        after = before.model_copy(update={"archived_at": call.now})
        work.add(Put(to_item(item.key, after, version=item.version + 1), Version(item.version)))
    if kind is ProviderKind.BILLING:
        work.add(*_uncollected(call, customer_id, wanted))
    if wanted:
        work.commit()


def _uncollected(call: Call, customer_id: str, ids: Collection[str]) -> Iterator[Effect]:
    """Yields what switches off the thresholds of contracts that are billed through accounts."""
    off = {"is_enabled": False}
    for one in contracts.of_customer(call.store, call.tenant, customer_id):
        choice = one.billing_provider
        if choice is None or choice.configuration_id not in ids or one.archived_at is not None:
            continue
        before = contracts.find(call.store, call.tenant, customer_id, one.id)
        if before is None:
            continue
        prepaid, spend = before.contract.prepaid_threshold, before.contract.spend_threshold
        after = before.contract.model_copy(
            update={
                "prepaid_threshold": None if prepaid is None else prepaid.model_copy(update=off),
                "spend_threshold": None if spend is None else spend.model_copy(update=off),
            }
        )
        if after != before.contract:
            yield contracts.replace(call.tenant, before, after)


def _refuse_bad(new: NewConfiguration) -> None:
    missing = [name for name in _REQUIRED.get(new.provider, ()) if not new.configuration.get(name)]
    if missing:
        raise InvalidArgument(f"configuration.{missing[0]}: required for {new.provider}")
    collection = new.configuration.get("stripe_collection_method")
    if new.provider == "stripe" and collection not in (None, *_COLLECTION_METHODS):
        raise InvalidArgument(
            f"configuration.stripe_collection_method: one of {', '.join(_COLLECTION_METHODS)}"
        )
    if new.tax_provider is not None and (new.provider != "stripe" or collection not in _WITH_TAX):
        raise InvalidArgument(
            "tax_provider: only for stripe with a payment intent collection method"
        )
