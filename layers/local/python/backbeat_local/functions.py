"""Functions loaded from their directories and invoked as Lambda would."""

import gc
import importlib.util
import itertools
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Final, TypeAlias

from backbeat_local.intrinsics import REGION
from backbeat_local.template import FunctionSpec, function_arn

Handler: TypeAlias = Callable[[Any, "LambdaContext"], Any]

_log = logging.getLogger("backbeat")
importing: Final = threading.RLock()
"""Held by who imports the product. Modules that import one another, as some libraries have, fail to
load when two threads begin at different ends of such a ring."""

FIRST_CALLS_SECONDS: Final = 0.5
"""Who starts a server mostly calls it at once. Two imports at a time each take as long as both, so
until then only what is called is imported."""

_GARBAGE_LOOKED_FOR_AFTER: Final = 20_000
"""Objects made and not dropped again since the last look."""

_load_numbers: Final = itertools.count(1)


class LoadError(Exception):
    """A function's code is missing or fails to import."""


class LambdaContext:
    """The second argument of a handler."""

    __slots__ = ("_deadline", "_spec", "aws_request_id", "may_wait")

    function_version: Final = "$LATEST"
    log_stream_name: Final = "local"

    def __init__(self, spec: FunctionSpec, request_id: str, *, may_wait: bool = True) -> None:
        self.may_wait: Final = may_wait
        """Whether the function may hold up the thread that it is called on."""
        self._spec = spec
        self._deadline = time.monotonic() + spec.timeout_seconds
        self.aws_request_id = request_id

    @property
    def function_name(self) -> str:
        """The function's logical id."""
        return self._spec.logical_id

    @property
    def memory_limit_in_mb(self) -> int:
        """What the template gives the function; not enforced."""
        return self._spec.memory_mb

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of a made-up account."""
        return function_arn(self._spec.logical_id)

    @property
    def log_group_name(self) -> str:
        """Where CloudWatch would keep the logs."""
        return f"/aws/lambda/{REGION}/{self._spec.logical_id}"

    def get_remaining_time_in_millis(self) -> int:
        """Returns what is left of the template's time-out, at least 0; not enforced."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))


class Function:
    """One function of the template, imported when it is first needed."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec
        self._handler: Handler | None = None

    def load(self) -> Handler:
        """Imports the code unless that has happened.

        Raises:
            LoadError: there is no such file or handler, or importing it raised.
        """
        if self._handler is not None:
            return self._handler
        with importing:
            if self._handler is None:
                self._handler = _import_handler(self.spec)
            return self._handler

    def is_brief(self, route_key: str) -> bool:
        """Tells whether a route takes no time to speak of, as its function says once it is loaded.

        What such a route does is bounded by what a request brings, and it asks nobody else.
        """
        return route_key in getattr(self._handler, "brief", ())

    def invoke(self, event: Any, request_id: str | None = None, *, may_wait: bool = True) -> Any:
        """Calls the handler and returns or raises what it does. Several threads may call at once.

        Unless it `may_wait`, a handler of a brief route may say that it has to, and did nothing.

        Raises:
            LoadError: the function cannot be loaded.
        """
        handler = self._handler or self.load()
        id_ = request_id or str(uuid.uuid4())
        return handler(event, LambdaContext(self.spec, id_, may_wait=may_wait))


def load_all(functions: Iterable[Function], stopping: threading.Event) -> None:
    """Imports the functions in turn. What fails is logged, and tried again when it is called.

    It begins a moment later, see `FIRST_CALLS_SECONDS`.
    """
    stopping.wait(FIRST_CALLS_SECONDS)
    for function in functions:
        if stopping.is_set():
            return
        try:
            function.load()
        except LoadError:
            _log.exception("%s does not load", function.spec.logical_id)
    # What was imported stays. Looking for garbage in it again and again takes a tenth of the time
    # of ingest.
    gc.freeze()
    # A request of a hundred events makes some thousands of objects, none of them in cycles. At the
    # default of 700 it is looked through several times, which takes another fifth.
    gc.set_threshold(_GARBAGE_LOOKED_FOR_AFTER)


def _import_handler(spec: FunctionSpec) -> Handler:
    path = spec.code / f"{spec.module}.py"
    if not path.is_file():
        raise LoadError(f"{path} does not exist")
    # Every function calls its module `app`, and a test may load one twice.
    name = f"backbeat_functions.{spec.logical_id}_{next(_load_numbers)}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise LoadError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise LoadError(f"{path} fails to import: {error!r}") from error
    return _handler_of(module, spec)


def _handler_of(module: ModuleType, spec: FunctionSpec) -> Handler:
    handler = getattr(module, spec.attribute, None)
    if not callable(handler):
        raise LoadError(f"{spec.code / spec.module}.py has no function {spec.attribute}")
    return handler  # type: ignore[no-any-return]
