"""The shop's billing. It knows the official SDK and nothing of Backbeat."""

from dataclasses import dataclass
from datetime import datetime

from metronome import Metronome


@dataclass(frozen=True)
class PriceList:
    """What was set up at Metronome."""

    rate_card_id: str
    product_id: str


def set_up(client: Metronome, *, cents_per_image: int, since: str) -> PriceList:
    """Creates metric, product and price list."""
    metric = client.v1.billable_metrics.create(
        name="Images",
        aggregation_type="SUM",
        aggregation_key="images",
        event_type_filter={"in_values": ["image_generation"]},
        property_filters=[{"name": "images", "exists": True}],
    ).data
    product = client.v1.contracts.products.create(
        name="Images", type="USAGE", billable_metric_id=metric.id
    ).data
    card = client.v1.contracts.rate_cards.create(name="List prices").data
    client.v1.contracts.rate_cards.rates.add(
        rate_card_id=card.id,
        product_id=product.id,
        starting_at=since,
        entitled=True,
        rate_type="FLAT",
        price=cents_per_image,
    )
    return PriceList(card.id, product.id)


def sign_up(client: Metronome, prices: PriceList, name: str, *, since: str) -> str:
    """Creates a customer with a contract and returns the customer's id."""
    customer = client.v1.customers.create(name=name, ingest_aliases=[name]).data
    client.v1.contracts.create(
        customer_id=customer.id, rate_card_id=prices.rate_card_id, starting_at=since
    )
    return customer.id


def report(client: Metronome, customer: str, order: str, images: int, at: datetime) -> None:
    """Tells Metronome what was sold."""
    client.v1.usage.ingest(
        usage=[
            {
                "transaction_id": order,
                "customer_id": customer,
                "event_type": "image_generation",
                "timestamp": at.isoformat(),
                "properties": {"images": images},
            }
        ]
    )


def bills(client: Metronome, customer_id: str) -> list[tuple[str, float]]:
    """Returns status and cents of the customer's invoices, oldest first."""
    invoices = client.v1.customers.invoices.list(customer_id=customer_id, sort="date_asc")
    return [(invoice.status, invoice.total) for invoice in invoices]
