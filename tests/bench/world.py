"""What the measured requests are about: customers, metrics, a price list, a contract."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.bench.server import Server
from tests.bench.traffic import MODELS, REGIONS

CUSTOMERS = 100


@dataclass(frozen=True)
class World:
    """The ids that requests name. `invoice` is the draft of `customers[0]`'s running month."""

    customers: tuple[str, ...]
    rate_card: str
    invoice: str
    month: datetime
    hours: int

    @property
    def customer(self) -> str:
        """The customer with the contract."""
        return self.customers[0]


def build(server: Server) -> World:
    """Creates it all through the API, at the end of a month of 31 days.

    A COUNT and a SUM metric are grouped by model and region: twelve cells each per hour.
    """
    month = _full_month(datetime.now(UTC))
    server.call("POST", "/mock/clock", {"now": f"{month + timedelta(days=31, hours=-1):%FT%TZ}"})
    customers = tuple(created(server, "/v1/customers", name=f"c{n}") for n in range(CUSTOMERS))
    card = price_list(server, month)
    terms = {
        "customer_id": customers[0],
        "rate_card_id": card,
        "starting_at": f"{month:%FT%TZ}",
    }
    created(server, "/v1/contracts/create", **terms)
    [draft] = server.call("GET", f"/v1/customers/{customers[0]}/invoices")["data"]
    return World(customers, card, draft["id"], month, 31 * 24)


def price_list(server: Server, month: datetime) -> str:
    """Creates the metrics, their products and a card with prices from a month on."""
    card = created(server, "/v1/contract-pricing/rate-cards/create", name="List")
    filters = [
        {"name": "model", "in_values": MODELS},
        {"name": "region", "in_values": REGIONS},
        {"name": "tokens", "exists": True},
    ]
    for aggregation in ({"aggregation_type": "COUNT"},
                        {"aggregation_type": "SUM", "aggregation_key": "tokens"}):  # fmt: skip
        metric = created(
            server,
            "/v1/billable-metrics/create",
            name=aggregation["aggregation_type"],
            **aggregation,
            event_type_filter={"in_values": ["completion"]},
            property_filters=filters,
            group_keys=[["model", "region"]],
        )
        product = created(
            server,
            "/v1/contract-pricing/products/create",
            name=aggregation["aggregation_type"],
            type="USAGE",
            billable_metric_id=metric,
            pricing_group_key=["model"],
            presentation_group_key=["region"],
        )
        for price, model in enumerate(MODELS, start=1):
            server.call(
                "POST",
                "/v1/contract-pricing/rate-cards/addRate",
                {
                    "rate_card_id": card,
                    "product_id": product,
                    "starting_at": f"{month:%FT%TZ}",
                    "entitled": True,
                    "rate_type": "FLAT",
                    "price": price,
                    "pricing_group_values": {"model": model},
                },
            )
    return card


def created(server: Server, path: str, **body: object) -> str:
    """Creates something and returns its id."""
    created: str = server.call("POST", path, body)["data"]["id"]
    return created


def _full_month(now: datetime) -> datetime:
    """Returns the start of the latest month of 31 days that is over."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while True:
        before = (start - timedelta(days=1)).replace(day=1)
        if (start - before).days == 31:
            return before
        start = before
