"""A customer's balance with us: what it is owed (below zero) or owes on its next invoice."""

from typing import Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import customers
from mock_stripe.resources.events import updating
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    ListParameters,
    Metadata,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

KIND = "customer_balance_transaction"

references(KIND, {"customer": "customer", "invoice": "invoice", "credit_note": "credit_note"})

Reason = Literal[
    "adjustment", "applied_to_invoice", "unapplied_from_invoice", "credit_note", "invoice_too_small"
]


class CreateBalanceTransaction(Parameters):
    amount: Amount
    currency: Currency
    description: Text = None
    metadata: Metadata = {}


@endpoint("POST", "/v1/customers/{customer}/balance_transactions", CreateBalanceTransaction)
def create(world: World, params: CreateBalanceTransaction, customer: str) -> Object:
    """Changes a balance by hand: an amount below zero is credit."""
    thing = customers.existing(world, customer)
    return change(
        world,
        thing,
        params.amount,
        "adjustment",
        currency=params.currency,
        description=params.description,
        metadata=merged_metadata({}, params.metadata),
    )


@endpoint("GET", "/v1/customers/{customer}/balance_transactions", ListParameters)
def list_all(world: World, params: ListParameters, customer: str) -> Object:
    """Lists what changed a balance, newest first."""
    world.get(customer, "customer")
    url = f"/v1/customers/{customer}/balance_transactions"
    return lists.of_some(world, reversed(world.of(customer, KIND)), url, params)


@endpoint("GET", "/v1/customers/{customer}/balance_transactions/{transaction}", Parameters)
def get(world: World, params: Parameters, customer: str, transaction: str) -> Object:
    """Returns one change of a balance."""
    return world.get(transaction, KIND)


def change(
    world: World,
    customer: Object,
    amount: int,
    reason: Reason,
    *,
    currency: str,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Object:
    """Adds an amount (in the smallest coin) to a customer's balance and notes why.

    Raises:
        InvalidRequest: the customer's balance is in another currency.
    """
    if customer["currency"] not in (None, currency):
        raise InvalidRequest(
            f"The customer's currency is {customer['currency']}, not {currency}.", param="currency"
        )
    with updating(world, customer, "customer.updated"):
        customer["currency"] = currency
        customer["balance"] += amount
    return world.create(
        KIND,
        {
            "amount": amount,
            "created": world.now_for(customer["id"]),
            "credit_note": credit_note,
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "description": description,
            "ending_balance": customer["balance"],
            "invoice": invoice,
            "livemode": False,
            "metadata": metadata or {},
            "type": reason,
        },
    )
