"""Packages: templates of contracts, and the contracts made from them."""

from typing import Any

import pytest

from tests.integration.worked.world import World, lines

JSON = dict[str, Any]


class Catalog:
    """One product at 100 a unit on one card."""

    def __init__(self, now: str = "2025-01-20T00:00:00Z") -> None:
        self.world = World(now)
        self.product = self.world.product(self.world.metric())
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=100)

    def package(self, **fields: object) -> str:
        body = {"name": "Starter", "rate_card_id": self.card, **fields}
        return str(self.world.post("/v1/packages/create", body)["id"])

    def contract(self, customer: str, start: str = "2025-01-01T00:00:00Z", **fields: object) -> str:
        return self.world.contract(customer, None, start=start, **fields)

    def read(self, customer: str, contract: str) -> JSON:
        names = {"customer_id": customer, "contract_id": contract}
        found: JSON = self.world.post("/v2/contracts/get", names)
        return found


def months(value: int) -> JSON:
    return {"value": value, "unit": "MONTHS"}


def half_off(**fields: object) -> JSON:
    return {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "override_specifiers": [],
        "starting_at_offset": {"value": 0, "unit": "DAYS"},
        **fields,
    }


def test_a_contract_takes_its_terms_and_relative_dates_from_the_package() -> None:
    shop = Catalog("2024-01-31T00:00:00Z")
    customer = shop.world.customer()
    package = shop.package(
        contract_name="Starter contract",
        duration=months(13),
        net_payment_terms_days=14,
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        overrides=[half_off(starting_at_offset=months(1), duration=months(1))],
        scheduled_charges_on_usage_invoices="ALL",
    )

    contract = shop.contract(
        customer, "2024-01-31T00:00:00Z", package_id=package, uniqueness_key="first"
    )

    found = shop.read(customer, contract)
    assert found["package_id"] == package
    assert (found["name"], found["rate_card_id"], found["net_payment_terms_days"]) == (
        "Starter contract",
        shop.card,
        14,
    )
    # 31 January plus 13 months is clamped to the last day of February 2025.
    assert found["ending_before"] == "2025-02-28T00:00:00+00:00"
    [override] = found["overrides"]
    # One month on is 29 February 2024, and one month from there 29 March.
    assert (override["starting_at"], override["ending_before"]) == (
        "2024-02-29T00:00:00+00:00",
        "2024-03-29T00:00:00+00:00",
    )
    assert found["usage_statement_schedule"]["billing_anchor_date"] == "2024-01-31T00:00:00+00:00"


def test_charges_and_subscriptions_of_a_package_are_billed() -> None:
    shop = Catalog("2025-01-01T00:00:00Z")
    fee = shop.world.product(type="FIXED")
    seat = shop.world.product(type="SUBSCRIPTION")
    shop.world.rate(shop.card, seat, price=1000, billing_frequency="MONTHLY")
    package = shop.package(
        scheduled_charges=[
            {
                "product_id": fee,
                "name": "Setup",
                "schedule": {
                    "schedule_items": [
                        {
                            "unit_price": 50,
                            "quantity": 2,
                            "date_offset": {"value": 1, "unit": "WEEKS"},
                        }
                    ]
                },
            }
        ],
        subscriptions=[
            {
                "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
                "collection_schedule": "ARREARS",
                "proration": {
                    "is_prorated": True,
                    "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE",
                },
                "initial_quantity": 3,
            }
        ],
    )
    customer = shop.world.customer()
    shop.contract(customer, package_id=package)

    shop.world.clock("2025-02-02T00:00:00Z")

    setup, usage = shop.world.invoices(customer, status="FINALIZED")
    # 2 × 50 a week after the start.
    assert (setup["type"], setup["issued_at"], setup["total"]) == (
        "SCHEDULED",
        "2025-01-08T00:00:00+00:00",
        100,
    )
    # January's 3 seats at 1000, and no usage.
    assert lines(usage, "type", "quantity", "total") == [
        ("usage", 0, 0),
        ("subscription", 3, 3000),
    ]
    [shown] = shop.world.post("/v1/packages/list", {})
    assert shown["scheduled_charges"][0]["schedule"]["schedule_items"][0]["date_offset"] == {
        "value": 1,
        "unit": "WEEKS",
    }
    assert shown["subscriptions"][0]["initial_quantity"] == 3


