"""Billing credits: paid or given, used up by metered lines before anything is collected."""

from typing import Final, Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import credit_transactions, customers, work
from mock_stripe.resources.coupons import left_of
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

KIND: Final = "billing.credit_grant"
_URL: Final = "/v1/billing/credit_grants"
_DEFAULT_PRIORITY: Final = 50
_FOREVER: Final = 1 << 62

references(KIND, {"customer": "customer", "test_clock": "test_helpers.test_clock"})


class Monetary(Nested):
    currency: Currency
    value: int = Field(ge=1)


class GrantAmount(Nested):
    monetary: Monetary
    type: Literal["monetary"]


class PriceId(Nested):
    id: str


class Scope(Nested):
    price_type: Literal["metered"] | None = None
    prices: list[PriceId] | None = None


class Applicability(Nested):
    scope: Scope


class CreateGrant(Parameters):
    amount: GrantAmount
    applicability_config: Applicability
    customer: str
    category: Literal["paid", "promotional"] = "promotional"
    effective_at: int | None = None
    expires_at: int | None = None
    metadata: Metadata = {}
    name: Text = None
    priority: int = Field(_DEFAULT_PRIORITY, ge=0, le=100)


class UpdateGrant(Parameters):
    expires_at: int | None = None
    metadata: Metadata = {}


class ListGrants(ListParameters):
    customer: str | None = None


@endpoint("POST", _URL, CreateGrant)
def create(world: World, params: CreateGrant) -> Object:
    """Gives a customer credit for metered prices, or for some of them."""
    customer = customers.existing(world, params.customer, param="customer")
    scope = params.applicability_config.scope
    if (scope.price_type is None) == (scope.prices is None):
        raise InvalidRequest(
            "Pass exactly one of price_type and prices.", param="applicability_config[scope]"
        )
    for number, price in enumerate(scope.prices or []):
        world.get(price.id, "price", param=f"applicability_config[scope][prices][{number}][id]")
    now = world.now_for(params.customer)
    if params.expires_at is not None and params.expires_at <= now:
        raise InvalidRequest("expires_at must be in the future.", param="expires_at")
    grant = world.create(
        KIND,
        {
            "amount": {
                "monetary": {
                    "currency": params.amount.monetary.currency,
                    "value": params.amount.monetary.value,
                },
                "type": "monetary",
            },
            "applicability_config": {"scope": scope.model_dump(exclude_none=True)},
            "category": params.category,
            "created": now,
            "customer": params.customer,
            "customer_account": None,
            "effective_at": now if params.effective_at is None else params.effective_at,
            "expires_at": params.expires_at,
            "livemode": False,
            "metadata": merged_metadata({}, params.metadata),
            "name": params.name,
            "priority": params.priority,
            "test_clock": customer["test_clock"],
            "updated": now,
            "voided_at": None,
            "_left": params.amount.monetary.value,
        },
    )
    credit_transactions.book(
        world,
        grant,
        "credits_granted",
        grant["_left"],
        at=grant["effective_at"],
    )
    _plan_end(world, grant)
    emit(world, "billing.credit_grant.created", grant)
    return grant


@endpoint("POST", _URL + "/{grant}", UpdateGrant)
def update(world: World, params: UpdateGrant, grant: str) -> Object:
    """Changes when a grant ends."""
    thing = world.get(grant, KIND)
    with updating(world, thing, "billing.credit_grant.updated"):
        if params.sent("expires_at"):
            thing["expires_at"] = params.expires_at
            _plan_end(world, thing)
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
        thing["updated"] = world.now_for(thing["customer"])
    return thing


@endpoint("POST", _URL + "/{grant}/expire", Parameters)
def expire(world: World, params: Parameters, grant: str) -> Object:
    """Ends a grant now."""
    thing = world.get(grant, KIND)
    with updating(world, thing, "billing.credit_grant.updated"):
        thing["expires_at"] = world.now_for(thing["customer"])
        _end(world, thing)
    return thing


@endpoint("POST", _URL + "/{grant}/void", Parameters)
def void(world: World, params: Parameters, grant: str) -> Object:
    """Takes an unused grant back."""
    thing = world.get(grant, KIND)
    if thing["_left"] != thing["amount"]["monetary"]["value"]:
        raise InvalidRequest("A grant that was used cannot be voided.")
    with updating(world, thing, "billing.credit_grant.updated"):
        now = world.now_for(thing["customer"])
        thing["voided_at"] = now
        if thing["_left"]:
            credit_transactions.book(world, thing, "credits_voided", thing["_left"], at=now)
    return thing


