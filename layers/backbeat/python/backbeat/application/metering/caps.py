"""Caps: how much usage of a period is taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from backbeat.application.metering import billing_periods, definitions, quantities
from backbeat.application.metering.definitions import Definitions
from backbeat.application.services import Call
from backbeat.domain import counting, measures, tracking
from backbeat.models.catalog import BillableMetric
from backbeat.models.counters import QUANTITY, Counter
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound
from backbeat.models.limits import Cap, CapMode
from backbeat.models.period import Period
from backbeat.models.usage import Measure, StoredEvent, UsageEvent
from backbeat.persistence import keys, metric_version
from backbeat.persistence.entities import to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Delete, Put, Version


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether more usage is allowed, and how much there is of a period's."""

    allowed: bool
    cap: Cap | None
    used: Decimal
    period: Period

    @property
    def remaining(self) -> Decimal | None:
        """What is left up to the cap, never below 0; None without a cap."""
        return None if self.cap is None else max(self.cap.limit - self.used, Decimal(0))

    @property
    def warning(self) -> str | None:
        """What to say of a soft cap that is passed."""
        if self.cap is None or not self.allowed or self.used <= self.cap.limit:
            return None
        return f"over the soft cap of {self.cap.limit:f}"


class Guard:
    """Holds the events of a request, one after the other, against the caps on them.

    What a customer has used is read once: whoever is to keep a hard cap makes sure that nobody else
    uses of it meanwhile, see `cap_turns`.
    """

    def __init__(self, call: Call, known: Definitions) -> None:
        self._call = call
        self._known = known
        self._customers: dict[str, Customer] = {}
        self._measures: dict[tuple[str, str, Period], Measure | None] = {}
        self._events = 0

    def verdict(self, counter: Counter, event: UsageEvent) -> Verdict | None:
        """Returns what the tightest cap says of usage with an event; None without a cap.

        An event that is allowed counts for those after it.
        """
        caps = self._known.caps_on(counter.name, event.customer_key)
        if not caps:
            return None
        metric = self._known.metric_of(counter)
        customer = self._customer(event.customer_key)
        period = billing_periods.period_of(self._call, customer, event.timestamp)
        place = (counter.name, customer.id, period)
        if place not in self._measures:
            self._measures[place] = _measured(self._call, metric, customer, period)
        before = self._measures[place]
        after = _with(before, self._stored(event), metric)
        used = Decimal(0) if after is None else measures.number(metric, after)
        hard = [cap for cap in caps if cap.mode is CapMode.HARD]
        broken = [cap for cap in hard if used > cap.limit]
        if broken:
            now_used = Decimal(0) if before is None else measures.number(metric, before)
            return Verdict(False, _tightest(broken), now_used, period)
        self._measures[place] = after
        soft = [cap for cap in caps if cap.mode is CapMode.SOFT and used > cap.limit]
        return Verdict(True, _tightest(soft or caps), used, period)

    def _customer(self, customer_ref: str) -> Customer:
        if customer_ref not in self._customers:
            self._customers[customer_ref] = billing_periods.customer_of(self._call, customer_ref)
        return self._customers[customer_ref]

    def _stored(self, event: UsageEvent) -> StoredEvent:
        self._events += 1
        place = tracking.place(self._call.services.clock.now(), self._events)
        return StoredEvent(event, self._call.now, place)


def create(
    call: Call, *, metric: str, customer_ref: str | None, limit: Decimal, mode: CapMode
) -> Cap:
    """Creates a cap. It holds for events that come from now on.

    Raises:
        NotFound: there is no counter of that name.
    """
    definitions.of(call).counter(metric)
    cap = Cap(
        id=call.services.ids.new(),
        metric=metric,
        customer_ref=customer_ref,
        limit=limit,
        mode=mode,
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.cap(call.tenant, cap.id), cap), Absent()))
    work.add(metric_version.changed(call.tenant))
    work.commit()
    return cap


def every(call: Call) -> list[Cap]:
    """Returns all caps in order of creation."""
    return sorted(definitions.of(call).caps, key=lambda cap: (cap.created_at, cap.id))


def remove(call: Call, cap_id: str) -> None:
    """Removes a cap: usage goes on from there.

    Raises:
        NotFound: there is none of that id.
    """
    item = call.store.get(keys.cap(call.tenant, cap_id))
    if item is None:
        raise NotFound("cap", cap_id)
    work = UnitOfWork(call.store)
    work.add(Delete(item.key, Version(item.version)), metric_version.changed(call.tenant))
    work.commit()


def check(call: Call, *, metric: str, customer_ref: str, quantity: Decimal) -> Verdict:
    """Returns whether a customer may use some more now. Nothing is counted.

    Raises:
        NotFound: there is no counter of that name.
    """
    known = definitions.of(call)
    counter = known.counter(metric)
    event = UsageEvent(
        "check", customer_ref, metric, call.now, {QUANTITY: f"{quantity:f}", "resource_id": "check"}
    )
    verdict = Guard(call, known).verdict(counter, event)
    if verdict is not None:
        used = quantities.of_refs(call, known.metric_of(counter), [customer_ref], verdict.period)
        return Verdict(verdict.allowed, verdict.cap, used, verdict.period)
    customer = billing_periods.customer_of(call, customer_ref)
    period = billing_periods.period_of(call, customer, call.now)
    used = quantities.quantity(call, known.metric_of(counter), [customer], period)
    return Verdict(True, None, used, period)


def _measured(
    call: Call, metric: BillableMetric, customer: Customer, period: Period
) -> Measure | None:
    counted = [cell.tally for cell in quantities.cells(call, metric, [customer], period)]
    return reduce(measures.together, counted) if counted else None


def _with(before: Measure | None, stored: StoredEvent, metric: BillableMetric) -> Measure | None:
    added = [cell.tally for cell in counting.cells(metric, [stored])]
    known = [*([] if before is None else [before]), *added]
    return reduce(measures.together, known) if known else None


def _tightest(caps: Iterable[Cap]) -> Cap:
    return min(caps, key=lambda cap: (cap.limit, cap.id))
