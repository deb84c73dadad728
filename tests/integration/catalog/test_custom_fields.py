"""Custom fields: the registry, values at creation and after it, uniqueness."""

from collections.abc import Callable

import pytest

from tests.integration.worked.world import JSON, World

FIELDS = "/v1/customFields"
SOMETHING = "0d7e0f6e-8d2c-4a55-9d0c-6f1f6f1f0000"


def register(world: World, entity: str, key: str, *, unique: bool = False) -> None:
    body = {"entity": entity, "key": key, "enforce_uniqueness": unique}
    assert world.post(f"{FIELDS}/addKey", body) is None


def set_values(world: World, entity: str, id_: str, **values: str) -> None:
    body = {"entity": entity, "entity_id": id_, "custom_fields": values}
    assert world.post(f"{FIELDS}/setValues", body) is None


def listed(world: World, *entities: str) -> list[tuple[str, str, bool]]:
    found = world.post(f"{FIELDS}/listKeys", {"entities": list(entities)})
    return [(field["entity"], field["key"], field["enforce_uniqueness"]) for field in found]


def of_customer(world: World, id_: str) -> JSON:
    fields: JSON = world.get(f"/v1/customers/{id_}")["custom_fields"]
    return fields


def test_keys_are_registered_listed_and_removed() -> None:
    world = World()
    register(world, "customer", "tier")
    register(world, "customer", "crm", unique=True)
    register(world, "contract", "po")

    everything = [("contract", "po", False), ("customer", "crm", True), ("customer", "tier", False)]
    assert listed(world) == everything
    assert listed(world, "customer") == everything[1:]

    assert world.post(f"{FIELDS}/removeKey", {"entity": "contract", "key": "po"}) is None
    assert listed(world) == everything[1:]


def test_a_key_is_registered_once_for_a_kind_of_thing() -> None:
    world = World()
    register(world, "customer", "tier")
    register(world, "contract", "tier")

    body = {"entity": "customer", "key": "tier", "enforce_uniqueness": True}
    error = world.refused(f"{FIELDS}/addKey", body)

    assert error["message"] == "Duplicate custom field key"


def test_an_unknown_key_cannot_be_removed() -> None:
    body = {"entity": "customer", "key": "tier"}
    error = World().refused(f"{FIELDS}/removeKey", body, status=404)

    assert "Custom field key not found" in error["message"]


def test_unknown_kinds_are_refused() -> None:
    body = {"entity": "planet", "key": "tier", "enforce_uniqueness": False}

    assert World().refused(f"{FIELDS}/addKey", body)["message"].startswith("entity: ")


CREATES: dict[str, tuple[str, Callable[[World], JSON]]] = {
    "customer": ("/v1/customers", lambda world: {"name": "Acme"}),
    "billable_metric": (
        "/v1/billable-metrics/create",
        lambda world: {"name": "M", "aggregation_type": "COUNT"},
    ),
    "product": ("/v1/contract-pricing/products/create", lambda _: {"name": "P", "type": "FIXED"}),
    "rate_card": ("/v1/contract-pricing/rate-cards/create", lambda world: {"name": "C"}),
    "contract": (
        "/v1/contracts/create",
        lambda world: {
            "customer_id": world.customer("someone"),
            "starting_at": "2025-01-01T00:00:00Z",
        },
    ),
}


@pytest.mark.parametrize("entity", CREATES)
def test_unregistered_keys_at_creation_create_nothing(entity: str) -> None:
    world = World()
    path, body = CREATES[entity]
    register(world, "invoice", "color")
    fields = {"custom_fields": {"color": "red"}}

    error = world.refused(path, {**body(world), **fields})

    assert error["message"] == "Invalid custom field keys"
    assert everything(world, entity) == []


