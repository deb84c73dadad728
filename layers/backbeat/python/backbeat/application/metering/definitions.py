"""What metering is set up with, remembered until any of it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from backbeat.application import catalog
from backbeat.application.services import Call
from backbeat.models.catalog import BillableMetric
from backbeat.models.counters import Counter
from backbeat.models.errors import NotFound
from backbeat.models.limits import Cap, CapMode
from backbeat.models.meter_alerts import MeterAlert
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, walk
from backbeat.ports.store import Query


@dataclass(frozen=True)
class Definitions:
    """All counters by name, what they count, and the caps and alerts about them."""

    counters: Mapping[str, Counter]
    metrics: Mapping[str, BillableMetric]
    caps: tuple[Cap, ...] = ()
    alerts: tuple[MeterAlert, ...] = ()

    def counter(self, name: str) -> Counter:
        """Returns a counter.

        Raises:
            NotFound: there is none of that name.
        """
        found = self.counters.get(name)
        if found is None:
            raise NotFound("counter", name)
        return found

    def metric_of(self, counter: Counter) -> BillableMetric:
        """Returns what a counter counts by."""
        return self.metrics[counter.billable_metric_id]

    def caps_on(self, metric: str, customer_ref: str) -> list[Cap]:
        """Returns the caps on a customer's usage."""
        return [
            cap
            for cap in self.caps
            if cap.metric == metric and cap.customer_ref in (None, customer_ref)
        ]

    @cached_property
    def hard_caps(self) -> frozenset[str]:
        """The counters with hard caps, on whomever."""
        return frozenset(cap.metric for cap in self.caps if cap.mode is CapMode.HARD)

    def is_capped(self, metric: str, customer_ref: str) -> bool:
        """Tells whether a hard cap is on a customer's usage."""
        return any(cap.mode is CapMode.HARD for cap in self.caps_on(metric, customer_ref))


def of(call: Call) -> Definitions:
    """Returns the tenant's definitions.

    One strong read tells whether what this process remembers is still all there is: whatever
    changes a definition counts as a change of the tenant's metrics.
    """
    version = call.store.get(keys.metric_version(call.tenant))
    number = 0 if version is None else int(version.numbers.get("changes", 0))
    return call.services.metering.get(call.tenant, number, lambda: _load(call))


def _load(call: Call) -> Definitions:
    counters: dict[str, Counter] = {}
    caps: list[Cap] = []
    alerts: list[MeterAlert] = []
    for item in walk(call.store, Query(keys.metering(call.tenant))):
        if item.entity == Counter.__name__:
            counter = from_item(item, Counter)
            counters[counter.name] = counter
        elif item.entity == Cap.__name__:
            caps.append(from_item(item, Cap))
        elif item.entity == MeterAlert.__name__:
            alerts.append(from_item(item, MeterAlert))
    metrics = {metric.id: metric for metric in catalog.metrics(call)}
    return Definitions(counters, metrics, tuple(caps), tuple(alerts))
