"""Credit grants, plans and billing configurations of the older kind."""

from decimal import Decimal
from typing import Any

import pytest
from metronome.types.v1 import CreditGrantListEntriesResponse, CreditGrantListResponse

from tests.integration.conftest import Stage
from tests.integration.estate import USD
from tests.integration.product import Product, World

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def grant(product: Product, world: World, amount: object, **fields: Any) -> str:
    body = {
        "customer_id": world.customer_id,
        "name": "Grant",
        "grant_amount": {"amount": amount, "credit_type_id": USD},
        "paid_amount": {"amount": 0, "credit_type_id": USD},
        "effective_at": "2025-01-01T00:00:00Z",
        "expires_at": "2025-12-31T00:00:00Z",
        "priority": 1,
        **fields,
    }
    id_: str = product.post("/v1/credits/createGrant", body).data["id"]
    return id_


def listed(product: Product, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.post("/v1/credits/listGrants", body).data
    for one in found:
        CreditGrantListResponse.model_validate(one)
    return found


def ledger(product: Product, **body: Any) -> dict[str, Any]:
    [customer] = product.post("/v1/credits/listEntries", body).data
    CreditGrantListEntriesResponse.model_validate(customer)
    [found] = customer["ledgers"]
    shown: dict[str, Any] = found
    return shown


def test_a_grant_is_shown_with_its_balance(product: Product, world: World) -> None:
    id_ = grant(product, world, 100.5, priority=0.5, reason="Sorry", credit_grant_type="gift")
    [shown] = listed(product)
    assert shown == {
        "id": id_,
        "name": "Grant",
        "customer_id": world.customer_id,
        "reason": "Sorry",
        "credit_grant_type": "gift",
        "effective_at": "2025-01-01T00:00:00+00:00",
        "expires_at": "2025-12-31T00:00:00+00:00",
        "priority": Decimal("0.5"),
        "grant_amount": {
            "amount": Decimal("100.5"),
            "credit_type": {"id": USD, "name": "USD (cents)"},
        },
        "paid_amount": {"amount": 0, "credit_type": {"id": USD, "name": "USD (cents)"}},
        "balance": {
            "excluding_pending": Decimal("100.5"),
            "including_pending": Decimal("100.5"),
            # Without a plan, the billing period is the month.
            "effective_at": "2025-02-01T00:00:00+00:00",
        },
        "deductions": [],
        "pending_deductions": [],
        "products": [],
        "custom_fields": {},
    }


def test_grants_do_not_pay_contracts(product: Product, world: World) -> None:
    before = product.get(f"/v1/customers/{world.customer_id}/invoices").data
    grant(product, world, 10_000)
    assert product.get(f"/v1/customers/{world.customer_id}/invoices").data == before


def test_a_grant_that_is_paid_for_is_billed_at_once(product: Product, world: World) -> None:
    path = f"/v1/customers/{world.customer_id}/invoices"
    before = [one["id"] for one in product.get(path).data]
    paid = {"amount": 75, "credit_type_id": USD}
    id_ = grant(product, world, 100, paid_amount=paid, invoice_date="2025-01-02T00:00:00Z")
    [shown] = listed(product)
    assert shown["paid_amount"]["amount"] == 75
    [bill] = [one for one in product.get(path).data if one["id"] not in before]
    assert shown["invoice_id"] == bill["id"]
    assert (bill["status"], bill["type"], bill["total"], bill["issued_at"]) == (
        "FINALIZED",
        "SCHEDULED",
        75,
        "2025-01-02T00:00:00+00:00",
    )
    assert "contract_id" not in bill
    [line] = bill["line_items"]
    assert (line["name"], line["total"]) == ("Grant", 75)
    # Bought once, it is not computed anew; it goes with the grant where that is asked for.
    assert product.post("/v1/invoices/regenerate", {"id": bill["id"]}).status == 400
    void = {"id": id_, "void_credit_purchase_invoice": True}
    assert product.post("/v1/credits/voidGrant", void).status == 200
    [bill] = [one for one in product.get(path).data if one["id"] not in before]
    assert bill["status"] == "VOID"
    assert product.post("/v1/invoices/regenerate", {"id": bill["id"]}).status == 400


def test_the_invoice_of_a_void_grant_stays_unless_it_is_to_go(
    product: Product, world: World
) -> None:
    id_ = grant(product, world, 100, paid_amount={"amount": 75, "credit_type_id": USD})
    [shown] = listed(product)
    assert product.post("/v1/credits/voidGrant", {"id": id_}).status == 200
    found = product.get(f"/v1/customers/{world.customer_id}/invoices/{shown['invoice_id']}")
    assert found.data["status"] == "FINALIZED"


def test_a_grant_has_custom_fields(product: Product, world: World) -> None:
    key = {"entity": "credit_grant", "key": "deal", "enforce_uniqueness": True}
    assert product.post("/v1/customFields/addKey", key).status == 200
    id_ = grant(product, world, 1, custom_fields={"deal": "x"})
    [shown] = listed(product)
    assert shown["custom_fields"] == {"deal": "x"}
    body = {"entity": "credit_grant", "entity_id": id_, "custom_fields": {"deal": "y"}}
    assert product.post("/v1/customFields/setValues", body).status == 200
    [shown] = listed(product)
    assert shown["custom_fields"] == {"deal": "y"}
    # Of two grants only one can have the value.
    grant(product, world, 1, custom_fields={"deal": "x"})
    assert (
        product.post("/v1/customFields/setValues", {**body, "custom_fields": {"deal": "x"}}).status
        == 409
    )
    assert (
        product.post("/v1/customFields/removeKey", {"entity": "credit_grant", "key": "deal"}).status
        == 200
    )
    assert [one["custom_fields"] for one in listed(product)] == [{}, {}]


def used(product: Product, world: World, amount: int, at: str, **fields: Any) -> None:
    body = {"customer_id": world.customer_id, "amount": amount, "at": at, **fields}
    assert product.post("/mock/plan-usage", body).status == 200


def test_ex_62_grants_are_drawn_in_order(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-05-20T00:00:00Z"})
    grants = [
        grant(product, world, 10_000),
        grant(product, world, 4_000, priority=0.5),
        grant(product, world, 3_000, expires_at="2025-06-30T00:00:00Z"),
    ]
    used(product, world, 12_000, "2025-05-10T00:00:00Z")
    shown = ledger(product)
    assert shown["starting_balance"]["excluding_pending"] == 17_000
    assert shown["ending_balance"]["excluding_pending"] == 17_000
    assert shown["ending_balance"]["including_pending"] == 5_000
    # The lowest priority, then what expires first: G2, G3, G1.
    pending = [
        (one["credit_grant_id"], one["amount"], one["running_balance"])
        for one in shown["pending_entries"]
    ]
    assert pending == [
        (grants[1], -4_000, 13_000),
        (grants[2], -3_000, 10_000),
        (grants[0], -5_000, 5_000),
    ]
    assert {one["effective_at"] for one in shown["pending_entries"]} == {
        "2025-06-01T00:00:00+00:00"
    }
    [first] = [one for one in listed(product) if one["id"] == grants[0]]
    assert first["balance"]["excluding_pending"] == 10_000
    assert first["balance"]["including_pending"] == 5_000
    assert [one["amount"] for one in first["pending_deductions"]] == [-5_000]
    # In June the invoice of May is final.
    product.post("/mock/clock", {"now": "2025-06-02T00:00:00Z"})
    [first] = [one for one in listed(product) if one["id"] == grants[0]]
    assert (first["balance"]["excluding_pending"], first["pending_deductions"]) == (5_000, [])
    [entry] = first["deductions"]
    assert (entry["amount"], entry["running_balance"]) == (-5_000, 5_000)
    assert ledger(product)["ending_balance"]["excluding_pending"] == 5_000


def test_ex_62_what_is_left_rolls_over_up_to_a_limit(product: Product, world: World) -> None:
    rollover = {
        "expires_at": "2026-12-31T00:00:00Z",
        "priority": 3,
        "rollover_amount": {"type": "MAX_PERCENTAGE", "value": 0.25},
    }
    product.post("/mock/clock", {"now": "2025-05-20T00:00:00Z"})
    id_ = grant(product, world, 10_000, rollover_settings=rollover)
    used(product, world, 5_000, "2025-05-10T00:00:00Z")
    product.post("/mock/clock", {"now": "2026-01-15T00:00:00Z"})
    old, new = listed(product)
    # The lesser of the 5000 that are left and 0.25 × 10000.
    assert (new["grant_amount"]["amount"], new["balance"]["excluding_pending"]) == (2_500, 2_500)
    assert (new["effective_at"], new["priority"]) == (old["expires_at"], 3)
    assert (old["id"], old["balance"]["excluding_pending"]) == (id_, 0)
    entries = ledger(product)["entries"]
    assert [entry["amount"] for entry in entries] == [10_000, -5_000, -5_000, 2_500]
    assert entries[-1]["running_balance"] == 2_500
    # What it became can be changed like any other.
    edit = {"id": new["id"], "name": "Rest"}
    assert product.post("/v1/credits/editGrant", edit).data == {"id": new["id"]}
    assert [one["name"] for one in listed(product)] == ["Grant", "Rest"]


def test_grants_of_other_products_and_times_pay_nothing(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-05-20T00:00:00Z"})
    late = grant(product, world, 100, effective_at="2025-05-12T00:00:00Z", priority=0.1)
    own = grant(product, world, 100, product_ids=[world.product_id], priority=0.2)
    rest = grant(product, world, 100)
    used(product, world, 150, "2025-05-10T00:00:00Z")
    used(product, world, 30, "2025-05-13T00:00:00Z", product_id=world.product_id)
    taken = {
        one["id"]: sum(entry["amount"] for entry in one["pending_deductions"])
        for one in listed(product)
    }
    # Of the 150 only one may pay, to its end; the 30 are paid by the lowest priority of then.
    assert taken == {late: -30, own: 0, rest: -100}
    future = {"customer_id": world.customer_id, "amount": 1, "at": "2025-06-01T00:00:00Z"}
    assert product.post("/mock/plan-usage", future).status == 400


def test_an_amount_limits_a_rollover_too(product: Product, world: World) -> None:
    rollover = {
        "expires_at": "2026-12-31T00:00:00Z",
        "priority": 3,
        "rollover_amount": {"type": "MAX_AMOUNT", "value": 20_000},
    }
    grant(product, world, 10_000, rollover_settings=rollover)
    product.post("/mock/clock", {"now": "2026-01-15T00:00:00Z"})
    assert listed(product)[1]["grant_amount"]["amount"] == 10_000


def test_balances_before_at_and_after_its_time(product: Product, world: World) -> None:
    span = {"effective_at": "2025-02-01T00:00:00Z", "expires_at": "2025-02-20T00:00:00Z"}
    grant(product, world, 500, **span)
    seen = []
    for now in ("2025-01-20", "2025-02-01", "2025-02-20"):
        product.post("/mock/clock", {"now": f"{now}T00:00:00Z"})
        balance = listed(product)[0]["balance"]
        seen.append((balance["excluding_pending"], balance["including_pending"]))
    # In February it is usable, but gone by the end of the month.
    assert seen == [(0, 0), (500, 0), (0, 0)]
    product.post("/mock/clock", {"now": "2025-02-10T00:00:00Z"})
    shown = ledger(product)
    assert [entry["amount"] for entry in shown["pending_entries"]] == [-500]
    ending = shown["ending_balance"]
    assert (ending["excluding_pending"], ending["including_pending"]) == (500, 0)
    assert [entry["amount"] for entry in ledger(product, sort="desc")["entries"]] == [500]


def test_filters(product: Product, world: World) -> None:
    one = grant(product, world, 1, expires_at="2025-03-01T00:00:00Z")
    two = grant(product, world, 2, effective_at="2025-02-01T00:00:00Z")

    def found(**body: Any) -> set[str]:
        return {shown["id"] for shown in listed(product, **body)}

    assert found(credit_grant_ids=[two]) == {two}
    assert found(customer_ids=[world.customer_id], credit_type_ids=[USD]) == {one, two}
    assert found(customer_ids=[UNKNOWN]) == set()
    assert found(not_expiring_before="2025-03-01T00:00:01Z") == {two}
    assert found(not_expiring_before="2025-03-01T00:00:00Z") == {one, two}
    assert found(effective_before="2025-02-01T00:00:00Z") == {one}
    both = {"credit_grant_ids": [one], "customer_ids": [world.customer_id]}
    assert product.post("/v1/credits/listGrants", both).status == 400


def test_void_is_as_if_it_had_never_been(product: Product, world: World) -> None:
    first = grant(product, world, 1, uniqueness_key="once")
    body = {
        "customer_id": world.customer_id,
        "name": "Again",
        "grant_amount": {"amount": 1, "credit_type_id": USD},
        "paid_amount": {"amount": 0, "credit_type_id": USD},
        "expires_at": "2025-12-31T00:00:00Z",
        "priority": 1,
        "uniqueness_key": "once",
    }
    taken = product.post("/v1/credits/createGrant", body)
    assert (taken.status, taken.body["conflicting_id"]) == (409, first)
    void = {"id": first, "release_uniqueness_key": True}
    assert product.post("/v1/credits/voidGrant", void).data == {"id": first}
    assert listed(product) == []
    assert product.post("/v1/credits/listEntries", {}).data == []
    assert product.post("/v1/credits/voidGrant", void).status == 400
    assert product.post("/v1/credits/createGrant", body).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"expires_at": "2025-01-01T00:00:00Z"}, 400, "expires_at"),
        ({"customer_id": UNKNOWN}, 404, "customer"),
        ({"product_ids": [UNKNOWN]}, 400, "product_ids"),
        ({"grant_amount": {"amount": 1, "credit_type_id": UNKNOWN}}, 400, "credit_type_id"),
        ({"invoice_date": "2999-01-01T00:00:00Z"}, 400, "invoice_date"),
        ({"custom_fields": {"unknown": "x"}}, 400, "custom field"),
    ],
)
def test_what_is_refused(
    changes: dict[str, Any], status: int, field: str, product: Product, world: World
) -> None:
    body = {
        "customer_id": world.customer_id,
        "name": "Grant",
        "grant_amount": {"amount": 1, "credit_type_id": USD},
        "paid_amount": {"amount": 0, "credit_type_id": USD},
        "effective_at": "2025-01-01T00:00:00Z",
        "expires_at": "2025-12-31T00:00:00Z",
        "priority": 1,
        **changes,
    }
    reply = product.post("/v1/credits/createGrant", body)
    assert (reply.status, field in reply.body["message"]) == (status, True)


