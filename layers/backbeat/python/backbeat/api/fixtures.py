"""Worlds written by hand: what there is to be, in the words of the API's own requests.

    clock: 2025-01-01T00:00:00Z
    billable_metrics:
      images: {name: Images, aggregation_type: SUM, aggregation_key: images}
    products:
      images: {name: Images, type: USAGE, billable_metric_id: $billable_metrics.images}

Each thing has a name of the file's own; `$section.name` anywhere in a body stands for the id that
it was given. Sections are made in the order of `_SECTIONS`, things in the order of the file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from backbeat.api import json
from backbeat.api.requests import parse
from backbeat.api.schemas.balances import CreateCustomerCommit, CreateCustomerCredit
from backbeat.api.schemas.catalog import CreateBillableMetric, CreateCreditType
from backbeat.api.schemas.contracts import CreateContract
from backbeat.api.schemas.custom_fields import AddKey
from backbeat.api.schemas.customers import CreateCustomer
from backbeat.api.schemas.events import parse_events
from backbeat.api.schemas.packages import CreatePackage
from backbeat.api.schemas.products import CreateProduct
from backbeat.api.schemas.rates import AddRates, CreateRateCard
from backbeat.api.schemas.types import Schema, Timestamp
from backbeat.api.schemas.webhooks import Subscribe
from backbeat.application import (
    balances,
    catalog,
    contract_creation,
    custom_fields,
    customers,
    ingest,
    packages,
    rate_cards,
    rates,
    sandbox_clock,
    sandboxes,
    targets,
)
from backbeat.application.services import Call
from backbeat.models.errors import BackbeatError, InvalidArgument

S = TypeVar("S", bound=BaseModel)

_REFERENCE: Final = re.compile(r"\$(\w+)\.([\w-]+)")
_EVENTS_AT_ONCE: Final = 100

Ids = dict[str, dict[str, str]]
"""By section, the id of each thing by its name."""

Body = Mapping[str, Any]


class Fixture(Schema):
    """A world. Bodies are checked when their turn has come, as they refer to ids made before."""

    model_config = ConfigDict(extra="forbid")

    clock: Timestamp | None = None
    webhook_targets: list[str] = []
    custom_fields: list[dict[str, Any]] = []
    credit_types: dict[str, dict[str, Any]] = {}
    billable_metrics: dict[str, dict[str, Any]] = {}
    products: dict[str, dict[str, Any]] = {}
    rate_cards: dict[str, dict[str, Any]] = {}
    packages: dict[str, dict[str, Any]] = {}
    customers: dict[str, dict[str, Any]] = {}
    contracts: dict[str, dict[str, Any]] = {}
    commits: dict[str, dict[str, Any]] = {}
    credits: dict[str, dict[str, Any]] = {}
    usage: list[dict[str, Any]] = []


def load(call: Call, fixture: Fixture) -> Ids:
    """Puts the world of a fixture in the place of the caller's, all of it or nothing.

    Returns the ids of what was made.

    Raises:
        InvalidArgument: something in it is wrong; says what, by section and name.
        Retryable: somebody else replaced or reset the sandbox at the same time.
    """
    making = _Making()

    def fill(filling: Call) -> None:
        making.fill(filling, fixture)

    sandboxes.replace_world(call, fill)
    return making.ids


def parse_text(text: str) -> object:
    """Returns the value of a JSON or YAML text; numbers are `int` or `Decimal`, dates are texts.

    Raises:
        InvalidArgument: it is neither.
    """
    if text.lstrip()[:1] in ("{", "["):
        return json.loads(text)
    from backbeat.api import yaml_text

    return yaml_text.loads(text)


@dataclass(slots=True)
class _Making:
    ids: Ids = field(default_factory=dict)

    def fill(self, call: Call, fixture: Fixture) -> None:
        if fixture.clock is not None:
            sandbox_clock.move(call, fixture.clock)
            call = replace(call, now=fixture.clock)
        for number, target in enumerate(fixture.webhook_targets):
            self._make(f"webhook_targets[{number}]", call, _subscribe, {"target": target})
        for number, body in enumerate(fixture.custom_fields):
            self._make(f"custom_fields[{number}]", call, _add_key, body)
        for section, make in _SECTIONS.items():
            made = self.ids.setdefault(section, {})
            for name, body in getattr(fixture, section).items():
                made[name] = self._make(f"{section}.{name}", call, make, body)
        self.ids = {section: made for section, made in self.ids.items() if made}
        for first in range(0, len(fixture.usage), _EVENTS_AT_ONCE):
            events = fixture.usage[first : first + _EVENTS_AT_ONCE]
            self._make(f"usage[{first}:]", call, _ingest, {"events": events})

    def _make(self, place: str, call: Call, make: Callable[[Call, Body], str], body: Body) -> str:
        try:
            return make(call, self._resolved(body))
        except BackbeatError as error:
            # Whatever it is, it is the file that is wrong.
            raise InvalidArgument(f"{place}: {error.message}") from error

    def _resolved(self, value: Any) -> Any:
        """Returns a value with ids in the place of references."""
        if isinstance(value, str):
            found = _REFERENCE.fullmatch(value)
            return value if found is None else self._id(found[1], found[2])
        if isinstance(value, dict):
            return {name: self._resolved(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._resolved(part) for part in value]
        return value

    def _id(self, section: str, name: str) -> str:
        try:
            return self.ids[section][name]
        except KeyError:
            raise InvalidArgument(f"${section}.{name} was not made before") from None


def _subscribe(call: Call, body: Body) -> str:
    targets.add(call, parse(body, Subscribe).target)
    return ""


def _add_key(call: Call, body: Body) -> str:
    wanted = parse(body, AddKey)
    custom_fields.add_key(call, wanted.to_field())
    return ""


def _credit_type(call: Call, body: Body) -> str:
    return catalog.create_credit_type(call, parse(body, CreateCreditType).name).id


def _metric(call: Call, body: Body) -> str:
    metric = parse(body, CreateBillableMetric).to_metric(call.services.ids.new(), call.now)
    catalog.create_metric(call, metric)
    return metric.id


def _product(call: Call, body: Body) -> str:
    product = parse(body, CreateProduct).to_product(call.services.ids.new(), call.now)
    catalog.create_product(call, product)
    return product.id


def _rate_card(call: Call, body: Body) -> str:
    """Makes a rate card with its `rates`, which the API adds by a request of their own."""
    card = rate_cards.create(call, parse(body, CreateRateCard).to_card())
    if body.get("rates"):
        wanted = parse({"rate_card_id": card.id, "rates": body["rates"]}, AddRates)
        rates.add_all(call, card.id, [rate.to_rate() for rate in wanted.rates])
    return card.id


def _package(call: Call, body: Body) -> str:
    return packages.create(call, parse(body, CreatePackage).to_package()).id


def _customer(call: Call, body: Body) -> str:
    wanted = parse(body, CreateCustomer)
    return customers.create(
        call,
        name=wanted.name,
        ingest_aliases=wanted.all_aliases,
        custom_fields=wanted.custom_fields,
        configurations=wanted.to_configurations(),
    ).id


def _contract(call: Call, body: Body) -> str:
    return contract_creation.create(call, parse(body, CreateContract).to_contract()).id


def _commit(call: Call, body: Body) -> str:
    wanted = parse(body, CreateCustomerCommit)
    return balances.create(call, wanted.customer_id, wanted.to_balance()).id


def _credit(call: Call, body: Body) -> str:
    wanted = parse(body, CreateCustomerCredit)
    return balances.create(call, wanted.customer_id, wanted.to_balance()).id


def _ingest(call: Call, body: Body) -> str:
    ingest.ingest(call, parse_events(json.dumps(body["events"])))
    return ""


_SECTIONS: Final[dict[str, Callable[[Call, Body], str]]] = {
    "credit_types": _credit_type,
    "billable_metrics": _metric,
    "products": _product,
    "rate_cards": _rate_card,
    "packages": _package,
    "customers": _customer,
    "contracts": _contract,
    "commits": _commit,
    "credits": _credit,
}
