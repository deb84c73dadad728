"""Credits of the facade: given once, or every month by a contract."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from backbeat.api.facade import plans
from backbeat.api.requests import parse
from backbeat.api.schemas.balances import CreateCustomerCredit
from backbeat.api.schemas.facade import CreateFacadeCredit
from backbeat.api.views.times import optional, timestamp
from backbeat.application import balances
from backbeat.application.balances import BalanceFilter, ShownBalance
from backbeat.application.facade import agreements, notices
from backbeat.application.services import Call
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument

_ALL: Final = BalanceFilter(
    types=frozenset({BalanceType.CREDIT}),
    id=None,
    with_contracts=True,
    with_archived=False,
    covering_date=None,
    starting_at=None,
    effective_before=None,
)
_FOR_EVER: Final = timedelta(days=365 * 100)


def create(call: Call, body: CreateFacadeCredit) -> Balance:
    """Gives a customer credits.

    Raises:
        NotFound: no customer has the id.
        InvalidArgument: they would expire before they begin.
    """
    start = agreements.hour_of(call.now)
    if body.expires_at is not None and body.expires_at <= call.now:
        raise InvalidArgument("expires_at: must be in the future")
    notices.switch_on(call)
    end = body.expires_at or start + _FOR_EVER
    sold = plans.shelf(call)
    segment = {
        "amount": body.amount,
        "starting_at": start.isoformat(),
        "ending_before": end.isoformat(),
    }
    wanted = {
        "customer_id": body.customer_id,
        "product_id": sold.credit_product_id,
        "name": "Credits",
        "priority": 1,
        "applicable_product_tags": [plans.PAID_BY_CREDITS],
        "access_schedule": {"credit_type_id": sold.credit_type_id, "schedule_items": [segment]},
    }
    return balances.create(call, body.customer_id, parse(wanted, CreateCustomerCredit).to_balance())


def of_customer(call: Call, customer: Customer) -> list[ShownBalance]:
    """Returns a customer's credits in the catalogue's unit, with what is left of each now."""
    unit = plans.shelf(call).credit_type_id
    found = balances.shown(call, customer.id, _ALL, detailed=True)
    return [one for one in found if one.balance.credit_type.id == unit]


def view(shown: ShownBalance) -> dict[str, object]:
    """Returns credits as the facade shows them."""
    balance = shown.balance
    ends = max((segment.ending_before for segment in balance.segments), default=None)
    never = ends is None or ends - balance.created_at > _FOR_EVER - timedelta(days=1)
    return {
        "id": balance.id,
        "customer_id": balance.customer_id,
        "contract_id": balance.contract_id,
        "amount": granted(balance),
        "balance": shown.worth,
        "currency": "USD",
        "expires_at": None if never else optional(ends),
        "created_at": timestamp(balance.created_at),
    }


def granted(balance: Balance) -> Decimal:
    """Returns what was given, over all times."""
    return sum((segment.amount for segment in balance.segments), Decimal(0))
