"""Lifecycle notifications: system events by type, and offsets from them (EX-61a)."""

from typing import Any

import pytest

from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import access, commit

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
EVERY_TYPE = [
    *(f"contract.{what}" for what in ("create", "start", "edit", "end", "archive")),
    *(
        f"{kind}.{what}"
        for kind in ("commit", "credit")
        for what in ("create", "edit", "archive", "segment.start", "segment.end")
    ),
]


class Life(Alarms):
    """A world in which lifecycle notifications are off but for what a test switches on."""

    def __init__(self, now: str, *types: str) -> None:
        super().__init__(now, BACKBEAT_SYSTEM_EVENTS="asked")
        for type_ in types:
            self.switch(type_, on=True)

    def switch(self, type_: str, *, on: bool) -> None:
        self.post("/v2/notifications/edit", {"is_enabled": on, "policy": {"type": type_}})

    def offset(self, type_: str, offset: str) -> str:
        """Creates a notification at an offset and returns its id."""
        body = {"name": "soon", "policy": {"type": type_, "offset": offset}}
        return str(self.post("/v2/notifications/create", body)["id"])

    def heard(self) -> list[tuple[str, str]]:
        """Returns type and timestamp of the lifecycle events that are new."""
        return [
            (event["type"], event["timestamp"])
            for event in self.told("")
            if event["type"] in EVERY_TYPE
        ]


def customer_commit(world: Life, customer: str, start: str, end: str) -> str:
    terms = commit(world, 100, access_schedule=access(100, start, end), priority=1)
    body = {**terms, "customer_id": customer}
    return str(world.post("/v1/contracts/customerCommits/create", body)["id"])


def test_ex_61a_an_offset_before_an_end() -> None:
    world = Life("2025-05-01T00:00:00Z")
    offset = world.offset("commit.segment.end", "-P7D")
    customer = world.customer()
    world.clock("2025-05-10T00:00:00Z")
    timely = customer_commit(world, customer, "2025-05-10", "2025-05-20")
    world.clock("2025-05-12T23:59:59Z")
    assert world.heard() == []
    world.clock("2025-05-15T00:00:00Z")
    [event] = world.told("commit.segment")
    [shown] = world.post("/v1/contracts/customerCommits/list", {"customer_id": customer})
    [segment] = shown["access_schedule"]["schedule_items"]
    assert event == {
        "id": event["id"],
        "type": "commit.segment.end",
        "timestamp": "2025-05-20T00:00:00Z",
        "environment_type": "SANDBOX",
        "commit_id": timely,
        "commit_custom_fields": {},
        "contract_custom_fields": {},
        "segment_index": 0,
        "segment_count": 1,
        "segment_id": segment["id"],
        "customer_id": customer,
        "customer_custom_fields": {},
        "offset_id": offset,
        "offset_duration": "-P7D",
    }
    # Due on the 13th, but made on the 15th.
    customer_commit(world, customer, "2025-05-15", "2025-05-20")
    world.clock("2025-06-01T00:00:00Z")
    assert world.heard() == []


def test_ex_61a_it_was_told_at_its_time() -> None:
    world = Life("2025-05-01T00:00:00Z")
    world.offset("commit.segment.end", "-P7D")
    world.clock("2025-05-10T00:00:00Z")
    customer_commit(world, world.customer(), "2025-05-10", "2025-05-20")
    world.clock("2025-05-13T00:00:00Z")
    assert world.heard() == [("commit.segment.end", "2025-05-20T00:00:00Z")]


def test_ex_61a_an_archived_configuration_tells_nothing() -> None:
    world = Life("2025-05-01T00:00:00Z")
    offset = world.offset("commit.segment.end", "-P7D")
    customer_commit(world, world.customer(), "2025-05-10", "2025-05-20")
    world.clock("2025-05-12T00:00:00Z")
    archived = world.post("/v2/notifications/archive", {"id": offset})
    assert archived["archived_at"] == "2025-05-12T00:00:00+00:00"
    world.clock("2025-06-01T00:00:00Z")
    assert world.heard() == []