def test_a_window_ends_in_the_past(product: Product, world: World) -> None:
    future = {"ending_before": "2025-02-01T00:00:00Z"}
    reply = product.post("/v1/credits/listEntries", future)
    assert (reply.status, "ending_before" in reply.body["message"]) == (400, True)


def test_there_are_no_plans(product: Product, world: World) -> None:
    own = f"/v1/customers/{world.customer_id}/plans"
    for path in ("/v1/plans", own):
        assert product.get(path).body == {"data": [], "next_page": None}
    for path in ("", "/charges", "/customers"):
        assert product.get(f"/v1/planDetails/{UNKNOWN}{path}").status == 404
    add = {"plan_id": UNKNOWN, "starting_on": "2025-01-01T00:00:00Z"}
    assert product.post(f"{own}/add", add).status == 404
    assert product.post(f"{own}/{UNKNOWN}/end", {}).status == 404
    assert product.get(f"{own}/{UNKNOWN}/priceAdjustments").status == 404
    assert product.get(f"/v1/customers/{UNKNOWN}/plans").status == 404


class TestBillingConfig:
    def path(self, world: World, provider: str = "stripe") -> str:
        return f"/v1/customers/{world.customer_id}/billing-config/{provider}"

    def test_one_is_made_read_and_deleted(self, product: Product, world: World) -> None:
        path = self.path(world)
        body = {
            "billing_provider_customer_id": "cus_1",
            "stripe_collection_method": "send_invoice",
        }
        assert product.post(path, body).status == 200
        assert product.get(path).data == body
        # It is the same as one of today's kind.
        [account] = product.post(
            "/v1/getCustomerBillingProviderConfigurations", {"customer_id": world.customer_id}
        ).data
        assert account["configuration"]["stripe_customer_id"] == "cus_1"
        assert product.post(path, body).status == 409
        assert product.request("DELETE", path).status == 200
        assert product.get(path).status == 404
        assert product.request("DELETE", path).status == 404

    def test_each_provider_has_its_own(self, product: Product, world: World) -> None:
        aws = {
            "billing_provider_customer_id": "a",
            "aws_product_code": "p",
            "aws_region": "us-east-1",
        }
        assert product.post(self.path(world, "aws_marketplace"), aws).status == 200
        assert product.get(self.path(world)).status == 404
        assert product.get(self.path(world, "aws_marketplace")).data == aws
        assert product.get(self.path(world, "paypal")).status == 400


