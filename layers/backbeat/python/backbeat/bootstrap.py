"""The composition root: configuration into services."""

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from backbeat import config as configuration
from backbeat import observability
from backbeat.adapters.billing_provider import TakingProvider
from backbeat.adapters.clock import StoredClock, SystemClock
from backbeat.adapters.ids import RandomIds
from backbeat.adapters.payments import NoPayments, NoTaxes
from backbeat.adapters.sqlite.sql import SqliteSqlEngine
from backbeat.application import request_log
from backbeat.application.caches import RecentlySeen, Unwritten, VersionedCache
from backbeat.application.sandbox_payments import ScriptedPayments, ScriptedTaxes
from backbeat.application.services import Services
from backbeat.config import Config
from backbeat.models.rate_limits import RateLimit
from backbeat.persistence.audited import LogWriter
from backbeat.ports.clock import Clock
from backbeat.ports.connections import OAuthClient, Provider, Providers
from backbeat.ports.http import Http, HttpReply
from backbeat.ports.meters import StripeMeters
from backbeat.ports.metronome import Metronome
from backbeat.ports.metronome_billing import MetronomeBilling
from backbeat.ports.objects import Objects
from backbeat.ports.providers import Access
from backbeat.ports.queue import Queue
from backbeat.ports.secrets import Secrets
from backbeat.ports.store import Store
from backbeat.ports.stripe import Stripe
from backbeat.ports.stripe_events import StripeEvents

if TYPE_CHECKING:
    from backbeat.application.older_mock.profile import OlderMock

_JOB_MAX_ATTEMPTS = 5
_LOGGED_AT_ONCE = 50
_SANDBOX_WEBHOOK_SECRET = "test-secret"  # noqa: S105
"""What a sandbox signs with until its owner sets a secret: known to everybody, worth nothing."""


@dataclass(slots=True)
class _Process:
    services: Services | None = None


_process = _Process()
_building = threading.Lock()


def services() -> Services:
    """Returns this process's services, built on first use."""
    with _building:
        if _process.services is None:
            if observability.in_lambda():
                observability.set_up_logs()
            _process.services = build(configuration.from_environment())
        return _process.services


def forget() -> None:
    """Makes the next use build services anew, from the environment as it is then.

    For a process that outlives what it was configured for, such as one that runs the product
    twice with different state.
    """
    with _building:
        if _process.services is not None:
            request_log.write_waiting(_process.services)
        _process.services = None


@contextmanager
def using(replacement: Services) -> Iterator[None]:
    """Gives every function of this process these services for a while, as tests do."""
    with _building:
        before, _process.services = _process.services, replacement
    try:
        yield
    finally:
        with _building:
            _process.services = before


