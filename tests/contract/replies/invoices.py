"""Invoices: what works, and what is refused."""

from collections.abc import Callable
from typing import Any, Final

from tests.contract.replies.cases import INVALID, NO_CUSTOMER, UNKNOWN, Refusal, Success, posted
from tests.contract.replies.world import JSON, START, World

FEBRUARY: Final[JSON] = {
    "starting_on": "2025-02-15T00:00:00Z",
    "ending_before": "2025-03-05T00:00:00Z",
}


def of(customer_id: str, **beside: object) -> JSON:
    """Returns a request about a customer's invoices."""
    return {"path": {"customer_id": customer_id}, **beside}


def regenerated(world: World) -> JSON:
    """Returns how requests name an invoice that was made in place of a void one."""
    contract = world.new_contract()
    path = {"customer_id": contract["customer_id"]}
    void = {"id": world.invoice(contract, status="FINALIZED")}
    world.call("voidInvoice-v1", body=void)
    return {**path, "invoice_id": world.make("regenerateInvoice-v1", **void)}


def of_type(type_: str, status: str) -> Callable[[World], JSON]:
    """Finds an invoice of the contract with every kind of term."""

    def find(world: World) -> JSON:
        found = world.invoice(world.full, type=type_, status=status)
        return {"customer_id": world.full_customer, "invoice_id": found}

    return find


def owed(world: World, *outcomes: str) -> JSON:
    """Returns how requests name a final invoice of an account that is charged by intents."""
    customer = world.new_customer()
    account = {
        "customer_id": customer,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {
            "stripe_customer_id": "cus_1",
            "stripe_collection_method": "manually_charge_payment_intent",
        },
    }
    set_accounts = "setCustomerBillingProviderConfigurations-v1"
    [made] = world.call(set_accounts, body={"data": [account]})
    contract_id = world.make(
        "createContract-v1",
        customer_id=customer,
        starting_at=START,
        billing_provider_configuration={"billing_provider_configuration_id": made["id"]},
        scheduled_charges=[
            {
                "product_id": world.fixed_product,
                "schedule": {"schedule_items": [{"timestamp": START, "amount": 100}]},
            }
        ],
    )
    if outcomes:
        script = {"customer_id": customer, "outcomes": [*outcomes]}
        world.api.send("POST", "/mock/payments", body=script, token=world.token)
    contract = {"customer_id": customer, "contract_id": contract_id}
    invoice = world.invoice(contract, type="SCHEDULED", status="FINALIZED")
    return {"customer_id": customer, "invoice_id": invoice}


def attempted(world: World, *outcomes: str) -> JSON:
    """Returns how requests name an invoice with a payment for each of the outcomes."""
    names = owed(world, *outcomes)
    for _ in outcomes:
        world.call("attemptPayment-v1", body=names)
    return names


def consolidated(world: World) -> JSON:
    """Returns how requests name an invoice of a hierarchy's parent."""
    role = {"parent_behavior": {"invoice_consolidation_type": "CONCATENATE"}}
    parent = world.new_contract(hierarchy_configuration=role)
    below = {"parent": parent, "payer": "PARENT", "usage_statement_behavior": "CONSOLIDATE"}
    world.new_contract(hierarchy_configuration=below)
    found = world.invoice(parent, type="USAGE_CONSOLIDATED", status="FINALIZED")
    return {"customer_id": parent["customer_id"], "invoice_id": found}


def legacy_subscription(world: World) -> JSON:
    """Returns how requests name an invoice with a subscription that nobody subscribed to."""
    product = world.make("createProduct-v1", name=world.new("Platform"), type="SUBSCRIPTION")
    card = world.make("createRateCard-v1", name=world.new("Older"))
    rate = {
        "rate_card_id": card,
        "product_id": product,
        "starting_at": START,
        "entitled": True,
        "rate_type": "SUBSCRIPTION",
        "price": 100,
        "quantity": 2,
    }
    world.call("addRate-v1", body=rate)
    contract = world.new_contract(rate_card_id=card)
    invoice = world.invoice(contract, status="FINALIZED")
    return {"customer_id": contract["customer_id"], "invoice_id": invoice}