def test_credit_grants_have_no_custom_fields(product: Product, world: World) -> None:
    body = {
        "customer_id": world.customer_id,
        "name": "Grant",
        "grant_amount": {"amount": 1, "credit_type_id": USD},
        "paid_amount": {"amount": 0, "credit_type_id": USD},
        "expires_at": "2025-12-31T00:00:00Z",
        "priority": 1,
        "custom_fields": {"tier": "gold"},
    }
    reply = product.post("/v1/credits/createGrant", body)
    assert (reply.status, reply.body["message"]) == (400, "Invalid custom field keys")


def test_no_plan_has_an_invoice_to_charge(product: Product, world: World) -> None:
    body = {
        "charge_id": UNKNOWN,
        "customer_plan_id": UNKNOWN,
        "description": "Extra",
        "invoice_start_timestamp": "2025-01-01T00:00:00Z",
        "price": 1,
        "quantity": 1,
    }
    reply = product.post(f"/v1/customers/{world.customer_id}/addCharge", body)
    assert (reply.status, reply.body["code"]) == (404, "CustomerPlanNotFound")


def test_no_alert_is_about_a_plan(product: Product) -> None:
    body = {"alert_type": "low_remaining_days_in_plan_reached", "name": "a", "threshold": 1}
    reply = product.post("/v1/alerts/create", {**body, "plan_id": UNKNOWN})
    assert (reply.status, reply.body["code"]) == (404, "PlanNotFound")