def build(config: Config, *, clock: Clock | None = None) -> Services:
    """Returns services as configured. `clock` replaces real time in tests."""
    local = config.sqlite_path is not None
    ports = _on_sqlite(config) if local else _on_aws(config)
    store, webhook_queue, job_queue, stripe_queue, inbound_queue, kept_secrets, forget = ports
    base: Clock = clock or SystemClock()
    sandbox = config.sandbox == "on"

    def clock_for(tenant: str) -> Clock:
        return StoredClock(store, tenant, base) if sandbox else base

    return Services(
        store=store,
        webhook_queue=webhook_queue,
        job_queue=job_queue,
        stripe_queue=stripe_queue,
        inbound_queue=inbound_queue,
        inbound_max_attempts=config.inbound_max_attempts,
        default_connection=config.connection,
        secrets=kept_secrets,
        http=_LazyHttp(public_only=config.webhook_targets == "public"),
        ids=RandomIds(),
        clock=base,
        clock_for=clock_for,
        metrics=VersionedCache(size=1000),
        rates=VersionedCache(size=200),
        alerts=VersionedCache(size=1000),
        tokens=VersionedCache(size=1000),
        metering=VersionedCache(size=1000),
        sandbox=sandbox,
        open_tokens=config.tokens == "open",
        environment_type=_environment_type(config),
        # One process writes a SQLite file; in AWS environments should not meet in a cell.
        cell_slot="0" if local else f"{secrets.randbelow(256):02x}",
        # Others see of an environment in AWS only what it has written.
        unwritten_log=Unwritten(size=_LOGGED_AT_ONCE if local else 1),
        marked_days=RecentlySeen(size=200_000),
        log_writer=LogWriter(),
        drops_old_events=config.old_events == "drop",
        alert_interval_seconds=config.alert_interval_seconds,
        tells_resolved_alerts=config.resolved_alerts == "told",
        refuses_failed_gates=config.failed_gates == "refused",
        requires_stripe_products=config.stripe_products == "mapped",
        tells_changes=config.system_events == "changes",
        billing_provider=TakingProvider(),
        sql=SqliteSqlEngine(),
        # Money is never made up outside of sandboxes.
        payments=ScriptedPayments(store) if sandbox else NoPayments(),
        taxes=ScriptedTaxes(store) if sandbox else NoTaxes(),
        objects=_LazyObjects(),
        providers=_providers(config),
        connection_secrets=VersionedCache(size=1000),
        known_tokens=RecentlySeen(size=10_000),
        used_keys=RecentlySeen(size=10_000),
        any_webhook_target=config.webhook_targets == "any",
        webhook_max_attempts=config.webhook_max_attempts,
        webhook_retry_base_seconds=config.webhook_retry_base_seconds,
        default_webhook_secret=_default_secret(config),
        rate_limit=_rate_limit(config),
        api_addresses=_texts(config.api_addresses),
        webhook_addresses=_texts(config.webhook_addresses),
        older_mock=_older_mock(config),
        forget=forget,
        count=observability.count if observability.in_lambda() else observability.count_nothing,
    )


class _LazyHttp:
    """Implements `Http` by `PooledHttp`, made at the first post.

    urllib3 takes as long to import as a small function does, and next to no call posts anything.
    """

    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only

    @cached_property
    def _http(self) -> Http:
        from backbeat.adapters.http import PooledHttp

        return PooledHttp(public_only=self._public_only)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        return self._http.post(url, headers=headers, body=body, timeout_seconds=timeout_seconds)


class _LazyObjects:
    """Implements `Objects` by S3, made at the first file: boto3 takes long to import."""

    @cached_property
    def _objects(self) -> Objects:
        from backbeat.adapters.aws.s3 import S3Objects

        return S3Objects()

    def read(self, url: str, *, at_most: int) -> bytes:
        return self._objects.read(url, at_most=at_most)


def _providers(config: Config) -> Providers:
    # The clients hold connections, so each account is opened once. Their SDKs take long to import:
    # only who calls a provider pays for it.
    @lru_cache(maxsize=128)
    def open_metronome(access: Access) -> Metronome:
        from backbeat.adapters.metronome.sdk import MetronomeSdk

        return MetronomeSdk(access)

    @lru_cache(maxsize=128)
    def open_stripe(access: Access) -> Stripe:
        from backbeat.adapters.stripe.gateway import StripeGateway

        return StripeGateway(access)

    @lru_cache(maxsize=128)
    def open_metronome_billing(access: Access) -> MetronomeBilling:
        from backbeat.adapters.metronome.billing import MetronomeInvoices

        return MetronomeInvoices(access)

    @lru_cache(maxsize=128)
    def open_stripe_events(access: Access) -> StripeEvents:
        from backbeat.adapters.stripe.event_log import StripeEventLog

        return StripeEventLog(access)

    @lru_cache(maxsize=128)
    def open_meters(access: Access) -> StripeMeters:
        from backbeat.adapters.stripe.meters import StripeMeterGateway

        return StripeMeterGateway(access)

    return Providers(
        metronome=Provider(
            config.metronome_url.rstrip("/"),
            config.metronome_key,
            tuple(config.metronome_secrets.split()),
            _oauth_client(config),
        ),
        stripe=Provider(
            config.stripe_url.rstrip("/"),
            config.stripe_key,
            tuple(config.stripe_secrets.split()),
        ),
        open_metronome=open_metronome,
        open_stripe=open_stripe,
        open_metronome_billing=open_metronome_billing,
        open_stripe_events=open_stripe_events,
        stripe_shadow=Provider(config.stripe_url.rstrip("/"), config.stripe_shadow_key),
        open_meters=open_meters,
    )


_Ports = tuple[Store, Queue, Queue, Queue, Queue, Secrets, Callable[[str], None]]


