"""How long drafts of large customers and billing runs of many customers take.

Times are CPU seconds of one thread of this process, which does everything: so they are what one
core can do, whatever else the machine is busy with.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backbeat.api import auth
from backbeat.application import ingest
from backbeat.application.sandboxes import call_for
from backbeat.models.usage import UsageEvent
from tests.bench.profiles import Profile, profiled
from tests.bench.stage import TOKEN, Stage, staged

MONTH = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS = 31
_BATCH = 100
_RATES_AT_ONCE = 500
_TOTAL = 110
"""What each of the many customers owes for the month, in cents; see `_many_customers`."""


@dataclass(frozen=True)
class Shape:
    """A customer's month: so many events, over so many products with so many groups each."""

    events: int
    products: int
    groups: int


@dataclass(frozen=True)
class Draft:
    """A draft invoice read: the first time in the process, and again."""

    shape: Shape
    lines: int
    cold_seconds: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A billing run: from the tick to the last commit."""

    customers: int
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Invoices per CPU second."""
        return self.customers / self.cpu_seconds


LARGE = Shape(events=1_000_000, products=200, groups=50)
SMALL = Shape(events=20_000, products=40, groups=50)


MANY = 1000
FEW = 100


@dataclass(frozen=True)
class Billing:
    """What was measured, and where the time went."""

    draft: Draft
    draft_profile: Profile
    run: Run
    run_profile: Profile


