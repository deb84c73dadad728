"""The functions of the template, called with the events that AWS would send them.

Everything is real but the edges of the process: state is SQLite in memory, time stands where the
test puts it, and webhook targets are `Targets`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backbeat import bootstrap
from backbeat.adapters.clock import StoredClock
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.queue import SqliteQueue
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.application.sandbox_payments import ScriptedPayments, ScriptedTaxes
from backbeat.application.services import Services
from backbeat.config import Config
from backbeat.ports.clock import Clock
from backbeat_local.functions import Function
from backbeat_local.gateway import Gateway
from backbeat_local.routes import RouteTable
from backbeat_local.template import Template, load_template
from tests.integration.estate import Estate
from tests.integration.permissions import (
    PermittedFunction,
    PermittedQueue,
    PermittedSecrets,
    PermittedStore,
    permissions_of,
)
from tests.integration.product import DEMO, Product, TestClock, World
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
LOCAL = {
    "BACKBEAT_STATE": ":memory:",
    "BACKBEAT_SANDBOX": "on",
    "BACKBEAT_TOKENS": "open",
    "BACKBEAT_WEBHOOK_TARGETS": "any",
    "BACKBEAT_SYSTEM_EVENTS": "changes",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A product and its edges. `clock` is real time, as the product sees it."""

    product: Product
    database: Database
    store: WatchedStore
    clock: TestClock
    targets: Targets


@contextmanager
def opened(
    template: Template, functions: dict[str, Function], settings: Mapping[str, str]
) -> Iterator[Stage]:
    """Makes every function answer on a new, empty stage meanwhile.

    In the end it fails if one of them did what its policies do not allow.
    """
    config = Config.model_validate({**LOCAL, **settings})
    database, clock, targets = Database(":memory:"), TestClock(NOON), Targets()
    permissions = permissions_of(template)
    store = WatchedStore(PermittedStore(SqliteStore(database), permissions))
    built = bootstrap.build(config, clock=clock)

    def clock_for(tenant: str) -> Clock:
        return StoredClock(store, tenant, clock) if built.sandbox else clock

    def queue(name: str, max_receive_count: int) -> PermittedQueue:
        # It follows the test's clock, so that nobody waits for a message to come back.
        inner = SqliteQueue(database, name, max_receive_count, clock_now=clock.timestamp)
        resource = name.title()
        return PermittedQueue(inner, permissions, f"{resource}Queue", f"{resource}DeadLetterQueue")

    services = replace(
        built,
        store=store,
        clock_for=clock_for,
        webhook_queue=queue("webhooks", config.webhook_max_attempts),
        job_queue=queue("jobs", 5),
        stripe_queue=queue("stripe", config.webhook_max_attempts),
        inbound_queue=queue("inbound", config.inbound_max_attempts),
        secrets=PermittedSecrets(built.secrets, permissions),
        http=targets,
        forget=SqliteStore(database).forget,
        payments=ScriptedPayments(store),
        taxes=ScriptedTaxes(store),
    )
    with bootstrap.using(services):
        yield Stage(Product(template, functions, services), database, store, clock, targets)
    database.close()
    assert not permissions.denied


@contextmanager
def nothing_changes(store: WatchedStore) -> Iterator[None]:
    """Fails when something was written meanwhile."""
    before = store.writes
    yield
    assert store.writes == before


def copy_database(source: Database, target: Database) -> None:
    """Makes the target hold what the source holds."""
    with source.read() as content, target.read() as copy:
        content.backup(copy)
    # It was replaced behind the back of who reads it.
    target.remembered.forget_all()


@pytest.fixture(scope="session")
def template() -> Template:
    return load_template(TEMPLATE)


@pytest.fixture(scope="session")
def functions(template: Template) -> dict[str, Function]:
    """Loaded once: a function holds nothing but its services, and those come anew for each test."""
    return {logical_id: PermittedFunction(spec) for logical_id, spec in template.functions.items()}


@pytest.fixture(scope="session")
def origin(template: Template, functions: dict[str, Function]) -> Iterator[str]:
    """Where the functions answer over HTTP, on whatever stage a test has opened."""
    routes = RouteTable(
        (route, function) for function in functions.values() for route in function.spec.routes
    )
    gateway = Gateway(routes, "127.0.0.1", 0)
    gateway.start()
    yield f"http://127.0.0.1:{gateway.port}"
    gateway.stop()


@pytest.fixture
def settings() -> dict[str, str]:
    """The stage's environment variables that differ from a local one's; tests parametrize it."""
    return {}


@pytest.fixture
def stage(
    template: Template, functions: dict[str, Function], settings: dict[str, str]
) -> Iterator[Stage]:
    with opened(template, functions, settings) as stage:
        yield stage


@pytest.fixture
def product(stage: Stage) -> Product:
    return stage.product


@pytest.fixture
def services(product: Product) -> Services:
    """What every function answers with during the test."""
    return product.services


@pytest.fixture
def store(stage: Stage) -> WatchedStore:
    return stage.store


@pytest.fixture
def clock(stage: Stage) -> TestClock:
    return stage.clock


@pytest.fixture
def targets(stage: Stage) -> Targets:
    return stage.targets


@pytest.fixture
def world(stage: Stage) -> World:
    """One of each thing, owned by the token `demo`."""
    return World.build(stage.product, "demo")


@dataclass(frozen=True, slots=True)
class Furnished:
    """The estates of two tokens in a database, to copy instead of building them for each test."""

    database: Database
    estates: dict[str, Estate]


@pytest.fixture(scope="session")
def furnished(template: Template, functions: dict[str, Function]) -> Iterator[Furnished]:
    database = Database(":memory:")
    with opened(template, functions, {}) as stage:
        estates = {token: Estate.build(stage.product, token) for token in (DEMO, "other")}
        copy_database(stage.database, database)
    yield Furnished(database, estates)
    database.close()


@pytest.fixture
def estate(furnished: Furnished, stage: Stage) -> Estate:
    """One of everything, owned by the token `demo`; another token owns the `other_estate`."""
    copy_database(furnished.database, stage.database)
    return furnished.estates[DEMO]


@pytest.fixture
def other_estate(furnished: Furnished, estate: Estate) -> Estate:
    return furnished.estates["other"]
