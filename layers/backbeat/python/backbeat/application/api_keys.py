"""API keys with scopes: made, listed, rotated with an overlap, revoked. Only hashes are stored.

A key is text of 32 random bytes, so its plain SHA-256 can be neither guessed nor turned back.
Looking a key up reads its hash from the store each time: a revoked key stops working at once.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from backbeat.application import roles
from backbeat.application.services import Call, Services
from backbeat.models.api_keys import (
    ApiKey,
    Caller,
    Credential,
    KeySecret,
    KeyUse,
    Role,
    Scope,
    granted,
)
from backbeat.models.base import Model
from backbeat.models.errors import Conflict, NotFound, Unauthenticated
from backbeat.models.period import hour_of
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import Otherwise, UnitOfWork
from backbeat.ports.store import Absent, Delete, Item, Put, Query, Store, Version

PREFIX: Final = "bbk_"
"""What every key begins with, so that a text tells what it is."""

DEFAULT_OVERLAP: Final = timedelta(days=1)
"""How long a secret stays valid beside the one that replaces it."""

_MOST_BEFORE: Final = 10
"""Secrets before the latest that are valid at once; older ones end early."""


_log = logging.getLogger("backbeat.api_keys")


class _KeyName(Model):
    """Holds a name for the key that has it, until that is revoked."""

    key_id: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A key and its text, which cannot be read again."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key may do now, by itself or by its role, and the hour in which it was last used."""

    scopes: frozenset[Scope]
    last_used: datetime | None


def create(
    call: Call,
    *,
    name: str,
    scopes: Sequence[Scope],
    role: Role | None = None,
    own_scopes: frozenset[Scope],
    expires_at: datetime | None,
) -> Issued:
    """Makes a key with some of the scopes that its maker has, or with a role that has no others.

    Raises:
        Forbidden: the maker lacks one of the scopes.
        Conflict: a key of that name is in use.
    """
    roles.refuse_more(roles.given_to(scopes, role, roles.of_owner(call)), own_scopes)
    now = call.services.clock.now()
    text, secret = _new_secret(now)
    key = ApiKey(
        id=f"key_{call.services.ids.new()}",
        owner=call.owner,
        name=name,
        scopes=tuple(dict.fromkeys(scopes)),
        role=role,
        secrets=(secret,),
        created_at=now,
        created_by=call.by.id,
        expires_at=expires_at,
    )
    work = UnitOfWork(call.store)
    work.add(
        Put(to_item(keys.api_key_name(key.owner, name), _KeyName(key_id=key.id)), Absent()),
        otherwise=_name_in_use(name),
    )
    work.add(Put(to_item(keys.api_key(key.owner, key.id), key), Absent()))
    work.add(Put(_credential(key, secret), Absent()))
    work.commit()
    return Issued(key, text)


def of_owner(call: Call) -> list[ApiKey]:
    """Returns all keys of the caller's, revoked ones too, by id."""
    pk, low, high = keys.api_keys(call.owner)
    return [from_item(item, ApiKey) for item in walk(call.store, Query(pk, low=low, high=high))]


def standings(call: Call, found: Sequence[ApiKey]) -> list[Standing]:
    """Returns where some of the caller's keys stand, in their order."""
    given = roles.of_owner(call)
    places = [keys.key_use(key.owner, key.id) for key in found]
    uses = call.store.get_many(places)
    return [
        Standing(
            scopes=roles.given_to(key.scopes, key.role, given),
            last_used=from_item(uses[place], KeyUse).hour if place in uses else None,
        )
        for key, place in zip(found, places, strict=True)
    ]


def find(call: Call, key_id: str) -> ApiKey:
    """Returns a key of the caller's.

    Raises:
        NotFound: the caller has no such key.
    """
    return _held(call, key_id)[1]


def change(
    call: Call,
    key_id: str,
    *,
    scopes: Sequence[Scope],
    role: Role | None,
    own_scopes: frozenset[Scope],
) -> ApiKey:
    """Gives a key other scopes or another role, from its next request on.

    Raises:
        NotFound: the caller has no such key.
        Conflict: it is revoked.
        Forbidden: the caller lacks one of the scopes.
        Retryable: somebody else changed it at the same time.
    """
    item, before = _usable(call, key_id)
    roles.refuse_more(roles.given_to(scopes, role, roles.of_owner(call)), own_scopes)
    now = call.services.clock.now()
    given = {"scopes": tuple(dict.fromkeys(scopes)), "role": role}
    after = before.model_copy(update=given)
    work = UnitOfWork(call.store)
    work.add(_changed(item, after))
    work.add(*(Put(_credential(after, one)) for one in after.secrets if _is_valid(one, now)))
    work.commit()
    return after


def rotate(call: Call, key_id: str, *, overlap: timedelta, own_scopes: frozenset[Scope]) -> Issued:
    """Gives a key another secret; those before stay valid for the overlap at most.

    Raises:
        NotFound: the caller has no such key.
        Conflict: it is revoked.
        Forbidden: the caller lacks one of its scopes, which the new secret would give.
        Retryable: somebody else changed it at the same time.
    """
    item, before = _usable(call, key_id)
    roles.refuse_more(roles.given_to(before.scopes, before.role, roles.of_owner(call)), own_scopes)
    now = call.services.clock.now()
    text, secret = _new_secret(now)
    until = now + overlap
    ending = [_ended_by(one, until) for one in before.secrets]
    valid = [one for one in ending if _is_valid(one, now)]
    valid = valid[-_MOST_BEFORE:]
    after = before.model_copy(update={"secrets": (*valid, secret)})
    work = UnitOfWork(call.store)
    work.add(_changed(item, after))
    work.add(Put(_credential(after, secret), Absent()))
    for one in ending:
        work.add(
            Put(_credential(after, one)) if one in valid else Delete(keys.credential(one.hash))
        )
    work.commit()
    return Issued(after, text)


