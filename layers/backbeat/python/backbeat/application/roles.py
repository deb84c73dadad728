"""Roles: named sets of scopes. What keys of a role may do follows the role at once.

An account changes what its roles may do, but for the owner's: somebody must be able to undo it.
"""

from collections.abc import Collection, Mapping

from backbeat.application.services import Call
from backbeat.models.api_keys import ROLES, Role, RoleScopes, Scope
from backbeat.models.errors import Conflict, Forbidden
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Store, Version


def scopes_of(store: Store, owner: str, role: Role) -> frozenset[Scope]:
    """Returns the scopes that a role has in an owner's account."""
    if role is Role.OWNER:
        return ROLES[role]
    given = read(store, keys.role(owner, role), RoleScopes)
    return ROLES[role] if given is None else frozenset(given.scopes)


def of_owner(call: Call) -> dict[Role, frozenset[Scope]]:
    """Returns the scopes of every role in the caller's account."""
    given = call.store.get_many([keys.role(call.owner, role) for role in Role])
    changed = {one.id: one for one in (from_item(item, RoleScopes) for item in given.values())}
    return {
        role: frozenset(changed[role].scopes) if role in changed else ROLES[role] for role in Role
    }


def change(
    call: Call, role: Role, scopes: Collection[Scope], own_scopes: frozenset[Scope]
) -> frozenset[Scope]:
    """Gives a role other scopes, which the caller must have; returns them.

    Raises:
        Conflict: it is the owner's role.
        Forbidden: the caller lacks one of the scopes.
        Retryable: somebody else changed it at the same time.
    """
    if role is Role.OWNER:
        raise Conflict("role: an owner may do everything")
    refuse_more(frozenset(scopes), own_scopes)
    key = keys.role(call.owner, role)
    before = call.store.get(key)
    after = RoleScopes(id=role, scopes=tuple(dict.fromkeys(scopes)))
    work = UnitOfWork(call.store)
    if before is None:
        work.add(Put(to_item(key, after), Absent()))
    else:
        item = to_item(key, after, version=before.version + 1)
        work.add(Put(item, Version(before.version)))
    work.commit()
    return frozenset(after.scopes)


def given_to(
    scopes: Collection[Scope], role: Role | None, roles: Mapping[Role, frozenset[Scope]]
) -> frozenset[Scope]:
    """Returns what is given by scopes or a role."""
    return frozenset(scopes) if role is None else roles[role]


def refuse_more(scopes: frozenset[Scope], own_scopes: frozenset[Scope]) -> None:
    """Makes sure that nobody gives what he lacks.

    Raises:
        Forbidden: says which scopes that would be.
    """
    lacking = sorted(scopes - own_scopes)
    if lacking:
        raise Forbidden(f"A credential cannot give what it lacks: {', '.join(lacking)}")
