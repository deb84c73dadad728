"""What template.yaml declares: functions, their routes, queues and schedules."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backbeat_local.intrinsics import (
    ACCOUNT,
    REGION,
    Node,
    Resolver,
    TemplateError,
    as_text,
    parse,
    section,
)
from backbeat_local.schedule_expressions import BadExpression, Expression, parse_expression

_FUNCTION: Final = "AWS::Serverless::Function"
_LAYER: Final = "AWS::Serverless::LayerVersion"
_QUEUE: Final = "AWS::SQS::Queue"

_ELSEWHERE: Final[Mapping[str, str]] = {
    "AWS::ApiGatewayV2::Route": "an event of type HttpApi",
    "AWS::Lambda::EventSourceMapping": "an event of type SQS",
    "AWS::Lambda::Function": _FUNCTION,
    "AWS::Scheduler::Schedule": "an event of type ScheduleV2",
}
"""Resources that would run code in AWS but not here, and what to declare instead."""

_LOCAL_PARAMETERS: Final[Mapping[str, str]] = {"Stage": "dev", "Sandbox": "on", "Tokens": "open"}
"""Values that parameters of these names have locally, unless the caller gives others."""

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENTRY: Final = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
_METHODS: Final = frozenset({"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """A method (`ANY` for all) and a path such as `/v1/customers/{customer_id}`."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """Batches of up to `batch_size` messages of one queue, by its logical id.

    Without `partial_failures` a batch succeeds or fails as a whole.
    """

    queue: str
    batch_size: int
    partial_failures: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to run, and the event to run with."""

    name: str
    expression: Expression
    payload: Node


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function: `attribute` of `<code>/<module>.py`, and what calls it."""

    logical_id: str
    code: Path
    module: str
    attribute: str
    environment: Mapping[str, str]
    memory_mb: int
    timeout_seconds: int
    routes: tuple[HttpRoute, ...]
    mappings: tuple[QueueMapping, ...]
    schedules: tuple[Schedule, ...]


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """One queue. After `max_receive_count` receipts a message goes to queue `dead_letters`."""

    logical_id: str
    name: str
    visibility_seconds: int
    dead_letters: str | None
    max_receive_count: int | None

    @property
    def arn(self) -> str:
        """The queue's ARN, as events carry it."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"


@dataclass(frozen=True, slots=True)
class Template:
    """Everything of one template that exists under its parameters, by logical id."""

    path: Path
    functions: Mapping[str, FunctionSpec]
    queues: Mapping[str, QueueSpec]
    layers: tuple[Path, ...]

    def environment(self) -> dict[str, str]:
        """Returns the variables of all functions as one set.

        All functions share one process here, so a variable has one value.

        Raises:
            TemplateError: two functions give one variable different values.
        """
        merged: dict[str, str] = {}
        owners: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if merged.setdefault(name, value) != value:
                    raise TemplateError(
                        f"{function.logical_id} and {owners[name]} set {name} differently;"
                        " locally all functions share one environment"
                    )
                owners.setdefault(name, function.logical_id)
        return merged


def load_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Reads a SAM template; `parameters` replace its parameters' defaults.

    A stage that is declared is `dev`, a sandbox `on`, tokens `open`, unless given.

    Raises:
        TemplateError: it cannot be read, is wrong, or declares what cannot run locally.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}") from error
    try:
        document = parse(text)
        declared = section(document, "Parameters")
        local = {name: value for name, value in _LOCAL_PARAMETERS.items() if name in declared}
        return _Reader(path, document, {**local, **(parameters or {})}).template()
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from error


