"""Made-up usage."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backbeat_local.usage_profiles import PROFILES, Load, Property, Span, generate

# Monday to Sunday.
WEEK = Span(datetime(2025, 1, 6, tzinfo=UTC), datetime(2025, 1, 13, tzinfo=UTC))
LOAD = Load(
    profile="steady",
    seed=1,
    events=5000,
    span=WEEK,
    customers=("a", "b", "c"),
    event_types=("call", "image"),
    properties=(Property("tokens", low=1, high=100), Property("model", choices=("s", "l"))),
)


def at(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


@pytest.mark.parametrize("profile", PROFILES)
def test_it_depends_on_the_seed_alone(profile: str) -> None:
    load = replace(LOAD, profile=profile, events=500)
    assert list(generate(load)) == list(generate(load))
    other = list(generate(replace(load, seed=2)))
    ids = {event["transaction_id"] for event in generate(load)}
    assert len(ids) == 500
    assert ids.isdisjoint(event["transaction_id"] for event in other)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("end", [WEEK.end, datetime(2025, 1, 6, 0, 20, tzinfo=UTC)])
def test_it_is_in_order_and_inside_of_its_span(profile: str, end: datetime) -> None:
    load = replace(LOAD, profile=profile, events=300, span=Span(WEEK.start, end))
    times = [at(event) for event in generate(load)]
    assert times == sorted(times)
    assert WEEK.start <= times[0] <= times[-1] < end


def test_the_first_customers_use_most() -> None:
    counts = Counter(event["customer_id"] for event in generate(LOAD))
    # Shares of 1, 1/2 and 1/3 are 6, 3 and 2 elevenths; 5000 draws hit them within a few percent.
    assert counts["a"] == pytest.approx(5000 * 6 / 11, rel=0.1)
    assert counts["b"] == pytest.approx(5000 * 3 / 11, rel=0.1)
    assert counts["c"] == pytest.approx(5000 * 2 / 11, rel=0.1)


def test_office_hours() -> None:
    times = [at(event) for event in generate(replace(LOAD, profile="office"))]
    busy = sum(time.weekday() < 5 and 8 <= time.hour < 18 for time in times)
    # 5 × (10 × 1 + 14 × 0.2) = 64 on workdays and 2 × 24 × 0.1 = 4.8 at the weekend: 50 of 68.8.
    assert busy == pytest.approx(5000 * 50 / 68.8, rel=0.1)


def test_growth() -> None:
    times = [at(event) for event in generate(replace(LOAD, profile="growth"))]
    middle = datetime(2025, 1, 9, 12, tzinfo=UTC)
    later = sum(time >= middle for time in times)
    # The weight rises from 0.1 to 1.1: 0.425 of 0.6 lie in the second half.
    assert later == pytest.approx(5000 * 0.425 / 0.6, rel=0.1)


def test_spikes() -> None:
    hours = Counter(
        at(event).replace(minute=0, second=0) for event in generate(replace(LOAD, profile="spiky"))
    )
    typical = sorted(hours.values())[len(hours) // 2]
    assert max(hours.values()) > 10 * typical


def test_properties_are_what_they_may_be() -> None:
    for event in generate(replace(LOAD, events=500)):
        assert 1 <= event["properties"]["tokens"] <= 100
        assert event["properties"]["model"] in ("s", "l")
        assert event["event_type"] in ("call", "image")
