"""What looks at alerts cost: `python -m tests.bench.alert_looks [--customers N] [--rounds N]`.

In one process without an HTTP server, in CPU seconds of its one thread, so the figures are those of
one core, whatever else the machine is busy with. Every customer has usage in every minute, which is
as often as alerts are looked at; the looks of a minute have to be done within it.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from backbeat.api import auth
from backbeat.application import ingest, looks
from backbeat.application.sandboxes import call_for
from backbeat.application.services import Call
from backbeat.models.contracts import DueItem
from backbeat.models.usage import UsageEvent
from backbeat.persistence.entities import read
from tests.bench.stage import TOKEN, Stage, staged

_NOW = datetime(2025, 1, 10, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_BATCH = 100
_CREDIT = 1000
"""What each customer may spend, in cents; a call costs 1."""
_CROSSING_EACH = 10
"""Of so many customers one uses its credit up."""
_COMBINED = "low_remaining_contract_credit_and_commit_balance_reached"
_ALERTS = (
    {"alert_type": "spend_threshold_reached", "threshold": 10**9},
    {"alert_type": _COMBINED, "threshold": 0},
    {
        "alert_type": _COMBINED,
        "threshold": 0,
        "alert_specifiers": [
            {"custom_field_filters": [{"entity": "ContractCreditOrCommit", "key": "promo"}]}
        ],
    },
    {"alert_type": "low_remaining_contract_credit_percentage_reached", "threshold": 5},
)


@dataclass(frozen=True)
class Figures:
    """What rounds took; a round is an event of each customer, and the look that it brings."""

    customers: int
    alerts: int
    rounds: int
    ingest_seconds: float
    look_seconds: float
    alarms: int

    @property
    def looks(self) -> int:
        """How often a customer's alerts were looked at."""
        return self.customers * self.rounds

    @property
    def per_second(self) -> float:
        """Looks per CPU second."""
        return self.looks / self.look_seconds

    @property
    def round_seconds(self) -> float:
        """CPU seconds until the last customer of a minute is looked at: by so much it is late."""
        return self.look_seconds / self.rounds

    @property
    def keeps_up(self) -> bool:
        """Tells whether one core does a minute's ingest and looks within the minute."""
        return self.round_seconds + self.ingest_seconds / self.rounds < _MINUTE.total_seconds()


def measure(customers: int, rounds: int, say: Callable[[str], None]) -> Figures:
    """Measures rounds of usage of many customers with the same alerts."""
    with staged(_NOW) as stage:
        say(f"{customers:,} customers with a contract and a credit")
        ids = _customers(stage, customers)
        for number, alert in enumerate(_ALERTS):
            stage.create("/v1/alerts/create", name=f"alert {number}", **alert)
        # The looks that new alerts bring, and those a minute after them.
        for _ in range(3):
            _work_off(stage)
            stage.clock.set(stage.clock.now() + _MINUTE)
        call = call_for(stage.product.services, _tenant(stage))
        ingesting = looking = 0.0
        for number in range(rounds):
            say(f"minute {number + 1} of {rounds}")
            stage.clock.set(_NOW + (number + 10) * _MINUTE)
            call = call_for(stage.product.services, call.tenant)
            uses_up = number == rounds - 1
            ingesting += _cpu(partial(_ingest, call, ids, uses_up=uses_up))
            looking += _cpu(partial(_work_off, stage))
            _refuse_undone(call, ids)
        return Figures(
            customers, len(_ALERTS), rounds, ingesting, looking, _refuse_wrong(stage, ids)
        )


