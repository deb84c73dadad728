"""API keys, the tokens that are handed out for them, and what either may do.

Decision on D-90, whose roles have only names: an owner may do everything, a maintainer everything
but decide who may do what, a viewer may look at everything but that and a sandbox's controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from backbeat.models.base import Model


class Scope(StrEnum):
    """A right. `METRONOME` is the whole Metronome API with the controls of a sandbox.

    `KEYS` is to decide who may do what: keys and roles.
    """

    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    METERING_READ = "metering:read"
    METERING_WRITE = "metering:write"
    METERING_ADMIN = "metering:admin"
    METRONOME_READ = "metronome:read"
    METRONOME = "metronome"
    KEYS = "keys:admin"


ALL_SCOPES: Final = frozenset(Scope)

_IMPLIED: Final = {
    Scope.BILLING_WRITE: {Scope.BILLING_READ},
    Scope.METERING_WRITE: {Scope.METERING_READ},
    Scope.METERING_ADMIN: {Scope.METERING_READ, Scope.METERING_WRITE},
    Scope.METRONOME: {Scope.METRONOME_READ},
}


class Role(StrEnum):
    """What somebody is to an account: a name for scopes that keys are made with."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    VIEWER = "viewer"


ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OWNER: ALL_SCOPES,
    Role.MAINTAINER: frozenset({Scope.BILLING_WRITE, Scope.METERING_ADMIN, Scope.METRONOME}),
    Role.VIEWER: frozenset({Scope.BILLING_READ, Scope.METERING_READ, Scope.METRONOME_READ}),
}
"""The scopes of each role where an account has not given it others."""


def granted(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """Returns what scopes allow: who may write may read, and an administrator may do both."""
    return scopes.union(*(_IMPLIED.get(scope, set()) for scope in scopes))


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose sandbox a request is about, what it may do there, and by which credential.

    `actor` is the id of an API key, `client` for a client that nobody registered, or what a
    sandbox's own token is named by, whose SHA-256 is `token_hash`.
    """

    owner: str
    scopes: frozenset[Scope]
    actor: str
    token_hash: str | None = None


class RoleScopes(Model):
    """The scopes that an account has given to a role; `id` is its name."""

    id: Role
    scopes: tuple[Scope, ...]


class KeySecret(Model):
    """One of a key's secrets, by its SHA-256. `hint` are its last four characters.

    `valid_until` is set once another has taken its place.
    """

    hash: str
    hint: str
    created_at: datetime
    valid_until: datetime | None = None


class ApiKey(Model):
    """A key of an owner. Times are real time, whatever the sandbox's clock says.

    It has scopes, or a role, whose scopes are those that the role has at the time.
    The latest secret is the last one; those before it are valid until their overlap ends.
    """

    id: str
    owner: str
    name: str
    scopes: tuple[Scope, ...] = ()
    role: Role | None = None
    secrets: tuple[KeySecret, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyUse(Model):
    """The UTC hour in which a key, or a token given for it, was last used."""

    hour: datetime


class Credential(Model):
    """What a secret or an access token stands for. It is found by the hash of the text.

    A key's secret has what the key has, scopes or a role. `key_id` is None for the token of a
    client that nobody registered, as sandboxes take them.
    """

    owner: str
    scopes: tuple[Scope, ...] = ()
    role: Role | None = None
    key_id: str | None = None
    valid_until: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Tells whether its time is not over."""
        return self.valid_until is None or now < self.valid_until


class AccessToken(Credential):
    """A token that a client was given. `id` is what it is named by, and tells nothing of it."""

    id: str
