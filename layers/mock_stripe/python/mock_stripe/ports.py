"""What the double is built on: the ports of the product, bound once per process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backbeat.ports.clock import Clock
from backbeat.ports.http import Http
from backbeat.ports.ids import Ids
from backbeat.ports.queue import Queue
from backbeat.ports.store import Store
from mock_stripe.world.world import World


@dataclass(frozen=True, slots=True)
class Ports:
    """Store, queue, outgoing HTTP, new ids, and whose time it is.

    `clock` is real time, `clock_for` a tenant's: where a sandbox stopped its clock, that is the
    process clock of its Stripe world. The queue carries deliveries and advances of test clocks.
    `declined` is told a tenant and whose payment it is, and returns what the bank says if it is to
    be declined.
    """

    store: Store
    queue: Queue
    http: Http
    ids: Ids
    clock: Clock
    clock_for: Callable[[str], Clock]
    declined: Callable[[str, object], str | None]

    def world(self, tenant: str) -> World:
        """Returns a view of a tenant's world as it is now."""
        now = int(self.clock_for(tenant).now().timestamp())
        return World(self.store, tenant, now, declined=partial(self.declined, tenant))
