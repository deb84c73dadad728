"""A sandbox with one of everything, for the replies of all operations."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from metronome import Metronome

from tests.contract.function_api import FunctionApi

JSON = dict[str, Any]

USD: Final = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
START: Final = "2025-02-01T00:00:00Z"
END: Final = "2026-02-01T00:00:00Z"

FIELDS: Final = {
    "billable_metric": "unit",
    "commit": "order",
    "contract": "deal",
    "contract_credit": "order",
    "customer": "tier",
    "discount": "reason",
    "invoice": "memo",
    "package_scheduled_charge": "ledger",
    "package_subscription": "plan",
    "product": "sku",
    "professional_service": "ticket",
    "rate_card": "list",
    "scheduled_charge": "ledger",
    "subscription": "plan",
}
"""The key that things of each kind have a custom field under."""

STRIPE: Final[Any] = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {
        "stripe_customer_id": "cus_1",
        "stripe_collection_method": "charge_automatically",
    },
}
NETSUITE: Final[Any] = {
    "provider": "netsuite",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {"netsuite_customer_id": "n"},
}


@dataclass(frozen=True)
class World:
    """A sandbox seen through the official SDK.

    `customer` has a running contract, billed by usage alone, and an ended one; `full_customer` has
    a contract with every kind of term. Cases that change something make it first.
    """

    api: FunctionApi
    sdk: Metronome
    token: str
    customer: str
    bare_customer: str
    count_metric: str
    sum_metric: str
    archived_metric: str
    product: str
    grouped_product: str
    fixed_product: str
    seat_product: str
    service_product: str
    rate_card: str
    contract: str
    ended_contract: str
    full_customer: str
    full_contract: str
    package: str
    draft_invoice: str
    final_invoice: str

    def new(self, prefix: str) -> str:
        """Returns a name that nothing has yet."""
        return f"{prefix}-{uuid.uuid4()}"

    def call(self, operation: str, path: dict[str, str] | None = None, body: object = None) -> Any:
        """Calls an operation, which must work, and returns what is in the envelope."""
        answer = self.api.call(operation, token=self.token, path=path, body=body)
        assert answer.status == 200, answer.text
        return answer.body["data"] if answer.content else None

    def make(self, operation: str, **body: object) -> str:
        """Creates something and returns its id."""
        return str(self.call(operation, body=body)["id"])

    def new_customer(self, **fields: object) -> str:
        """Returns a customer that nothing was done to."""
        return self.make("createCustomer-v1", name="Fresh", **fields)

    def new_contract(self, **terms: object) -> JSON:
        """Returns how requests name a contract that nothing was done to, of its own customer."""
        customer_id = self.new_customer()
        body = {
            "customer_id": customer_id,
            "rate_card_id": self.rate_card,
            "starting_at": START,
            **terms,
        }
        return {
            "customer_id": customer_id,
            "contract_id": self.make("createContract-v1", **body),
        }

    def read(self, contract: JSON) -> JSON:
        """Returns a contract in its newer form."""
        found: JSON = self.call("getContract-v2", body=contract)
        return found

    @property
    def full(self) -> JSON:
        """How requests name the contract with every kind of term."""
        return {"customer_id": self.full_customer, "contract_id": self.full_contract}

    def seats(self, mode: str = "QUANTITY_ONLY") -> JSON:
        """Returns how requests name one of that contract's two subscriptions."""
        [found] = [
            subscription["id"]
            for subscription in self.read(self.full)["subscriptions"]
            if subscription["quantity_management_mode"] == mode
        ]
        return {**self.full, "subscription_id": found}

    def invoice(self, names: JSON, **wanted: str) -> str:
        """Returns the first invoice of a contract's customer that has all of these values."""
        path = {"customer_id": names["customer_id"]}
        for invoice in self.call("listInvoices-v1", path=path):
            if wanted.items() <= invoice.items():
                return str(invoice["id"])
        raise LookupError(wanted)

    def void_invoice(self) -> str:
        """Returns a void invoice that was not made anew."""
        invoice_id = self.invoice(self.new_contract(), status="FINALIZED")
        self.call("voidInvoice-v1", body={"id": invoice_id})
        return invoice_id

    def new_commit(self) -> tuple[str, JSON]:
        """Returns a customer, and a commit it has nothing else beside."""
        customer_id = self.new_customer()
        self.call("createCustomerCommit-v1", body={**self.commit, "customer_id": customer_id})
        body = {"customer_id": customer_id}
        [commit] = self.call("listCustomerCommits-v1", body=body)
        return customer_id, commit

    @property
    def commit(self) -> JSON:
        """A prepaid commit of a customer, as a request names it, but for the customer."""
        return {
            "product_id": self.fixed_product,
            "type": "PREPAID",
            "priority": 1,
            "access_schedule": access_schedule(1000),
        }