def _customers(stage: Stage, number: int) -> list[str]:
    key = {"entity": "contract_credit", "key": "promo", "enforce_uniqueness": False}
    stage.post("/v1/customFields/addKey", key)
    metric = stage.create(
        "/v1/billable-metrics/create",
        name="calls",
        aggregation_type="SUM",
        aggregation_key="calls",
        event_type_filter={"in_values": ["call"]},
        property_filters=[{"name": "calls", "exists": True}],
    )
    path = "/v1/contract-pricing/products/create"
    product = stage.create(path, name="Calls", type="USAGE", billable_metric_id=metric)
    credit = stage.create(path, name="Credit", type="FIXED")
    card = stage.create("/v1/contract-pricing/rate-cards/create", name="List")
    rate = {"product_id": product, "entitled": True, "rate_type": "FLAT", "price": 1}
    rates = [{**rate, "starting_at": "2025-01-01T00:00:00Z"}]
    stage.post("/v1/contract-pricing/rate-cards/addRates", {"rate_card_id": card, "rates": rates})
    granted = {
        "name": "Welcome",
        "product_id": credit,
        "priority": 1,
        "custom_fields": {"promo": "x"},
        "access_schedule": {
            "schedule_items": [
                {
                    "amount": _CREDIT,
                    "starting_at": "2025-01-01T00:00:00Z",
                    "ending_before": "2026-01-01T00:00:00Z",
                }
            ]
        },
    }
    ids = []
    for count in range(number):
        id_ = stage.create("/v1/customers", name=f"c{count}")
        terms = {"customer_id": id_, "rate_card_id": card, "starting_at": "2025-01-01T00:00:00Z"}
        stage.create("/v1/contracts/create", **terms)
        stage.create("/v1/contracts/customerCredits/create", customer_id=id_, **granted)
        ids.append(id_)
    return ids


def _ingest(call: Call, ids: Sequence[str], *, uses_up: bool) -> None:
    for batch in _batches(call.now, ids, uses_up=uses_up):
        ingest.ingest(call, batch)


def _batches(at: datetime, ids: Sequence[str], *, uses_up: bool) -> Iterator[list[UsageEvent]]:
    chosen = random.Random(at.minute)
    for start in range(0, len(ids), _BATCH):
        yield [
            UsageEvent(
                f"{chosen.getrandbits(128):032x}",
                customer,
                "call",
                at,
                {"calls": str(_CREDIT if uses_up and number % _CROSSING_EACH == 0 else 1)},
            )
            for number, customer in enumerate(ids[start : start + _BATCH], start=start)
        ]


def _work_off(stage: Stage) -> None:
    while stage.product.work_off_jobs():
        pass


def _refuse_undone(call: Call, ids: Sequence[str]) -> None:
    for customer in ids:
        due = read(call.store, looks.key_of(call, customer), DueItem)
        if due is None or due.look is None or due.look.last_at != call.now:
            raise RuntimeError(f"{customer} was not looked at")


def _refuse_wrong(stage: Stage, ids: Sequence[str]) -> int:
    """Returns how many alarms there are; each is as it must be, in a sample of the customers."""
    alarms = 0
    for number, customer in list(enumerate(ids))[:: max(1, len(ids) // 200)]:
        states = stage.post("/v1/customer-alerts/list", {"customer_id": customer})
        found = [(one["alert"]["type"], one["customer_status"]) for one in states]
        for kind, status in found:
            crossed = number % _CROSSING_EACH == 0 and kind != "spend_threshold_reached"
            if (status == "in_alarm") is not crossed:
                raise RuntimeError(f"{customer}: {found}")
            alarms += crossed
    return alarms


def _tenant(stage: Stage) -> str:
    return auth.caller_of(stage.product.services, {"authorization": f"Bearer {TOKEN}"}).owner


def _cpu(work: Callable[[], None]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def render(figures: Figures) -> str:
    """Returns the figures as a table."""
    share = Decimal(100 * figures.round_seconds / _MINUTE.total_seconds()).quantize(Decimal("0.1"))
    rows = [
        ("looks at a customer's alerts, a CPU second", f"{figures.per_second:,.0f}"),
        (
            f"evaluations, of {figures.alerts} alerts at a look, a CPU second",
            f"{figures.per_second * figures.alerts:,.0f}",
        ),
        ("CPU of a look", f"{1000 / figures.per_second:.2f} ms"),
        (
            "CPU of storing an event, with asking for its look",
            f"{1000 * figures.ingest_seconds / figures.looks:.2f} ms",
        ),
        (
            f"{figures.customers:,} customers, all in one minute: the last is looked at after",
            f"{figures.round_seconds:.1f} CPU s, {share} % of a core",
        ),
        ("one core keeps up (must)", "yes" if figures.keeps_up else "no"),
        ("alarms in the sample, as they must be", f"{figures.alarms:,}"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


def main() -> int:
    """Measures and prints; returns 0 when one core keeps up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures = measure(options.customers, options.rounds, _say)
    sys.stdout.write(f"{render(figures)}\n")
    return 0 if figures.keeps_up else 1


if __name__ == "__main__":
    sys.exit(main())