# Custom pricing units, which newer SDKs create


def units(product: Product) -> dict[str, str]:
    listed = product.get("/v1/credit-types/list").data
    return {one["name"]: one["id"] for one in listed if not one["is_currency"]}


def test_a_unit_is_created_and_archived(product: Product, world: World) -> None:
    id_ = product.post("/v1/credit-types/create", {"name": "Tokens"}).data["id"]
    assert units(product) == {"Tokens": id_}
    balance = {"customer_id": world.customer_id, "credit_type_id": id_}
    net = "/v1/contracts/customerBalances/getNetBalance"
    assert product.post(net, balance).data["balance"] == 0

    assert product.post("/v1/credit-types/archive", {"id": id_}).data == {"id": id_}
    assert units(product) == {}
    # Nothing new can be in it.
    assert product.post(net, balance).status == 400
    assert product.post("/v1/credit-types/archive", {"id": id_}).status == 400


@pytest.mark.parametrize("id_", [UNKNOWN, USD], ids=["unknown", "a currency"])
def test_what_is_no_custom_unit_cannot_be_archived(id_: str, product: Product) -> None:
    reply = product.post("/v1/credit-types/archive", {"id": id_})
    assert (reply.status, reply.body["code"]) == (404, "CreditTypeNotFound")


def watch(product: Product, type_: str, threshold: int, **fields: Any) -> str:
    body = {"alert_type": type_, "name": "Grants", "threshold": threshold, **fields}
    id_: str = product.post("/v1/alerts/create", body).data["id"]
    return id_


