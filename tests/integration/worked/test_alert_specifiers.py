"""Alerts on the balances that specifiers choose (chapters 21 and 28)."""

from typing import Any

import pytest
from metronome.types.v1.customers import CustomerAlert

from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import commit
from tests.integration.worked.world import JSON

LOW = "low_remaining_contract_credit_and_commit_balance_reached"
SHARE = "low_remaining_contract_credit_and_commit_percentage_reached"


def promo(value: str | None = None, entity: str = "ContractCreditOrCommit") -> JSON:
    given = {} if value is None else {"value": value}
    return {"entity": entity, "key": "promo", **given}


def chosen(*filters: JSON, exclude: Any = ()) -> JSON:
    given = {"exclude": [{"custom_field_filters": [one]} for one in exclude]} if exclude else {}
    return {"custom_field_filters": list(filters), **given}


@pytest.fixture
def world() -> Alarms:
    """A sandbox in which balances and contracts have the custom fields `promo` and `tier`."""
    made = Alarms("2025-01-10T00:00:00Z")
    for entity in ("contract", "contract_credit", "commit"):
        for key in ("promo", "tier"):
            body = {"entity": entity, "key": key, "enforce_uniqueness": False}
            made.post("/v1/customFields/addKey", body)
    return made


def customer_of(world: Alarms, **terms: Any) -> str:
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    world.contract(customer, card, **terms)
    return customer


def told(world: Alarms, value: str = "remaining_balance") -> list[tuple[object, object]]:
    return [
        (one["properties"][value], one["properties"].get("alert_specifiers"))
        for one in world.told()
    ]


def test_specifiers_are_alternatives_and_their_filters_hold_together(world: Alarms) -> None:
    customer = customer_of(world)
    world.top_up(customer, 100, custom_fields={"promo": "x", "tier": "gold"})
    world.top_up(customer, 40, custom_fields={"promo": "y"})
    world.top_up(customer, 5000, custom_fields={"promo": "x", "tier": "tin"})
    world.top_up(customer, 9000)
    gold = {"entity": "ContractCredit", "key": "tier", "value": "gold"}
    specifiers = [chosen(promo("x"), gold), chosen(promo("y"))]
    # 100 + 40 = 140
    alert = world.alert(LOW, 140, customer_id=customer, alert_specifiers=specifiers)
    assert told(world) == [(140, specifiers)]
    assert world.status(customer, alert) == "in_alarm"
    above = world.alert(LOW, 139, customer_id=customer, alert_specifiers=specifiers)
    assert world.status(customer, above) == "ok"


def test_what_is_excluded_is_not_counted(world: Alarms) -> None:
    bought = commit(world, 300, custom_fields={"promo": "x"}, priority=1)
    customer = customer_of(world, commits=[bought], custom_fields={"tier": "gold"})
    world.top_up(customer, 70, custom_fields={"promo": "x"}, priority=2)
    world.top_up(customer, 500, priority=3)
    credits_only = promo("x", "ContractCredit")
    # The commit alone: the credit of 70 is excluded, what has no promo is not chosen.
    without = [chosen(promo("x"), exclude=[credits_only])]
    world.alert(LOW, 300, alert_specifiers=without)
    assert told(world) == [(300, without)]
    # Everything but balances of contracts of that tier: 70 + 500 = 570.
    tier = {"entity": "Contract", "key": "tier", "value": "gold"}
    rest = [{"exclude": [{"custom_field_filters": [tier]}]}]
    world.alert(LOW, 570, alert_specifiers=rest)
    assert told(world) == [(570, rest)]
    # Both filters of an exclusion must hold: nothing is one and the other.
    both = {"custom_field_filters": [tier, credits_only]}
    none = [{"custom_field_filters": [promo("x")], "exclude": [both]}]
    world.alert(LOW, 370, alert_specifiers=none)
    assert told(world) == [(370, none)]


def test_filters_and_specifiers_hold_together(world: Alarms) -> None:
    customer = customer_of(world)
    world.top_up(customer, 10, custom_fields={"promo": "x", "tier": "gold"})
    world.top_up(customer, 20, custom_fields={"promo": "x"})
    gold = {"entity": "ContractCredit", "key": "tier", "value": "gold"}
    specifiers = [chosen(promo("x"))]
    world.alert(LOW, 10, custom_field_filters=[gold], alert_specifiers=specifiers)
    assert told(world) == [(10, specifiers)]


