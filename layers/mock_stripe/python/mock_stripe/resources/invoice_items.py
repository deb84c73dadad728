"""Invoice items: amounts that wait for a customer's next invoice, prorations among them."""

from decimal import Decimal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import customers, invoice_drafts, pricing
from mock_stripe.resources.events import emit
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
    Boolean,
    Created,
    Fraction,
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

KIND = "invoiceitem"

references(KIND, {"customer": "customer", "invoice": "invoice"})


class Period(Nested):
    start: int
    end: int


class PriceRef(Nested):
    price: str


class CreateInvoiceItem(Parameters):
    customer: str
    amount: Amount | None = None
    currency: Currency | None = None
    description: Text = None
    discountable: Boolean = True
    invoice: str | None = None
    metadata: Metadata = {}
    period: Period | None = None
    pricing: PriceRef | None = None
    quantity: int | None = None
    subscription: str | None = None
    unit_amount_decimal: Fraction | None = None


class UpdateInvoiceItem(Parameters):
    amount: Amount | None = None
    description: Text = None
    metadata: Metadata = {}


class ListInvoiceItems(ListParameters):
    created: Created = None
    customer: str | None = None
    invoice: str | None = None
    pending: Boolean | None = None


@endpoint("POST", "/v1/invoiceitems", CreateInvoiceItem)
def create(world: World, params: CreateInvoiceItem) -> Object:
    """Adds an amount to a draft invoice, or to whatever invoice comes next."""
    customers.existing(world, params.customer, param="customer")
    invoice = None
    if params.invoice is not None:
        invoice = world.get(params.invoice, "invoice", param="invoice")
        invoice_drafts.require_draft(invoice)
    item = _from(world, params)
    emit(world, "invoiceitem.created", item)
    if invoice is not None:
        invoice_drafts.add_items(world, invoice, [item])
    return item


@endpoint("POST", "/v1/invoiceitems/{item}", UpdateInvoiceItem)
def update(world: World, params: UpdateInvoiceItem, item: str) -> Object:
    """Changes an item that waits."""
    thing = _waiting(world, item)
    if params.amount is not None:
        thing["amount"] = params.amount
    if params.sent("description"):
        thing["description"] = params.description
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/invoiceitems", ListInvoiceItems)
def list_all(world: World, params: ListInvoiceItems) -> Object:
    """Lists invoice items."""

    def keep(thing: Object) -> bool:
        return (
            params.customer in (None, thing["customer"])
            and params.invoice in (None, thing["invoice"])
            and params.pending in (None, thing["invoice"] is None)
            and (params.created is None or params.created.holds(thing["date"]))
        )

    return lists.of_kind(world, KIND, "/v1/invoiceitems", params, keep)


@endpoint("GET", "/v1/invoiceitems/{item}", Parameters)
def get(world: World, params: Parameters, item: str) -> Object:
    """Returns an invoice item."""
    return world.get(item, KIND)


@endpoint("DELETE", "/v1/invoiceitems/{item}", Parameters)
def delete(world: World, params: Parameters, item: str) -> Object:
    """Removes an item that waits."""
    thing = _waiting(world, item)
    emit(world, "invoiceitem.deleted", thing)
    world.delete(thing)
    return {"id": item, "object": KIND, "deleted": True}


def prorated(
    world: World,
    item: Object,
    price: Object,
    *,
    amount: int,
    start: int,
    end: int,
    customer: str,
    description: str,
) -> Object:
    """Adds a proration of a subscription item: a credit below zero, or a charge."""
    thing = _new(
        world,
        amount=amount,
        currency=price["currency"],
        customer=customer,
        description=description,
        start=start,
        end=end,
        subscription=item["subscription"],
        subscription_item=item["id"],
    )
    thing["proration"], thing["discountable"] = True, False
    thing["pricing"] = _pricing(price, price["unit_amount_decimal"])
    thing["quantity"] = item["quantity"]
    thing["quantity_decimal"] = str(item["quantity"])
    emit(world, "invoiceitem.created", thing)
    return thing


def waiting(world: World, customer: str, subscription: str | None) -> list[Object]:
    """Returns what waits for an invoice of a subscription (or of none), newest first."""
    return [
        item
        for item in reversed(world.of(customer, KIND))
        if item["invoice"] is None and item["_subscription"] in (None, subscription)
    ]


def _from(world: World, params: CreateInvoiceItem) -> Object:
    now = world.now_for(params.customer)
    period = params.period or Period(start=now, end=now)
    if params.subscription is not None:
        world.get(params.subscription, "subscription", param="subscription")
    quantity = Decimal(1 if params.quantity is None else params.quantity)
    price = None
    if params.pricing is not None:
        price = world.get(params.pricing.price, "price", param="pricing[price]")
        amount, currency = pricing.total(price, quantity), price["currency"]
    elif params.unit_amount_decimal is not None:
        amount = pricing.rounded(params.unit_amount_decimal * quantity)
        currency = params.currency
    else:
        amount, currency = params.amount or 0, params.currency
    if (params.amount is None) == (params.pricing is None and params.unit_amount_decimal is None):
        raise InvalidRequest(
            "Pass exactly one of amount, pricing[price] and unit_amount_decimal.",
            code="parameter_missing",
            param="amount",
        )
    if currency is None:
        raise InvalidRequest(
            "Missing required param: currency.", code="parameter_missing", param="currency"
        )
    item = _new(
        world,
        amount=amount,
        currency=currency,
        customer=params.customer,
        description=params.description,
        start=period.start,
        end=period.end,
        subscription=params.subscription,
    )
    item["discountable"] = params.discountable and amount > 0
    item["metadata"] = merged_metadata({}, params.metadata)
    item["quantity"], item["quantity_decimal"] = int(quantity), str(quantity)
    if price is not None:
        item["pricing"] = _pricing(price, price["unit_amount_decimal"])
    return item


def _new(
    world: World,
    *,
    amount: int,
    currency: str,
    customer: str,
    description: str | None,
    start: int,
    end: int,
    subscription: str | None,
    subscription_item: str | None = None,
) -> Object:
    parent = None
    if subscription is not None:
        parent = {
            "subscription_details": {
                "subscription": subscription,
                "subscription_item": subscription_item,
            },
            "type": "subscription_details",
        }
    return world.create(
        KIND,
        {
            "amount": amount,
            "currency": currency,
            "customer": customer,
            "customer_account": None,
            "date": world.now_for(customer),
            "description": description,
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "net_amount": amount,
            "parent": parent,
            "period": {"end": end, "start": start},
            "pricing": None,
            "proration": False,
            "proration_details": None,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": world.get(customer, "customer")["test_clock"],
            "_subscription": subscription,
        },
    )


def _pricing(price: Object, unit_amount: str | None) -> Object:
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": unit_amount,
    }


def _waiting(world: World, item: str) -> Object:
    thing = world.get(item, KIND)
    if thing["invoice"] is not None:
        invoice = world.get(thing["invoice"], "invoice")
        if invoice["status"] != "draft":
            raise InvalidRequest("The invoice item is on an invoice that is not a draft anymore.")
        raise InvalidRequest("The invoice item is on an invoice; change the invoice's lines.")
    return thing