class _Reader:
    def __init__(
        self, path: Path, document: dict[str, Node], parameters: Mapping[str, str]
    ) -> None:
        self._path = path
        self._root = path.resolve().parent
        self._globals = section(section(document, "Globals"), "Function")
        self._resources = section(document, "Resources")
        self._resolver = Resolver(
            document,
            parameters=parameters,
            reference=self._reference,
            attribute=self._attribute,
        )

    def template(self) -> Template:
        existing = {
            logical_id: section(self._resources, logical_id)
            for logical_id in self._resources
            if self._exists(logical_id)
        }
        queues = {
            logical_id: self._queue(logical_id, resource)
            for logical_id, resource in existing.items()
            if resource.get("Type") == _QUEUE
        }
        layers = (
            self._root / self._resolver.text(section(resource, "Properties").get("ContentUri"))
            for resource in existing.values()
            if resource.get("Type") == _LAYER
        )
        functions = {}
        for logical_id, resource in existing.items():
            kind = as_text(resource.get("Type"))
            if kind in _ELSEWHERE:
                raise TemplateError(
                    f"{logical_id}: {kind} does not run locally; declare {_ELSEWHERE[kind]}"
                )
            if kind == _FUNCTION:
                functions[logical_id] = self._function(logical_id, resource, queues)
        return Template(
            path=self._path,
            functions=functions,
            queues=queues,
            # A layer that is built from requirements has no such directory: it is installed.
            layers=tuple(layer / "python" for layer in layers if (layer / "python").is_dir()),
        )

    def _exists(self, logical_id: str) -> bool:
        condition = section(self._resources, logical_id).get("Condition")
        return condition is None or self._resolver.holds(as_text(condition))

    def _queue(self, logical_id: str, resource: dict[str, Node]) -> QueueSpec:
        properties = section(resource, "Properties")
        if properties.get("FifoQueue"):
            raise TemplateError(f"{logical_id}: FIFO queues do not run locally")
        redrive = properties.get("RedrivePolicy")
        dead_letters, max_receive_count = None, None
        if isinstance(redrive, dict):
            target = self._resolver.text(redrive.get("deadLetterTargetArn"))
            dead_letters = self._queue_of(target, f"{logical_id}: deadLetterTargetArn")
            max_receive_count = self._number(
                redrive.get("maxReceiveCount"), f"{logical_id}: maxReceiveCount"
            )
        return QueueSpec(
            logical_id=logical_id,
            name=queue_name(logical_id),
            visibility_seconds=self._number(
                properties.get("VisibilityTimeout", 30), f"{logical_id}: VisibilityTimeout"
            ),
            dead_letters=dead_letters,
            max_receive_count=max_receive_count,
        )

    def _function(
        self, logical_id: str, resource: dict[str, Node], queues: Mapping[str, QueueSpec]
    ) -> FunctionSpec:
        properties = _merged(self._globals, section(resource, "Properties"))
        try:
            return self._function_of(logical_id, properties, queues)
        except TemplateError as error:
            raise TemplateError(f"{logical_id}: {error}") from error

    def _function_of(
        self, logical_id: str, properties: dict[str, Node], queues: Mapping[str, QueueSpec]
    ) -> FunctionSpec:
        for unsupported in ("InlineCode", "ImageUri"):
            if unsupported in properties:
                raise TemplateError(f"{unsupported} does not run locally; use CodeUri")
        runtime = self._resolver.text(properties.get("Runtime"))
        if not runtime.startswith("python"):
            raise TemplateError(f"runtime {runtime or '(none)'} does not run locally, only Python")
        if "CodeUri" not in properties:
            raise TemplateError("CodeUri is missing")
        code = self._root / self._resolver.text(properties["CodeUri"])
        entry = self._resolver.text(properties.get("Handler"))
        if not _ENTRY.fullmatch(entry):
            raise TemplateError(f"handler {entry or '(none)'} is not of the form module.function")
        module, attribute = entry.split(".")
        variables = section(section(properties, "Environment"), "Variables")
        events = _Events(self._resolver, self._queue_of)
        for name in (declared := section(properties, "Events")):
            events.read(name, section(declared, name))
        return FunctionSpec(
            logical_id=logical_id,
            code=code,
            module=module,
            attribute=attribute,
            environment={name: self._resolver.text(value) for name, value in variables.items()},
            memory_mb=self._number(properties.get("MemorySize", 128), "MemorySize"),
            timeout_seconds=self._number(properties.get("Timeout", 3), "Timeout"),
            routes=tuple(events.routes),
            mappings=tuple(events.mappings),
            schedules=tuple(events.schedules),
        )

    def _number(self, node: Node, where: str) -> int:
        return whole_number(self._resolver.text(node), where)

    def _reference(self, logical_id: str) -> str:
        """`!Ref` gives a queue's local name; other things are named by their logical id."""
        kind = self._type_of(logical_id)
        return queue_name(logical_id) if kind == _QUEUE else logical_id

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self._type_of(logical_id)
        if kind == _QUEUE and attribute == "QueueName":
            return queue_name(logical_id)
        if attribute != "Arn":
            return f"{logical_id}.{attribute}"
        if kind == _QUEUE:
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name(logical_id)}"
        if kind == _FUNCTION:
            return function_arn(logical_id)
        service = kind.split("::")[1].lower()
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{logical_id}"

    def _type_of(self, logical_id: str) -> str:
        if logical_id not in self._resources:
            raise TemplateError(f"{logical_id} is neither a parameter nor a resource")
        return as_text(section(self._resources, logical_id).get("Type"))

    def _queue_of(self, arn: str, where: str) -> str:
        for logical_id in self._resources:
            if self._type_of(logical_id) == _QUEUE and self._attribute(logical_id, "Arn") == arn:
                if not self._exists(logical_id):
                    raise TemplateError(f"{where} is {logical_id}, whose condition is false")
                return logical_id
        raise TemplateError(f"{where} is {arn or '(none)'}, which is no queue of this template")