def test_ex_61a_what_a_recurring_commit_makes_late_is_told_late() -> None:
    world = Life("2025-06-01T00:00:00Z")
    world.offset("commit.segment.start", "-P90D")
    monthly = {
        "product_id": world.product(type="FIXED"),
        "access_amount": {"credit_type_id": USD, "unit_price": 100, "quantity": 1},
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "priority": 1,
        "starting_at": "2025-06-01T00:00:00Z",
        "recurrence_frequency": "MONTHLY",
    }
    world.contract(world.customer(), None, "2025-06-01T00:00:00Z", recurring_commits=[monthly])
    # June's commit has begun; July's is there a period ahead, which is less than 90 days.
    july = ("commit.segment.start", "2025-07-01T00:00:00Z")
    assert world.heard() == [("contract.create", "2025-06-01T00:00:00Z"), july]
    world.clock("2025-06-30T23:00:00Z")
    assert world.heard() == []
    world.clock("2025-07-01T00:00:00Z")
    assert world.heard() == [("commit.segment.start", "2025-08-01T00:00:00Z")]


def test_a_moved_end_is_told_anew() -> None:
    world = Life("2025-05-01T00:00:00Z")
    world.offset("contract.end", "-P7D")
    customer = world.customer()
    end = {"ending_before": "2025-05-20T00:00:00Z"}
    contract = world.contract(customer, None, "2025-05-01T00:00:00Z", **end)
    world.clock("2025-05-12T00:00:00Z")
    moved = {"customer_id": customer, "contract_id": contract}
    world.post("/v1/contracts/updateEndDate", {**moved, "ending_before": "2025-05-30T00:00:00Z"})
    world.clock("2025-05-22T00:00:00Z")
    assert [one for one in world.heard() if one[0] == "contract.end"] == []
    # What a date that moved back makes due in the past is not told.
    world.clock("2025-05-23T00:00:00Z")
    assert world.heard() == [("contract.end", "2025-05-30T00:00:00Z")]
    world.post("/v1/contracts/updateEndDate", {**moved, "ending_before": "2025-05-28T00:00:00Z"})
    world.clock("2025-06-10T00:00:00Z")
    assert world.heard() == []


def test_past_events_are_not_told_of_because_of_a_new_configuration() -> None:
    world = Life("2025-05-01T00:00:00Z")
    customer = world.customer()
    customer_commit(world, customer, "2025-05-10", "2025-05-20")
    customer_commit(world, customer, "2025-05-10", "2025-06-20")
    world.clock("2025-05-15T00:00:00Z")
    world.offset("commit.segment.end", "-P7D")
    world.clock("2025-07-01T00:00:00Z")
    assert world.heard() == [("commit.segment.end", "2025-06-20T00:00:00Z")]


def test_an_offset_after_what_somebody_did() -> None:
    world = Life("2025-05-01T00:00:00Z")
    offset = world.offset("contract.create", "P1DT2H")
    world.switch("contract.create", on=False)
    world.contract(world.customer(), None, "2025-05-01T00:00:00Z")
    world.clock("2025-05-02T01:59:59Z")
    assert world.heard() == []
    world.clock("2025-05-02T02:00:00Z")
    [event] = world.told("contract.")
    assert (event["timestamp"], event["offset_id"]) == ("2025-05-01T00:00:00Z", offset)
    error = world.refused(
        "/v2/notifications/create",
        {"name": "before", "policy": {"type": "contract.create", "offset": "-P1D"}},
    )
    assert "policy.offset" in error["message"]


def test_an_offset_that_is_changed_tells_at_the_new_time() -> None:
    world = Life("2025-05-01T00:00:00Z")
    offset = world.offset("commit.segment.end", "-P7D")
    customer_commit(world, world.customer(), "2025-05-02", "2025-05-20")
    policy = {"type": "commit.segment.end", "offset": "-P2D"}
    changed = world.post("/v2/notifications/edit", {"id": offset, "policy": policy})
    assert changed["policy"] == policy
    world.clock("2025-05-17T23:00:00Z")
    assert world.heard() == []
    world.clock("2025-05-18T00:00:00Z")
    assert world.heard() == [("commit.segment.end", "2025-05-20T00:00:00Z")]


