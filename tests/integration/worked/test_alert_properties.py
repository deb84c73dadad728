"""What always holds of alerts, whatever usage and top-ups come in which order and how often."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import priced

LOW = "low_remaining_contract_credit_balance_reached"

steps = st.lists(
    st.tuples(st.sampled_from(["use", "top up", "look", "reset"]), st.integers(1, 40)),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(steps)
def test_notifications_of_an_alert_alternate(history: list[tuple[str, int]]) -> None:
    world = Alarms("2025-01-10T00:00:00Z", BACKBEAT_RESOLVED_ALERTS="told")
    customer, _, card = priced(world, 1)
    world.contract(customer, card)
    world.top_up(customer, 30)
    alert = world.alert(LOW, 20, customer_id=customer)
    told: list[str] = []
    for step, amount in history:
        if step == "use":
            world.use(customer, amount, "2025-01-10T00:00:00Z")
        elif step == "top up":
            world.top_up(customer, amount)
        elif step == "reset":
            told += types(world)
            world.post("/v1/customer-alerts/reset", {"customer_id": customer, "alert_id": alert})
            # Forgotten, an alarm is told of again.
            told.append("forgotten")
        else:
            told += types(world)
    told += types(world)
    for forgotten, run in groupby(told, key=lambda type_: type_ == "forgotten"):
        stretch = list(run)
        assert forgotten or all(one != other for one, other in pairwise(stretch))
    held = world.post("/v1/contracts/customerBalances/getNetBalance", {"customer_id": customer})
    status = world.status(customer, alert)
    assert status == ("in_alarm" if held["balance"] <= 20 else "ok")
    last = next((type_ for type_ in reversed(told) if type_ != "forgotten"), None)
    if status == "in_alarm":
        assert last == f"alerts.{LOW}"


def types(world: Alarms) -> list[str]:
    return [str(event["type"]) for event in world.told()]


events = st.lists(
    st.tuples(st.integers(0, 9 * 24 * 60), st.integers(1, 30), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=15,
    unique_by=lambda fact: fact[0],
)


def outcome(batches: Sequence[Sequence[tuple[int, int, str]]], *, looks: bool) -> Any:
    """Returns where alerts stand in the end, and which alarms were told of, in any order."""
    world = Alarms("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["workspace"]])
    world.rate(card, world.product(metric, presentation_group_key=["workspace"]), price=1)
    world.contract(customer, card)
    world.top_up(customer, 100)
    alerts = {
        "spend": world.alert("spend_threshold_reached", 90),
        "group": world.alert("spend_threshold_reached", 60, group_values=[{"key": "workspace"}]),
        "usage": world.alert("usage_threshold_reached", 80, billable_metric_id=metric),
        "low": world.alert(LOW, 25),
    }
    names = {id_: name for name, id_ in alerts.items()}
    told = world.told()
    for batch in batches:
        for minute, value, workspace in batch:
            at = f"2025-01-{21 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
            world.use(customer, value, at, id=f"t{minute}", workspace=workspace)
        if looks:
            told += world.told()
    told += world.told()
    alarms = sorted(
        (names[event["properties"]["alert_id"]], str(event["properties"].get("group_values")))
        for event in told
    )
    return {name: world.status(customer, id_) for name, id_ in alerts.items()}, alarms


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(events, st.randoms(use_true_random=False))
def test_order_and_repetition_of_usage_do_not_matter(
    found: list[tuple[int, int, str]], random: Random
) -> None:
    sent = [*found, *random.choices(found, k=random.randint(0, len(found)))]
    random.shuffle(sent)
    assert outcome([[one] for one in sent], looks=True) == outcome([found], looks=False)