def test_an_alias_stands_for_the_package_it_was_given_to_last() -> None:
    shop = Catalog()
    customer = shop.world.customer()
    old = shop.package(aliases=[{"name": "starter"}])
    new = shop.package(aliases=[{"name": "starter", "starting_at": "2025-02-01T00:00:00Z"}])

    before = shop.contract(customer, "2025-01-31T23:00:00Z", package_alias="starter")
    after = shop.contract(customer, "2025-02-01T00:00:00Z", package_alias="starter")

    assert shop.read(customer, before)["package_id"] == old
    assert shop.read(customer, after)["package_id"] == new
    unknown = {
        "customer_id": customer,
        "starting_at": "2025-01-01T00:00:00Z",
        "package_alias": "nobody",
    }
    shop.world.refused("/v1/contracts/create", unknown)


@pytest.mark.parametrize(
    "beside",
    [
        {"name": "Mine"},
        {"net_payment_terms_days": 30},
        {"overrides": []},
        {"ending_before": "2026-01-01T00:00:00Z"},
        {"commits": []},
        {"package_alias": "starter"},
    ],
)
def test_hardly_anything_may_be_said_beside_a_package(beside: JSON) -> None:
    shop = Catalog()
    body = {
        "customer_id": shop.world.customer(),
        "starting_at": "2025-01-01T00:00:00Z",
        "package_id": shop.package(aliases=[{"name": "starter"}]),
        **beside,
    }

    assert next(iter(beside)) in shop.world.refused("/v1/contracts/create", body)["message"]


def test_an_archived_package_keeps_its_contracts_and_makes_no_new_ones() -> None:
    shop = Catalog()
    customer = shop.world.customer()
    package = shop.package()
    contract = shop.contract(customer, package_id=package)

    shop.world.post("/v1/packages/archive", {"package_id": package})

    body = {
        "customer_id": customer,
        "starting_at": "2025-01-01T00:00:00Z",
        "package_id": package,
    }
    assert "archived" in shop.world.refused("/v1/contracts/create", body)["message"]
    assert "archived_at" not in shop.read(customer, contract)
    again = shop.world.refused("/v1/packages/archive", {"package_id": package}, 422)
    assert "already archived" in again["message"]

    def listed(archive_filter: str) -> set[str]:
        found = shop.world.post("/v1/packages/list", {"archive_filter": archive_filter})
        return {entry["id"] for entry in found}

    other = shop.package()
    assert (listed("NOT_ARCHIVED"), listed("archived"), listed("ALL")) == (
        {other},
        {package},
        {package, other},
    )
    shown = shop.world.post("/v1/packages/get", {"package_id": package})
    assert shown["archived_at"] == "2025-01-20T00:00:00+00:00"


def test_ten_packages_are_a_page() -> None:
    shop = Catalog()
    made = {shop.package(name=f"Package {number}") for number in range(12)}

    status, first = shop.world.call("POST", "/v1/packages/list", {})
    _, second = shop.world.call(
        "POST", "/v1/packages/list", {}, query={"next_page": first["next_page"]}
    )

    assert status == 200
    assert (len(first["data"]), len(second["data"])) == (10, 2)
    assert {entry["id"] for entry in [*first["data"], *second["data"]]} == made
    assert second["next_page"] is None