def _on_sqlite(config: Config) -> _Ports:
    from backbeat.adapters.sqlite.database import Database
    from backbeat.adapters.sqlite.queue import SqliteQueue
    from backbeat.adapters.sqlite.secrets import SqliteSecrets
    from backbeat.adapters.sqlite.store import SqliteStore

    database = Database(config.sqlite_path or ":memory:")
    store = SqliteStore(database)
    return (
        store,
        SqliteQueue(database, config.webhook_queue_url, config.webhook_max_attempts),
        SqliteQueue(database, config.job_queue_url, _JOB_MAX_ATTEMPTS),
        SqliteQueue(database, config.stripe_queue_url, config.webhook_max_attempts),
        SqliteQueue(database, config.inbound_queue_url, config.inbound_max_attempts),
        SqliteSecrets(database),
        store.forget,
    )


def _on_aws(config: Config) -> _Ports:
    # boto3 takes 200 ms to import, so nobody pays for it who runs locally.
    from backbeat.adapters.aws.dynamodb import DynamoStore
    from backbeat.adapters.aws.sqs import SqsQueue
    from backbeat.adapters.aws.ssm import SsmSecrets

    return (
        DynamoStore(config.table),
        SqsQueue(config.webhook_queue_url, config.webhook_dead_letter_url),
        SqsQueue(config.job_queue_url, config.job_dead_letter_url),
        SqsQueue(config.stripe_queue_url, config.stripe_dead_letter_url),
        SqsQueue(config.inbound_queue_url, config.inbound_dead_letter_url),
        SsmSecrets(f"/backbeat/{config.stage}"),
        # A table is not searched for one tenant's items: they stay, unreachable, and events expire.
        lambda tenant: None,
    )


def _environment_type(config: Config) -> str:
    if config.profile == "mock":
        return config.mock_environment
    return "SANDBOX" if config.sandbox == "on" else "PRODUCTION"


def _oauth_client(config: Config) -> OAuthClient | None:
    """Returns the client that is configured, in a file or by itself, or None.

    Raises:
        ValueError: something of it is missing: nothing is tried with blanks.
    """
    given = {
        "client_id": config.oauth_client_id,
        "client_secret": config.oauth_client_secret,
        "token_url": config.oauth_token_url,
        "scope": config.oauth_scope,
    }
    if config.oauth_file:
        held = json.loads(Path(config.oauth_file).read_text())
        given = {name: held.get(name) or value for name, value in given.items()}
        given["token_url"] = given["token_url"] or held.get("token_uri", "")
    if not any(given.values()):
        return None
    missing = [name for name in ("client_id", "client_secret", "token_url") if not given[name]]
    if missing:
        raise ValueError(f"METRONOME_OAUTH: {', '.join(missing)} missing")
    return OAuthClient(**given)


def _default_secret(config: Config) -> str | None:
    if config.profile == "mock":
        return config.mock_secret or _SANDBOX_WEBHOOK_SECRET
    return _SANDBOX_WEBHOOK_SECRET if config.sandbox == "on" else None


def _older_mock(config: Config) -> "OlderMock | None":
    if config.profile != "mock":
        return None
    if config.sandbox != "on" or config.tokens != "open":
        raise ValueError("BACKBEAT_PROFILE: mock asks nobody for a token, so it needs a sandbox")
    # Nobody else pays for it.
    from backbeat.application.older_mock.profile import OlderMock, with_path

    named = json.loads(config.mock_alerts).get("alerts", {}).get("customerBalanceDepleted")
    targets = _texts(config.mock_targets)
    return OlderMock(
        alert_id=config.mock_alert or named or "customerBalanceDepleted",
        targets=tuple(with_path(url, config.mock_path) for url in targets),
        base_url=config.mock_url.rstrip("/"),
    )


def _texts(listed: str) -> tuple[str, ...]:
    """Returns the texts of a list with commas."""
    return tuple(text.strip() for text in listed.split(",") if text.strip())


def _rate_limit(config: Config) -> RateLimit | None:
    if not config.rate_limit:
        return None
    requests, seconds = config.rate_limit.split("/")
    return RateLimit(requests=int(requests), seconds=int(seconds))