def revoke(call: Call, key_id: str) -> ApiKey:
    """Ends a key at once, with the access tokens it was exchanged for. Once more changes nothing.

    Raises:
        NotFound: the caller has no such key.
        Retryable: somebody else changed it at the same time.
    """
    item, before = _held(call, key_id)
    if before.revoked_at is not None:
        return before
    after = before.model_copy(update={"revoked_at": call.services.clock.now()})
    work = UnitOfWork(call.store)
    work.add(_changed(item, after), Delete(keys.api_key_name(before.owner, before.name)))
    work.add(*(Delete(keys.credential(secret.hash)) for secret in before.secrets))
    work.commit()
    return after


def caller_by(services: Services, text: str) -> Caller:
    """Returns who calls with a key, or with an access token that was given for one.

    Raises:
        Unauthenticated: it was never issued, is expired, or is revoked.
    """
    credential = read(services.store, keys.credential(hash_of(text)), Credential)
    now = services.clock.now()
    if credential is None or not credential.is_valid(now):
        raise Unauthenticated("Unknown, expired or revoked API key")
    scopes = allowed(services.store, credential)
    if not text.startswith(PREFIX) and credential.key_id is not None:
        # An access token outlives neither the key it was given for nor what that may do.
        key = read(services.store, keys.api_key(credential.owner, credential.key_id), ApiKey)
        if key is None or key.revoked_at is not None:
            raise Unauthenticated("Unknown, expired or revoked API key")
        scopes &= allowed(services.store, key)
    if credential.key_id is not None:
        _note_use(services, credential.owner, credential.key_id, now)
    return Caller(owner=credential.owner, scopes=scopes, actor=credential.key_id or "client")


def allowed(store: Store, given: ApiKey | Credential) -> frozenset[Scope]:
    """Returns what a key, or one of its credentials, may do now."""
    if given.role is None:
        return granted(frozenset(given.scopes))
    return granted(roles.scopes_of(store, given.owner, given.role))


def registered(services: Services, text: str) -> Credential | None:
    """Returns what a key stands for, or None when it is not valid."""
    credential = read(services.store, keys.credential(hash_of(text)), Credential)
    if credential is None or not credential.is_valid(services.clock.now()):
        return None
    return credential


def hash_of(text: str) -> str:
    """Returns what is stored of a secret text."""
    return sha256(text.encode()).hexdigest()


def kept_until(item: Item, end: datetime | None) -> Item:
    """Returns the item with its end, after which the store may drop it."""
    return item if end is None else replace(item, expires_at=int(end.timestamp()) + 1)


def _new_secret(now: datetime) -> tuple[str, KeySecret]:
    text = PREFIX + secrets.token_urlsafe(32)
    return text, KeySecret(hash=hash_of(text), hint=text[-4:], created_at=now)


def _ended_by(secret: KeySecret, until: datetime) -> KeySecret:
    ends = until if secret.valid_until is None else min(secret.valid_until, until)
    return secret.model_copy(update={"valid_until": ends})


def _credential(key: ApiKey, secret: KeySecret) -> Item:
    ends = [end for end in (key.expires_at, secret.valid_until) if end is not None]
    until = min(ends, default=None)
    stands_for = Credential(
        owner=key.owner, scopes=key.scopes, role=key.role, key_id=key.id, valid_until=until
    )
    return kept_until(to_item(keys.credential(secret.hash), stands_for), until)


def _note_use(services: Services, owner: str, key_id: str, now: datetime) -> None:
    """Writes down that a key is used, once an hour; nobody is refused because that fails."""
    use = KeyUse(hour=hour_of(now))
    seen = (owner, key_id, use.hour)
    if not services.used_keys.new([seen]):
        return
    try:
        services.store.transact([Put(to_item(keys.key_use(owner, key_id), use))])
    except Exception:
        _log.exception("use of a key not noted", extra={"key_id": key_id})
    else:
        services.used_keys.add([seen])


def _is_valid(secret: KeySecret, now: datetime) -> bool:
    return secret.valid_until is None or now < secret.valid_until


def _usable(call: Call, key_id: str) -> tuple[Item, ApiKey]:
    item, key = _held(call, key_id)
    if key.revoked_at is not None:
        raise Conflict("The key is revoked", conflicting_id=key_id)
    return item, key


def _held(call: Call, key_id: str) -> tuple[Item, ApiKey]:
    item = call.store.get(keys.api_key(call.owner, key_id))
    if item is None:
        raise NotFound("API key", key_id)
    return item, from_item(item, ApiKey)


def _changed(item: Item, after: ApiKey) -> Put:
    return Put(to_item(item.key, after, version=item.version + 1), Version(item.version))


def _name_in_use(name: str) -> Otherwise:
    def conflict(item: Item | None) -> Exception:
        held = None if item is None else from_item(item, _KeyName).key_id
        return Conflict("name: in use by another key", conflicting_id=held, value=name)

    return conflict