@pytest.mark.parametrize("entity", CREATES)
def test_values_given_at_creation_are_changed_and_taken_off_later(entity: str) -> None:
    world = World()
    path, body = CREATES[entity]
    for key in ("color", "size", "shape"):
        register(world, entity, key)

    made = world.post(path, {**body(world), "custom_fields": {"color": "red", "size": "xl"}})["id"]
    set_values(world, entity, made, size="s", shape="round")

    [shown] = everything(world, entity)
    assert shown["custom_fields"] == {"color": "red", "size": "s", "shape": "round"}
    gone = {"entity": entity, "entity_id": made, "keys": ["size", "unknown"]}
    assert world.post(f"{FIELDS}/deleteValues", gone) is None
    [shown] = everything(world, entity)
    assert shown["custom_fields"] == {"color": "red", "shape": "round"}


def everything(world: World, entity: str) -> list[JSON]:
    """Returns all things of a kind; customers made on the way to others do not count."""
    found: list[JSON]
    if entity == "customer":
        found = world.get("/v1/customers")
    elif entity == "billable_metric":
        found = world.get("/v1/billable-metrics")
    elif entity == "product":
        found = world.post("/v1/contract-pricing/products/list", {})
    elif entity == "rate_card":
        found = world.post("/v1/contract-pricing/rate-cards/list", {})
    else:
        [customer] = world.get("/v1/customers")
        found = world.post("/v2/contracts/list", {"customer_id": customer["id"]})
    return found


def test_setting_values_is_all_or_nothing() -> None:
    world = World()
    register(world, "customer", "tier")
    customer = world.customer()
    path = f"{FIELDS}/setValues"
    body = {"entity": "customer", "entity_id": customer}

    unknown_key = world.refused(path, {**body, "custom_fields": {"tier": "gold", "rank": "1"}})
    too_long = world.refused(path, {**body, "custom_fields": {"tier": "x" * 201}})
    nobody = world.refused(
        path, {**body, "entity_id": SOMETHING, "custom_fields": {"tier": "gold"}}, status=404
    )

    assert unknown_key["message"] == "Invalid custom field keys"
    assert too_long["message"].startswith("custom_fields.tier: ")
    assert nobody["message"] == f"customer not found: {SOMETHING}"
    assert of_customer(world, customer) == {}


def test_unique_values_belong_to_one_thing_of_a_kind() -> None:
    world = World()
    register(world, "customer", "crm", unique=True)
    register(world, "rate_card", "crm", unique=True)
    first = world.post("/v1/customers", {"name": "A", "custom_fields": {"crm": "1"}})["id"]
    second = world.customer()

    at_creation = world.refused(
        "/v1/customers", {"name": "B", "custom_fields": {"crm": "1"}}, status=409
    )
    later = world.refused(
        f"{FIELDS}/setValues",
        {"entity": "customer", "entity_id": second, "custom_fields": {"crm": "1"}},
        status=409,
    )

    assert at_creation["conflicting_id"] == later["conflicting_id"] == first
    assert len(world.get("/v1/customers")) == 2
    # Another kind of thing may have the same value, and the thing itself may keep it.
    set_values(world, "rate_card", world.rate_card(), crm="1")
    set_values(world, "customer", first, crm="1")
    # A value that was replaced or taken off is free again.
    set_values(world, "customer", first, crm="2")
    set_values(world, "customer", second, crm="1")
    world.post(
        f"{FIELDS}/deleteValues", {"entity": "customer", "entity_id": second, "keys": ["crm"]}
    )
    set_values(world, "customer", first, crm="1")
    assert of_customer(world, first) == {"crm": "1"}
    assert of_customer(world, second) == {}


def test_removing_a_key_takes_its_values_with_it() -> None:
    world = World()
    register(world, "customer", "crm", unique=True)
    register(world, "customer", "tier")
    customer = world.post(
        "/v1/customers", {"name": "A", "custom_fields": {"crm": "1", "tier": "gold"}}
    )["id"]

    world.post(f"{FIELDS}/removeKey", {"entity": "customer", "key": "crm"})

    assert of_customer(world, customer) == {"tier": "gold"}
    body = {"entity": "customer", "entity_id": customer, "custom_fields": {"crm": "1"}}
    assert world.refused(f"{FIELDS}/setValues", body)["message"] == "Invalid custom field keys"
    register(world, "customer", "crm", unique=True)
    set_values(world, "customer", world.customer(), crm="1")