@endpoint("GET", _URL, ListGrants)
def list_all(world: World, params: ListGrants) -> Object:
    """Lists grants."""
    return lists.of_kind(world, KIND, _URL, params, lambda one: lists.fits(params, one, "customer"))


@endpoint("GET", _URL + "/{grant}", Parameters)
def get(world: World, params: Parameters, grant: str) -> Object:
    """Returns a grant."""
    return world.get(grant, KIND)


def draw(world: World, invoice: Object) -> list[Object]:
    """Pays an invoice's metered lines from its customer's grants; returns what each grant gave.

    Grants go by priority, then by when they end, then promotional before paid, then by age. A grant
    pays lines in their order, those whose periods end while it is good (§7). The lines keep their
    amounts; what was paid stands beside them.
    """
    good = [
        grant
        for grant in world.of(invoice["customer"], KIND)
        if grant["voided_at"] is None
        and grant["amount"]["monetary"]["currency"] == invoice["currency"]
    ]
    good.sort(
        key=lambda grant: (
            grant["priority"],
            grant["expires_at"] or _FOREVER,
            grant["category"] == "paid",
            grant["effective_at"],
            grant["id"],
        )
    )
    totals = []
    for grant in good:
        given = [
            credit for line in invoice["_lines"] if (credit := _paid(world, grant, invoice, line))
        ]
        if given:
            totals.append({**given[0], "amount": sum(credit["amount"] for credit in given)})
    return totals


def _paid(world: World, grant: Object, invoice: Object, line: Object) -> Object | None:
    """Pays as much of a line as a grant has left for it, and returns what stands on the line."""
    amount = min(grant["_left"], _open(line)) if _covers(grant, line) else 0
    if amount <= 0:
        return None
    grant["_left"] -= amount
    booked = credit_transactions.book(
        world,
        grant,
        "credits_applied",
        amount,
        at=world.now_for(grant["customer"]),
        line=(invoice["id"], line["id"]),
    )
    credit = {
        "amount": amount,
        "credit_balance_transaction": booked["id"],
        "type": "credit_balance_transaction",
        "_grant": grant["id"],
    }
    line["pretax_credit_amounts"].append(credit)
    return credit


def give_back(world: World, invoice: Object) -> None:
    """Returns to grants what an invoice's lines drew, as when it is voided."""
    now = world.now_for(invoice["customer"])
    for line in invoice["_lines"]:
        for credit in line["pretax_credit_amounts"]:
            grant = world.find(credit.get("_grant", ""), KIND)
            if grant is None:
                continue
            grant["_left"] += credit["amount"]
            credit_transactions.book(
                world,
                grant,
                "credits_application_invoice_voided",
                credit["amount"],
                at=now,
                line=(invoice["id"], line["id"]),
            )
            if grant["expires_at"] is not None and grant["expires_at"] <= now:
                _end(world, grant)


def _plan_end(world: World, grant: Object) -> None:
    if grant["expires_at"] is not None:
        at = grant["expires_at"]
        world.schedule("credit_grant.expire", grant["id"], at, clock=grant["test_clock"])


@work.action("credit_grant.expire", KIND)
def _expire_when_due(world: World, grant: Object) -> None:
    """Books what a grant had left at its end, once no draft can use it any more."""
    now = world.now_for(grant["customer"])
    if grant["expires_at"] is None or grant["expires_at"] > now:
        return
    ahead = [
        invoice["automatically_finalizes_at"]
        for invoice in world.of(grant["customer"], "invoice")
        if invoice["status"] == "draft" and invoice["automatically_finalizes_at"] is not None
    ]
    if any(at >= now for at in ahead):
        at = max(ahead) + 1
        world.schedule("credit_grant.expire", grant["id"], at, clock=grant["test_clock"])
        return
    _end(world, grant)


def _end(world: World, grant: Object) -> None:
    """Takes what is left of a grant that is over."""
    left, grant["_left"] = grant["_left"], 0
    if left and grant["voided_at"] is None:
        credit_transactions.book(world, grant, "credits_expired", left, at=grant["expires_at"])


def _open(line: Object) -> int:
    paid: int = sum(one["amount"] for one in line["pretax_credit_amounts"])
    return left_of(line) - paid


def _covers(grant: Object, line: Object) -> bool:
    end = line["period"]["end"]
    expired = grant["expires_at"] is not None and end >= grant["expires_at"]
    if not line["_metered"] or end < grant["effective_at"] or expired:
        return False
    prices = grant["applicability_config"]["scope"].get("prices")
    return prices is None or line["_price"] in [price["id"] for price in prices]