class _Events:
    """Collects a function's events by kind."""

    def __init__(self, resolver: Resolver, queue_of: Callable[[str, str], str]) -> None:
        self._resolver = resolver
        self._queue_of = queue_of
        self.routes: list[HttpRoute] = []
        self.mappings: list[QueueMapping] = []
        self.schedules: list[Schedule] = []

    def read(self, name: str, event: dict[str, Node]) -> None:
        properties = section(event, "Properties")
        match as_text(event.get("Type")):
            case "HttpApi":
                self.routes.append(self._route(name, properties))
            case "SQS":
                self.mappings.append(self._mapping(name, properties))
            case "ScheduleV2":
                if (schedule := self._schedule(name, properties)) is not None:
                    self.schedules.append(schedule)
            case kind:
                raise TemplateError(
                    f"event {name} of type {kind or '(none)'} does not run locally,"
                    " only HttpApi, SQS and ScheduleV2 do"
                )

    def _route(self, name: str, properties: dict[str, Node]) -> HttpRoute:
        method = self._resolver.text(properties.get("Method")).upper()
        path = self._resolver.text(properties.get("Path"))
        if method not in _METHODS:
            raise TemplateError(f"event {name}: {method or '(none)'} is not an HTTP method")
        if not path.startswith("/"):
            raise TemplateError(f"event {name}: path {path or '(none)'} does not begin with /")
        return HttpRoute(method, path)

    def _mapping(self, name: str, properties: dict[str, Node]) -> QueueMapping:
        arn = self._resolver.text(properties.get("Queue"))
        responses = self._resolver.value(properties.get("FunctionResponseTypes"))
        return QueueMapping(
            queue=self._queue_of(arn, f"event {name}: Queue"),
            batch_size=whole_number(
                self._resolver.text(properties.get("BatchSize", 10)), f"event {name}: BatchSize"
            ),
            partial_failures=isinstance(responses, list) and "ReportBatchItemFailures" in responses,
        )

    def _schedule(self, name: str, properties: dict[str, Node]) -> Schedule | None:
        if self._resolver.text(properties.get("State")) == "DISABLED":
            return None
        zone = self._resolver.text(properties.get("ScheduleExpressionTimezone"))
        if zone not in ("", "UTC"):
            raise TemplateError(f"event {name}: schedules run locally in UTC only, not {zone}")
        try:
            expression = parse_expression(self._resolver.text(properties.get("ScheduleExpression")))
            payload: Node = json.loads(self._resolver.text(properties.get("Input")) or "{}")
        except (BadExpression, json.JSONDecodeError) as error:
            raise TemplateError(f"event {name}: {error}") from error
        return Schedule(name, expression, payload)


def queue_name(logical_id: str) -> str:
    """Returns the local name of a queue: `webhooks-dead-letter` for WebhooksDeadLetterQueue."""
    return _WORD_START.sub("-", logical_id.removesuffix("Queue")).lower()


def function_arn(logical_id: str) -> str:
    """Returns the ARN that a function's context carries."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}"


def whole_number(text: str, where: str) -> int:
    """Returns the number, or raises a TemplateError that says where it was expected."""
    try:
        return int(text)
    except ValueError as error:
        raise TemplateError(f"{where} is {text!r}, not a whole number") from error


def _merged(defaults: dict[str, Node], own: dict[str, Node]) -> dict[str, Node]:
    """Applies Globals as SAM does: mappings are merged, lists appended, the rest replaced."""
    merged = dict(defaults)
    for key, value in own.items():
        default = merged.get(key)
        if isinstance(default, dict) and isinstance(value, dict) and key != "Ref":
            merged[key] = _merged(default, value)
        elif isinstance(default, list) and isinstance(value, list):
            merged[key] = [*default, *value]
        else:
            merged[key] = value
    return merged
