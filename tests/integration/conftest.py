"""The functions of the template, called with the events that AWS would send them.

Everything is real but the edges of the process: state is SQLite in memory, time stands where the
test puts it, and webhook targets are `Targets`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.product import Product, TestClock, World
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

from backbeat import bootstrap
from backbeat.adapters.clock import StoredClock
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.queue import SqliteQueue
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.application.services import Services
from backbeat.config import Config
from backbeat.ports.clock import Clock
from backbeat.ports.http import Http
from backbeat.ports.store import Store
from backbeat_local.functions import Function
from backbeat_local.template import Template, load_template

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
LOCAL = {
    "BACKBEAT_STATE": ":memory:",
    "BACKBEAT_SANDBOX": "on",
    "BACKBEAT_TOKENS": "open",
    "BACKBEAT_WEBHOOK_TARGETS": "any",
}


@pytest.fixture(scope="session")
def template() -> Template:
    return load_template(TEMPLATE)


@pytest.fixture(scope="session")
def functions(template: Template) -> dict[str, Function]:
    """Loaded once: a function holds nothing but its services, and those come anew for each test."""
    return {logical_id: Function(spec) for logical_id, spec in template.functions.items()}


@pytest.fixture
def clock() -> TestClock:
    """Real time, as the product sees it."""
    return TestClock(NOON)


@pytest.fixture
def targets() -> Targets:
    return Targets()


@pytest.fixture
def settings() -> dict[str, str]:
    """The stage's environment variables that differ from a local one's; tests parametrize it."""
    return {}


@pytest.fixture
def store(database: Database) -> WatchedStore:
    return WatchedStore(SqliteStore(database))


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database(":memory:")
    yield database
    database.close()


@pytest.fixture
def services(
    clock: TestClock,
    targets: Targets,
    settings: dict[str, str],
    store: WatchedStore,
    database: Database,
) -> Iterator[Services]:
    """What every function answers with during the test."""
    services = build(clock, targets, settings, store, database)
    with bootstrap.using(services):
        yield services


def build(
    clock: TestClock,
    targets: Http,
    settings: Mapping[str, str],
    store: Store,
    database: Database,
) -> Services:
    config = Config.model_validate({**LOCAL, **settings})
    built = bootstrap.build(config, clock=clock)

    def clock_for(tenant: str) -> Clock:
        return StoredClock(store, tenant, clock) if built.sandbox else clock

    def queue(name: str, max_receive_count: int) -> SqliteQueue:
        # It follows the test's clock, so that nobody waits for a message to come back.
        return SqliteQueue(database, name, max_receive_count, clock_now=clock.timestamp)

    return replace(
        built,
        store=store,
        clock_for=clock_for,
        webhook_queue=queue("webhooks", config.webhook_max_attempts),
        job_queue=queue("jobs", 5),
        http=targets,
        forget=SqliteStore(database).forget,
    )


@pytest.fixture
def product(template: Template, functions: dict[str, Function], services: Services) -> Product:
    return Product(template, functions, services)


@pytest.fixture
def world(product: Product) -> World:
    """One of each thing, owned by the token `demo`."""
    return World.build(product, "demo")


@contextmanager
def nothing_changes(store: WatchedStore) -> Iterator[None]:
    """Fails when something was written meanwhile."""
    before = store.writes
    yield
    assert store.writes == before
