"""Webhook targets: who is told, and with which secret each is signed for."""

from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from backbeat.application import tenants, webhook_secrets
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.notifications import Endpoint
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Delete, Put, Query, Version


def of_tenant(call: Call) -> list[Endpoint]:
    """Returns the tenant's webhook targets in the order they were added."""
    found = [
        from_item(item, Endpoint) for item in walk(call.store, Query(keys.endpoints(call.tenant)))
    ]
    return sorted(found, key=lambda endpoint: (endpoint.created_at, endpoint.url))


def find(call: Call, endpoint_id: str) -> Endpoint | None:
    """Returns a target, or None when it was removed."""
    return read(call.store, keys.endpoint(call.tenant, endpoint_id), Endpoint)


def named(call: Call, url: str) -> Endpoint:
    """Returns the target of a URL.

    Raises:
        NotFound: it is not subscribed.
    """
    endpoint = find(call, _id_of(url))
    if endpoint is None:
        raise NotFound("target", url)
    return endpoint


def add(call: Call, url: str) -> None:
    """Subscribes a target. Subscribing it again changes nothing.

    Raises:
        InvalidArgument: this stage does not post there.
    """
    if not call.services.any_webhook_target:
        _refuse_private(url)
    endpoint = Endpoint(id=_id_of(url), url=url, created_at=call.services.clock.now())
    item = to_item(keys.endpoint(call.tenant, endpoint.id), endpoint)
    work = UnitOfWork(call.store)
    # Without the mark no tick would look for what a crash left unsent.
    work.add(Put(item, Absent()), tenants.mark(call), otherwise=_AlreadySubscribed)
    with suppress(_AlreadySubscribed):
        work.commit()


def remove(call: Call, url: str | None) -> None:
    """Unsubscribes one target, or all of them. What is still on its way there is not sent."""
    for endpoint in of_tenant(call):
        if url is None or endpoint.url == url:
            call.store.transact([Delete(keys.endpoint(call.tenant, endpoint.id))])
            if endpoint.own_secret:
                webhook_secrets.forget(call, endpoint.id)


def set_secret(call: Call, url: str, secret: str, *, overlap: timedelta) -> datetime | None:
    """Gives a target a secret of its own, used from the next attempt on.

    Returns until when the one it had before is valid beside it.

    Raises:
        NotFound: the target is not subscribed.
        Retryable: it was changed at the same time.
    """
    key = keys.endpoint(call.tenant, _id_of(url))
    item = call.store.get(key)
    if item is None:
        raise NotFound("target", url)
    endpoint = from_item(item, Endpoint)
    until = webhook_secrets.replace(call, secret, overlap=overlap, endpoint_id=endpoint.id)
    # Marked last: until then it is signed for with the account's secret.
    marked = endpoint.model_copy(update={"own_secret": True})
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, marked, version=item.version + 1), Version(item.version)))
    work.commit()
    return until


def secrets_for(call: Call, endpoint: Endpoint) -> list[str]:
    """Returns what a target's webhooks are signed with: its secret, and the one before it."""
    return webhook_secrets.valid(call, endpoint.id if endpoint.own_secret else None)


def all_secrets(call: Call) -> list[str]:
    """Returns every secret that a webhook of the tenant may be signed with now."""
    own = [
        secret
        for endpoint in of_tenant(call)
        if endpoint.own_secret
        for secret in webhook_secrets.valid(call, endpoint.id)
    ]
    return [*webhook_secrets.valid(call), *own]


def copy_secrets(call: Call, other: Call) -> None:
    """Gives another tenant the caller's secret and those of its targets, where they are set."""
    webhook_secrets.copy(call, other)
    for endpoint in of_tenant(call):
        if endpoint.own_secret:
            webhook_secrets.copy(call, other, endpoint.id)


def forget_secrets(call: Call) -> None:
    """Removes the tenant's secret and those of its targets."""
    webhook_secrets.forget(call)
    for endpoint in of_tenant(call):
        if endpoint.own_secret:
            webhook_secrets.forget(call, endpoint.id)


class _AlreadySubscribed(Exception):
    """Nothing is to be done."""


def _id_of(url: str) -> str:
    return derived_id("endpoint", url)


def _refuse_private(url: str) -> None:
    """Refuses what can be told from the text alone. Names are looked up when they are posted to."""
    target = urlsplit(url)
    if target.scheme != "https":
        raise InvalidArgument("target: must be an HTTPS URL")
    with suppress(ValueError):
        if not ip_address(target.hostname or "").is_global:
            raise InvalidArgument("target: must be a public address")
