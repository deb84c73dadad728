"""What a use case is given: the ports, and who calls when."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from backbeat.application.caches import RecentlySeen, Unwritten, VersionedCache
from backbeat.models.alerts import Alert
from backbeat.models.audit import Author
from backbeat.models.catalog import BillableMetric
from backbeat.models.rate_limits import RateLimit
from backbeat.models.rates import Rate
from backbeat.persistence.audited import AuditedStore, LogWriter
from backbeat.ports.billing_provider import BillingProvider
from backbeat.ports.clock import Clock
from backbeat.ports.connections import Providers
from backbeat.ports.http import Http
from backbeat.ports.ids import Ids
from backbeat.ports.objects import Objects
from backbeat.ports.payments import PaymentGateway
from backbeat.ports.queue import Queue
from backbeat.ports.secrets import Secrets
from backbeat.ports.sql import SqlEngine
from backbeat.ports.store import Item, Store
from backbeat.ports.taxes import Taxes

if TYPE_CHECKING:
    from backbeat.application.metering.definitions import Definitions
    from backbeat.application.older_mock.profile import OlderMock
    from backbeat.application.tokens import Token


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, built once per execution environment, and how this stage behaves.

    `clock` is real time, `clock_for` a tenant's: where there are sandboxes, each may stop its own.
    `cell_slot` keeps concurrent environments from adding to the same usage cells.
    `count` adds a number to a metric of a name.
    `rate_limit` is how many calls a token may make, unless its sandbox has a limit of its own.
    `api_addresses` are those that requests go to, `webhook_addresses` those that webhooks come
    from, where they are known.
    `older_mock` is set where the edge speaks as the older mock does.
    `forget` deletes what a tenant left behind, where the store can.
    `unwritten_log` are lines of the log of requests that wait to be written.
    `marked_days` are those that this process has noted as having events.
    `log_writer` is what it remembers of the log of changes.
    `drops_old_events` takes batches with events older than 34 days, without those.
    `alert_interval_seconds` is the least time between two looks at a customer's alerts for usage.
    `tells_resolved_alerts` has subscribers told when an alert is ok again.
    `refuses_failed_gates` answers an edit 400 whose commit could not be paid.
    `requires_stripe_products` fails payments by hand for products that Stripe does not know.
    `tells_changes` has subscribers told of every change of contracts, commits and credits that they
    did not switch off; else they are told of what they switched on.
    `stripe_queue` carries what the Stripe double delivers; stages without sandboxes have none.
    `inbound_queue` carries what providers tell the billing handlers, and `default_connection` is
    the owner of what comes without naming one.
    `used_keys` are API keys by the hour in which this process has noted that they were used.
    `providers` are those behind the billing handlers, `connection_secrets` what was read of their
    keys lately, and `known_tokens` the owners whose tokens are kept.
    `any_webhook_target` allows plain HTTP and private addresses, as on a laptop.
    """

    store: Store
    webhook_queue: Queue
    job_queue: Queue
    stripe_queue: Queue
    inbound_queue: Queue
    inbound_max_attempts: int
    default_connection: str
    secrets: Secrets
    http: Http
    billing_provider: BillingProvider
    ids: Ids
    clock: Clock
    clock_for: Callable[[str], Clock]
    metrics: VersionedCache[tuple[BillableMetric, ...]]
    rates: VersionedCache[tuple[Rate, ...]]
    alerts: VersionedCache[tuple[tuple[Item, Alert], ...]]
    tokens: VersionedCache["Token | None"]
    metering: VersionedCache["Definitions"]
    sandbox: bool
    open_tokens: bool
    environment_type: str
    cell_slot: str
    unwritten_log: Unwritten[Item]
    marked_days: RecentlySeen
    log_writer: LogWriter
    drops_old_events: bool
    alert_interval_seconds: int
    tells_resolved_alerts: bool
    refuses_failed_gates: bool
    requires_stripe_products: bool
    tells_changes: bool
    sql: SqlEngine
    payments: PaymentGateway
    taxes: Taxes
    objects: Objects
    providers: Providers
    connection_secrets: VersionedCache[str | None]
    known_tokens: RecentlySeen
    used_keys: RecentlySeen
    any_webhook_target: bool
    webhook_max_attempts: int
    webhook_retry_base_seconds: int
    default_webhook_secret: str | None
    rate_limit: RateLimit | None
    api_addresses: tuple[str, ...]
    webhook_addresses: tuple[str, ...]
    older_mock: "OlderMock | None"
    forget: Callable[[str], None]
    count: Callable[[str, int], None]


PRODUCT: Final = Author()
"""What jobs are put down to."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request or job: on whose behalf and when.

    `owner` is what the token stands for, `tenant` the world its keys begin with: the two differ
    once a sandbox was reset.
    `now` is read once, so everything a call writes bears the same time.
    With `held`, notifications stay in the outbox and are added to it, for the caller to deliver
    in order. `faulty` says that the sandbox has faults. `rate_limit` is what holds for its calls.
    """

    services: Services
    owner: str
    tenant: str
    now: datetime
    held: list[Item] | None = None
    faulty: bool = False
    rate_limit: RateLimit | None = None
    by: Author = PRODUCT

    @property
    def store(self) -> AuditedStore:
        """The store. What is changed through it is in the log of changes, as the caller's doing."""
        services = self.services
        return AuditedStore(
            services.store,
            self.tenant,
            self.by,
            self.now,
            services.clock.now,
            services.ids.new,
            services.log_writer,
        )

    def at(self, now: datetime, *, held: list[Item] | None) -> "Call":
        """Returns the same caller at another time."""
        return replace(self, now=now, held=held)
