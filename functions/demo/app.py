"""A shop that sells generated images, written as a customer's own app would be.

It keeps no state: what it needs it looks up at Metronome by name or alias, makes it if it is not
there yet, and so may be run any number of times. Money comes from invoices, never from a sum of
its own. Its Metronome is the stage's; its key there is the caller's token.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from backbeat import bootstrap
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request, Visit
from backbeat.api.resolver import Api
from backbeat.api.schemas.types import Name, Schema
from backbeat.api.static_files import StaticPages
from backbeat.application import connections

if TYPE_CHECKING:
    # The SDK takes long to import, so only calls that need it pay for it.
    from metronome import Metronome

Tier = Literal["standard", "high-res", "ultra"]

PRICES: Final[dict[Tier, int]] = {"standard": 2, "high-res": 5, "ultra": 10}
"""Cents per image. They go into the rate card; what is owed comes out of invoices."""

OPENED: Final = "2025-01-01T00:00:00Z"
"""Prices hold from this day on."""

METRIC, PRODUCT, RATE_CARD = "Demo images", "Demo image", "Demo prices"


# What is sold


def ensure_metric(client: "Metronome") -> str:
    """Counts the images of each event, by tier."""
    for metric in client.v1.billable_metrics.list():
        if metric.name == METRIC:
            return metric.id
    return client.v1.billable_metrics.create(
        name=METRIC,
        aggregation_type="SUM",
        aggregation_key="num_images",
        event_type_filter={"in_values": ["image_generation"]},
        property_filters=[
            {"name": "image_type", "exists": True},
            {"name": "num_images", "exists": True},
        ],
        group_keys=[["image_type"]],
        extra_headers=once("metric"),
    ).data.id


def ensure_prices(client: "Metronome") -> str:
    """Puts a product on a rate card at one price for each tier; returns the rate card's id."""
    product_id = ensure_product(client, ensure_metric(client))
    card_id = ensure_rate_card(client)
    rates = client.v1.contracts.rate_cards.rates.list(rate_card_id=card_id, at=OPENED)
    priced = {(rate.pricing_group_values or {}).get("image_type") for rate in rates}
    # One by one: whatever broke off before is finished now.
    for tier, cents in PRICES.items():
        if tier not in priced:
            client.v1.contracts.rate_cards.rates.add(
                rate_card_id=card_id,
                product_id=product_id,
                starting_at=OPENED,
                entitled=True,
                rate_type="FLAT",
                price=cents,
                pricing_group_values={"image_type": tier},
            )
    return card_id


def ensure_product(client: "Metronome", metric_id: str) -> str:
    """Sells what the metric counts."""
    for product in client.v1.contracts.products.list():
        if product.current.name == PRODUCT:
            return product.id
    return client.v1.contracts.products.create(
        name=PRODUCT,
        type="USAGE",
        billable_metric_id=metric_id,
        pricing_group_key=["image_type"],
        presentation_group_key=["image_type"],
        extra_headers=once("product"),
    ).data.id


def find_rate_card(client: "Metronome") -> str | None:
    """Returns the id of the price list."""
    cards = client.v1.contracts.rate_cards.list(body={})
    return next((card.id for card in cards if card.name == RATE_CARD), None)


def ensure_rate_card(client: "Metronome") -> str:
    """Finds or makes the price list."""
    found = find_rate_card(client)
    if found is not None:
        return found
    return client.v1.contracts.rate_cards.create(
        name=RATE_CARD, extra_headers=once("rate-card")
    ).data.id


def once(what: str) -> dict[str, str]:
    """Makes a creation that is sent twice, by a double click say, happen once."""
    return {"Idempotency-Key": f"demo-{what}"}


# Who buys


def find_customer(client: "Metronome", alias: str) -> str | None:
    """Returns the id of the customer that events call by this alias."""
    return next((customer.id for customer in client.v1.customers.list(ingest_alias=alias)), None)


def ensure_customer(client: "Metronome", name: str, alias: str) -> str:
    """Finds the customer by alias, or creates it."""
    from metronome import ConflictError

    found = find_customer(client, alias)
    if found is not None:
        return found
    try:
        return client.v1.customers.create(name=name, ingest_aliases=[alias]).data.id
    except ConflictError:
        # Somebody else was faster.
        if (found := find_customer(client, alias)) is None:
            raise
        return found


def ensure_contract(client: "Metronome", customer_id: str, now: datetime) -> str:
    """Agrees on the prices from this month on. A customer has one such contract."""
    from metronome import ConflictError

    card_id = ensure_prices(client)
    found = find_contract(client, customer_id, card_id)
    if found is not None:
        return found
    try:
        return client.v1.contracts.create(
            customer_id=customer_id,
            rate_card_id=card_id,
            starting_at=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
            uniqueness_key=f"demo-{customer_id}",
        ).data.id
    except ConflictError:
        if (found := find_contract(client, customer_id, card_id)) is None:
            raise
        return found


def find_contract(client: "Metronome", customer_id: str, card_id: str) -> str | None:
    """Returns the id of the customer's contract on the price list."""
    contracts = client.v2.contracts.list(customer_id=customer_id).data
    return next((one.id for one in contracts if one.rate_card_id == card_id), None)


# What is used, and what it costs


