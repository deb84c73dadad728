"""Worked examples of threshold alerts (EX-55 to EX-61)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.estate import USD
from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import commit, priced
from tests.integration.worked.world import JSON, World

COMBINED = "low_remaining_contract_credit_and_commit_balance_reached"


def customer_of(world: World, price: object = 1, **terms: Any) -> str:
    """A customer whose usage costs `price` cents a unit from January 2025 on."""
    customer, _, card = priced(world, price)
    world.contract(customer, card, **terms)
    return customer


def values(events: list[JSON], *names: str) -> list[tuple[Any, ...]]:
    """Returns type and some properties of each event."""
    return [(e["type"], *(e["properties"].get(name) for name in names)) for e in events]


def test_ex_55_a_balance_alert_through_its_life() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    world.top_up(customer, 5000)
    alert = world.alert(COMBINED, 2000, customer_id=customer)
    assert world.status(customer, alert) == "ok"
    assert world.told() == []

    # 5000 − 3000 = 2000, which is at the line.
    world.use(customer, 3000, "2025-01-10T00:00:00Z")
    [event] = world.told()
    assert world.status(customer, alert) == "in_alarm"
    assert event["type"] == f"alerts.{COMBINED}"
    assert event["properties"] == {
        "customer_id": customer,
        "alert_id": alert,
        "timestamp": "2025-01-10T00:00:00.000Z",
        "threshold": 2000,
        "alert_name": "watch",
        "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        "remaining_balance": 2000,
        "triggered_by": "usage",
    }

    world.use(customer, 500, "2025-01-10T00:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "in_alarm")

    world.top_up(customer, 10000)
    # 1500 + 10000 = 11500; nobody asked to be told that it is ok again.
    assert (world.told(), world.status(customer, alert)) == ([], "ok")

    world.use(customer, 9600, "2025-01-10T00:00:00Z")
    # 11500 − 9600 = 1900
    assert values(world.told(), "remaining_balance") == [(f"alerts.{COMBINED}", 1900)]

    world.post("/v1/customer-alerts/reset", {"customer_id": customer, "alert_id": alert})
    assert values(world.told(), "remaining_balance") == [(f"alerts.{COMBINED}", 1900)]
    assert world.status(customer, alert) == "in_alarm"

    assert world.post("/v1/alerts/archive", {"id": alert}) == {"id": alert}
    assert (world.told(), world.status(customer, alert)) == ([], None)


def test_ex_55_resolved_events_where_they_are_enabled() -> None:
    world = Alarms("2025-01-10T00:00:00Z", BACKBEAT_RESOLVED_ALERTS="told")
    customer = customer_of(world)
    world.top_up(customer, 1900)
    alert = world.alert(COMBINED, 2000, customer_id=customer)
    assert values(world.told(), "remaining_balance") == [(f"alerts.{COMBINED}", 1900)]
    world.top_up(customer, 10000)
    resolved = f"alerts.{COMBINED.removesuffix('_reached')}_resolved"
    assert values(world.told(), "remaining_balance") == [(resolved, 11900)]
    assert world.status(customer, alert) == "ok"


def test_ex_56_who_was_past_the_line_before_is_not_told_of() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    world.top_up(customer, 1500)
    alert = world.alert(COMBINED, 2000, customer_id=customer, evaluate_on_create=False)
    assert (world.told(), world.status(customer, alert)) == ([], "in_alarm")

    world.top_up(customer, 1500)
    assert (world.told(), world.status(customer, alert)) == ([], "ok")

    # 3000 − 1100 = 1900
    world.use(customer, 1100, "2025-01-10T00:00:00Z")
    assert values(world.told(), "remaining_balance") == [(f"alerts.{COMBINED}", 1900)]


def test_ex_57_spend_counts_what_balances_pay_and_starts_anew_each_period() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    bought = {
        "schedule_items": [{"amount": 300000, "timestamp": "2025-01-05T00:00:00Z"}],
    }
    customer = customer_of(world)
    alert = world.alert("spend_threshold_reached", 1000000)
    world.use(customer, 700000, "2025-01-10T00:00:00Z")
    # Bought for 300,000, but that is no usage: 700,000 were spent.
    [contract] = world.post("/v2/contracts/list", {"customer_id": customer})
    paid = commit(world, 300000, invoice_schedule=bought)
    other = world.contract(customer, None, commits=[paid])
    assert contract["id"] != other
    assert (world.told(), world.status(customer, alert)) == ([], "ok")

    world.top_up(customer, 300000)
    world.use(customer, 300000, "2025-01-10T00:00:00Z")
    assert values(world.told(), "current_spend", "credit_type_id") == [
        (
            "alerts.spend_threshold_reached",
            1000000,
            "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        )
    ]
    world.clock("2025-01-31T23:59:59Z")
    assert world.status(customer, alert) == "in_alarm"
    world.clock("2025-02-01T00:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "ok")


def test_ex_58_each_group_alarms_and_the_whole_once() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["workspace"]])
    product = world.product(metric, presentation_group_key=["workspace"])
    world.rate(card, product, price=1)
    world.contract(customer, card)
    groups = [{"key": "workspace"}]
    alert = world.alert("spend_threshold_reached", 10000, group_values=groups)
    world.use(customer, 9000, "2025-01-10T00:00:00Z", workspace="a")
    world.use(customer, 10500, "2025-01-10T00:00:00Z", workspace="b")
    assert values(world.told(), "current_spend", "group_values") == [
        ("alerts.spend_threshold_reached", 10500, [{"key": "workspace", "value": "b"}]),
        ("alerts.spend_threshold_reached", 10500, [{"key": "workspace"}]),
    ]
    in_a, in_b = (
        [{"key": "workspace", "value": "a"}],
        [{"key": "workspace", "value": "b"}],
    )
    assert world.status(customer, alert, group_values=in_a) == "ok"
    assert world.status(customer, alert, group_values=in_b) == "in_alarm"

    world.use(customer, 1000, "2025-01-10T00:00:00Z", workspace="a")
    assert values(world.told(), "current_spend", "group_values") == [
        ("alerts.spend_threshold_reached", 10000, in_a)
    ]
    assert world.status(customer, alert, group_values=in_a) == "in_alarm"


@pytest.mark.parametrize(
    ("left", "status"), [(30000, "in_alarm"), (30001, "ok")], ids=["20 percent", "a bit more"]
)
def test_ex_59_percentage_of_what_active_commits_granted(left: int, status: str) -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer, product, card = priced(world, 1)
    other_metric = world.metric(event_type="other")
    other = world.product(other_metric)
    world.rate(card, other, price=1)
    commits = [
        commit(world, 500000, applicable_product_ids=[product]),
        commit(world, 100000, applicable_product_ids=[other]),
    ]
    world.contract(customer, card, commits=commits)
    alert = world.alert("low_remaining_commit_percentage_reached", 20)
    # 500,000 − 410,000 = 90,000 and 100,000 − (100,000 − left) = left
    world.use(customer, 410000, "2025-01-10T00:00:00Z")
    world.use(customer, 100000 - left, "2025-01-10T00:00:00Z", event_type="other")
    told = values(world.told(), "remaining_percentage")
    # 100 × (90,000 + 30,000) ÷ 600,000 = 20
    alarm = ("alerts.low_remaining_commit_percentage_reached", 20)
    assert told == ([alarm] if status == "in_alarm" else [])
    assert world.status(customer, alert) == status


def test_ex_60_days_are_checked_at_midnight() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    item = {
        "amount": 500,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
    }
    credit = world.top_up(customer, 500, access_schedule={"schedule_items": [item]})
    alert = world.alert("low_remaining_days_for_contract_credit_segment_reached", 7)
    # Eight days before the first of February, whatever the time of day.
    world.clock("2025-01-24T23:00:00Z")
    world.use(customer, 1, "2025-01-24T22:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "ok")
    world.clock("2025-01-25T06:00:00Z")
    [event] = world.told()
    [shown] = world.post("/v1/contracts/customerCredits/list", {"customer_id": customer})
    [segment] = shown["access_schedule"]["schedule_items"]
    assert event["type"] == "alerts.low_remaining_days_for_contract_credit_segment_reached"
    assert {
        name: event["properties"][name]
        for name in ("timestamp", "remaining_days", "credit_id", "segment_id")
    } == {
        "timestamp": "2025-01-25T00:00:00.000Z",
        "remaining_days": 7,
        "credit_id": credit,
        "segment_id": segment["id"],
    }
    world.clock("2025-01-31T00:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "in_alarm")
    # Once it is over nothing can run out.
    world.clock("2025-02-01T00:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "ok")


def test_ex_61_a_threshold_of_zero() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert("low_remaining_contract_credit_balance_reached", 0)
    assert (world.told(), world.status(customer, alert)) == ([], "ok")
    credit = world.top_up(customer, 500)
    assert (world.told(), world.status(customer, alert)) == ([], "ok")
    world.use(customer, 500, "2025-01-10T00:00:00Z")
    assert values(world.told(), "remaining_balance", "credit_id") == [
        ("alerts.low_remaining_contract_credit_balance_reached", 0, credit)
    ]


# Each type once, with its payload


def test_usage_of_the_billing_period() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    metric = world.metric()
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(metric), price=1)
    world.contract(customer, card)
    alert = world.alert("usage_threshold_reached", 100, billable_metric_id=metric)
    world.use(customer, 60, "2025-01-09T00:00:00Z")
    # Before the contract's period.
    world.use(customer, 1000, "2024-12-31T00:00:00Z")
    assert world.told() == []
    world.use(customer, 40, "2025-01-10T00:00:00Z")
    assert values(world.told(), "current_usage", "billable_metric_id") == [
        ("alerts.usage_threshold_reached", 100, metric)
    ]
    world.clock("2025-02-01T00:00:00Z")
    assert world.status(customer, alert) == "ok"


def test_each_invoice_after_balances() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    world.top_up(customer, 100)
    world.alert("invoice_total_reached", 50)
    world.use(customer, 149, "2025-01-10T00:00:00Z")
    assert world.told() == []
    world.use(customer, 1, "2025-01-10T00:00:00Z")
    draft = world.draft(customer)
    # 150 − 100 = 50
    assert values(world.told(), "invoice_total", "invoice_id", "triggered_by") == [
        ("alerts.invoice_total_reached", 50, draft["id"], "invoice_generation")
    ]
    # February's invoice is another one.
    world.clock("2025-02-10T00:00:00Z")
    world.use(customer, 60, "2025-02-10T00:00:00Z")
    [event] = world.told()
    assert event["properties"]["invoice_id"] == world.draft(customer)["id"] != draft["id"]


def test_the_total_of_the_month() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world, scheduled_charges=[charge(world, 30, "2025-01-15T00:00:00Z")])
    alert = world.alert("monthly_invoice_total_spend_threshold_reached", 100)
    world.use(customer, 70, "2025-01-10T00:00:00Z")
    assert world.told() == []
    # 70 of usage and 30 charged on the 15th.
    world.clock("2025-01-20T00:00:00Z")
    assert values(world.told(), "current_spend", "timestamp") == [
        (
            "alerts.monthly_invoice_total_spend_threshold_reached",
            100,
            "2025-01-15T00:00:00.000Z",
        )
    ]
    world.clock("2025-02-01T00:00:00Z")
    assert world.status(customer, alert) == "ok"


def charge(world: World, amount: int, at: str) -> JSON:
    schedule = {"schedule_items": [{"timestamp": at, "amount": amount}]}
    return {"product_id": world.product(type="FIXED"), "schedule": schedule}


def test_commits_alone_and_credits_alone() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world, commits=[commit(world, 100, priority=1)])
    world.top_up(customer, 100, priority=2)
    commits = world.alert("low_remaining_commit_balance_reached", 0)
    credits_ = world.alert("low_remaining_contract_credit_balance_reached", 0)
    share = world.alert("low_remaining_contract_credit_percentage_reached", 25)
    world.use(customer, 100, "2025-01-10T00:00:00Z")
    [event] = world.told()
    assert (event["type"], event["properties"]["remaining_balance"]) == (
        "alerts.low_remaining_commit_balance_reached",
        0,
    )
    body = {"customer_id": customer, "include_contract_commits": True}
    [owned] = world.post("/v1/contracts/customerCommits/list", body)
    assert event["properties"]["commit_id"] == owned["id"]
    assert world.status(customer, commits) == "in_alarm"
    assert world.status(customer, credits_) == "ok"
    # 100 − 75 = 25 of 100 are left.
    world.use(customer, 75, "2025-01-10T00:00:00Z")
    assert values(world.told(), "remaining_percentage") == [
        ("alerts.low_remaining_contract_credit_percentage_reached", 25)
    ]
    assert world.status(customer, share) == "in_alarm"


def test_days_of_a_commit_segment() -> None:
    world = Alarms("2025-12-20T00:00:00Z")
    customer_of(world, commits=[commit(world, 100)])
    world.alert("low_remaining_days_for_commit_segment_reached", 3)
    assert world.told() == []
    world.clock("2025-12-31T00:00:00Z")
    # It ends on the first of January.
    [event] = world.told()
    assert event["properties"]["remaining_days"] == 3
    assert event["properties"]["timestamp"] == "2025-12-29T00:00:00.000Z"
    assert {"commit_id", "segment_id"} <= event["properties"].keys()


# Filters, units and customers


def test_custom_fields_choose_balances_and_contracts() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    key = {"entity": "contract_credit", "key": "promo", "enforce_uniqueness": False}
    world.post("/v1/customFields/addKey", key)
    world.post("/v1/customFields/addKey", {**key, "entity": "contract"})
    customer = customer_of(world, custom_fields={"promo": "no"})
    world.top_up(customer, 100, custom_fields={"promo": "x"})
    world.top_up(customer, 5000)
    chosen = [{"entity": "ContractCredit", "key": "promo", "value": "x"}]
    world.alert(COMBINED, 100, custom_field_filters=chosen)
    [event] = world.told()
    assert event["properties"]["remaining_balance"] == 100
    assert event["properties"]["alert_specifiers"] == [{"custom_field_filters": chosen}]
    elsewhere = [{"entity": "Contract", "key": "promo", "value": "x"}]
    spend = world.alert("spend_threshold_reached", 1, custom_field_filters=elsewhere)
    here = world.alert(
        "spend_threshold_reached",
        1,
        custom_field_filters=[{**elsewhere[0], "value": "no"}],
    )
    world.use(customer, 10, "2025-01-10T00:00:00Z")
    assert world.status(customer, spend) == "ok"
    assert world.status(customer, here) == "in_alarm"


def test_each_unit_is_watched_by_itself() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    unit = world.unit()
    customer, product = world.customer(), world.product(world.metric())
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 10}]
    )
    world.rate(card, product, price=1, credit_type_id=unit)
    world.contract(customer, card)
    in_cents = world.alert("spend_threshold_reached", 1)
    in_units = world.alert("spend_threshold_reached", 5, credit_type_id=unit)
    world.use(customer, 5, "2025-01-10T00:00:00Z")
    [event] = world.told()
    assert (event["properties"]["alert_id"], event["properties"]["current_spend"]) == (in_units, 5)
    assert world.status(customer, in_cents) == "ok"


def test_an_alert_without_customer_is_about_present_and_future_ones() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    early = customer_of(world)
    world.use(early, 10, "2025-01-10T00:00:00Z")
    alert = world.alert("spend_threshold_reached", 10)
    [event] = world.told()
    assert event["properties"]["customer_id"] == early
    late = customer_of(world)
    world.use(late, 10, "2025-01-10T00:00:00Z")
    [event] = world.told()
    assert event["properties"]["customer_id"] == late
    own = world.alert("spend_threshold_reached", 99, customer_id=late)
    shown = world.post("/v1/customer-alerts/list", {"customer_id": late})
    assert {one["alert"]["id"]: one["customer_status"] for one in shown} == {
        alert: "in_alarm",
        own: "ok",
    }
    [only] = world.post("/v1/customer-alerts/list", {"customer_id": early})
    assert only["alert"]["id"] == alert
    world.refused("/v1/customer-alerts/get", {"customer_id": early, "alert_id": own}, 404)


def test_uniqueness_keys_are_kept_unless_released() -> None:
    world = Alarms()
    first = world.alert("spend_threshold_reached", 1, uniqueness_key="k")
    body = {"alert_type": "spend_threshold_reached", "name": "n", "threshold": 1}
    taken = world.refused("/v1/alerts/create", {**body, "uniqueness_key": "k"}, 409)
    assert taken["conflicting_id"] == first
    world.post("/v1/alerts/archive", {"id": first, "release_uniqueness_key": True})
    second = world.alert("spend_threshold_reached", 1, uniqueness_key="k")
    world.post("/v1/alerts/archive", {"id": second})
    again = {"id": second, "release_uniqueness_key": True}
    assert world.refused("/v1/alerts/archive", again)["message"] == "Alert already archived"
    taken = world.refused("/v1/alerts/create", {**body, "uniqueness_key": "k"}, 409)
    assert taken["conflicting_id"] == second


def test_usage_under_an_alias_that_comes_later_counts_at_once() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert("spend_threshold_reached", 10)
    world.use("acme", 10, "2025-01-10T00:00:00Z")
    assert (world.told(), world.status(customer, alert)) == ([], "ok")
    path = f"/v1/customers/{customer}/setIngestAliases"
    world.post(path, {"ingest_aliases": ["acme"]})
    assert values(world.told(), "current_spend") == [("alerts.spend_threshold_reached", 10)]


def test_an_emptied_pool_alarms_at_once() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    credit = world.top_up(customer, 50)
    world.alert(COMBINED, 10)
    assert world.told() == []
    [shown] = world.post("/v1/contracts/customerCredits/list", {"customer_id": customer})
    [segment] = shown["access_schedule"]["schedule_items"]
    entry = {"customer_id": customer, "id": credit, "segment_id": segment["id"]}
    world.post(
        "/v1/contracts/addManualBalanceLedgerEntry", {**entry, "amount": -45, "reason": "gone"}
    )
    assert values(world.told(), "remaining_balance") == [(f"alerts.{COMBINED}", Decimal(5))]


def test_a_final_invoice_is_drawn_once() -> None:
    """Finalizing turns what a draft draws into what an invoice drew: nothing changes for alerts."""
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    world.top_up(customer, 100)
    alert = world.alert(COMBINED, 30)
    world.use(customer, 60, "2025-01-10T00:00:00Z")
    world.clock("2025-02-10T00:00:00Z")
    # 100 − 60 = 40
    assert (world.told(), world.status(customer, alert)) == ([], "ok")


def test_webhooks_come_in_time_order_when_the_clock_jumps() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world, commits=[commit(world, 100)])
    world.alert("spend_threshold_reached", 10)
    world.alert("low_remaining_days_for_commit_segment_reached", 335)
    world.use(customer, 10, "2025-01-10T00:00:00Z")
    world.clock("2025-03-03T00:00:00Z")
    told = [(e["type"], when(e)) for e in world.told("")]
    assert told[-4:] == [
        ("alerts.spend_threshold_reached", "2025-01-10T00:00:00.000Z"),
        # 335 days before 1 January 2026
        ("alerts.low_remaining_days_for_commit_segment_reached", "2025-01-31T00:00:00.000Z"),
        ("invoice.finalized", "2025-02-02T00:00:00.000Z"),
        ("invoice.finalized", "2025-03-02T00:00:00.000Z"),
    ]


def when(event: JSON) -> str:
    given = event.get("properties", {})
    return str(given.get("timestamp") or given.get("invoice_finalized_date"))


# Credit grants of the older kind


def granted(world: World, customer: str, amount: object, **fields: Any) -> str:
    body = {
        "customer_id": customer,
        "name": "Grant",
        "grant_amount": {"amount": amount, "credit_type_id": USD},
        "paid_amount": {"amount": 0, "credit_type_id": USD},
        "effective_at": "2025-01-01T00:00:00Z",
        "expires_at": "2025-03-01T00:00:00Z",
        "priority": 1,
        **fields,
    }
    return str(world.post("/v1/credits/createGrant", body)["id"])


def test_an_alert_on_what_is_left_of_credit_grants() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert("low_credit_balance_reached", 300, customer_id=customer)
    # Without a grant there is nothing to run out of.
    assert (world.status(customer, alert), world.told()) == ("ok", [])

    granted(world, customer, 500)
    granted(world, customer, 200, expires_at="2025-04-01T00:00:00Z")
    # A contract's credit is none of them: 500 + 200 = 700 are left.
    world.top_up(customer, 100)
    assert (world.status(customer, alert), world.told()) == ("ok", [])

    # The first one expires: 200.
    world.clock("2025-03-01T00:00:00Z")
    [event] = world.told()
    assert event["type"] == "alerts.low_remaining_credit_balance_reached"
    assert event["properties"]["remaining_balance"] == 200
    assert world.status(customer, alert) == "in_alarm"


def test_an_alert_on_credit_grants_of_some_types() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert(
        "low_credit_balance_reached",
        300,
        customer_id=customer,
        credit_grant_type_filters=["gift"],
    )
    granted(world, customer, 500, credit_grant_type="bought")
    assert world.status(customer, alert) == "ok"
    gift = granted(world, customer, 200, credit_grant_type="gift")
    assert values(world.told(), "remaining_balance") == [
        ("alerts.low_remaining_credit_balance_reached", 200)
    ]
    assert world.status(customer, alert) == "in_alarm"
    world.post("/v1/credits/voidGrant", {"id": gift})
    world.settle()
    assert world.status(customer, alert) == "ok"


def test_an_alert_on_the_share_of_credit_grants_that_is_left() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert("low_remaining_credit_percentage_reached", 100, customer_id=customer)
    granted(world, customer, 500)
    # Nothing draws grants, so all of what counts is left: 100 %, which is at this line.
    [event] = world.told()
    assert event["properties"]["remaining_percentage"] == 100
    other = world.alert("low_remaining_credit_percentage_reached", 99, customer_id=customer)
    assert (world.status(customer, alert), world.status(customer, other)) == ("in_alarm", "ok")


def test_an_alert_on_the_end_of_plans_never_sounds() -> None:
    world = Alarms("2025-01-10T00:00:00Z")
    customer = customer_of(world)
    alert = world.alert("low_remaining_days_in_plan_reached", 30, customer_id=customer)
    world.clock("2026-01-01T00:00:00Z")
    assert (world.status(customer, alert), world.told()) == ("ok", [])