def test_either_name_of_products_will_do() -> None:
    world = World()
    register(world, "contract_product", "sku")
    made = world.product(type="FIXED", custom_fields={"sku": "1"})

    set_values(world, "contract_product", made, sku="2")

    shown = world.post("/v1/contract-pricing/products/get", {"id": made})
    assert shown["custom_fields"] == {"sku": "2"}


def test_fields_are_shown_on_invoices_and_their_lines() -> None:
    world = World("2025-01-20T00:00:00Z")
    for entity in ("customer", "contract", "product"):
        register(world, entity, "ref")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric())
    world.rate(card, product, price=1)
    contract = world.contract(customer, card)
    set_values(world, "customer", customer, ref="c")
    set_values(world, "contract", contract, ref="k")
    set_values(world, "product", product, ref="p")

    draft = world.draft(customer)

    assert draft["customer_custom_fields"] == {"ref": "c"}
    assert draft["contract_custom_fields"] == {"ref": "k"}
    assert [line["product_custom_fields"] for line in draft["line_items"]] == [{"ref": "p"}]


def test_drafts_carry_values_into_their_final_form() -> None:
    world = World("2025-01-20T00:00:00Z")
    register(world, "invoice", "po")
    register(world, "invoice", "number", unique=True)
    customer, card = world.customer("acme"), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    item = {"timestamp": "2025-01-25T00:00:00Z", "amount": 5}
    charge = {
        "product_id": world.product(type="FIXED"),
        "schedule": {"schedule_items": [item]},
    }
    world.contract(customer, card, scheduled_charges=[charge])
    scheduled, usage = world.invoices(customer)
    set_values(world, "invoice", usage["id"], po="17", number="1")
    set_values(world, "invoice", usage["id"], po="18")
    set_values(world, "invoice", scheduled["id"], po="19")
    taken = {"entity": "invoice", "entity_id": scheduled["id"], "custom_fields": {"number": "1"}}
    assert "already in use" in world.refused(f"{FIELDS}/setValues", taken, status=409)["message"]
    shown = {"po": "18", "number": "1"}
    assert world.get(f"/v1/customers/{customer}/invoices/{usage['id']}")["custom_fields"] == shown

    world.clock("2025-02-03T00:00:00Z")

    def fields() -> list[tuple[str, JSON]]:
        return [(one["status"], one["custom_fields"]) for one in world.invoices(customer)]

    final = [("FINALIZED", {"po": "19"}), ("FINALIZED", shown), ("DRAFT", {})]
    assert fields() == final
    # Final, it is changed like any other; the key's values go from wherever they are.
    gone = {"entity": "invoice", "entity_id": usage["id"], "keys": ["number"]}
    assert world.post(f"{FIELDS}/deleteValues", gone) is None
    following = world.draft(customer)["id"]
    set_values(world, "invoice", following, po="20", number="1")
    assert world.post(f"{FIELDS}/removeKey", {"entity": "invoice", "key": "po"}) is None
    assert fields() == [("FINALIZED", {}), ("FINALIZED", {}), ("DRAFT", {"number": "1"})]
    gone["entity_id"] = following
    assert world.post(f"{FIELDS}/deleteValues", gone) is None
    assert fields()[-1] == ("DRAFT", {})


def test_final_invoices_can_carry_values_of_their_own() -> None:
    world = World("2025-02-10T00:00:00Z")
    register(world, "invoice", "po")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    world.contract(customer, card)
    [final] = world.invoices(customer, status="FINALIZED")

    set_values(world, "invoice", final["id"], po="4711")

    assert world.get(f"/v1/customers/{customer}/invoices/{final['id']}")["custom_fields"] == {
        "po": "4711"
    }


