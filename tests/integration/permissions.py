"""The template's IAM policies, held against what functions do.

Locally nobody asks for permissions, so a policy that lacks one would first be noticed in AWS. What
a function asks of the store, the queues and the secrets while it runs is compared with the actions
that its policies allow; what AWS adds by itself, such as receiving from a mapped queue, is not
looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from backbeat.ports.queue import Message, Outgoing, Queue
from backbeat.ports.secrets import Secrets
from backbeat.ports.store import (
    Add,
    Append,
    Check,
    Delete,
    Effect,
    Index,
    Item,
    Key,
    Page,
    Put,
    Query,
    Store,
)
from backbeat_local.functions import Function
from backbeat_local.intrinsics import parse
from backbeat_local.template import Template

running: Final[ContextVar[str | None]] = ContextVar("running", default=None)
"""The logical id of the function that runs."""

_TABLE, _INDEX, _SECRETS = "Table", "Table/index", "Secrets"


class PermittedFunction(Function):
    """A function that is known to run while it does."""

    def invoke(self, event: Any, request_id: str | None = None, *, may_wait: bool = True) -> Any:
        before = running.set(self.spec.logical_id)
        try:
            return super().invoke(event, request_id, may_wait=may_wait)
        finally:
            running.reset(before)


@dataclass(frozen=True, slots=True)
class _Statement:
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    leading_keys: tuple[str, ...]

    def allows(self, action: str, resource: str, partition: str | None) -> bool:
        """Tells whether it allows an action on a resource. Conditions are for partition keys."""
        return (
            resource in self.resources
            and any(fnmatchcase(action, pattern) for pattern in self.actions)
            and (
                not self.leading_keys
                or (
                    partition is not None
                    and any(fnmatchcase(partition, pattern) for pattern in self.leading_keys)
                )
            )
        )


@dataclass
class Permissions:
    """What each function may do, and what it did beyond."""

    statements: Mapping[str, Sequence[_Statement]]
    denied: set[str] = field(default_factory=set)
    _everywhere: set[tuple[str, str, str]] = field(default_factory=set)
    """What was found to be allowed whatever the partition: stores are asked very often."""

    def ask(self, action: str, resource: str, partition: str | None = None) -> None:
        """Notes an action that the running function has no permission for."""
        function = running.get()
        if function is None or (function, action, resource) in self._everywhere:
            return
        statements = self.statements[function]
        if any(statement.allows(action, resource, None) for statement in statements):
            self._everywhere.add((function, action, resource))
        elif not any(statement.allows(action, resource, partition) for statement in statements):
            place = "" if partition is None else f" at {partition}"
            self.denied.add(f"{function} may not {action} on {resource}{place}")


def permissions_of(template: Template) -> Permissions:
    """Returns what the policies of all functions allow, and no denials yet."""
    return Permissions(_statements(template.path))


@cache
def _statements(path: Path) -> Mapping[str, Sequence[_Statement]]:
    document: Any = parse(path.read_text())
    resources = document["Resources"]

    def documents(policies: Iterable[Any]) -> Iterator[Any]:
        for policy in policies:
            if "Ref" in policy:
                yield resources[policy["Ref"]]["Properties"]["PolicyDocument"]
            else:
                yield policy

    return {
        name: [
            _statement(statement)
            for held in documents(resource["Properties"].get("Policies", []))
            for statement in held["Statement"]
        ]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def _statement(node: Any) -> _Statement:
    conditions = node.get("Condition", {})
    assert set(conditions) <= {"ForAllValues:StringLike"}, f"a condition of a new kind: {node}"
    keys = conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
    return _Statement(
        actions=tuple(_listed(node["Action"])),
        resources=tuple(_resource(one) for one in _listed(node["Resource"])),
        leading_keys=tuple(_listed(keys)),
    )


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def _resource(node: Any) -> str:
    match node:
        case {"Fn::GetAtt": [resource, "Arn"]}:
            return str(resource)
        case {"Fn::Sub": "${Table.Arn}/index/*"}:
            return _INDEX
        case {"Fn::Sub": str(text)} if text.endswith(":parameter/backbeat/${Stage}/*"):
            return _SECRETS
        case _:
            return str(node)


@dataclass(frozen=True, slots=True)
class PermittedStore:
    """Implements `Store` by another one, on a table that takes permissions."""

    inner: Store
    permissions: Permissions

    @property
    def max_effects(self) -> int:
        return self.inner.max_effects

    def get(self, key: Key) -> Item | None:
        self.permissions.ask("dynamodb:GetItem", _TABLE, key.pk)
        return self.inner.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        several = list(keys)
        for key in several:
            self.permissions.ask("dynamodb:BatchGetItem", _TABLE, key.pk)
        return self.inner.get_many(several)

    def query(self, query: Query) -> Page:
        resource = _TABLE if query.index is Index.BASE else _INDEX
        self.permissions.ask("dynamodb:Query", resource, query.pk)
        return self.inner.query(query)

    def transact(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Put(item=item):
                    self.permissions.ask("dynamodb:PutItem", _TABLE, item.key.pk)
                case Add(item=item):
                    self.permissions.ask("dynamodb:UpdateItem", _TABLE, item.key.pk)
                case Delete(key=key):
                    self.permissions.ask("dynamodb:DeleteItem", _TABLE, key.pk)
                case Check(key=key):
                    self.permissions.ask("dynamodb:ConditionCheckItem", _TABLE, key.pk)
                case Append():
                    for item in effect.items():
                        self.permissions.ask("dynamodb:PutItem", _TABLE, item.key.pk)
        self.inner.transact(effects)

    def put_many(self, items: Iterable[Item]) -> None:
        several = list(items)
        for item in several:
            self.permissions.ask("dynamodb:BatchWriteItem", _TABLE, item.key.pk)
        self.inner.put_many(several)

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        self.permissions.ask("dynamodb:Scan", _TABLE)
        return self.inner.items_of(tenant, limit=limit)


@dataclass(frozen=True, slots=True)
class PermittedQueue:
    """Implements `Queue` by another one, as the resource `name` of the template."""

    inner: Queue
    permissions: Permissions
    name: str
    dead_letter_name: str

    def send(self, messages: Sequence[Outgoing]) -> None:
        self.permissions.ask("sqs:SendMessage", self.name)
        self.inner.send(messages)

    def receive(
        self, *, limit: int, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        return self.inner.receive(
            limit=limit, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds
        )

    def postpone(self, receipt: str, *, delay_seconds: int) -> None:
        self.permissions.ask("sqs:ChangeMessageVisibility", self.name)
        self.inner.postpone(receipt, delay_seconds=delay_seconds)

    def delete(self, receipts: Sequence[str]) -> None:
        self.inner.delete(receipts)

    def dead_letters(self, *, limit: int) -> tuple[Message, ...]:
        self.permissions.ask("sqs:ReceiveMessage", self.dead_letter_name)
        return self.inner.dead_letters(limit=limit)


@dataclass(frozen=True, slots=True)
class PermittedSecrets:
    """Implements `Secrets` by others."""

    inner: Secrets
    permissions: Permissions

    def get(self, name: str) -> str | None:
        self.permissions.ask("ssm:GetParameter", _SECRETS)
        return self.inner.get(name)

    def put(self, name: str, value: str) -> None:
        self.permissions.ask("ssm:PutParameter", _SECRETS)
        self.inner.put(name, value)

    def delete(self, name: str) -> None:
        self.permissions.ask("ssm:DeleteParameter", _SECRETS)
        self.inner.delete(name)