def test_all_but_the_creation_of_contracts_is_off_until_it_is_switched_on() -> None:
    world = Life("2025-05-01T00:00:00Z")
    listed = world.post("/v2/notifications/system/list", {})
    assert [one["policy"]["type"] for one in listed] == EVERY_TYPE
    assert {one["policy"]["type"] for one in listed if one["is_enabled"]} == {"contract.create"}
    customer = world.customer()
    world.contract(customer, None, "2025-05-01T00:00:00Z", commits=[commit(world, 1)])
    assert world.heard() == [("contract.create", "2025-05-01T00:00:00Z")]
    world.switch("contract.create", on=False)
    world.switch("commit.create", on=True)
    world.contract(customer, None, "2025-05-01T00:00:00Z", commits=[commit(world, 1)])
    assert world.heard() == [("commit.create", "2025-05-01T00:00:00Z")]


def test_starts_and_ends_come_in_time_order() -> None:
    world = Life("2025-05-01T00:00:00Z", *(type_ for type_ in EVERY_TYPE))
    customer = world.customer()
    quarters = [
        {
            "amount": 10,
            "starting_at": f"2025-{start}-01T00:00:00Z",
            "ending_before": f"2025-{end}-01T00:00:00Z",
        }
        for start, end in (("06", "07"), ("07", "08"))
    ]
    terms = commit(world, 1, access_schedule={"schedule_items": quarters})
    contract = world.contract(
        customer,
        None,
        "2025-06-01T00:00:00Z",
        ending_before="2025-08-01T00:00:00Z",
        commits=[terms],
    )
    assert world.heard() == [
        ("contract.create", "2025-05-01T00:00:00Z"),
        ("commit.create", "2025-05-01T00:00:00Z"),
    ]
    world.clock("2025-09-01T00:00:00Z")
    events = [event for event in world.told("") if event["type"] in EVERY_TYPE]
    assert [(event["type"], event["timestamp"]) for event in events] == [
        ("contract.start", "2025-06-01T00:00:00Z"),
        ("commit.segment.start", "2025-06-01T00:00:00Z"),
        ("commit.segment.end", "2025-07-01T00:00:00Z"),
        ("commit.segment.start", "2025-07-01T00:00:00Z"),
        ("commit.segment.end", "2025-08-01T00:00:00Z"),
        ("contract.end", "2025-08-01T00:00:00Z"),
    ]
    assert events[0] == {
        "id": events[0]["id"],
        "type": "contract.start",
        "timestamp": "2025-06-01T00:00:00Z",
        "environment_type": "SANDBOX",
        "contract_id": contract,
        "contract_custom_fields": {},
        "customer_id": customer,
        "customer_custom_fields": {},
    }
    assert [event.get("segment_index") for event in events] == [None, 0, 0, 1, 1, None]


def test_a_contract_that_has_begun_starts_with_its_creation() -> None:
    world = Life("2025-05-01T00:30:00Z", "contract.start", "commit.segment.start")
    world.contract(world.customer(), None, "2025-05-01T00:00:00Z", commits=[commit(world, 1)])
    # The commit's segment was open when it was made: that is no start.
    assert world.heard() == [
        ("contract.create", "2025-05-01T00:30:00Z"),
        ("contract.start", "2025-05-01T00:00:00Z"),
    ]


def test_what_is_ended_now_ends_at_once_and_once() -> None:
    world = Life("2025-05-01T00:00:00Z", "contract.end", "contract.start", "commit.segment.end")
    customer = world.customer()
    contract = world.contract(customer, None, "2025-05-01T00:00:00Z")
    following = {"from_contract_id": contract, "type": "RENEWAL"}
    assert [type_ for type_, _ in world.heard()] == ["contract.create", "contract.start"]
    world.clock("2025-05-10T12:00:00Z")
    world.contract(customer, None, "2025-05-10T12:00:00Z", transition=following)
    assert sorted(world.heard()) == [
        ("contract.create", "2025-05-10T12:00:00Z"),
        ("contract.end", "2025-05-10T12:00:00Z"),
        ("contract.start", "2025-05-10T12:00:00Z"),
    ]
    # Another change in the same hour tells nothing again.
    world.clock("2025-05-10T12:30:00Z")
    customer_commit(world, customer, "2025-06-01", "2025-07-01")
    world.clock("2025-05-12T00:00:00Z")
    assert world.heard() == []