def measure(shape: Shape, customers: int, say: Callable[[str], None]) -> Billing:
    """Measures both; `say` is told what is going on."""
    say(f"a draft of {shape.events:,} events")
    drafted, draft_profile = draft(shape)
    say(f"a billing run of {customers:,} customers")
    ran, _ = run(customers)
    _, run_profile = run(max(FEW, customers // 5), profiling=True)
    return Billing(drafted, draft_profile, ran, run_profile)


def draft(shape: Shape, *, rounds: int = 3) -> tuple[Draft, Profile]:
    """Measures the draft of one customer."""
    with staged(MONTH) as stage:
        customer = _large_customer(stage, shape)

        def read() -> list[object]:
            [invoice] = stage.get(f"/v1/customers/{customer}/invoices")
            lines: list[object] = invoice["line_items"]
            return lines

        cold, lines = _cpu(read)
        again = sorted(_cpu(read)[0] for _ in range(rounds))
        found = Draft(shape, len(lines), cold, again[len(again) // 2])
        return found, profiled(read)


def run(customers: int, *, profiling: bool = False) -> tuple[Run, Profile]:
    """Measures finalizing a month of many customers, each with usage and a credit."""
    with staged(MONTH) as stage:
        ids = _many_customers(stage, customers)
        # Five minutes after the day of grace that follows the month.
        stage.clock.set(MONTH + timedelta(days=_DAYS + 1, minutes=5))

        def work() -> None:
            stage.product.tick()
            stage.product.work_off_jobs()

        begun = time.thread_time()
        profile = profiled(work) if profiling else Profile([], [])
        if not profiling:
            work()
        spent = time.thread_time() - begun
        right = sum(_is_right(stage, customer) for customer in ids)
        if right < customers:
            raise RuntimeError(f"{right} of {customers} invoices are right")
        return Run(customers, spent), profile


def _is_right(stage: Stage, customer: str) -> bool:
    totals = [
        invoice["total"]
        for invoice in stage.get(f"/v1/customers/{customer}/invoices")
        if invoice["status"] == "FINALIZED"
    ]
    return totals == [_TOTAL]


def _cpu(work: Callable[[], list[object]]) -> tuple[float, list[object]]:
    begun = time.thread_time()
    result = work()
    return time.thread_time() - begun, result


def _large_customer(stage: Stage, shape: Shape) -> str:
    """Creates the customer with all events stored, at the end of the month."""
    models = [f"m{number}" for number in range(shape.groups)]
    products = [
        _product(stage, f"p{number}", "SUM" if number % 2 else "COUNT")
        for number in range(shape.products)
    ]
    card = stage.create("/v1/contract-pricing/rate-cards/create", name="List")
    _add_rates(stage, card, [(product, model) for product in products for model in models])
    customer = stage.create("/v1/customers", name="Large", ingest_aliases=["large"])
    stage.create(
        "/v1/contracts/create",
        customer_id=customer,
        rate_card_id=card,
        starting_at=f"{MONTH:%FT%TZ}",
    )
    stage.clock.set(MONTH + timedelta(days=_DAYS, hours=-1))
    call = call_for(stage.product.services, _tenant(stage))
    for batch in _batches(shape, models):
        ingest.ingest(call, batch)
    return customer


def _tenant(stage: Stage) -> str:
    return auth.caller_of(stage.product.services, {"authorization": f"Bearer {TOKEN}"}).owner


def _batches(shape: Shape, models: Sequence[str]) -> Iterator[list[UsageEvent]]:
    """Yields the events, evenly over the month, day by day and in a day by product and group."""
    chosen = random.Random(1)
    batch: list[UsageEvent] = []
    kinds = [
        (f"p{n % shape.products}", models[n // shape.products % shape.groups])
        for n in range(shape.products * shape.groups)
    ]
    kinds.sort()
    cells = _DAYS * len(kinds)
    for number in range(shape.events):
        place = number * cells // shape.events
        day, kind = divmod(place, len(kinds))
        event_type, model = kinds[kind]
        at = MONTH + timedelta(days=day, seconds=chosen.randrange(86_400))
        batch.append(
            UsageEvent(
                f"{chosen.getrandbits(128):032x}",
                "large",
                event_type,
                at,
                {"model": model, "tokens": str(chosen.randrange(1, 5000))},
            )
        )
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _product(stage: Stage, name: str, aggregation: str, *, grouped: bool = True) -> str:
    metric = stage.create(
        "/v1/billable-metrics/create",
        name=name,
        aggregation_type=aggregation,
        aggregation_key="tokens" if aggregation == "SUM" else None,
        event_type_filter={"in_values": [name]},
        property_filters=[{"name": "tokens", "exists": True}, {"name": "model", "exists": True}],
        group_keys=[["model"]] if grouped else [],
    )
    return stage.create(
        "/v1/contract-pricing/products/create",
        name=name,
        type="USAGE",
        billable_metric_id=metric,
        pricing_group_key=["model"] if grouped else None,
    )


def _add_rates(
    stage: Stage, card: str, priced: Sequence[tuple[str, str | None]], price: int = 2
) -> None:
    for begin in range(0, len(priced), _RATES_AT_ONCE):
        rates = [
            {
                "product_id": product,
                "starting_at": f"{MONTH:%FT%TZ}",
                "entitled": True,
                "rate_type": "FLAT",
                "price": price,
                "pricing_group_values": {} if model is None else {"model": model},
            }
            for product, model in priced[begin : begin + _RATES_AT_ONCE]
        ]
        stage.post(
            "/v1/contract-pricing/rate-cards/addRates", {"rate_card_id": card, "rates": rates}
        )


def _many_customers(stage: Stage, count: int) -> list[str]:
    """Creates customers of one price list, each with a month of usage and a credit.

    Each has used 60 calls at 2 cents and 3 × 10 tokens of two models at 1 cent: 180 cents, of which
    the credit pays 70.
    """
    calls = _product(stage, "calls", "COUNT", grouped=False)
    tokens = _product(stage, "tokens", "SUM")
    credit = stage.create("/v1/contract-pricing/products/create", name="Credit", type="FIXED")
    card = stage.create("/v1/contract-pricing/rate-cards/create", name="List")
    _add_rates(stage, card, [(calls, None)])
    _add_rates(stage, card, [(tokens, "small"), (tokens, "large")], price=1)
    start = f"{MONTH:%FT%TZ}"
    ids = []
    for number in range(count):
        customer = stage.create("/v1/customers", name=f"c{number}", ingest_aliases=[f"c{number}"])
        stage.create(
            "/v1/contracts/create", customer_id=customer, rate_card_id=card, starting_at=start
        )
        stage.create(
            "/v1/contracts/customerCredits/create",
            customer_id=customer,
            name="Welcome",
            product_id=credit,
            priority=1,
            access_schedule={
                "schedule_items": [
                    {"amount": 70, "starting_at": start, "ending_before": "2026-01-01T00:00:00Z"}
                ]
            },
        )
        ids.append(customer)
    for day in range(1, 31):
        stage.clock.set(MONTH + timedelta(days=day))
        call = call_for(stage.product.services, _tenant(stage))
        for customer in ids:
            ingest.ingest(call, list(_small_day(customer, stage.clock.now())))
    return ids


def _small_day(customer: str, at: datetime) -> Iterator[UsageEvent]:
    for number in range(2):
        yield UsageEvent(
            f"{customer}/{at}/{number}", customer, "calls", at, {"model": "small", "tokens": 1}
        )
    yield UsageEvent(
        f"{customer}/{at}/tokens",
        customer,
        "tokens",
        at,
        {"model": ("small", "large")[at.day % 2], "tokens": "2"},
    )