def test_a_field_without_value_is_watched_value_by_value(world: Alarms) -> None:
    customer = customer_of(world)
    world.top_up(customer, 300, custom_fields={"promo": "a"}, priority=1)
    world.top_up(customer, 400, custom_fields={"promo": "b"}, priority=2)
    world.top_up(customer, 50, custom_fields={"promo": "b"}, priority=3)
    world.top_up(customer, 1, priority=9)
    anything = [chosen(promo())]
    alert = world.alert(LOW, 100, customer_id=customer, alert_specifiers=anything)
    assert told(world) == []

    # a: 300 − 250 = 50. The alert as a whole is told of at its first value.
    world.use(customer, 250, "2025-01-10T00:00:00Z")
    assert told(world) == [(50, [chosen(promo("a"))]), (50, anything)]
    of_a = {"alert_specifiers": [chosen(promo("a"))]}
    of_b = {"alert_specifiers": [chosen(promo("b"))]}
    assert world.status(customer, alert) == "in_alarm"
    assert world.status(customer, alert, **of_a) == "in_alarm"
    assert world.status(customer, alert, **of_b) == "ok"

    # a: 0; b: 450 − 350 = 100. The whole was told of before.
    world.use(customer, 400, "2025-01-10T00:00:00Z")
    assert told(world) == [(100, [chosen(promo("b"))])]
    assert world.status(customer, alert, **of_b) == "in_alarm"

    # More of a, and b is still low.
    world.top_up(customer, 1000, custom_fields={"promo": "a"}, priority=8)
    assert told(world) == []
    assert world.status(customer, alert, **of_a) == "ok"
    assert world.status(customer, alert) == "in_alarm"


def test_a_group_is_told_of_with_the_other_filters_and_exclusions(world: Alarms) -> None:
    customer = customer_of(world)
    gold = {"entity": "ContractCredit", "key": "tier", "value": "gold"}
    tin = {**gold, "value": "tin"}
    world.top_up(customer, 60, custom_fields={"promo": "a", "tier": "gold"})
    world.top_up(customer, 5, custom_fields={"promo": "a", "tier": "tin"})
    specifier = chosen(promo(), gold, exclude=[tin])
    world.alert(LOW, 60, alert_specifiers=[specifier])
    assert told(world) == [
        (60, [chosen(promo("a"), gold, exclude=[tin])]),
        (60, [specifier]),
    ]


def test_the_share_that_is_left_of_what_is_chosen(world: Alarms) -> None:
    bought = commit(world, 300, custom_fields={"promo": "x"}, priority=1)
    customer = customer_of(world, commits=[bought])
    world.top_up(customer, 100, custom_fields={"promo": "x"}, priority=2)
    world.top_up(customer, 900, priority=3)
    specifiers = [chosen(promo("x"))]
    alert = world.alert(SHARE, 25, alert_specifiers=specifiers)
    world.use(customer, 299, "2025-01-10T00:00:00Z")
    # 101 of 400 are 25.25 percent.
    assert (told(world), world.status(customer, alert)) == ([], "ok")
    world.use(customer, 1, "2025-01-10T00:00:00Z")
    # 100 of 400
    [event] = world.told()
    assert event["type"] == f"alerts.{SHARE}"
    shown = event["properties"]
    assert (shown["remaining_percentage"], shown["alert_specifiers"]) == (25, specifiers)


def test_shares_value_by_value(world: Alarms) -> None:
    customer = customer_of(world)
    world.top_up(customer, 100, custom_fields={"promo": "a"}, priority=1)
    world.top_up(customer, 100, custom_fields={"promo": "b"}, priority=2)
    world.alert(SHARE, 10, alert_specifiers=[chosen(promo())])
    world.use(customer, 95, "2025-01-10T00:00:00Z")
    assert told(world, "remaining_percentage") == [
        (5, [chosen(promo("a"))]),
        (5, [chosen(promo())]),
    ]


