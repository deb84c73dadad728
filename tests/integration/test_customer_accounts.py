"""Customers: archiving, billable status, settings, and their accounts at other systems."""

import pytest

from tests.integration.worked.world import JSON, World

UNKNOWN = "6b1f6a0e-3c0d-5c1e-9a53-0f8b6f3f7f10"
STRIPE = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {
        "stripe_customer_id": "cus_1",
        "stripe_collection_method": "charge_automatically",
    },
}


def billed(world: World, *aliases: str) -> str:
    """Returns a customer whose January cost 20 and is final; it is 3 February."""
    customer, product, card = (
        world.customer(*aliases),
        world.product(world.metric()),
        world.rate_card(),
    )
    world.rate(card, product, price=2)
    world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 10, "2025-01-19T00:00:00Z")
    world.clock("2025-02-03T00:00:00Z")
    return customer


def listed(world: World, **query: object) -> list[str]:
    return [customer["id"] for customer in world.get("/v1/customers", **query)]


class TestArchive:
    def test_everything_of_an_archived_customer_ends(self) -> None:
        world = World()
        customer = billed(world, "acme")
        assert world.post("/v1/customers/archive", {"id": customer}) == {"id": customer}

        assert [(one["status"], one["total"]) for one in world.invoices(customer)] == [("VOID", 20)]
        [contract] = world.post(
            "/v2/contracts/list", {"customer_id": customer, "include_archived": True}
        )
        assert contract["archived_at"] == "2025-02-03T00:00:00+00:00"
        world.clock("2025-06-01T00:00:00Z")
        assert len(world.invoices(customer)) == 1

    def test_it_can_still_be_read_but_leaves_the_list(self) -> None:
        world = World()
        gone, stays = world.customer(), world.customer()
        world.post("/v1/customers/archive", {"id": gone})
        detail = world.get(f"/v1/customers/{gone}")
        assert detail["archived_at"] == "2025-01-01T00:00:00+00:00"
        assert listed(world) == [stays]
        assert listed(world, only_archived="true") == [gone]

    def test_aliases_stay_taken_unless_they_were_removed_before(self) -> None:
        world = World()
        customer = world.customer("kept", "given back")
        world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": ["kept"]})
        world.post("/v1/customers/archive", {"id": customer})
        refused = world.refused("/v1/customers", {"name": "B", "ingest_aliases": ["kept"]}, 409)
        assert refused["conflicting_id"] == customer
        world.customer("given back")

    def test_it_is_for_good_and_happens_once(self) -> None:
        world = World()
        customer, card = world.customer(), world.rate_card()
        world.post("/v1/customers/archive", {"id": customer})
        world.refused("/v1/customers/archive", {"id": customer})
        contract = {
            "customer_id": customer,
            "rate_card_id": card,
            "starting_at": "2025-01-01T00:00:00Z",
        }
        world.refused("/v1/contracts/create", contract)
        world.refused("/v1/customers/archive", {"id": UNKNOWN}, 404)

    def test_its_invoices_cannot_be_made_anew(self) -> None:
        world = World()
        customer = billed(world)
        world.post("/v1/customers/archive", {"id": customer})
        [void] = world.invoices(customer)
        world.refused("/v1/invoices/regenerate", {"id": void["id"]})


class TestBillableStatus:
    def test_invoices_carry_what_holds_when_their_period_starts(self) -> None:
        world = World()
        customer = billed(world)
        body = {
            "customer_id": customer,
            "billable_status": "unbillable",
            "effective_at": "2025-03-01T00:00:00Z",
        }
        reply = world.post("/v1/customers/setBillableStatus", body)
        assert reply == {"id": customer, "current_billable_status": "billable"}
        world.clock("2025-03-03T00:00:00Z")
        assert [one["billable_status"] for one in world.invoices(customer)] == [
            "billable",
            "billable",
            "unbillable",
        ]
        assert world.get(f"/v1/customers/{customer}")["current_billable_status"] == {
            "value": "unbillable",
            "effective_at": "2025-03-01T00:00:00+00:00",
        }

    def test_final_invoices_stay_as_they_are(self) -> None:
        world = World()
        customer = billed(world)
        body = {
            "customer_id": customer,
            "billable_status": "unbillable",
            "effective_at": "2025-01-01T00:00:00Z",
        }
        reply = world.post("/v1/customers/setBillableStatus", body)
        assert reply["current_billable_status"] == "unbillable"
        assert [(one["status"], one["billable_status"]) for one in world.invoices(customer)] == [
            ("FINALIZED", "billable"),
            ("DRAFT", "unbillable"),
        ]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"customer_id": UNKNOWN}, 404),
            ({"billable_status": "maybe"}, 400),
            ({"effective_at": None}, 400),
        ],
    )
    def test_wrong_requests(self, changes: JSON, status: int) -> None:
        world = World()
        body = {
            "customer_id": world.customer(),
            "billable_status": "billable",
            "effective_at": "2025-01-01T00:00:00Z",
            **changes,
        }
        world.refused("/v1/customers/setBillableStatus", body, status)


