"""The worked examples of the older mock (clock 2025-01-15T10:30Z)."""

from typing import Any

import pytest

from tests.integration.older_mock.conftest import Contract, Mock

FEBRUARY = "2025-02-01T00:00:00.000Z"


def subscription(id_: str, tier: str, start: str = FEBRUARY) -> dict[str, Any]:
    return {
        "temporary_id": id_,
        "starting_at": start,
        "custom_fields": {"tier_id": tier},
        "subscription_rate": {"product_id": f"plan-{tier}", "billing_frequency": "MONTHLY"},
    }


def recurring(subscription_id: str | None, amount: int = 2000, **fields: Any) -> dict[str, Any]:
    config = {} if subscription_id is None else {"subscription_id": subscription_id}
    return {
        "product_id": "api",
        "starting_at": FEBRUARY,
        "access_amount": {"unit_price": amount, "quantity": 3},
        "subscription_config": config,
        **fields,
    }


def credit(
    subscription_id: str, start: str, *, product: str = "api", amount: int = 2000
) -> dict[str, Any]:
    item = {"amount": amount, "starting_at": start, "ending_before": FEBRUARY}
    return {
        "product_id": product,
        "access_schedule": {"schedule_items": [item]},
        "subscription_config": {"subscription_id": subscription_id},
        "custom_fields": {"tier_id": "pro"},
    }


@pytest.fixture
def contract(mock: Mock) -> Contract:
    return mock.contract(mock.customer())


def sign_up(contract: Contract, *, credit_from: str, amount: int = 2000) -> None:
    contract.edited(
        add_subscriptions=[subscription("s1", "pro", "2025-01-10T10:00:00.000Z")],
        add_recurring_credits=[recurring("s1", amount)],
        add_credits=[credit("s1", credit_from, amount=amount)],
    )


def cancel(contract: Contract) -> None:
    read = contract.read()
    [february] = [
        one["id"]
        for one in read["credits"]
        if one["access_schedule"]["schedule_items"][0]["starting_at"] == FEBRUARY
    ]
    contract.edited(
        update_subscriptions=[{"subscription_id": "s1", "ending_before": FEBRUARY}],
        update_recurring_credits=[
            {"recurring_credit_id": one["id"], "ending_before": FEBRUARY}
            for one in read["recurring_credits"]
        ],
        archive_credits=[{"id": february}],
    )


def test_ex_66_sign_up(contract: Contract) -> None:
    sign_up(contract, credit_from="2025-01-10T10:00:00.000Z")
    [s1] = contract.read()["subscriptions"]
    assert s1["billing_periods"] == {
        "current": {"starting_at": "2025-01-01T00:00:00.000Z", "ending_before": FEBRUARY},
        "next": {"starting_at": FEBRUARY, "ending_before": "2025-03-01T00:00:00.000Z"},
    }
    assert contract.credits() == [
        ("api", 2000, "01-10T10", "02-01", "s1"),
        # A recurring credit starts when this one ends, so the next month's is there as well.
        ("api", 2000, "02-01", "03-01", "s1"),
    ]
    tiers = {one["custom_fields"]["tier_id"] for one in contract.read()["credits"]}
    assert tiers == {"pro"}


def test_ex_67_cancel(contract: Contract) -> None:
    sign_up(contract, credit_from="2025-01-10T10:00:00.000Z")
    cancel(contract)
    assert contract.credits() == [("api", 2000, "01-10T10", "02-01", "s1")]
    read = contract.read()
    assert read["subscriptions"][0]["ending_before"] == FEBRUARY
    assert read["recurring_credits"][0]["ending_before"] == FEBRUARY
    assert len(read["credits"]) == 2


def test_ex_68_un_cancel_aligned(contract: Contract) -> None:
    sign_up(contract, credit_from="2025-01-01T00:00:00.000Z")
    cancel(contract)
    contract.edited(
        add_subscriptions=[subscription("s2", "pro")], add_recurring_credits=[recurring("s2")]
    )
    expected = [
        # Exactly the window from the first of the month, so it is reused.
        ("api", 2000, "01-01", "02-01", "s1"),
        ("api", 2000, "02-01", "03-01", "s2"),
    ]
    assert contract.credits() == expected
    assert len(contract.read()["credits"]) == 3
    contract.edited(add_recurring_credits=[recurring("s2")])
    assert contract.credits() == expected
    assert len(contract.read()["recurring_credits"]) == 2


def test_ex_69_un_cancel_mis_aligned(contract: Contract) -> None:
    sign_up(contract, credit_from="2025-01-10T10:00:00.000Z")
    cancel(contract)
    contract.edited(
        add_subscriptions=[subscription("s2", "pro")], add_recurring_credits=[recurring("s2")]
    )
    # The older mock grants January twice: only equal windows count as the same.
    assert contract.credits() == [
        ("api", 2000, "01-01", "02-01", "s1"),
        ("api", 2000, "01-10T10", "02-01", "s1"),
        ("api", 2000, "02-01", "03-01", "s2"),
    ]
    # So January shows 4000.
    assert sum(one[1] for one in contract.credits() if one[3] == "02-01") == 4000


