"""What a customer can spend now, by the product that its commits and credits were sold as."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.application import balances
from backbeat.application.balances import BalanceFilter, ShownBalance
from backbeat.application.services import Call
from backbeat.models.balances import BalanceType
from backbeat.models.money import add


@dataclass(frozen=True, slots=True)
class ProductBalance:
    """What is left under a product, in the unit of its balances (USD: cents)."""

    product_id: str
    name: str
    balance: Decimal


def spendable(
    call: Call, customer_id: str, *, covering_date: datetime | None = None
) -> list[ShownBalance]:
    """Returns all of a customer's commits and credits with what they are worth, the newest first.

    Raises:
        NotFound: the customer does not exist.
    """
    everything = BalanceFilter(
        types=frozenset(BalanceType),
        id=None,
        with_contracts=True,
        with_archived=False,
        covering_date=covering_date,
        starting_at=None,
        effective_before=None,
    )
    return balances.shown(call, customer_id, everything, detailed=True)


def of_customer(
    call: Call, customer_id: str, *, covering_date: datetime | None = None
) -> list[ProductBalance]:
    """Returns what is left under each product.

    Raises:
        NotFound: the customer does not exist.
    """
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for shown in spendable(call, customer_id, covering_date=covering_date):
        key = (shown.balance.product_id, shown.product_name)
        totals[key] = add(totals[key], shown.worth)
    return [ProductBalance(*key, total) for key, total in totals.items()]
