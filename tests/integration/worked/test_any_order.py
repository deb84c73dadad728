"""The same events in any order, in any batches and any number of times are the same usage."""

from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.worked.world import JSON, World, lines

KINDS = ("COUNT", "SUM", "MAX", "LATEST", "UNIQUE")
SQL = (
    "SELECT SUM(CASE WHEN properties.value > '5' THEN 2 ELSE 1 END) AS value, properties.region"
    " FROM events GROUP BY 2"
)
BATCH = 7

instants = st.integers(0, 10 * 24 * 60 - 1)
facts = st.lists(
    st.tuples(instants, st.integers(-9, 9), st.sampled_from(["us", "eu"])),
    min_size=1,
    max_size=25,
    unique_by=lambda fact: fact[0],
)


def events_of(found: Sequence[tuple[int, int, str]]) -> list[JSON]:
    return [
        {
            "transaction_id": f"t{minute}",
            "customer_id": "acme" if minute % 2 else "acme-by-another-name",
            "event_type": "use",
            "timestamp": f"2025-01-{11 + minute // 1440:02}T{minute // 60 % 24:02}"
            f":{minute % 60:02}:00Z",
            "properties": {"value": str(value), "region": region},
        }
        for minute, value, region in found
    ]


def outcome(batches: Sequence[Sequence[JSON]]) -> tuple[Any, Any]:
    """Returns what a fresh world shows of the events: usage, and the lines of the draft."""
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer("acme", "acme-by-another-name"), world.rate_card()
    metrics = [
        world.metric(kind, key=None if kind == "COUNT" else "value", groups=[["region"]])
        for kind in KINDS
    ]
    metrics.append(world.sql_metric(SQL))
    for metric in metrics:
        for keys in (None, ["region"]):
            product = world.product(
                metric, sql_breakdown_granularity="HOUR", presentation_group_key=keys
            )
            world.rate(card, product, price=3)
            world.rate(card, product, tiers=[(5, 2), (None, 1)], start="2025-01-16T00:00:00Z")
    world.contract(customer, card)
    for batch in batches:
        world.post("/v1/ingest", list(batch))
    usage = [
        [(row["value"], row["groups"]) for row in rows]
        for metric in metrics
        for size in ("DAY", "NONE")
        for rows in [
            world.usage(
                metric,
                "2025-01-11",
                "2025-01-22",
                size=size,
                billable_metrics=[{"id": metric, "group_by": {"key": "region"}}],
            )
        ]
    ]
    draft = world.draft(customer)
    shown = lines(draft, "quantity", "unit_price", "total", "starting_at")
    return usage, (draft["total"], shown)


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(facts, st.randoms(use_true_random=False))
def test_order_batches_and_repetition_do_not_matter(
    found: list[tuple[int, int, str]], random: Random
) -> None:
    once = events_of(sorted(found))
    sent = [*once, *random.choices(once, k=random.randint(0, 2 * len(once)))]
    random.shuffle(sent)
    rest = iter(sent)
    batches = list(iter(lambda: list(islice(rest, random.randint(1, BATCH))), []))

    assert outcome(batches) == outcome([once])