def test_ex_70_plan_switch(contract: Contract) -> None:
    sign_up(contract, credit_from="2025-01-01T00:00:00.000Z")
    contract.edited(
        update_subscriptions=[{"subscription_id": "s1", "ending_before": FEBRUARY}],
        add_subscriptions=[subscription("s2", "max")],
        add_recurring_credits=[recurring("s2", 5000)],
    )
    assert contract.credits() == [
        ("api", 2000, "01-01", "02-01", "s1"),
        ("api", 2000, "02-01", "03-01", "s1"),
        ("api", 5000, "02-01", "03-01", "s2"),
    ]
    tiers = [one["custom_fields"]["tier_id"] for one in contract.read()["credits"]]
    assert tiers == ["pro", "pro", "max"]


def test_ex_71_two_products_and_add_credits(contract: Contract) -> None:
    january = "2025-01-01T00:00:00.000Z"
    contract.edited(
        add_subscriptions=[subscription("s1", "pro", "2025-01-10T10:00:00.000Z")],
        add_credits=[credit("s1", january), credit("s1", january, product="gpu", amount=700)],
    )
    contract.edited(update_subscriptions=[{"subscription_id": "s1", "ending_before": FEBRUARY}])
    contract.edited(
        add_subscriptions=[subscription("s2", "pro")],
        add_recurring_credits=[recurring("s2")],
        add_credits=[credit("s2", "2025-01-15T10:00:00.000Z")],
    )
    assert contract.credits() == [
        ("api", 2000, "01-01", "02-01", "s1"),
        ("api", 2000, "01-15T10", "02-01", "s2"),
        ("api", 2000, "02-01", "03-01", "s2"),
        ("gpu", 700, "01-01", "02-01", "s1"),
        ("gpu", 700, "02-01", "03-01", "s2"),
    ]
    promised = [
        (one["product"]["id"], one["subscription_config"]["subscription_id"])
        for one in contract.read()["recurring_credits"]
    ]
    assert promised == [("api", "s2"), ("gpu", "s2")]


@pytest.mark.parametrize(
    "given",
    [recurring(None), recurring("s1", starting_at="2025-01-15T10:00:00.000Z")],
    ids=["without subscription", "already started"],
)
def test_ex_72_recurring_only(given: dict[str, Any], contract: Contract) -> None:
    contract.edited(add_subscriptions=[subscription("s1", "pro", "2025-01-10T10:00:00.000Z")])
    contract.edited(add_recurring_credits=[given])
    assert contract.credits() == []
    assert len(contract.read()["recurring_credits"]) == 1


def test_ex_73_threshold(mock: Mock, contract: Contract) -> None:
    mock.told()

    def events() -> list[tuple[str, object]]:
        """Returns the older mock's own events, with what they say of the payment."""
        shown = []
        for event in mock.told():
            said = event.get("properties", {})
            if event["type"] != "contract.edit":
                shown.append((event["type"], said.get("payment_status", said.get("threshold"))))
        return shown

    def balance() -> object:
        found = mock.data("GET", "/v1/contracts/balances", customer_id=contract.customer_id)
        return [(one["product"]["id"], one["balance"]) for one in found]

    contract.edited(
        add_prepaid_balance_threshold_configuration={
            "is_enabled": True,
            "threshold_amount": 500,
            "recharge_to_amount": 2500,
            "commit": {"product_id": "topup"},
        }
    )
    assert events() == [("payment_gate.payment_status", "paid"), ("contract.updated", None)]
    assert balance() == [("topup", 2500)]

    update = "update_prepaid_balance_threshold_configuration"
    contract.edited(**{update: {"threshold_amount": 600}})
    assert events() == [("contract.updated", None)]

    contract.edited(**{update: {"mock_payment_status": "failed"}})
    alert = "alerts.low_remaining_contract_credit_and_commit_balance_reached"
    assert events() == [
        (alert, 600),
        ("payment_gate.payment_status", "failed"),
        ("contract.updated", None),
    ]
    # The lesser of 2500 and 600.
    assert balance() == [("topup", 600)]

    contract.edited(**{update: {"mock_payment_status": "paid", "recharge_to_amount": 3000}})
    assert events() == [("payment_gate.payment_status", "paid"), ("contract.updated", None)]
    assert balance() == [("topup", 3000)]
    config = contract.read()["prepaid_balance_threshold_configuration"]
    assert config["mock_payment_status"] == "paid"
    # A failure does not disable it there.
    assert config["is_enabled"] is True