class TestConfig:
    def test_salesforce_accounts_are_set_listed_and_taken_away(self) -> None:
        world = World()
        one, two, three = world.customer(), world.customer(), world.customer()
        for customer, account in ((one, "sf1"), (two, "sf2")):
            config = {"salesforce_account_id": account, "leave_stripe_invoices_in_draft": True}
            world.post(f"/v1/customers/{customer}/updateConfig", config)
        detail = world.get(f"/v1/customers/{one}")
        assert detail["customer_config"] == {"salesforce_account_id": "sf1"}
        assert listed(world, salesforce_account_ids="sf1") == [one]
        both = listed(world, salesforce_account_ids="sf2,sf1,none")
        assert sorted(both) == sorted([one, two])
        # What is not sent stays.
        world.post(f"/v1/customers/{one}/updateConfig", {"leave_stripe_invoices_in_draft": False})
        assert listed(world, salesforce_account_ids="sf1") == [one]
        world.post(f"/v1/customers/{one}/updateConfig", {"salesforce_account_id": None})
        assert listed(world, salesforce_account_ids="sf1") == []
        assert sorted(listed(world)) == sorted([one, two, three])

    def test_filtered_lists_come_in_pages(self) -> None:
        world = World()
        wanted = []
        for number in range(6):
            customer = world.customer()
            if number % 2:
                path = f"/v1/customers/{customer}/updateConfig"
                world.post(path, {"salesforce_account_id": "sf"})
                wanted.append(customer)
        found: list[str] = []
        query: JSON = {"salesforce_account_ids": "sf", "limit": 1}
        while True:
            _, reply = world.call("GET", "/v1/customers", query=query)
            found += [customer["id"] for customer in reply["data"]]
            if reply["next_page"] is None:
                break
            query["next_page"] = reply["next_page"]
        assert sorted(found) == sorted(wanted)

    def test_wrong_requests(self) -> None:
        world = World()
        world.refused(f"/v1/customers/{UNKNOWN}/updateConfig", {}, 404)
        path = f"/v1/customers/{world.customer()}/updateConfig"
        world.refused(path, {"leave_stripe_invoices_in_draft": "yes"})


CREATED = ["id", "customer_id", "billing_provider", "configuration", "delivery_method_id"]