def generate(
    client: "Metronome", alias: str, tier: Tier, transaction_id: str, now: datetime
) -> None:
    """Tells Metronome of one image. Telling it twice under one transaction id counts once."""
    client.v1.usage.ingest(
        usage=[
            {
                "transaction_id": transaction_id,
                "customer_id": alias,
                "event_type": "image_generation",
                "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "properties": {"image_type": tier, "num_images": "1", "model": "nova-v2"},
            }
        ]
    )


def spent_today(client: "Metronome", customer_id: str, now: datetime) -> dict[str, Any]:
    """Returns images and cents of the UTC day by tier, as the day's part of the invoice has it."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tiers: dict[str, dict[str, Decimal]] = {
        tier: {"images": Decimal(0), "cents": Decimal(0)} for tier in PRICES
    }
    for part in client.v1.customers.invoices.list_breakdowns(
        customer_id=customer_id,
        window_size="DAY",
        starting_on=today,
        ending_before=today + timedelta(days=1),
    ):
        for line in part.line_items:
            counted = tiers.get((line.pricing_group_values or {}).get("image_type", ""))
            if counted is not None and line.type == "usage":
                counted["images"] += exact(line.quantity)
                counted["cents"] += exact(line.total)
    drafts = client.v1.customers.invoices.list(customer_id=customer_id, status="DRAFT")
    return {
        "tiers": tiers,
        "cents": sum((one["cents"] for one in tiers.values()), Decimal(0)),
        "draft_cents": sum((exact(draft.total) for draft in drafts), Decimal(0)),
    }


def exact(number: object) -> Decimal:
    """Returns a number of the SDK, which has floats, as the decimal that was sent."""
    return Decimal(str(number or 0))


# The shop's own API, and its page

api = Api("demo", bootstrap.services)

_pages = StaticPages(Path(__file__).resolve().parent / "static", "/demo")


class Customer(Schema):
    """Who buys images."""

    name: Name = "Nova Demo Customer"
    ingest_alias: Name = "nova-demo"


class Buyer(Schema):
    """Whom it is about."""

    ingest_alias: Name = "nova-demo"


class Wanted(Buyer):
    """An image to be generated."""

    tier: Tier
    transaction_id: Name | None = None


@api.route("GET", "/demo", public=True)
def show_shop(visit: Visit) -> Reply:
    """Returns the shop's page."""
    return _pages.page(visit)


@api.route("GET", "/demo/{path+}", public=True)
def show_shop_file(visit: Visit) -> Reply:
    """Returns what the page loads."""
    return _pages.below(visit)


@api.route("GET", "/demo/api/status")
def show_status(request: Request, query: Buyer) -> Reply:
    """Tells which of the steps were taken, by the ids of what they made."""

    def look(client: "Metronome") -> object:
        card_id = find_rate_card(client)
        customer_id = find_customer(client, query.ingest_alias)
        contract_id = None
        if customer_id is not None and card_id is not None:
            contract_id = find_contract(client, customer_id, card_id)
        return {
            "rate_card_id": card_id,
            "customer_id": customer_id,
            "contract_id": contract_id,
            "prices": PRICES,
        }

    return answered(request, look)


@api.route("POST", "/demo/api/customers")
def create_customer(request: Request, body: Customer) -> Reply:
    """Finds or creates the customer."""
    return answered(
        request, lambda client: {"id": ensure_customer(client, body.name, body.ingest_alias)}
    )


@api.route("POST", "/demo/api/contract")
def create_contract(request: Request, body: Buyer) -> Reply:
    """Finds or creates prices and the customer's contract on them."""

    def agree(client: "Metronome") -> object:
        customer_id = ensure_customer(client, Customer().name, body.ingest_alias)
        return {"id": ensure_contract(client, customer_id, request.call.now)}

    return answered(request, agree)


@api.route("POST", "/demo/api/generate")
def generate_image(request: Request, body: Wanted) -> Reply:
    """Generates an image, and tells Metronome."""
    transaction_id = body.transaction_id or f"nova-{body.tier}-{uuid.uuid4()}"

    def count(client: "Metronome") -> object:
        generate(client, body.ingest_alias, body.tier, transaction_id, request.call.now)
        return {"transaction_id": transaction_id, "tier": body.tier}

    return answered(request, count)


@api.route("GET", "/demo/api/usage")
def show_usage(request: Request, query: Buyer) -> Reply:
    """Returns today's images and spend, in cents."""

    def look(client: "Metronome") -> object:
        customer_id = find_customer(client, query.ingest_alias)
        return None if customer_id is None else spent_today(client, customer_id, request.call.now)

    return answered(request, look)


@lru_cache(maxsize=64)
def client_of(address: str, token: str) -> "Metronome":
    """Returns the SDK's client of a caller; it keeps its connections."""
    from metronome import Metronome

    return Metronome(base_url=address, bearer_token=token)


def answered(request: Request, ask: Callable[["Metronome"], object]) -> Reply:
    """Returns what Metronome was asked for, or 502 with what it said."""
    from metronome import APIConnectionError, APIStatusError

    token = request.headers["authorization"].partition(" ")[2].strip()
    client = client_of(connections.metronome_address(request.call), token)
    try:
        return ok(ask(client))
    except APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        return Reply(502, {"code": "Upstream", "message": str(body.get("message", error.message))})
    except APIConnectionError as error:
        return Reply(502, {"code": "Upstream", "message": f"Metronome cannot be reached: {error}"})


handler = api.handler
