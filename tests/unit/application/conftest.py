"""The use cases on ports of the test's own: an empty SQLite database, a clock, a webhook target."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from backbeat import bootstrap
from backbeat.adapters.ids import SequenceIds
from backbeat.application import (
    catalog,
    contract_creation,
    customers,
    ingest,
    rate_cards,
    rates,
    sandboxes,
    usage,
)
from backbeat.application.new_contracts import NewContract
from backbeat.application.rate_cards import NewRateCard
from backbeat.application.services import Call, Services
from backbeat.config import Config
from backbeat.domain import windows
from backbeat.models.catalog import (
    BillableMetric,
    Product,
    ProductState,
    ProductType,
    PropertyFilter,
)
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.rates import RateType
from backbeat.models.schedules import Frequency, StatementDay
from backbeat.models.usage import UsageEvent
from backbeat.ports.http import HttpFailure, HttpReply
from backbeat.ports.queue import Message, Queue
from tests.unit.builders import utc

NOON = utc("2025-06-15T12:00")


class HandClock:
    """Stands still until the test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, **by: int) -> None:
        self.at += timedelta(**by)


@dataclass(frozen=True)
class Posted:
    """One POST to a webhook target."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Targets:
    """All webhook targets. They answer 200, or what `answers` says next for their URL."""

    answers: dict[str, list[int | HttpFailure]] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        self.posted.append(Posted(url, dict(headers), body))
        following = self.answers.get(url)
        answer = following.pop(0) if following else 200
        if isinstance(answer, HttpFailure):
            raise answer
        return HttpReply(answer, b"")


@dataclass(frozen=True)
class World:
    """One sandbox, and short ways to put things into it."""

    services: Services
    clock: HandClock
    targets: Targets
    tenant: str = "sandbox"

    def call(self, tenant: str | None = None) -> Call:
        """Returns a call at the sandbox's present, on behalf of its tenant or another one."""
        return sandboxes.call_for(self.services, tenant or self.tenant)

    def customer(self, *aliases: str) -> Customer:
        return customers.create(self.call(), name="Acme", ingest_aliases=aliases, custom_fields={})

    def metric(self, wanted: BillableMetric) -> BillableMetric:
        """Stores a metric, with the property filters that its keys need."""
        keys = {name: PropertyFilter(name=name, exists=True) for name in wanted.cell_keys}
        if wanted.aggregation_key is not None:
            keys.setdefault(wanted.aggregation_key, PropertyFilter(name=wanted.aggregation_key))
        filters = (*wanted.property_filters, *keys.values())
        complete = wanted.model_copy(update={"property_filters": filters})
        catalog.create_metric(self.call(), complete)
        return complete

    def price_list(self, metric: BillableMetric, price: str) -> str:
        """Makes a rate card with one product, which counts a metric at a flat price from 2020."""
        call = self.call()
        product = Product(
            id=self.services.ids.new(),
            type=ProductType.USAGE,
            initial=ProductState(name="Calls", created_at=call.now, billable_metric_id=metric.id),
        )
        catalog.create_product(call, product)
        card = rate_cards.create(
            call,
            NewRateCard(
                name="List",
                description=None,
                fiat_credit_type_id=None,
                conversions=(),
                aliases=(),
                custom_fields={},
            ),
        )
        rate = rates.NewRate(
            product_id=product.id,
            starting_at=utc("2020-01-01"),
            ending_before=None,
            entitled=True,
            rate_type=RateType.FLAT,
            price=Decimal(price),
            tiers=(),
            minimum=None,
            commit_rate=None,
            billing_frequency=None,
            quantity=None,
            is_prorated=None,
            credit_type_id=None,
            pricing_group_values={},
        )
        rates.add(call, card.id, rate)
        return card.id

    def contract(
        self,
        customer: Customer,
        start: str,
        *,
        end: str | None = None,
        card: str | None = None,
        invoices_from: str | None = None,
        call: Call | None = None,
    ) -> Contract:
        """Makes a monthly contract, by the call given or one of the test's own."""
        wanted = NewContract(
            customer_id=customer.id,
            starting_at=utc(start),
            ending_before=None if end is None else utc(end),
            rate_card_id=card,
            name=None,
            uniqueness_key=None,
            frequency=Frequency.MONTHLY,
            statement_day=StatementDay.FIRST_OF_MONTH,
            billing_anchor_date=None,
            invoice_generation_starting_at=None if invoices_from is None else utc(invoices_from),
            net_payment_terms_days=None,
            custom_fields={},
        )
        return contract_creation.create(call or self.call(), wanted)

    def ingest(self, *events: UsageEvent) -> None:
        ingest.ingest(self.call(), events)

    def counted(self, customer: Customer, metric: BillableMetric) -> Decimal:
        """Returns all that was ever counted for a customer."""
        ever = Period(utc("2024-01-01"), utc("2027-01-01"))
        cells = usage.cells(self.call(), customer, metric, ever)
        return windows.quantity(metric, cells) or Decimal(0)

    def queued_webhooks(self) -> list[Message]:
        """Takes up to ten messages off the webhook queue."""
        return self._taken(self.services.webhook_queue)

    def queued_jobs(self) -> list[Message]:
        """Takes up to ten messages off the job queue."""
        return self._taken(self.services.job_queue)

    @staticmethod
    def _taken(queue: Queue) -> list[Message]:
        found = queue.receive(limit=10, wait_seconds=0, visibility_seconds=0)
        queue.delete([message.receipt for message in found])
        return list(found)


@pytest.fixture
def world() -> World:
    return make_world()


def make_world(**environment: str) -> World:
    """Makes an empty world on real time, which is noon on 15 June 2025."""
    config = Config.model_validate(
        {
            "BACKBEAT_STATE": ":memory:",
            "BACKBEAT_SANDBOX": "on",
            "BACKBEAT_TOKENS": "open",
            "BACKBEAT_WEBHOOK_TARGETS": "any",
            **environment,
        }
    )
    clock, targets = HandClock(NOON), Targets()
    services = replace(bootstrap.build(config, clock=clock), ids=SequenceIds(), http=targets)
    return World(services, clock, targets)