class TestBillingProviders:
    def test_set_get_and_archive(self) -> None:
        world = World()
        customer = world.customer()
        aws = {
            "billing_provider": "aws_marketplace",
            "delivery_method": "aws_sqs",
            "configuration": {
                "aws_customer_id": "a",
                "aws_product_code": "p",
                "aws_region": "us-east-1",
            },
        }
        data = [{**STRIPE, "customer_id": customer}, {**aws, "customer_id": customer}]
        made = world.post("/v1/setCustomerBillingProviderConfigurations", {"data": data})
        assert [one["billing_provider"] for one in made] == ["stripe", "aws_marketplace"]
        read = configurations(world, customer)
        # Making one answers less than reading it.
        assert sorted(made, key=lambda one: one["id"]) == [
            {name: one[name] for name in CREATED} for one in read
        ]
        assert made[0]["configuration"] == STRIPE["configuration"]
        assert [one["archived_at"] for one in read] == [None, None]

        ids = [made[0]["id"]]
        body = {"customer_id": customer, "customer_billing_provider_configuration_ids": ids}
        archived = world.post("/v1/archiveCustomerBillingProviderConfigurations", body)
        assert archived["customer_billing_provider_configuration_ids"] == ids
        assert [one["id"] for one in configurations(world, customer)] == [made[1]["id"]]
        everything = configurations(world, customer, include_archived=True)
        assert {one["id"]: one["archived_at"] for one in everything} == {
            made[0]["id"]: "2025-01-01T00:00:00+00:00",
            made[1]["id"]: None,
        }
        world.refused("/v1/archiveCustomerBillingProviderConfigurations", body)

    def test_archiving_is_all_or_nothing(self) -> None:
        world = World()
        customer = world.customer()
        data = [{**STRIPE, "customer_id": customer}]
        [made] = world.post("/v1/setCustomerBillingProviderConfigurations", {"data": data})
        body = {
            "customer_id": customer,
            "customer_billing_provider_configuration_ids": [made["id"], UNKNOWN],
        }
        world.refused("/v1/archiveCustomerBillingProviderConfigurations", body, 404)
        [read] = configurations(world, customer)
        assert (read["id"], read["archived_at"]) == (made["id"], None)

    def test_the_delivery_method_may_be_named_by_its_id(self) -> None:
        world = World()
        customer = world.customer()
        data = [{**STRIPE, "customer_id": customer}]
        [made] = world.post("/v1/setCustomerBillingProviderConfigurations", {"data": data})
        by_id = {
            "billing_provider": "stripe",
            "configuration": STRIPE["configuration"],
            "delivery_method_id": made["delivery_method_id"],
            "customer_id": customer,
        }
        [again] = world.post("/v1/setCustomerBillingProviderConfigurations", {"data": [by_id]})
        methods = [one["delivery_method"] for one in configurations(world, customer)]
        assert methods == ["direct_to_billing_provider"] * 2
        assert again["delivery_method_id"] == made["delivery_method_id"]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"billing_provider": "paper"}, 400),
            ({"configuration": {}}, 400),
            ({"delivery_method": None}, 400),
            ({"delivery_method": "pigeon"}, 400),
            ({"delivery_method": None, "delivery_method_id": UNKNOWN}, 400),
            ({"tax_provider": "anrok"}, 400),
            ({"configuration": {"stripe_customer_id": "c", "stripe_collection_method": "x"}}, 400),
            ({"customer_id": UNKNOWN}, 404),
        ],
    )
    def test_one_bad_configuration_refuses_all(self, changes: JSON, status: int) -> None:
        world = World()
        customer = world.customer()
        good = {**STRIPE, "customer_id": customer}
        body = {"data": [good, {**good, **changes}]}
        world.refused("/v1/setCustomerBillingProviderConfigurations", body, status)
        assert configurations(world, customer) == []

    def test_a_customer_may_come_with_them(self) -> None:
        world = World()
        body = {
            "name": "Acme",
            "customer_billing_provider_configurations": [STRIPE],
            "customer_revenue_system_configurations": [NETSUITE],
        }
        customer = world.post("/v1/customers", body)["id"]
        [made] = configurations(world, customer)
        assert (made["billing_provider"], made["customer_id"]) == ("stripe", customer)
        [revenue] = world.post(
            "/v1/getCustomerRevenueSystemConfigurations", {"customer_id": customer}
        )
        assert revenue["provider"] == "netsuite"
        bad = {
            **body,
            "customer_billing_provider_configurations": [{**STRIPE, "configuration": {}}],
        }
        world.refused("/v1/customers", bad)
        assert listed(world) == [customer]


NETSUITE = {
    "provider": "netsuite",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {"netsuite_customer_id": "n"},
}


class TestRevenueSystems:
    def test_set_get_and_archive(self) -> None:
        world = World()
        customer = world.customer()
        data = [{**NETSUITE, "customer_id": customer}]
        [made] = world.post("/v1/setCustomerRevenueSystemConfigurations", {"data": data})
        asked = {"customer_id": customer, "provider": "netsuite"}
        assert world.post("/v1/getCustomerRevenueSystemConfigurations", asked) == [made]
        assert configurations(world, customer) == []
        body = {
            "customer_id": customer,
            "customer_revenue_system_configuration_ids": [made["id"]],
        }
        world.post("/v1/archiveCustomerRevenueSystemConfigurations", body)
        assert world.post("/v1/getCustomerRevenueSystemConfigurations", asked) == []
        asked_all = {**asked, "include_archived": True}
        [archived] = world.post("/v1/getCustomerRevenueSystemConfigurations", asked_all)
        assert archived["archived_at"] is not None


def configurations(world: World, customer: str, **body: object) -> list[JSON]:
    """Returns a customer's accounts at billing providers by id: all are of one instant."""
    asked = {"customer_id": customer, **body}
    found: list[JSON] = world.post("/v1/getCustomerBillingProviderConfigurations", asked)
    return sorted(found, key=lambda one: str(one["id"]))


def test_terms_of_an_account_are_kept_as_they_came() -> None:
    world = World()
    terms = {"stripe_customer_id": "cus_1", "tries": 3, "rest": {"of": [1, None, True]}}
    account = {
        "customer_id": world.customer(),
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": terms,
    }
    [made] = world.post("/v1/setCustomerBillingProviderConfigurations", {"data": [account]})
    asked = {"customer_id": account["customer_id"]}
    [read] = world.post("/v1/getCustomerBillingProviderConfigurations", asked)
    assert made["configuration"] == read["configuration"] == terms
    account["configuration"] = {**terms, "rest": {"of": [0.5]}}
    body = {"data": [account]}
    refused = world.refused("/v1/setCustomerBillingProviderConfigurations", body)
    assert "data.0.configuration: numbers in it must be whole" in refused["message"]
