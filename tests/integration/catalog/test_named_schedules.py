"""Named schedules of customers and rate cards."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.integration.worked.world import JSON, World

OWNERS: dict[str, tuple[str, str, Callable[[World], str]]] = {
    "customer": ("/v1/customers", "customer_id", lambda world: world.customer()),
    "rate card": (
        "/v1/contract-pricing/rate-cards",
        "rate_card_id",
        lambda world: world.rate_card(),
    ),
}


class Schedule:
    """The schedule `s` of a new customer or rate card."""

    def __init__(self, owner: str) -> None:
        self.world = World()
        self.path, self.field, make = OWNERS[owner]
        self.id = make(self.world)

    def set(self, value: object, start: str, end: str | None = None, name: str = "s") -> None:
        body = {"schedule_name": name, "value": value, "starting_at": f"{start}T00:00:00Z"}
        if end is not None:
            body["ending_before"] = f"{end}T00:00:00Z"
        assert self.world.post(f"{self.path}/updateNamedSchedule", {**self.named, **body}) is None

    def get(self, *, covering: str | None = None, name: str = "s") -> list[JSON]:
        body = {**self.named, "schedule_name": name}
        if covering is not None:
            body["covering_date"] = f"{covering}T00:00:00Z"
        found: list[JSON] = self.world.post(f"{self.path}/getNamedSchedule", body)
        return found

    @property
    def named(self) -> JSON:
        return {self.field: self.id}


@pytest.mark.parametrize("owner", OWNERS)
def test_a_value_is_laid_over_what_was_there(owner: str) -> None:
    schedule = Schedule(owner)
    schedule.set("base", "2025-01-01")

    schedule.set({"rate": [1, None]}, "2025-03-01", "2025-04-01")

    assert schedule.get() == [
        {
            "value": "base",
            "starting_at": "2025-01-01T00:00:00+00:00",
            "ending_before": "2025-03-01T00:00:00+00:00",
        },
        {
            "value": {"rate": [1, None]},
            "starting_at": "2025-03-01T00:00:00+00:00",
            "ending_before": "2025-04-01T00:00:00+00:00",
        },
        {"value": "base", "starting_at": "2025-04-01T00:00:00+00:00"},
    ]


@pytest.mark.parametrize("owner", OWNERS)
def test_at_most_one_segment_covers_a_date(owner: str) -> None:
    schedule = Schedule(owner)
    schedule.set(1, "2025-02-01", "2025-03-01")

    assert [segment["value"] for segment in schedule.get(covering="2025-02-01")] == [1]
    assert schedule.get(covering="2025-03-01") == []
    assert schedule.get(covering="2025-01-31") == []


def test_names_tell_schedules_apart_and_unknown_ones_are_empty() -> None:
    schedule = Schedule("customer")
    schedule.set(1, "2025-01-01")
    schedule.set(2, "2025-01-01", name="t")

    assert [segment["value"] for segment in schedule.get()] == [1]
    assert [segment["value"] for segment in schedule.get(name="t")] == [2]
    assert schedule.get(name="u") == []


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, Decimal("0.1")])
def test_any_json_is_a_value(value: object) -> None:
    schedule = Schedule("customer")

    schedule.set(value, "2025-01-01")

    assert [segment["value"] for segment in schedule.get()] == [value]


def test_bad_requests() -> None:
    schedule = Schedule("customer")
    path = f"{schedule.path}/updateNamedSchedule"
    body = {**schedule.named, "schedule_name": "s", "starting_at": "2025-01-01T00:00:00Z"}
    nobody = {"customer_id": "0d7e0f6e-8d2c-4a55-9d0c-6f1f6f1f0000", "value": 1}

    valueless = schedule.world.refused(path, body)
    backwards = schedule.world.refused(
        path, {**body, "value": 1, "ending_before": "2025-01-01T00:00:00Z"}
    )
    schedule.world.refused(path, {**body, **nobody}, status=404)

    assert valueless["message"].startswith("value: ")
    assert backwards["message"] == "ending_before: must be after starting_at"
    assert schedule.get() == []