def test_the_contracts_of_a_package_are_listed_by_their_start() -> None:
    shop = Catalog()
    package = shop.package(duration=months(1))
    first, second = shop.world.customer(), shop.world.customer()
    later = shop.contract(first, "2025-03-01T00:00:00Z", package_id=package)
    earlier = shop.contract(second, "2025-02-01T00:00:00Z", package_id=package)
    shop.contract(second, "2025-02-01T00:00:00Z", package_id=shop.package())

    def listed(**fields: object) -> list[tuple[str, str]]:
        body = {"package_id": package, **fields}
        found = shop.world.post("/v1/packages/listContractsOnPackage", body)
        return [(entry["customer_id"], entry["contract_id"]) for entry in found]

    assert listed() == [(second, earlier), (first, later)]
    assert listed(covering_date="2025-02-28T23:00:00Z") == [(second, earlier)]
    assert listed(starting_at="2025-02-02T00:00:00Z") == [(first, later)]
    shop.world.post(
        "/v1/contracts/archive",
        {"customer_id": first, "contract_id": later, "void_invoices": True},
    )
    assert listed() == [(second, earlier)]
    assert len(listed(include_archived=True)) == 2
    unknown = {"package_id": "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"}
    error = shop.world.refused("/v1/packages/listContractsOnPackage", unknown, 400)
    assert error["code"] == "PackageNotFound"
    shop.world.refused("/v1/packages/get", unknown, 404)


def test_a_uniqueness_key_reads_back_with_its_kind() -> None:
    shop = Catalog()
    package = shop.package(uniqueness_key="starter-1")

    shown = shop.world.post("/v1/packages/get", {"package_id": package})
    assert shown["uniqueness_key"] == "package:starter-1"
    body = {"name": "Again", "uniqueness_key": "starter-1"}
    assert shop.world.refused("/v1/packages/create", body, 409)["conflicting_id"] == package
    # Contracts have keys of their own.
    shop.contract(shop.world.customer(), package_id=package, uniqueness_key="starter-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"overrides": [half_off(starting_at_offset={"value": -1, "unit": "DAYS"})]},
        {"overrides": [half_off(product_id="6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55")]},
        {
            "overrides": [
                half_off(
                    override_specifiers=[{"product_id": "6e4f0ddc-9f7a-4d4b-8b41-ad7ffa0f6a55"}]
                )
            ]
        },
        {"overrides": [{"type": "MULTIPLIER", "multiplier": 1, "override_specifiers": []}]},
        {"duration": {"value": 0, "unit": "DAYS"}},
        {"duration": {"value": 1, "unit": "DECADES"}},
        {"usage_statement_schedule": {"frequency": "MONTHLY", "day": "CUSTOM_DATE"}},
        {"billing_provider": "stripe"},
        {"rate_card_alias": "both"},
        {
            "aliases": [
                {
                    "name": "backwards",
                    "starting_at": "2025-02-01T00:00:00Z",
                    "ending_before": "2025-01-01T00:00:00Z",
                }
            ]
        },
    ],
)
def test_refused_packages(wrong: JSON) -> None:
    shop = Catalog()
    body = {"name": "Starter", "rate_card_id": shop.card, **wrong}

    shop.world.refused("/v1/packages/create", body)

    assert shop.world.post("/v1/packages/list", {"archive_filter": "ALL"}) == []


def test_closed_bodies() -> None:
    shop = Catalog()

    shop.world.refused("/v1/packages/list", {"limit": 3})
    shop.world.refused("/v1/packages/archive", {"package_id": shop.package(), "why": "because"})