INVOICES: Final[dict[str, Callable[[World], JSON]]] = {
    "draft of every kind of term": of_type("USAGE", "DRAFT"),
    "finalized, of every kind of term": of_type("USAGE", "FINALIZED"),
    "scheduled draft": of_type("SCHEDULED", "DRAFT"),
    "scheduled, finalized": of_type("SCHEDULED", "FINALIZED"),
    "made anew": regenerated,
    "consolidated": consolidated,
    "with a subscription by default": legacy_subscription,
}


def imagined(**fields: object) -> Any:
    """Returns an event to imagine, as the SDK names it."""
    return {
        "event_type": "completion",
        "properties": {"tokens": "10", "model": "a", "region": "eu"},
        **fields,
    }


SUCCESSES: Final[list[Success]] = [
    Success(
        "listInvoices-v1",
        "all",
        lambda w: w.sdk.v1.customers.invoices.list(customer_id=w.customer),
    ),
    Success(
        "listInvoices-v1",
        "filtered, latest first",
        lambda w: w.sdk.v1.customers.invoices.list(
            customer_id=w.customer,
            status="FINALIZED",
            sort="date_desc",
            limit=1,
            skip_zero_qty_line_items=True,
        ),
    ),
    Success(
        "getInvoice-v1",
        "draft",
        lambda w: w.sdk.v1.customers.invoices.retrieve(
            customer_id=w.customer, invoice_id=w.draft_invoice
        ),
    ),
    Success(
        "getInvoice-v1",
        "finalized",
        lambda w: w.sdk.v1.customers.invoices.retrieve(
            customer_id=w.customer, invoice_id=w.final_invoice
        ),
    ),
    Success(
        "listInvoices-v1",
        "of every kind of term",
        lambda w: w.sdk.v1.customers.invoices.list(customer_id=w.full_customer),
    ),
    Success(
        "listInvoices-v1",
        "with list prices",
        lambda w: w.api.call(
            "listInvoices-v1",
            token=w.token,
            **of(w.full_customer, query={"include_list_prices": "true"}),
        ),
    ),
    *(
        Success(
            "getInvoice-v1",
            what,
            lambda w, find=find: w.sdk.v1.customers.invoices.retrieve(**find(w)),  # type: ignore[misc]
        )
        for what, find in INVOICES.items()
    ),
    Success(
        "getInvoicePdf-v1",
        "finalized",
        lambda w: w.sdk.v1.customers.invoices.retrieve_pdf(
            customer_id=w.customer, invoice_id=w.final_invoice
        ),
    ),
    Success(
        "voidInvoice-v1",
        "final",
        lambda w: w.sdk.v1.invoices.void(id=w.invoice(w.new_contract(), status="FINALIZED")),
    ),
    Success(
        "regenerateInvoice-v1",
        "void",
        lambda w: w.sdk.v1.invoices.regenerate(id=w.void_invoice()),
    ),
    Success(
        "attemptPayment-v1",
        "declined",
        posted("attemptPayment-v1", lambda w: owed(w, "failed")),
    ),
    Success(
        "attemptPayment-v1",
        "paid",
        posted("attemptPayment-v1", lambda w: owed(w, "paid")),
    ),
    Success(
        "listPayments-v1",
        "of every status",
        posted("listPayments-v1", lambda w: attempted(w, "failed", "action_required", "paid")),
    ),
    Success(
        "cancelPayment-v1",
        "pending",
        posted("cancelPayment-v1", lambda w: attempted(w, "pending")),
    ),
    Success(
        "listBreakdownInvoices-v1",
        "by day",
        lambda w: w.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=w.full_customer, **FEBRUARY
        ),
    ),
    Success(
        "listBreakdownInvoices-v1",
        "by hour, latest first",
        lambda w: w.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=w.customer,
            window_size="HOUR",
            sort="date_desc",
            status="FINALIZED",
            skip_zero_qty_line_items=True,
            limit=3,
            **FEBRUARY,
        ),
    ),
    Success(
        "listSpendBreakdownInvoices-v1",
        "by day and region",
        lambda w: w.api.call(
            "listSpendBreakdownInvoices-v1",
            token=w.token,
            **of(w.full_customer, body={**FEBRUARY, "group_keys": ["region"]}),
        ),
    ),
    Success(
        "listSpendBreakdownInvoices-v1",
        "in whole, filtered, with list prices",
        lambda w: w.api.call(
            "listSpendBreakdownInvoices-v1",
            token=w.token,
            **of(
                w.customer,
                query={"include_list_prices": "true"},
                body={
                    **FEBRUARY,
                    "window_size": "NONE",
                    "group_keys": ["region", "model"],
                    "group_filters": {"region": ["eu"]},
                },
            ),
        ),
    ),
    Success(
        "previewCustomerEvents-v1",
        "alone",
        lambda w: w.sdk.v1.customers.preview_events(customer_id=w.customer, events=[imagined()]),
    ),
    Success(
        "previewCustomerEvents-v1",
        "beside what there is",
        lambda w: w.sdk.v1.customers.preview_events(
            customer_id=w.full_customer,
            events=[imagined(timestamp="2025-03-09T00:00:00Z")],
            mode="merge",
            skip_zero_qty_line_items=True,
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "listInvoices-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listInvoices-v1",
        "unknown order",
        *INVALID,
        "sort",
        lambda w: {"path": {"customer_id": w.customer}, "query": {"sort": "by_size"}},
    ),
    Refusal(
        "getInvoice-v1",
        "another customer's",
        404,
        "InvoiceNotFound",
        "invoice",
        lambda w: {"path": {"customer_id": w.bare_customer, "invoice_id": w.final_invoice}},
    ),
    Refusal(
        "getInvoice-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": w.customer, "invoice_id": UNKNOWN}},
    ),
    Refusal(
        "getInvoicePdf-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": w.customer, "invoice_id": UNKNOWN}},
    ),
    Refusal(
        "voidInvoice-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "voidInvoice-v1",
        "a draft",
        *INVALID,
        "DRAFT",
        lambda w: {"body": {"id": w.draft_invoice}},
    ),
    Refusal(
        "regenerateInvoice-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "regenerateInvoice-v1",
        "not void",
        *INVALID,
        "FINALIZED",
        lambda w: {"body": {"id": w.final_invoice}},
    ),
    Refusal(
        "listBreakdownInvoices-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: of(UNKNOWN, query=FEBRUARY),
    ),
    Refusal(
        "listBreakdownInvoices-v1",
        "no dates",
        *INVALID,
        "starting_on",
        lambda w: of(w.customer),
    ),
    Refusal(
        "listSpendBreakdownInvoices-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: of(UNKNOWN, body=FEBRUARY),
    ),
    Refusal(
        "listSpendBreakdownInvoices-v1",
        "a field in a closed body",
        *INVALID,
        "status",
        lambda w: of(w.customer, body={**FEBRUARY, "status": "DRAFT"}),
    ),
    Refusal(
        "previewCustomerEvents-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: of(UNKNOWN, body={"events": [imagined()]}),
    ),
    Refusal(
        "previewCustomerEvents-v1",
        "no events",
        *INVALID,
        "events",
        lambda w: of(w.customer, body={"events": []}),
    ),
    Refusal(
        "listPayments-v1",
        "unknown invoice",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": w.customer, "invoice_id": UNKNOWN}},
    ),
    Refusal(
        "listPayments-v1",
        "a page that is too long",
        *INVALID,
        "limit",
        lambda w: {"body": {**owed(w), "limit": 26}},
    ),
    Refusal(
        "attemptPayment-v1",
        "an invoice that is not collected here",
        *INVALID,
        "payment intents",
        lambda w: {"body": {"customer_id": w.customer, "invoice_id": w.final_invoice}},
    ),
    Refusal(
        "attemptPayment-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN, "invoice_id": UNKNOWN}},
    ),
    Refusal(
        "cancelPayment-v1",
        "paid",
        409,
        "Conflict",
        "could not be canceled",
        lambda w: {"body": attempted(w, "paid")},
    ),
    Refusal(
        "chargeSeats-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: of(UNKNOWN, body={"seat_charges": []}),
    ),
    Refusal(
        "chargeSeats-v1",
        "a customer without a plan, as all are",
        *INVALID,
        "plan",
        lambda w: of(w.customer, body={"seat_charges": []}),
    ),
]
