"""The ledger of billing credits: what grants gave, what invoices used, what ended unused (§7)."""

from typing import Final, Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import ListParameters, Nested, Parameters
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

KIND: Final = "billing.credit_balance_transaction"
_GRANT: Final = "billing.credit_grant"
_URL: Final = "/v1/billing/credit_balance_transactions"

references(
    KIND,
    {
        "credit_grant": _GRANT,
        "test_clock": "test_helpers.test_clock",
        "credit.credits_application_invoice_voided.invoice": "invoice",
        "debit.credits_applied.invoice": "invoice",
    },
)
references("billing.credit_balance_summary", {"customer": "customer"})

Why = Literal[
    "credits_granted",
    "credits_application_invoice_voided",
    "credits_applied",
    "credits_expired",
    "credits_voided",
]
_CREDITS: Final = ("credits_granted", "credits_application_invoice_voided")
_OF_INVOICES: Final = ("credits_application_invoice_voided", "credits_applied")


class ListTransactions(ListParameters):
    credit_grant: str | None = None
    customer: str | None = None


class PriceId(Nested):
    id: str


class Scope(Nested):
    """The prices that credit is asked for: all metered ones, or some."""

    price_type: Literal["metered"] | None = None
    prices: list[PriceId] | None = None


class Filter(Nested):
    applicability_scope: Scope | None = None
    credit_grant: str | None = None
    type: Literal["applicability_scope", "credit_grant"]


class GetSummary(Parameters):
    customer: str
    filter: Filter


@endpoint("GET", _URL, ListTransactions)
def list_all(world: World, params: ListTransactions) -> Object:
    """Lists what changed a customer's credit, newest first."""
    if params.customer is None:
        raise InvalidRequest(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    world.get(params.customer, "customer", param="customer")
    return lists.of_kind(
        world,
        KIND,
        _URL,
        params,
        lambda one: (
            one["_customer"] == params.customer
            and params.credit_grant in (None, one["credit_grant"])
        ),
    )


@endpoint("GET", _URL + "/{transaction}", Parameters)
def get(world: World, params: Parameters, transaction: str) -> Object:
    """Returns one change of a customer's credit."""
    return world.get(transaction, KIND)


@endpoint("GET", "/v1/billing/credit_balance_summary", GetSummary)
def summary(world: World, params: GetSummary) -> Object:
    """Returns what a customer has by the ledger, and what of it can be used now, by currency."""
    world.get(params.customer, "customer", param="customer")
    now = world.now_for(params.customer)
    grants = {one["id"]: one for one in _asked_for(world, params)}
    ledger: dict[str, int] = {}
    available: dict[str, int] = {}
    for one in world.of(params.customer, KIND):
        if one["credit_grant"] in grants and one["effective_at"] <= now:
            side = one[one["type"]]["amount"]["monetary"]
            signed = side["value"] if one["type"] == "credit" else -side["value"]
            ledger[side["currency"]] = ledger.get(side["currency"], 0) + signed
    for grant in grants.values():
        currency = grant["amount"]["monetary"]["currency"]
        usable = grant["_left"] if _is_good(grant, now) else 0
        available[currency] = available.get(currency, 0) + usable
    return {
        "object": "billing.credit_balance_summary",
        "balances": [
            {
                "available_balance": _money(available[currency], currency),
                "ledger_balance": _money(ledger.get(currency, 0), currency),
            }
            for currency in sorted(available)
        ],
        "customer": params.customer,
        "customer_account": None,
        "livemode": False,
    }


def book(
    world: World,
    grant: Object,
    why: Why,
    amount: int,
    *,
    at: int,
    line: tuple[str, str] | None = None,
) -> Object:
    """Writes a change of a grant's credit into the ledger.

    `line` are the ids of the invoice and of its line that used the credit or gave it back.
    """
    side = {"amount": _money(amount, grant["amount"]["monetary"]["currency"]), "type": why}
    lines = {one: None for one in _OF_INVOICES if (one in _CREDITS) == (why in _CREDITS)}
    used = {} if line is None else {why: {"invoice": line[0], "invoice_line_item": line[1]}}
    kind = "credit" if why in _CREDITS else "debit"
    return world.create(
        KIND,
        {
            "created": world.now_for(grant["customer"]),
            "credit": None,
            "credit_grant": grant["id"],
            "debit": None,
            "effective_at": at,
            "livemode": False,
            "test_clock": grant["test_clock"],
            "type": kind,
            "_customer": grant["customer"],
            kind: {**side, **lines, **used},
        },
    )


def _asked_for(world: World, params: GetSummary) -> list[Object]:
    wanted = params.filter
    chosen = getattr(wanted, wanted.type)
    if chosen is None:
        name = f"filter[{wanted.type}]"
        raise InvalidRequest(
            f"Missing required param: {name}.", code="parameter_missing", param=name
        )
    if isinstance(chosen, str):
        grant = world.get(chosen, _GRANT, param="filter[credit_grant]")
        return [grant] if grant["customer"] == params.customer else []
    prices = None if chosen.prices is None else {price.id for price in chosen.prices}
    return [grant for grant in world.of(params.customer, _GRANT) if _pays_for(grant, prices)]


def _pays_for(grant: Object, prices: set[str] | None) -> bool:
    """Tells whether a grant pays for one of some prices, or, for None, for all metered ones."""
    own = grant["applicability_config"]["scope"].get("prices")
    if own is None or prices is None:
        return own is None
    return not prices.isdisjoint(price["id"] for price in own)


def _is_good(grant: Object, now: int) -> bool:
    over = grant["expires_at"] is not None and grant["expires_at"] <= now
    return grant["voided_at"] is None and grant["effective_at"] <= now and not over


def _money(value: int, currency: str) -> Object:
    return {"monetary": {"currency": currency, "value": value}, "type": "monetary"}