def test_an_archived_contract_does_not_end() -> None:
    world = Life("2025-05-01T00:00:00Z", "contract.archive", "contract.end")
    customer = world.customer()
    end = {"ending_before": "2025-06-01T00:00:00Z"}
    contract = world.contract(customer, None, "2025-05-02T00:00:00Z", **end)
    body = {"customer_id": customer, "contract_id": contract, "void_invoices": False}
    world.post("/v1/contracts/archive", body)
    world.clock("2025-07-01T00:00:00Z")
    assert [type_ for type_, _ in world.heard()] == ["contract.create", "contract.archive"]


def test_switched_on_late_nothing_is_told_of_before() -> None:
    world = Life("2025-05-01T00:00:00Z")
    end = {"ending_before": "2025-07-01T00:00:00Z"}
    world.contract(world.customer(), None, "2025-06-01T00:00:00Z", **end)
    world.clock("2025-06-10T00:00:00Z")
    world.switch("contract.start", on=True)
    world.switch("contract.end", on=True)
    world.clock("2025-08-01T00:00:00Z")
    assert world.heard() == [
        ("contract.create", "2025-05-01T00:00:00Z"),
        ("contract.end", "2025-07-01T00:00:00Z"),
    ]


def test_a_hundred_ends_at_one_instant_are_all_told() -> None:
    world = Life("2025-05-01T00:00:00Z", "commit.segment.end")
    customer = world.customer()
    terms = commit(world, 1, access_schedule=access(1, "2025-05-01", "2025-06-01"), priority=1)
    for _ in range(101):
        body = {**terms, "customer_id": customer}
        world.post("/v1/contracts/customerCommits/create", body)
    world.clock("2025-06-01T00:00:00Z")
    assert len(world.heard()) == 101


def test_configurations_come_in_pages() -> None:
    world = Life("2025-05-01T00:00:00Z")
    ids = {world.offset("contract.end", f"-P{days}D") for days in range(1, 6)}
    path = "/v2/notifications/offset/list"
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        body: dict[str, Any] = {"limit": 2, **({} if cursor is None else {"cursor": cursor})}
        status, reply = world.call("POST", path, body)
        assert status == 200
        found += [one["id"] for one in reply["data"]]
        cursor = reply["cursor"]
    assert (set(found), len(found), cursor) == (ids, 5, None)
    world.post("/v2/notifications/archive", {"id": found[0]})
    assert len(world.post(path, {})) == 4
    [archived] = world.post(path, {"archive_filter": "ARCHIVED"})
    assert archived["id"] == found[0]
    assert len(world.post(path, {"archive_filter": "all"})) == 5
    assert world.refused(path, {"limit": 401})["message"].startswith("limit")


def test_uniqueness_keys_of_configurations_are_their_own() -> None:
    world = Life("2025-05-01T00:00:00Z")
    body = {
        "name": "soon",
        "policy": {"type": "contract.end", "offset": "-P1D"},
        "uniqueness_key": "k",
    }
    first = world.post("/v2/notifications/create", body)
    assert world.refused("/v2/notifications/create", body, 409)["conflicting_id"] == first["id"]
    world.alert("spend_threshold_reached", 1, uniqueness_key="k")


@pytest.mark.parametrize("offset", ["", "P", "1D", "PT", "-P", "P1.5D", "P101Y", "P9999999999D"])
def test_what_is_no_offset(offset: str) -> None:
    world = Life("2025-05-01T00:00:00Z")
    policy = {"type": "contract.end", "offset": offset}
    error = world.refused("/v2/notifications/create", {"name": "n", "policy": policy})
    assert "policy.offset" in error["message"]