def test_a_contract_is_given_the_balances_of_its_package() -> None:
    shop = Catalog("2025-01-20T00:00:00Z")
    world = shop.world
    customer, purchase = world.customer(), world.product(type="FIXED")

    def span(amount: int, offset: int, lasts: int) -> JSON:
        item = {"amount": amount, "starting_at_offset": months(offset), "duration": months(lasts)}
        return {"schedule_items": [item]}

    prepaid = {
        "type": "prepaid",
        "product_id": purchase,
        "name": "Prepaid",
        "priority": 2,
        "access_schedule": span(5000, 0, 12),
        "invoice_schedule": {
            "schedule_items": [{"unit_price": 400, "quantity": 10, "date_offset": months(1)}]
        },
        "rollover_fraction": 0.5,
        "temporary_id": "prepaid",
    }
    credit = {
        "product_id": purchase,
        "name": "Gift",
        "priority": 1,
        "access_schedule": span(100, 1, 1),
        "applicable_product_ids": [shop.product],
    }
    package = shop.package(
        commits=[prepaid],
        credits=[credit],
        # What the commit pays costs half.
        overrides=[half_off(override_specifiers=[_of(shop, "prepaid")], is_commit_specific=True)],
    )
    shown = world.post("/v1/packages/get", {"package_id": package})
    [commit] = shown["commits"]
    assert commit["invoice_schedule"]["schedule_items"][0]["date_offset"] == months(1)
    assert commit["access_schedule"]["schedule_items"][0]["duration"] == months(12)
    assert shown["overrides"][0]["override_specifiers"] == [_of(shop, commit["id"])]
    [gift] = shown["credits"]
    assert (gift["applicable_product_ids"], gift["type"]) == ([shop.product], "CREDIT")

    contract = shop.contract(customer, package_id=package)
    found = shop.read(customer, contract)
    [made] = found["commits"]
    [segment] = made["access_schedule"]["schedule_items"]
    assert (segment["amount"], segment["starting_at"][:10], segment["ending_before"][:10]) == (
        5000,
        "2025-01-01",
        "2026-01-01",
    )
    [paid] = made["invoice_schedule"]["schedule_items"]
    assert (paid["amount"], paid["timestamp"][:10]) == (4000, "2025-02-01")
    assert (made["rollover_fraction"], found["credits"][0]["name"]) == (0.5, "Gift")
    assert found["overrides"][0]["override_specifiers"] == [_of(shop, made["id"])]
    world.use(customer, 20, "2025-01-10T00:00:00Z")
    draft = world.draft(customer)
    # 20 at 100, half of it by the commit: 1000 of 5000; nothing stays to be paid.
    assert draft["total"] == 0
    assert lines(draft, "type", "total") == [("usage", 1000), ("applied_commit_or_credit", -1000)]


def _of(shop: Catalog, commit_id: str) -> JSON:
    return {"product_id": shop.product, "commit_ids": [commit_id]}


def test_a_contract_is_given_the_thresholds_of_its_package() -> None:
    shop = Catalog("2025-01-20T00:00:00Z")
    world = shop.world
    customer, purchase = world.customer(), world.product(type="FIXED")
    prepaid = {
        "is_enabled": True,
        "threshold_amount": 500,
        "recharge_to_amount": 2500,
        "commit": {"product_id": purchase, "name": "Recharge"},
        "payment_gate_config": {"payment_gate_type": "STRIPE"},
    }
    spend = {name: value for name, value in prepaid.items() if name != "recharge_to_amount"}
    spend["threshold_amount"] = 30000
    package = shop.package(
        prepaid_balance_threshold_configuration=prepaid, spend_threshold_configuration=spend
    )
    shown = world.post("/v1/packages/get", {"package_id": package})
    contract = shop.contract(customer, package_id=package)
    found = shop.read(customer, contract)
    for name in ("prepaid_balance_threshold_configuration", "spend_threshold_configuration"):
        assert shown[name] == found[name]
        assert shown[name]["commit"]["name"] == "Recharge"
    # The balance of nothing was below the line: 2500 were bought.
    [charge] = world.invoices(customer, type="SCHEDULED")
    assert (charge["status"], charge["total"]) == ("FINALIZED", 2500)


def test_balances_and_thresholds_that_fit_no_contract_are_refused() -> None:
    shop = Catalog()
    purchase = shop.world.product(type="FIXED")
    item = {"amount": 1, "starting_at_offset": months(0), "duration": months(1)}
    commit = {
        "type": "POSTPAID",
        "product_id": purchase,
        "access_schedule": {"schedule_items": [item]},
    }
    spend = {
        "is_enabled": True,
        "threshold_amount": 1,
        "commit": {"product_id": shop.product},
        "payment_gate_config": {"payment_gate_type": "NONE"},
    }
    misfits: list[tuple[JSON, str]] = [
        ({"commits": [commit]}, "commits[0].invoice_schedule"),
        ({"commits": [{**commit, "type": "CREDIT"}]}, "commits.0.type"),
        ({"credits": [{**commit, "product_id": shop.product}]}, "credits[0].product_id"),
        ({"spend_threshold_configuration": spend}, "spend_threshold_configuration.commit"),
    ]
    for terms, names in misfits:
        body = {"name": "Bad", "rate_card_id": shop.card, **terms}
        assert names in shop.world.refused("/v1/packages/create", body)["message"]
