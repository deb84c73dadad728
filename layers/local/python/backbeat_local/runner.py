"""The local run of one template: gateway, queues and schedules in this process."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, TypeAlias

from backbeat.adapters.clock import SystemClock
from backbeat.ports.queue import Queue
from backbeat_local.dispatch import answered
from backbeat_local.environment import applied, local_environment
from backbeat_local.functions import FIRST_CALLS_SECONDS, Function, importing, load_all
from backbeat_local.gateway import Gateway
from backbeat_local.http_events import HttpReply, HttpRequest
from backbeat_local.intrinsics import TemplateError
from backbeat_local.queues import Consumer
from backbeat_local.routes import RouteTable
from backbeat_local.schedules import ClockTicker, Schedules, Ticker
from backbeat_local.template import Template, load_template

QueueOpener: TypeAlias = Callable[[str], Queue]

STATE_FILE: Final = "state.sqlite3"

_DRAIN_SECONDS: Final = 3.0

_active = threading.Lock()


class CannotKeepState(Exception):
    """The state cannot lie where it should. The text says why."""


class Runner:
    """Serves a template. Also a context manager that starts and stops.

    One runner at a time can run in a process, because functions read their settings from the
    environment of the process.
    """

    def __init__(
        self,
        template: Path | Template,
        state: Path | None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        profile: str = "default",
        listens: bool = True,
        queues: QueueOpener | None = None,
        ticker: Ticker | None = None,
    ) -> None:
        """Keeps state in directory `state`, or for None in a directory that goes when it stops.

        Port 0 takes a free one; what does not listen answers by `answer` alone. Profile "mock"
        speaks as the older mock does. `queues` opens a
        queue by its local name and `ticker` tells the schedules' time, both for tests.

        Raises:
            TemplateError: the template cannot be run.
        """
        self.template = load_template(template) if isinstance(template, Path) else template
        self.functions: Mapping[str, Function] = {
            logical_id: Function(spec) for logical_id, spec in self.template.functions.items()
        }
        try:
            self._routes = RouteTable(
                (route, function)
                for function in self.functions.values()
                for route in function.spec.routes
            )
        except ValueError as error:
            raise TemplateError(f"{self.template.path}: {error}") from error
        self._state = state
        self._host = host
        self._port = port
        self._listens = listens
        self._open_queue = queues or _QueuesOfServices()
        self._ticker = ticker
        self._profile = profile
        self._running = ExitStack()
        self._gateway: Gateway | None = None

    @property
    def base_url(self) -> str:
        """Where the running server is, without a slash at the end."""
        if self._gateway is None:
            raise RuntimeError("the runner is not started, or does not listen")
        return _url(self._gateway.host, self._gateway.port)

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answers a request on the caller's thread. Only while it runs."""
        return answered(self._routes, request)

    def start(self) -> None:
        """Serves from now on, on threads; functions are imported in the background.

        Raises:
            CannotListen: the address is taken or not of this machine.
            CannotKeepState: the directory cannot be made or written to.
            TemplateError: the functions' variables contradict each other.
        """
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stops listening, receiving and firing, and waits a few seconds for what is under way."""
        self._running.close()
        self._gateway = None

    def __enter__(self) -> "Runner":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, running: ExitStack) -> None:
        if not _active.acquire(blocking=False):
            raise RuntimeError("another runner runs in this process")
        running.callback(_active.release)
        # The address first: it is what most often fails, and it must leave no trace then.
        gateway = (
            Gateway(self._routes, self._host, self._port, as_older_mock=self._profile == "mock")
            if self._listens
            else None
        )
        if gateway is not None:
            running.callback(gateway.stop)
        running.callback(_forget_services)
        state_file = self._state_file(running)
        environment = local_environment(
            self.template,
            state_file,
            profile=self._profile,
            own_url="" if gateway is None else _own_url(gateway),
        )
        running.enter_context(applied(environment))
        put_layers_on_path(self.template)
        if gateway is not None:
            gateway.start()
            # Once more, later in the list and so earlier in time: before the environment goes.
            running.callback(gateway.stop)
        self._gateway = gateway
        self._start_loading(running)
        self._start_consumers(running)
        self._start_schedules(running)

    def _state_file(self, running: ExitStack) -> Path:
        if self._state is None:
            directory = tempfile.TemporaryDirectory(prefix="backbeat-", ignore_cleanup_errors=True)
            return Path(running.enter_context(directory)) / STATE_FILE
        return kept_in(self._state)

    def _start_loading(self, running: ExitStack) -> None:
        stopping = threading.Event()
        loading = threading.Thread(
            target=load_all,
            args=(list(self.functions.values()), stopping),
            name="load",
            daemon=True,
        )
        loading.start()
        running.callback(loading.join, _DRAIN_SECONDS)
        running.callback(stopping.set)

    def _start_consumers(self, running: ExitStack) -> None:
        consumers: list[Consumer] = []
        for function in self.functions.values():
            for mapping in function.spec.mappings:
                spec = self.template.queues[mapping.queue]
                consumer = Consumer(
                    function, mapping, spec, self._open_queue, begin_after=FIRST_CALLS_SECONDS
                )
                consumer.start()
                running.callback(consumer.join, _DRAIN_SECONDS)
                consumers.append(consumer)
        # Runs before the joins: all stop at once, not one after the other.
        running.callback(_close, consumers)

    def _start_schedules(self, running: ExitStack) -> None:
        schedules = Schedules(
            (
                (function, schedule)
                for function in self.functions.values()
                for schedule in function.spec.schedules
            ),
            self._ticker or ClockTicker(SystemClock()),
        )
        schedules.start()
        running.callback(schedules.stop, _DRAIN_SECONDS)


def kept_in(directory: Path) -> Path:
    """Returns the file for the state in a directory, which is made where there is none.

    Raises:
        CannotKeepState: the directory cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory.resolve() / STATE_FILE
        with file.open("ab"):
            pass
    except OSError as error:
        raise CannotKeepState(f"cannot keep the state in {directory}: {error.strerror}") from error
    return file


def _own_url(gateway: Gateway) -> str:
    """Returns where this machine reaches the gateway."""
    everywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
    return _url(everywhere.get(gateway.host, gateway.host), gateway.port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def put_layers_on_path(template: Template) -> None:
    """Makes packages of the template's layers importable; installed ones come first."""
    for layer in map(str, template.layers):
        if layer not in sys.path:
            sys.path.append(layer)


def _forget_services() -> None:
    """Lets go of the state: a later run in this process has another."""
    from backbeat import bootstrap

    bootstrap.forget()


def _close(consumers: Iterable[Consumer]) -> None:
    for consumer in consumers:
        consumer.close()


class _QueuesOfServices:
    """Opens the very queues the functions send to.

    Second ones on the same file would neither wake up when they send nor share their write lock.
    """

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._opened: set[str] = set()

    def __call__(self, name: str) -> Queue:
        """Returns a queue by its local name.

        The first time, its messages are released: whoever held them is gone with the run before,
        and killed it could not give them back.
        """
        # Takes as long as importing a function, so it must not delay the start.
        with importing:
            from backbeat import bootstrap, config
            from backbeat.adapters.sqlite.queue import SqliteQueue

            names, services = config.from_environment(), bootstrap.services()
        queue = {
            names.webhook_queue_url: services.webhook_queue,
            names.job_queue_url: services.job_queue,
            names.stripe_queue_url: services.stripe_queue,
            names.inbound_queue_url: services.inbound_queue,
        }[name]
        with self._opening:
            if name not in self._opened and isinstance(queue, SqliteQueue):
                queue.release()
            self._opened.add(name)
        return queue