def test_an_alert_reads_back_with_its_specifiers(world: Alarms) -> None:
    customer = customer_of(world)
    specifiers = [chosen(promo("x"), exclude=[promo("y", "Contract")]), chosen(promo("z"))]
    alert = world.alert(LOW, 1, alert_specifiers=specifiers, access_type="SPEND")
    body = {"customer_id": customer, "alert_id": alert}
    shown = world.post("/v1/customer-alerts/get", body)
    assert shown["alert"]["alert_specifiers"] == specifiers
    assert shown["alert"]["access_type"] == "SPEND"
    # As the SDK of today reads it.
    read = CustomerAlert.model_validate(shown)
    assert read.alert.alert_specifiers is not None
    assert [one.model_dump(exclude_none=True) for one in read.alert.alert_specifiers] == specifiers
    [listed] = world.post("/v1/customer-alerts/list", {"customer_id": customer})
    assert listed["alert"] == shown["alert"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"alert_type": "spend_threshold_reached"}, "alert_specifiers: is for low_remaining_"),
        (
            {"alert_specifiers": [chosen(promo(), {**promo(), "key": "tier"})]},
            "only one custom field may be without a value",
        ),
        (
            {"alert_specifiers": [chosen(promo()), chosen({**promo(), "key": "tier"})]},
            "only one custom field may be without a value",
        ),
        (
            {"alert_specifiers": [chosen(promo()), chosen(promo("x"))]},
            "where one has a custom field without a value, each must have it",
        ),
        (
            {"alert_specifiers": [{"exclude": [{"custom_field_filters": []}]}]},
            "alert_specifiers.0.exclude.0.custom_field_filters",
        ),
        (
            {"alert_specifiers": [{"exclude": [{"custom_field_filters": [promo()]}]}]},
            "alert_specifiers.0.exclude.0.custom_field_filters.0.value",
        ),
        ({"alert_specifiers": [chosen(promo("x", "Invoice"))]}, "entity"),
        ({"access_type": "QUANTITY"}, "access_type: no balance is one of quantities"),
        (
            {
                "alert_type": "spend_threshold_reached",
                "alert_specifiers": [],
                "access_type": "SPEND",
            },
            "access_type: is for ",
        ),
    ],
)
def test_what_is_no_use_is_refused(world: Alarms, fields: JSON, named: str) -> None:
    body = {
        "alert_type": LOW,
        "name": "Low",
        "threshold": 10,
        "alert_specifiers": [chosen(promo("x"))],
        **fields,
    }
    assert named in world.refused("/v1/alerts/create", body)["message"]


def test_a_group_is_asked_for_by_one_value(world: Alarms) -> None:
    customer = customer_of(world)
    alert = world.alert(LOW, 1, alert_specifiers=[chosen(promo())])
    body = {"customer_id": customer, "alert_id": alert}
    two = {**body, "alert_specifiers": [chosen(promo("a")), chosen(promo("b"))]}
    refusal = world.refused("/v1/customer-alerts/get", two)["message"]
    assert "alert_specifiers: must name one value of promo" in refusal
    spend = world.alert("spend_threshold_reached", 1)
    other = {**body, "alert_id": spend, "alert_specifiers": [chosen(promo("a"))]}
    assert "alert_specifiers: are for" in world.refused("/v1/customer-alerts/get", other)["message"]


def test_a_field_that_changes_makes_the_alert_be_looked_at(world: Alarms) -> None:
    customer = customer_of(world)
    world.top_up(customer, 500, custom_fields={"promo": "a"})
    small = world.top_up(customer, 20)
    specifiers = [chosen(promo("b"))]
    alert = world.alert(LOW, 50, customer_id=customer, alert_specifiers=specifiers)
    # No balance is chosen, so nothing can run out.
    assert (told(world), world.status(customer, alert)) == ([], "ok")
    holder = {"entity": "contract_credit", "entity_id": small}
    values = {**holder, "custom_fields": {"promo": "b"}}
    world.post("/v1/customFields/setValues", values)
    assert told(world) == [(20, specifiers)]
    world.post("/v1/customFields/deleteValues", {**holder, "keys": ["promo"]})
    world.settle()
    assert world.status(customer, alert) == "ok"
    world.post("/v1/customFields/setValues", values)
    assert told(world) == [(20, specifiers)]
    world.post("/v1/customFields/removeKey", {"entity": "contract_credit", "key": "promo"})
    world.settle()
    assert world.status(customer, alert) == "ok"