def status(product: Product, world: World, alert_id: str) -> Any:
    body = {"customer_id": world.customer_id, "alert_id": alert_id}
    return product.post("/v1/customer-alerts/get", body).data["customer_status"]


def test_alerts_watch_what_is_left_of_grants(stage: Stage, world: World) -> None:
    product, hook = stage.product, "https://hooks.example.com/"
    product.post("/webhooks/subscriptions", {"target": hook})
    product.post("/mock/clock", {"now": "2025-05-20T00:00:00Z"})
    balance = watch(product, "low_credit_balance_reached", 5_000)
    gifts = watch(product, "low_credit_balance_reached", 100, credit_grant_type_filters=["gift"])
    share = watch(product, "low_remaining_credit_percentage_reached", 40)
    days = watch(product, "low_remaining_days_in_plan_reached", 30)
    every = (balance, gifts, share, days)
    # Without grants there is nothing to run out of, and no plan ever ends.
    assert {status(product, world, one) for one in every} == {"ok"}
    grant(product, world, 10_000)
    grant(product, world, 500, credit_grant_type="gift", priority=2)
    used(product, world, 6_000, "2025-05-10T00:00:00Z")
    # 10500 − 6000 = 4500 are left: less than 5000, but more than two fifths.
    assert [status(product, world, one) for one in every] == ["in_alarm", "ok", "ok", "ok"]
    used(product, world, 300, "2025-05-11T00:00:00Z")
    # 4200 of 10500 are two fifths.
    assert [status(product, world, one) for one in every] == ["in_alarm", "ok", "in_alarm", "ok"]
    product.work_off_webhooks()
    product.post("/mock/clock", {"now": "2025-05-20T00:00:01Z"})
    told = {one["type"]: one["properties"] for one in stage.targets.events(hook)}
    reached = told["alerts.low_remaining_credit_balance_reached"]
    assert (reached["remaining_balance"], reached["threshold"]) == (4_500, 5_000)
    assert told["alerts.low_remaining_credit_percentage_reached"]["remaining_percentage"] == 40
    # Once they have expired there is nothing to run out of again.
    product.post("/mock/clock", {"now": "2026-01-15T00:00:00Z"})
    assert [status(product, world, one) for one in every] == ["ok"] * 4
    refused = product.post(
        "/v1/alerts/create",
        {
            "alert_type": "spend_threshold_reached",
            "name": "A",
            "threshold": 1,
            "credit_grant_type_filters": ["gift"],
        },
    )
    assert (refused.status, "credit_grant_type_filters" in refused.body["message"]) == (400, True)
