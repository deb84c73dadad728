"""Contracts through the functions' handlers: reading, changing, ending, following, archiving."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import World

JSON = dict[str, Any]


class Deal:
    """A customer with one product at 100 a unit, and a contract from the start of 2025."""

    def __init__(self, now: str = "2025-01-20T00:00:00Z", **fields: Any) -> None:
        self.world = World(now)
        self.customer = self.world.customer()
        self.product = self.world.product(self.world.metric())
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=100)
        self.contract = self.world.contract(self.customer, self.card, **fields)

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer, "contract_id": self.contract}

    def v1(self) -> JSON:
        found: JSON = self.world.post("/v1/contracts/get", self.names)
        return found

    def v2(self, **fields: object) -> JSON:
        found: JSON = self.world.post("/v2/contracts/get", {**self.names, **fields})
        return found

    def edit(self, **changes: object) -> str:
        return str(self.world.post("/v2/contracts/edit", {**self.names, **changes})["id"])

    def history(self) -> list[JSON]:
        found: list[JSON] = self.world.post("/v2/contracts/getEditHistory", self.names)
        return found

    def invoices(self, **query: object) -> list[tuple[str, str, str]]:
        return [
            (invoice["start_timestamp"][:10], invoice["end_timestamp"][:10], invoice["status"])
            for invoice in self.world.invoices(self.customer, **query)
        ]


def multiplier(value: float) -> JSON:
    return {"type": "MULTIPLIER", "multiplier": value, "starting_at": "2025-01-01T00:00:00Z"}


def told(deal: Deal) -> list[str]:
    """Returns the types of the webhooks sent since the subscription, oldest first."""
    sent = deal.world.get("/webhooks/deliveries")
    return [delivery["event_type"] for delivery in reversed(sent)]


# Creation


def test_everything_given_at_creation_reads_back() -> None:
    deal = Deal(
        name="Deal",
        ending_before="2026-01-01T00:00:00Z",
        net_payment_terms_days=30,
        total_contract_value=120000,
        salesforce_opportunity_id="006",
        netsuite_sales_order_id="SO1",
        scheduled_charges_on_usage_invoices="ALL",
        multiplier_override_prioritization="explicit",
        uniqueness_key="deal-1",
        usage_statement_schedule={"frequency": "quarterly", "day": "contract_start"},
    )

    v2 = deal.v2()

    assert v2["id"] == deal.contract
    assert {name: v2[name] for name in ("name", "net_payment_terms_days", "uniqueness_key")} == {
        "name": "Deal",
        "net_payment_terms_days": 30,
        "uniqueness_key": "deal-1",
    }
    assert v2["total_contract_value"] == 120000
    assert v2["salesforce_opportunity_id"] == "006"
    assert v2["netsuite_sales_order_id"] == "SO1"
    assert v2["scheduled_charges_on_usage_invoices"] == "ALL"
    assert v2["multiplier_override_prioritization"] == "EXPLICIT"
    assert v2["ending_before"] == "2026-01-01T00:00:00+00:00"
    assert v2["usage_statement_schedule"] == {
        "frequency": "QUARTERLY",
        "billing_anchor_date": "2025-01-01T00:00:00+00:00",
    }
    v1 = deal.v1()
    assert v1["initial"] == v1["current"]
    assert v1["current"]["name"] == "Deal"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"starting_at": "2025-01-01T00:30:00Z"}, 400),
        ({"ending_before": "2025-01-01T00:00:00Z"}, 400),
        ({"usage_statement_schedule": {"frequency": "SEMI_ANNUAL"}}, 400),
        ({"usage_statement_schedule": {"frequency": "MONTHLY", "day": "CUSTOM_DATE"}}, 400),
        ({"rate_card_id": "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"}, 404),
        ({"customer_id": "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"}, 404),
        ({"rate_card_id": None, "rate_card_alias": "nobody"}, 400),
        ({"rate_card_alias": "both"}, 400),
        ({"billing_provider_configuration": {"billing_provider": "stripe"}}, 400),
        (
            {
                "billing_provider_configuration": {
                    "billing_provider": "stripe",
                    "delivery_method": "direct_to_billing_provider",
                }
            },
            400,
        ),
        ({"custom_fields": {"unheard": "of"}}, 400),
        ({"net_payment_terms_days": -1}, 400),
    ],
)
def test_refused_creation_leaves_nothing(wrong: JSON, status: int) -> None:
    deal = Deal()
    body = {
        "customer_id": deal.customer,
        "rate_card_id": deal.card,
        "starting_at": "2025-01-01T00:00:00Z",
        **wrong,
    }

    deal.world.refused("/v1/contracts/create", body, status)

    assert len(deal.world.post("/v1/contracts/list", {"customer_id": deal.customer})) == 1


def test_a_draft_is_there_right_after_creation() -> None:
    deal = Deal()

    [draft] = deal.world.invoices(deal.customer)

    assert draft["status"] == "DRAFT"
    assert [(line["product_id"], line["quantity"]) for line in draft["line_items"]] == [
        (deal.product, 0)
    ]


def test_we_72_a_uniqueness_key_is_used_once() -> None:
    deal = Deal(uniqueness_key="acme-2025")
    body = {
        "customer_id": deal.customer,
        "starting_at": "2025-01-01T00:00:00Z",
        "uniqueness_key": "acme-2025",
    }

    error = deal.world.refused("/v1/contracts/create", body, 409)

    assert error == {
        "code": "Conflict",
        "message": "This uniqueness key has already been used.",
        "conflicting_id": deal.contract,
        "conflicting_value": "acme-2025",
    }


def test_a_rate_card_alias_is_looked_up_as_of_the_start_and_once() -> None:
    world = World("2025-03-01T00:00:00Z")
    customer = world.customer()
    old = world.rate_card(aliases=[{"name": "std", "starting_at": "2025-01-01T00:00:00Z"}])
    new = world.rate_card(aliases=[{"name": "std", "starting_at": "2025-02-01T00:00:00Z"}])

    january = world.contract(customer, None, rate_card_alias="std")
    february = world.contract(customer, None, start="2025-02-01T00:00:00Z", rate_card_alias="std")
    world.rate_card(aliases=[{"name": "std", "starting_at": "2025-01-01T00:00:00Z"}])

    found = {
        contract["id"]: contract["rate_card_id"]
        for contract in world.post("/v2/contracts/list", {"customer_id": customer})
    }
    # Reassigning the alias later leaves contracts on the card they were created with.
    assert found == {january: old, february: new}


def test_customer_and_contract_together_or_neither() -> None:
    world = World("2025-01-20T00:00:00Z")
    card = world.rate_card()
    customer = {"name": "Acme", "ingest_aliases": ["acme"]}
    contract = {"starting_at": "2025-01-01T00:00:00Z", "rate_card_id": card}
    path = "/v1/composite/createCustomerWithContract"

    bad = {"customer": customer, "contract": {**contract, "overrides": [{"entitled": True}]}}
    world.refused(path, bad)
    missing = {**contract, "rate_card_id": "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"}
    world.refused(path, {"customer": customer, "contract": missing}, 404)
    assert world.get("/v1/customers") == []
    # The alias is free still, so nothing of the customer was left behind.
    made = world.post(path, {"customer": customer, "contract": contract})

    assert (made["customer_name"], made["ingest_aliases"]) == ("Acme", ["acme"])
    [found] = world.post("/v2/contracts/list", {"customer_id": made["customer_id"]})
    assert found["id"] == made["contract_id"]
    assert world.refused(path, {"customer": customer, "contract": contract}, 409)


# Editing


def test_an_edit_is_all_or_nothing() -> None:
    deal = Deal()
    before = deal.v2()
    unknown = "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"

    error = deal.world.refused(
        "/v2/contracts/edit",
        {
            **deal.names,
            "update_contract_name": "New",
            "add_overrides": [multiplier(0.5)],
            "remove_overrides": [{"id": unknown}],
        },
    )

    assert unknown in error["message"]
    assert deal.v2() == before
    assert deal.history() == []


def test_a_second_edit_with_the_same_uniqueness_key_changes_nothing() -> None:
    deal = Deal()
    first = deal.edit(update_contract_name="One", uniqueness_key="edit-1")
    body = {**deal.names, "update_contract_name": "Two", "uniqueness_key": "edit-1"}

    error = deal.world.refused("/v2/contracts/edit", body, 409)

    assert (error["conflicting_id"], error["conflicting_value"]) == (first, "edit-1")
    assert deal.v2()["name"] == "One"
    assert len(deal.history()) == 1


def test_history_lists_what_each_change_did_oldest_first() -> None:
    deal = Deal(name="Deal")
    first = deal.edit(add_overrides=[multiplier(0.5)], uniqueness_key="edit-1")
    deal.world.clock("2025-01-21T00:00:00Z")
    [override] = deal.v2()["overrides"]
    deal.edit(remove_overrides=[{"id": override["id"]}], update_net_payment_terms_days=30)
    deal.edit(update_contract_name=None)
    deal.world.post(
        "/v1/contracts/updateEndDate", {**deal.names, "ending_before": "2025-06-01T00:00:00Z"}
    )
    deal.world.post(
        "/v1/contracts/setUsageFilter",
        {
            **deal.names,
            "group_key": "project",
            "group_values": ["x"],
            "starting_at": "2025-02-01T00:00:00Z",
        },
    )

    found = deal.history()

    assert found[0] == {
        "id": first,
        "timestamp": "2025-01-20T00:00:00+00:00",
        "uniqueness_key": "edit-1",
        "add_overrides": [override],
    }
    later = [
        {name: value for name, value in edit.items() if name not in ("id", "timestamp")}
        for edit in found[1:]
    ]
    assert later == [
        {"remove_overrides": [{"id": override["id"]}], "update_net_payment_terms_days": 30},
        {"update_contract_name": None},
        {"update_contract_end_date": "2025-06-01T00:00:00+00:00"},
        {
            "add_usage_filters": [
                {
                    "group_key": "project",
                    "group_values": ["x"],
                    "starting_at": "2025-02-01T00:00:00+00:00",
                }
            ]
        },
    ]
    assert {edit["timestamp"] for edit in found[1:]} == {"2025-01-21T00:00:00+00:00"}
    assert "name" not in deal.v2()


def test_a_contract_is_read_as_it_was_after_the_edits_up_to_a_date() -> None:
    deal = Deal(name="Zero")
    for day, name in (("21", "One"), ("22", "Two")):
        deal.world.clock(f"2025-01-{day}T12:00:00Z")
        deal.edit(update_contract_name=name)

    def name_at(instant: str) -> str:
        return str(deal.v2(as_of_date=instant)["name"])

    # An edit's own timestamp shows the contract after that edit.
    assert name_at("2025-01-21T11:59:59Z") == "Zero"
    assert name_at("2025-01-21T12:00:00Z") == "One"
    assert name_at("2025-01-22T11:59:59Z") == "One"
    assert name_at("2025-01-22T12:00:00Z") == "Two"
    assert name_at("2024-01-01T00:00:00Z") == "Zero"
    body = {**deal.names, "as_of_date": "2025-01-22T12:00:00Z", "include_ledgers": True}
    assert "include_ledgers" in deal.world.refused("/v2/contracts/get", body)["message"]


def test_amendments_are_kept_apart_and_add_up() -> None:
    deal = Deal()
    deal.edit(add_overrides=[multiplier(0.9)])
    amendment = deal.world.post(
        "/v1/contracts/amend",
        {
            **deal.names,
            "starting_at": "2025-01-15T00:00:00Z",
            "overrides": [multiplier(0.8)],
            "salesforce_opportunity_id": "006",
        },
    )["id"]

    v1 = deal.v1()

    assert v1["initial"]["overrides"] == []
    assert [entry["multiplier"] for entry in v1["current"]["overrides"]] == [
        Decimal("0.9"),
        Decimal("0.8"),
    ]
    [found] = v1["amendments"]
    assert (found["id"], found["starting_at"], found["salesforce_opportunity_id"]) == (
        amendment,
        "2025-01-15T00:00:00+00:00",
        "006",
    )
    assert found["overrides"] == v1["current"]["overrides"][1:]
    assert deal.v2()["overrides"] == v1["current"]["overrides"]
    early = {**deal.names, "starting_at": "2024-12-01T00:00:00Z"}
    assert "starting_at" in deal.world.refused("/v1/contracts/amend", early)["message"]


def test_parallel_edits_all_land() -> None:
    deal = Deal()

    with ThreadPoolExecutor(8) as pool:
        ids = list(
            pool.map(lambda number: deal.edit(add_overrides=[multiplier(number / 10)]), range(16))
        )

    assert len(set(ids)) == 16
    assert {edit["id"] for edit in deal.history()} == set(ids)
    found = sorted(entry["multiplier"] for entry in deal.v2()["overrides"])
    assert [round(float(value) * 10) for value in found] == list(range(16))


def test_unknown_ids_of_an_edit() -> None:
    deal = Deal()
    unknown = "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"

    customer = {"customer_id": unknown, "contract_id": deal.contract}
    contract = {"customer_id": deal.customer, "contract_id": unknown}

    assert deal.world.refused("/v2/contracts/edit", customer, 404)["code"] == "NotFound"
    assert deal.world.refused("/v2/contracts/edit", contract, 400)["code"] == "ContractNotFound"
    for path in ("/v2/contracts/get", "/v2/contracts/getEditHistory"):
        assert deal.world.refused(path, customer, 400)["code"] == "CustomerNotFound"
        assert deal.world.refused(path, contract, 400)["code"] == "ContractNotFound"
    assert deal.world.refused("/v1/contracts/get", contract, 404)["code"] == "ContractNotFound"


def test_a_provider_can_be_added_once() -> None:
    deal = Deal()
    account = {
        "customer_id": deal.customer,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {
            "stripe_customer_id": "cus_1",
            "stripe_collection_method": "send_invoice",
        },
    }
    [made] = deal.world.post("/v1/setCustomerBillingProviderConfigurations", {"data": [account]})
    update = {
        "billing_provider_configuration": {"billing_provider_configuration_id": made["id"]},
        "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
    }
    deal.edit(add_billing_provider_configuration_update=update)

    assert deal.v2()["customer_billing_provider_configuration"] == {
        **made,
        "delivery_method": "direct_to_billing_provider",
        "delivery_method_configuration": {},
        "archived_at": None,
    }
    again = {**deal.names, "add_billing_provider_configuration_update": update}
    assert "already" in deal.world.refused("/v2/contracts/edit", again)["message"]


def test_every_change_is_told() -> None:
    deal = Deal()
    deal.world.post("/webhooks/subscriptions", {"target": "http://127.0.0.1:9/hook"})
    deal.edit(update_contract_name="One")
    assert told(deal) == ["contract.edit"]
    deal.world.post("/v1/contracts/amend", {**deal.names, "starting_at": "2025-01-01T00:00:00Z"})
    deal.world.post("/v1/contracts/updateEndDate", deal.names)
    filtered = {"group_key": "k", "group_values": ["v"], "starting_at": "2025-01-01T00:00:00Z"}
    deal.world.post("/v1/contracts/setUsageFilter", {**deal.names, **filtered})
    assert told(deal) == ["contract.edit"] * 4
    deal.world.refused("/v2/contracts/edit", {**deal.names, "add_overrides": [{}]})
    deal.world.contract(
        deal.customer,
        None,
        start="2025-02-01T00:00:00Z",
        transition={"type": "RENEWAL", "from_contract_id": deal.contract},
    )
    # The earlier contract was ended, which is an edit of its own.
    assert sorted(told(deal)) == ["contract.create", *["contract.edit"] * 5]
    deal.world.post("/v1/contracts/archive", {**deal.names, "void_invoices": True})
    assert sorted(told(deal))[0] == "contract.archive"


# Ends


def test_an_earlier_end_cuts_terms_and_the_running_period() -> None:
    deal = Deal(overrides=[{**multiplier(0.5), "ending_before": "2025-12-01T00:00:00Z"}])

    deal.world.post(
        "/v1/contracts/updateEndDate", {**deal.names, "ending_before": "2025-01-25T00:00:00Z"}
    )

    assert deal.v2()["overrides"][0]["ending_before"] == "2025-01-25T00:00:00+00:00"
    assert deal.invoices() == [("2025-01-01", "2025-01-25", "DRAFT")]
    deal.world.clock("2025-01-26T00:00:00Z")
    assert deal.invoices() == [("2025-01-01", "2025-01-25", "FINALIZED")]
    deal.world.clock("2025-03-01T00:00:00Z")
    assert len(deal.invoices()) == 1


def test_an_end_in_the_past_bills_the_rest_at_once() -> None:
    deal = Deal("2025-02-20T00:00:00Z")
    assert deal.invoices()[-1] == ("2025-02-01", "2025-03-01", "DRAFT")

    deal.edit(update_contract_end_date="2025-02-10T00:00:00Z")

    assert deal.invoices() == [
        ("2025-01-01", "2025-02-01", "FINALIZED"),
        ("2025-02-01", "2025-02-10", "FINALIZED"),
    ]


def test_a_later_end_goes_on_where_the_contract_had_ended() -> None:
    deal = Deal("2025-03-05T00:00:00Z", ending_before="2025-02-10T00:00:00Z")
    deal.world.use(deal.customer, 3, "2025-02-05T00:00:00Z")
    deal.world.use(deal.customer, 7, "2025-02-15T00:00:00Z")

    deal.world.post("/v1/contracts/updateEndDate", deal.names)

    assert deal.invoices() == [
        ("2025-01-01", "2025-02-01", "FINALIZED"),
        ("2025-02-01", "2025-02-10", "FINALIZED"),
        ("2025-02-10", "2025-03-01", "FINALIZED"),
        ("2025-03-01", "2025-04-01", "DRAFT"),
    ]
    # What came after the first end is billed once, and only there: 7 × 100.
    totals = [invoice["total"] for invoice in deal.world.invoices(deal.customer)]
    assert totals == [0, 0, 700, 0]
    assert "ending_before" not in deal.v2()


def test_ending_before_a_finalized_invoice_is_refused_on_request() -> None:
    deal = Deal("2025-02-20T00:00:00Z")
    end = "2025-01-15T00:00:00Z"

    deal.world.refused(
        "/v1/contracts/updateEndDate",
        {**deal.names, "ending_before": end, "allow_ending_before_finalized_invoice": False},
    )
    deal.world.refused(
        "/v2/contracts/edit",
        {
            **deal.names,
            "update_contract_end_date": end,
            "allow_contract_ending_before_finalized_invoice": False,
        },
    )
    assert "ending_before" not in deal.v2()
    deal.edit(update_contract_end_date=end)

    # The finalized January stays as it was issued, and February's draft is gone.
    assert deal.invoices() == [("2025-01-01", "2025-02-01", "FINALIZED")]


def test_an_end_before_the_start_is_refused() -> None:
    deal = Deal()

    body = {**deal.names, "ending_before": "2025-01-01T00:00:00Z"}

    assert "after" in deal.world.refused("/v1/contracts/updateEndDate", body)["message"]


# Archiving and lists


@pytest.mark.parametrize(("void", "status"), [(True, "VOID"), (False, "FINALIZED")])
def test_archiving(void: bool, status: str) -> None:
    deal = Deal("2025-02-20T00:00:00Z")

    deal.world.post("/v1/contracts/archive", {**deal.names, "void_invoices": void})

    assert deal.invoices() == [("2025-01-01", "2025-02-01", status)]
    deal.world.clock("2025-06-01T00:00:00Z")
    assert len(deal.invoices()) == 1
    listed = {"customer_id": deal.customer}
    for version in ("v1", "v2"):
        assert deal.world.post(f"/{version}/contracts/list", listed) == []
        [found] = deal.world.post(
            f"/{version}/contracts/list", {**listed, "include_archived": True}
        )
        assert found["archived_at"] == "2025-02-20T00:00:00+00:00"
    again = {**deal.names, "void_invoices": void}
    assert "already" in deal.world.refused("/v1/contracts/archive", again)["message"]
    assert "archived" in deal.world.refused("/v2/contracts/edit", deal.names)["message"]


def test_archiving_takes_scheduled_drafts_away() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, fee = world.customer(), world.product(type="FIXED")
    items = [
        {"amount": 5, "timestamp": "2025-01-10T00:00:00Z"},
        {"amount": 7, "timestamp": "2025-03-10T00:00:00Z"},
    ]
    contract = world.contract(
        customer,
        None,
        scheduled_charges=[{"product_id": fee, "schedule": {"schedule_items": items}}],
    )
    before = world.invoices(customer, type="SCHEDULED")
    assert [invoice["status"] for invoice in before] == ["FINALIZED", "DRAFT"]

    names = {"customer_id": customer, "contract_id": contract}
    world.post("/v1/contracts/archive", {**names, "void_invoices": True})

    world.clock("2025-04-01T00:00:00Z")
    after = world.invoices(customer)
    assert [(invoice["total"], invoice["status"]) for invoice in after] == [(5, "VOID")]


def test_lists_are_filtered_and_newest_start_first() -> None:
    deal = Deal(ending_before="2025-02-01T00:00:00Z")
    later = deal.world.contract(deal.customer, deal.card, start="2025-02-01T00:00:00Z")

    def listed(**fields: object) -> list[str]:
        body = {"customer_id": deal.customer, **fields}
        return [contract["id"] for contract in deal.world.post("/v2/contracts/list", body)]

    assert listed() == [later, deal.contract]
    assert listed(covering_date="2025-01-31T23:00:00Z") == [deal.contract]
    assert listed(covering_date="2025-02-01T00:00:00Z") == [later]
    assert listed(starting_at="2025-01-02T00:00:00Z") == [later]
    both = {
        "customer_id": deal.customer,
        "covering_date": "2025-01-31T23:00:00Z",
        "starting_at": "2025-01-02T00:00:00Z",
    }
    for version in ("v1", "v2"):
        deal.world.refused(f"/{version}/contracts/list", both)


# Following and belonging


@pytest.mark.parametrize("type_", ["RENEWAL", "SUPERSEDE"])
def test_a_following_contract_ends_the_earlier_one(type_: str) -> None:
    deal = Deal()
    deal.world.use(deal.customer, 3, "2025-01-15T00:00:00Z")
    deal.world.use(deal.customer, 4, "2025-01-16T00:00:00Z")
    follower = deal.world.contract(
        deal.customer,
        deal.card,
        start="2025-01-16T00:00:00Z",
        transition={"type": type_, "from_contract_id": deal.contract},
    )

    made = {"type": type_, "from_contract_id": deal.contract, "to_contract_id": follower}
    earlier = deal.v2()
    assert earlier["ending_before"] == "2025-01-16T00:00:00+00:00"
    assert earlier["transitions"] == [made]
    later = deal.world.post(
        "/v2/contracts/get", {"customer_id": deal.customer, "contract_id": follower}
    )
    assert later["transitions"] == [made]
    assert [edit["update_contract_end_date"] for edit in deal.history()] == [
        "2025-01-16T00:00:00+00:00"
    ]
    deal.world.clock("2025-02-03T00:00:00Z")
    billed = {
        (invoice["contract_id"], invoice["end_timestamp"][:10]): invoice["total"]
        for invoice in deal.world.invoices(deal.customer, status="FINALIZED")
    }
    # Each unit is billed by the contract that ran when it was used: 3 × 100 and 4 × 100.
    assert billed == {(deal.contract, "2025-01-16"): 300, (follower, "2025-02-01"): 400}


def test_a_renewal_removes_later_charges_of_the_earlier_contract() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, fee = world.customer(), world.product(type="FIXED")
    schedule = {
        "recurring_schedule": {
            "starting_at": "2025-02-10T00:00:00Z",
            "ending_before": "2025-06-10T00:00:00Z",
            "frequency": "MONTHLY",
            "amount_distribution": "EACH",
            "amount": 100,
        }
    }
    earlier = world.contract(
        customer, None, scheduled_charges=[{"product_id": fee, "schedule": schedule}]
    )
    dates = [invoice["issued_at"][:10] for invoice in world.invoices(customer, type="SCHEDULED")]
    assert dates == ["2025-02-10", "2025-03-10", "2025-04-10", "2025-05-10"]

    world.contract(
        customer,
        None,
        start="2025-03-15T00:00:00Z",
        transition={"type": "RENEWAL", "from_contract_id": earlier},
    )

    dates = [invoice["issued_at"][:10] for invoice in world.invoices(customer, type="SCHEDULED")]
    assert dates == ["2025-02-10", "2025-03-10"]


def test_a_contract_that_ended_before_is_followed_as_it_is() -> None:
    deal = Deal(ending_before="2025-01-10T00:00:00Z")

    deal.world.contract(
        deal.customer,
        deal.card,
        start="2025-01-16T00:00:00Z",
        transition={"type": "renewal", "from_contract_id": deal.contract},
    )

    assert deal.v2()["ending_before"] == "2025-01-10T00:00:00+00:00"
    assert len(deal.v2()["transitions"]) == 1
    assert deal.history() == []


def test_refused_transitions() -> None:
    deal = Deal()
    unknown = "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"

    def attempt(from_: str, start: str, status: int) -> None:
        body = {
            "customer_id": deal.customer,
            "starting_at": start,
            "transition": {"type": "RENEWAL", "from_contract_id": from_},
        }
        deal.world.refused("/v1/contracts/create", body, status)

    attempt(unknown, "2025-02-01T00:00:00Z", 404)
    attempt(deal.contract, "2025-01-01T00:00:00Z", 400)
    deal.world.post("/v1/contracts/archive", {**deal.names, "void_invoices": False})
    attempt(deal.contract, "2025-02-01T00:00:00Z", 400)


def test_a_hierarchy_reads_back_from_both_sides() -> None:
    deal = Deal(
        hierarchy_configuration={"parent_behavior": {"invoice_consolidation_type": "CONCATENATE"}}
    )
    other = deal.world.customer()
    child = deal.world.contract(
        other,
        deal.card,
        hierarchy_configuration={
            "parent": deal.names,
            "payer": "parent",
            "usage_statement_behavior": "CONSOLIDATE",
        },
    )

    assert deal.v2()["hierarchy_configuration"] == {
        "children": [{"contract_id": child, "customer_id": other}],
        "parent_behavior": {"invoice_consolidation_type": "CONCATENATE"},
    }
    below = deal.world.post("/v1/contracts/get", {"customer_id": other, "contract_id": child})
    assert below["current"]["hierarchy_configuration"] == {
        "parent": {"contract_id": deal.contract, "customer_id": deal.customer},
        "payer": "PARENT",
        "usage_statement_behavior": "CONSOLIDATE",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"usage_statement_behavior": "CONSOLIDATE", "payer": "SELF", "parent": "parent"},
        {"usage_statement_behavior": "CONSOLIDATE", "parent": "parent"},
        {"payer": "PARENT"},
        {
            "parent": "parent",
            "parent_behavior": {"invoice_consolidation_type": "CONCATENATE"},
        },
        # One level is all there is.
        {"parent": "child"},
    ],
)
def test_refused_hierarchies(wrong: JSON) -> None:
    deal = Deal()
    child = deal.world.contract(
        deal.customer, deal.card, hierarchy_configuration={"parent": deal.names}
    )
    names = {
        "parent": deal.names,
        "child": {"customer_id": deal.customer, "contract_id": child},
    }
    place = {**wrong, **({"parent": names[wrong["parent"]]} if "parent" in wrong else {})}
    body = {
        "customer_id": deal.customer,
        "starting_at": "2025-01-01T00:00:00Z",
        "hierarchy_configuration": place,
    }

    assert "hierarchy" in deal.world.refused("/v1/contracts/create", body)["message"]


def test_a_hierarchy_has_ten_members_at_the_most() -> None:
    deal = Deal()
    place: JSON = {"hierarchy_configuration": {"parent": deal.names}}
    for _ in range(9):
        child = deal.world.contract(deal.customer, deal.card, **place)
    body = {"customer_id": deal.customer, "starting_at": "2025-01-01T00:00:00Z", **place}

    deal.world.refused("/v1/contracts/create", body)
    # An archived child makes room.
    deal.world.post(
        "/v1/contracts/archive",
        {"customer_id": deal.customer, "contract_id": child, "void_invoices": False},
    )
    deal.world.post("/v1/contracts/create", body)


# Prices and schedules


def test_rate_schedule_shows_list_and_overriding_price() -> None:
    deal = Deal(
        overrides=[
            {**multiplier(0.5), "starting_at": "2025-01-10T00:00:00Z"},
            {**multiplier(0.5), "starting_at": "2025-02-01T00:00:00Z"},
        ]
    )
    hidden = deal.world.product(deal.world.metric())
    deal.world.rate(deal.card, hidden, price=7, entitled=False)

    def schedule(**fields: object) -> list[JSON]:
        found: list[JSON] = deal.world.post(
            "/v1/contracts/getContractRateSchedule", {**deal.names, **fields}
        )
        return found

    [before] = schedule(at="2025-01-05T00:00:00Z")
    assert (before["list_rate"]["price"], "override_rate" in before) == (100, False)
    assert (before["starting_at"], before["ending_before"]) == (
        "2025-01-01T00:00:00+00:00",
        "2025-01-10T00:00:00+00:00",
    )
    [now] = schedule()
    assert (now["list_rate"]["price"], now["override_rate"]["price"]) == (100, 50)
    assert now["starting_at"] == "2025-01-10T00:00:00+00:00"
    assert schedule(selectors=[{"product_id": hidden}]) == []
    assert schedule(at="2024-12-31T00:00:00Z") == []


def test_named_schedules_of_contracts() -> None:
    deal = Deal()
    path = "/v1/contracts/updateNamedSchedule"
    first = {**deal.names, "schedule_name": "limits", "starting_at": "2025-01-01T00:00:00Z"}
    deal.world.post(path, {**first, "value": {"seats": 5}})
    deal.world.post(path, {**first, "value": 7, "starting_at": "2025-02-01T00:00:00Z"})
    deal.world.post(path, {**first, "value": "other", "properties": {"region": "eu"}})

    get = {**deal.names, "schedule_name": "limits"}
    assert deal.world.post("/v1/contracts/getNamedSchedule", get) == [
        {
            "value": {"seats": 5},
            "starting_at": "2025-01-01T00:00:00+00:00",
            "ending_before": "2025-02-01T00:00:00+00:00",
        },
        {"value": 7, "starting_at": "2025-02-01T00:00:00+00:00"},
    ]
    covering = {**get, "covering_date": "2025-02-01T00:00:00Z"}
    assert [s["value"] for s in deal.world.post("/v1/contracts/getNamedSchedule", covering)] == [7]
    listing = {"customer_id": deal.customer, "limit": 1}
    status, page = deal.world.call("POST", "/v1/contracts/listNamedSchedules", listing)
    assert status == 200
    _, rest = deal.world.call(
        "POST", "/v1/contracts/listNamedSchedules", {**listing, "next_page": page["next_page"]}
    )
    assert rest["next_page"] is None
    assert [
        (found["contract_id"], found["properties"], len(found["segments"]))
        for found in [*page["data"], *rest["data"]]
    ] == [(deal.contract, {"region": "eu"}, 1), (deal.contract, {}, 2)]