def test_terms_of_contracts_have_fields_too() -> None:
    world = World("2025-01-01T00:00:00Z")
    register(world, "scheduled_charge", "ref")
    customer, product = world.customer(), world.product(type="FIXED")
    charge = {
        "product_id": product,
        "schedule": {"schedule_items": [{"timestamp": "2025-06-01T00:00:00Z", "amount": 5}]},
    }
    contract = world.contract(customer, None, scheduled_charges=[charge])
    body = {"customer_id": customer, "contract_id": contract}
    [made] = world.post("/v2/contracts/get", body)["scheduled_charges"]

    set_values(world, "scheduled_charge", made["id"], ref="7")

    [shown] = world.post("/v2/contracts/get", body)["scheduled_charges"]
    assert shown["custom_fields"] == {"ref": "7"}


def test_one_request_cannot_use_a_unique_value_twice() -> None:
    world = World()
    register(world, "scheduled_charge", "po", unique=True)
    item = {"timestamp": "2025-02-01T00:00:00Z", "amount": 5}
    charge = {
        "product_id": world.product(type="FIXED"),
        "schedule": {"schedule_items": [item]},
        "custom_fields": {"po": "one"},
    }
    customer = world.customer()
    body = {
        "customer_id": customer,
        "starting_at": "2025-01-01T00:00:00Z",
        "scheduled_charges": [charge, charge],
    }
    error = world.refused("/v1/contracts/create", body, 409)
    assert error["message"] == "This custom field value is already in use."
    assert world.post("/v2/contracts/list", {"customer_id": customer}) == []


TERMS = ["scheduled_charge", "discount", "professional_service", "subscription"]


@pytest.mark.parametrize("entity", TERMS)
def test_a_terms_unique_value_is_its_own(entity: str) -> None:
    world = World()
    register(world, entity, "po", unique=True)
    customer, card = world.customer(), world.rate_card()
    seat = world.product(type="SUBSCRIPTION")
    world.rate(card, seat, price=10, billing_frequency="MONTHLY")
    item = {"timestamp": "2025-02-01T00:00:00Z", "amount": 5}
    dated = {"product_id": world.product(type="FIXED"), "schedule": {"schedule_items": [item]}}
    service = world.product(type="PRO_SERVICE")
    terms: dict[str, JSON] = {
        "scheduled_charge": dated,
        "discount": dated,
        "professional_service": {
            **{"product_id": service, "unit_price": 1, "quantity": 1, "max_amount": 5}
        },
        "subscription": {
            "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
            "collection_schedule": "ARREARS",
            "proration": {"is_prorated": True},
            "initial_quantity": 1,
        },
    }
    kept, other = ({**terms[entity], "custom_fields": {"po": value}} for value in ("one", "two"))
    body = {"customer_id": customer, "starting_at": "2025-01-01T00:00:00Z", "rate_card_id": card}
    contract = world.post("/v1/contracts/create", {**body, f"{entity}s": [kept]})["id"]
    world.refused("/v1/contracts/create", {**body, f"{entity}s": [kept]}, 409)
    edit = {"customer_id": customer, "contract_id": contract}
    world.refused("/v2/contracts/edit", {**edit, f"add_{entity}s": [kept]}, 409)
    world.post("/v2/contracts/edit", {**edit, f"add_{entity}s": [other]})
    shown = world.post("/v2/contracts/get", edit)
    ids = {one["custom_fields"]["po"]: one["id"] for one in shown[f"{entity}s"]}
    change = {"entity": entity, "entity_id": ids["two"], "custom_fields": {"po": "one"}}
    error = world.refused(f"{FIELDS}/setValues", change, 409)
    assert (error["conflicting_id"], error["conflicting_value"]) == (ids["one"], "one")