def access_schedule(amount: int) -> JSON:
    """Returns one amount that may be drawn from February on."""
    return {"schedule_items": [{"amount": amount, "starting_at": START, "ending_before": END}]}


def due(day: str, **amount: object) -> JSON:
    """Returns a schedule of one amount."""
    return {"schedule_items": [{"timestamp": f"{day}T00:00:00Z", **amount}]}


def subscription(product_id: str, **fields: object) -> JSON:
    """Returns a monthly subscription as requests name it."""
    return {
        "subscription_rate": {"product_id": product_id, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
        **fields,
    }


def populated(api: FunctionApi, token: str) -> World:
    """Fills a sandbox."""

    def call(operation: str, path: dict[str, str] | None = None, body: object = None) -> Any:
        answer = api.call(operation, token=token, path=path, body=body)
        assert answer.status == 200, answer.text
        return answer.body if answer.content else None

    def create(operation: str, **body: object) -> str:
        return str(call(operation, body=body)["data"]["id"])

    for entity, key in FIELDS.items():
        field = {"entity": entity, "key": key, "enforce_uniqueness": False}
        call("addCustomFieldKey-v1", body=field)
    customer = create(
        "createCustomer-v1",
        name="Acme",
        ingest_aliases=["acme-key", "acme-2"],
        custom_fields={"tier": "gold"},
    )
    count_metric = create(
        "createBillableMetricV1-v1",
        name="Requests",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["completion"], "not_in_values": ["test"]},
    )
    sum_metric = create(
        "createBillableMetricV1-v1",
        name="Tokens",
        aggregation_type="SUM",
        aggregation_key="tokens",
        property_filters=[
            {"name": "tokens", "exists": True},
            {"name": "model", "exists": True},
            {"name": "region", "in_values": ["eu", "us"]},
            {"name": "test", "exists": False, "not_in_values": ["yes"]},
        ],
        group_keys=[["model", "region"], ["region"]],
        custom_fields={"unit": "token"},
    )
    archived_metric = create("createBillableMetricV1-v1", name="Old", aggregation_type="COUNT")
    call("archiveBillableMetric-v1", body={"id": archived_metric})
    product = create(
        "createProduct-v1", name="Requests", type="USAGE", billable_metric_id=count_metric
    )
    grouped_product = create(
        "createProduct-v1",
        name="Model tokens",
        type="USAGE",
        billable_metric_id=sum_metric,
        pricing_group_key=["model"],
        presentation_group_key=["region"],
        tags=["llm"],
        custom_fields={"sku": "7"},
    )
    fixed_product = create("createProduct-v1", name="Fee", type="FIXED", tags=["fees"])
    seat_product = create("createProduct-v1", name="Seat", type="SUBSCRIPTION")
    service_product = create("createProduct-v1", name="Training", type="PROFESSIONAL_SERVICE")
    rate_card = create(
        "createRateCard-v1",
        name="List prices",
        description="2025",
        aliases=[{"name": "list"}],
        custom_fields={"list": "2025"},
    )
    rate = {"starting_at": "2025-01-01T00:00:00Z", "entitled": True, "rate_type": "FLAT"}
    call(
        "addRates-v1",
        body={
            "rate_card_id": rate_card,
            "rates": [
                {**rate, "product_id": product, "price": 2},
                {**rate, "product_id": grouped_product, "price": 0.002,
                 "pricing_group_values": {"model": "a"}},
                {**rate, "product_id": grouped_product, "price": 5, "entitled": False,
                 "ending_before": "2026-01-01T00:00:00Z", "pricing_group_values": {"model": "b"}},
                {**rate, "product_id": seat_product, "price": 3000,
                 "billing_frequency": "MONTHLY"},
            ],
        },
    )  # fmt: skip
    events = [
        {
            "transaction_id": f"event-{number}",
            "customer_id": "acme-key",
            "event_type": "completion",
            "timestamp": f"2025-{month}-20T10:15:00Z" if month == "02" else "2025-03-05T10:15:00Z",
            "properties": {"tokens": "1000.5", "model": "a", "region": region, "deep": {"a": [1]}},
        }
        for number, (month, region) in enumerate(
            [("02", "eu"), ("02", "us"), ("03", "eu"), ("03", "eu")]
        )
    ]
    # The last one twice: the repeat shows in searches.
    call("ingest-v1", body=[*events, events[-1]])
    call("ingest-v1", body=[
        {**event, "transaction_id": f"full-{number}", "customer_id": "full-key"}
        for number, event in enumerate(events)
    ])  # fmt: skip
    contract = create(
        "createContract-v1",
        customer_id=customer,
        rate_card_id=rate_card,
        starting_at=START,
        name="Acme 2025",
        uniqueness_key="acme-2025",
        net_payment_terms_days=30,
        custom_fields={"deal": "7"},
    )
    ended_contract = create(
        "createContract-v1",
        customer_id=customer,
        starting_at="2024-01-31T00:00:00Z",
        ending_before="2024-02-10T00:00:00Z",
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
    )
    full_customer = create(
        "createCustomer-v1",
        name="Full",
        ingest_aliases=["full-key"],
        customer_billing_provider_configurations=[STRIPE],
        customer_revenue_system_configurations=[NETSUITE],
    )
    commit = {
        "product_id": fixed_product,
        "name": "Paid ahead",
        "description": "For 2025",
        "type": "PREPAID",
        "priority": 1,
        "access_schedule": access_schedule(100),
        "applicable_product_ids": [product],
        "custom_fields": {"order": "7"},
    }
    full_contract = create(
        "createContract-v1",
        customer_id=full_customer,
        rate_card_alias="list",
        starting_at=START,
        ending_before=END,
        name="Full 2025",
        uniqueness_key="full-2025",
        net_payment_terms_days=30,
        total_contract_value=120000,
        salesforce_opportunity_id="006",
        netsuite_sales_order_id="SO1",
        billing_provider_configuration={
            "billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"
        },
        revenue_system_configuration={
            "provider": "netsuite", "delivery_method": "direct_to_billing_provider"
        },
        multiplier_override_prioritization="EXPLICIT",
        usage_filter={"group_key": "region", "group_values": ["eu", "us"]},
        overrides=[
            {"type": "MULTIPLIER", "multiplier": 0.9, "starting_at": START, "priority": 1,
             "override_specifiers": [
                 {"product_tags": ["llm"], "pricing_group_values": {"model": "a"},
                  "presentation_group_values": {"region": "eu"},
                  "exclude": [{"product_tags": ["free"]}]}]},
            {"type": "OVERWRITE", "starting_at": START, "ending_before": END,
             "product_id": product, "overwrite_rate": {"rate_type": "TIERED", "tiers": [
                 {"size": 1, "price": 1.5}, {"price": 1}]}},
            {"type": "TIERED", "starting_at": START, "priority": 2,
             "applicable_product_tags": ["llm"],
             "tiers": [{"size": 10, "multiplier": 0.8}, {"multiplier": 0.7}]},
            {"entitled": True, "starting_at": START,
             "override_specifiers": [{"product_id": grouped_product}]},
        ],
        scheduled_charges=[
            {"product_id": fixed_product, "name": "Setup", "netsuite_sales_order_id": "SO2",
             "schedule": due("2025-02-15", unit_price=500, quantity=2),
             "custom_fields": {"ledger": "7"}},
            {"product_id": fixed_product, "schedule": {"recurring_schedule": {
                "starting_at": START, "ending_before": END, "frequency": "QUARTERLY",
                "amount": 400, "amount_distribution": "DIVIDED"}}},
        ],
        discounts=[
            {"product_id": fixed_product, "name": "Welcome", "custom_fields": {"reason": "new"},
             "schedule": due("2025-02-15", amount=10)}
        ],
        professional_services=[
            {"product_id": service_product, "unit_price": 100, "quantity": 10,
             "max_amount": 1000, "description": "Two days", "custom_fields": {"ticket": "7"}}
        ],
        reseller_royalties=[
            {"reseller_type": "AWS", "fraction": 0.1, "netsuite_reseller_id": "r",
             "starting_at": START, "applicable_product_ids": [product],
             "aws_options": {"aws_account_number": "1", "aws_offer_id": "o"}}
        ],
        subscriptions=[
            subscription(seat_product, name="Seats", initial_quantity=2,
                         custom_fields={"plan": "pro"}),
            subscription(seat_product, description="By name", quantity_management_mode="SEAT_BASED",
                         temporary_id="by name",
                         seat_config={"seat_group_key": "user", "initial_seat_ids": ["a", "b"],
                                      "initial_unassigned_seats": 1}),
        ],
        recurring_commits=[
            linked(fixed_product, "INDIVIDUAL", name="Of each"),
            linked(fixed_product, "POOLED"),
        ],
        recurring_credits=[linked(fixed_product, "INDIVIDUAL")],
        commits=[{**commit, "invoice_schedule": due("2025-02-15", amount=90)}],
        credits=[{**commit, "name": "Thanks", "priority": 2}],
        custom_fields={"deal": "8"},
    )  # fmt: skip
    package = create(
        "createPackage-v1",
        name="Starter",
        contract_name="Starter contract",
        uniqueness_key="starter",
        rate_card_id=rate_card,
        aliases=[{"name": "starter", "starting_at": START}],
        duration={"value": 1, "unit": "YEARS"},
        net_payment_terms_days=14,
        billing_provider="stripe",
        delivery_method="direct_to_billing_provider",
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        overrides=[
            {"type": "MULTIPLIER", "multiplier": 0.5,
             "override_specifiers": [{"product_id": product}],
             "starting_at_offset": {"value": 0, "unit": "DAYS"},
             "duration": {"value": 1, "unit": "MONTHS"}}
        ],
        scheduled_charges=[
            {"product_id": fixed_product, "name": "Setup", "custom_fields": {"ledger": "8"},
             "schedule": {"schedule_items": [
                 {"unit_price": 50, "quantity": 2, "date_offset": {"value": 1, "unit": "WEEKS"}}]}}
        ],
        subscriptions=[
            subscription(seat_product, name="Seats", initial_quantity=2,
                         custom_fields={"plan": "starter"},
                         starting_at_offset={"value": 1, "unit": "DAYS"}),
            subscription(seat_product, quantity_management_mode="SEAT_BASED",
                         temporary_id="by name", seat_config={"seat_group_key": "user"}),
        ],
        recurring_commits=[packaged(linked(fixed_product, "POOLED"))],
        recurring_credits=[packaged(linked(fixed_product, "INDIVIDUAL"))],
    )  # fmt: skip
    for owner, operation in (
        ({"customer_id": customer}, "updateCustomerNamedSchedule-v1"),
        ({"rate_card_id": rate_card}, "updateRateCardNamedSchedule-v1"),
        (
            {"customer_id": customer, "contract_id": contract, "properties": {"region": "eu"}},
            "updateContractNamedSchedule-v1",
        ),
    ):
        call(operation, body={**owner, **schedule(value={"limit": 5})})
    invoices = {
        (invoice["contract_id"], invoice["status"]): invoice["id"]
        for invoice in call("listInvoices-v1", path={"customer_id": customer})["data"]
    }
    return World(
        api=api,
        sdk=api.sdk(token),
        token=token,
        customer=customer,
        bare_customer=create("createCustomer-v1", name="Bare"),
        count_metric=count_metric,
        sum_metric=sum_metric,
        archived_metric=archived_metric,
        product=product,
        grouped_product=grouped_product,
        fixed_product=fixed_product,
        seat_product=seat_product,
        service_product=service_product,
        rate_card=rate_card,
        contract=contract,
        ended_contract=ended_contract,
        full_customer=full_customer,
        full_contract=full_contract,
        package=package,
        draft_invoice=invoices[contract, "DRAFT"],
        final_invoice=invoices[contract, "FINALIZED"],
    )


def linked(product_id: str, allocation: str, **fields: object) -> JSON:
    """Returns a recurring balance that follows the seats of a subscription in the same request."""
    return {
        "product_id": product_id,
        "access_amount": {"unit_price": 10, "credit_type_id": USD},
        "priority": 1,
        "commit_duration": {"value": 1},
        "starting_at": "2025-03-01T00:00:00Z",
        "subscription_config": {
            "subscription_id": "by name",
            "allocation": allocation,
            "apply_seat_increase_config": {"is_prorated": True},
        },
        **fields,
    }


def packaged(terms: JSON) -> JSON:
    """Returns terms with a relative date in the place of the absolute one."""
    kept = {name: value for name, value in terms.items() if name != "starting_at"}
    return {**kept, "starting_at_offset": {"value": 6, "unit": "MONTHS"}}


def schedule(**fields: object) -> JSON:
    """Returns a value of a named schedule as requests name it."""
    return {"schedule_name": "limits", "starting_at": START, **fields}