def test_lines_say_the_values_of_what_they_are_about() -> None:
    world = World("2025-01-20T00:00:00Z")
    kinds = ("scheduled_charge", "discount", "professional_service", "subscription", "commit")
    for kind in kinds:
        register(world, kind, "po")
    customer, card = world.customer(), world.rate_card()
    metered, seat = world.product(world.metric()), world.product(type="SUBSCRIPTION")
    world.rate(card, metered, price=2)
    world.rate(card, seat, price=10, billing_frequency="MONTHLY")
    item = {"timestamp": "2025-02-05T00:00:00Z", "amount": 5}
    dated = {"product_id": world.product(type="FIXED"), "schedule": {"schedule_items": [item]}}
    service = world.product(type="PRO_SERVICE")
    segment = {
        "amount": 6,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    terms: JSON = {
        "scheduled_charges": [{**dated}],
        "discounts": [{**dated}],
        "professional_services": [
            {"product_id": service, "unit_price": 1, "quantity": 1, "max_amount": 5}
        ],
        "subscriptions": [
            {
                "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
                "collection_schedule": "ARREARS",
                "proration": {"is_prorated": True},
                "initial_quantity": 1,
            }
        ],
        "commits": [
            {
                "type": "PREPAID",
                "product_id": dated["product_id"],
                "access_schedule": {"schedule_items": [segment]},
                "applicable_product_ids": [metered],
            }
        ],
    }
    for name, given in terms.items():
        for term in given:
            term["custom_fields"] = {"po": name}
    contract = world.contract(customer, card, **terms)
    names = {"customer_id": customer, "contract_id": contract}
    [offered] = world.post("/v2/contracts/get", names)["professional_services"]
    asked = {"professional_service_id": offered["id"], "amount": 3}
    billed = {**names, "issued_at": "2025-02-05T00:00:00Z", "line_items": [asked]}
    world.post("/v1/contracts/scheduleProServicesInvoice", billed)
    world.use(customer, 10, "2025-01-19T00:00:00Z")

    found: dict[str, set[str]] = {}
    for invoice in world.invoices(customer):
        for line in invoice["line_items"]:
            for name, values in line.items():
                if name.endswith("_custom_fields") and values:
                    found.setdefault(name, set()).add(values["po"])
    assert found == {f"{kind}_custom_fields": {f"{kind}s"} for kind in kinds}
    covered, applied, rest, _ = world.draft(customer)["line_items"]
    assert covered["commit_custom_fields"] == applied["commit_custom_fields"] == {"po": "commits"}
    assert "commit_custom_fields" not in rest


def test_lines_that_bill_a_commit_say_its_values() -> None:
    world = World("2025-01-20T00:00:00Z")
    register(world, "commit", "po")
    segment = {
        "amount": 6,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2025-03-01T00:00:00Z",
    }
    item = {"timestamp": "2025-03-01T00:00:00Z", "amount": 6}
    fixed = world.product(type="FIXED")
    commits = [
        {
            "type": kind,
            "product_id": fixed,
            "name": kind,
            "access_schedule": {"schedule_items": [segment]},
            "invoice_schedule": {"schedule_items": [item]},
            "custom_fields": {"po": kind},
        }
        for kind in ("PREPAID", "POSTPAID")
    ]
    customer, other = world.customer(), world.rate_card()
    # Of two invoices the prepaid one joins that of the usage, which ends on its day.
    joining = {
        "scheduled_charges_on_usage_invoices": "ALL",
        "ending_before": segment["ending_before"],
    }
    world.contract(customer, None, commits=commits)
    world.contract(customer, other, "2025-02-01T00:00:00Z", commits=commits[:1], **joining)
    world.clock("2025-02-20T00:00:00Z")

    shown = [
        (line["name"], line["commit_custom_fields"])
        for invoice in world.invoices(customer)
        for line in invoice["line_items"]
    ]
    assert sorted(shown, key=lambda one: one[0]) == [
        ("POSTPAID", {"po": "POSTPAID"}),
        ("PREPAID", {"po": "PREPAID"}),
        ("PREPAID", {"po": "PREPAID"}),
    ]
