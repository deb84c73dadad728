"""Worked examples of billing periods (16.4); all boundaries are UTC midnights."""

from typing import Any

import pytest

from tests.integration.worked.world import World

Periods = list[tuple[str, str]]


def periods(
    schedule: dict[str, Any], start: str, now: str, **fields: object
) -> list[tuple[str, str]]:
    """Returns the periods of a contract's usage invoices up to now, as month and day."""
    world = World(now)
    customer = world.customer()
    world.contract(
        customer,
        world.rate_card(),
        start=f"{start}T00:00:00Z",
        usage_statement_schedule=schedule,
        **fields,
    )
    return [
        (invoice["start_timestamp"][:10], invoice["end_timestamp"][:10])
        for invoice in world.invoices(customer, type="USAGE")
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (
            {"day": "FIRST_OF_MONTH"},
            [
                ("2024-09-15", "2024-10-01"),
                ("2024-10-01", "2024-11-01"),
                ("2024-11-01", "2024-12-01"),
            ],
        ),
        (
            {"day": "CONTRACT_START"},
            [
                ("2024-09-15", "2024-10-15"),
                ("2024-10-15", "2024-11-15"),
                ("2024-11-15", "2024-12-15"),
            ],
        ),
        (
            {"day": "CUSTOM_DATE", "billing_anchor_date": "2024-09-10T00:00:00Z"},
            [
                ("2024-09-15", "2024-10-10"),
                ("2024-10-10", "2024-11-10"),
                ("2024-11-10", "2024-12-10"),
            ],
        ),
    ],
)
def test_we_35_monthly_anchors(day: dict[str, str], expected: Periods) -> None:
    found = periods({"frequency": "MONTHLY", **day}, "2024-09-15", "2024-11-20T00:00:00Z")

    assert found == expected


def test_we_35_last_period_is_cut_at_the_end() -> None:
    world = World("2024-11-19T00:00:00Z")
    customer = world.customer()
    world.contract(
        customer,
        world.rate_card(),
        start="2024-09-15T00:00:00Z",
        ending_before="2024-11-20T00:00:00Z",
    )

    [draft] = world.invoices(customer, status="DRAFT")
    assert (draft["start_timestamp"], draft["end_timestamp"], draft["issued_at"]) == (
        "2024-11-01T00:00:00+00:00",
        "2024-11-20T00:00:00+00:00",
        "2024-11-21T00:00:00+00:00",
    )
    world.clock("2025-03-01T00:00:00Z")
    assert [invoice["status"] for invoice in world.invoices(customer)] == ["FINALIZED"] * 3


def test_we_36_end_of_month_anchor_does_not_drift() -> None:
    found = periods(
        {"frequency": "MONTHLY", "day": "CONTRACT_START"}, "2024-01-31", "2024-05-15T00:00:00Z"
    )

    assert [end for _, end in found] == ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        ("CONTRACT_START", ["2025-05-15", "2025-08-15", "2025-11-15"]),
        # D-33: quarters are counted from the first of the month the contract starts in.
        ("FIRST_OF_MONTH", ["2025-05-01", "2025-08-01", "2025-11-01"]),
    ],
)
def test_we_37_quarterly(day: str, ends: list[str]) -> None:
    found = periods({"frequency": "QUARTERLY", "day": day}, "2025-02-15", "2025-10-01T00:00:00Z")

    assert found[0][0] == "2025-02-15"
    assert [end for _, end in found] == ends


def test_we_38_weekly() -> None:
    schedule = {
        "frequency": "WEEKLY",
        "day": "CUSTOM_DATE",
        "billing_anchor_date": "2025-01-06T00:00:00Z",
    }

    found = periods(schedule, "2025-01-08", "2025-01-21T00:00:00Z")

    assert found == [
        ("2025-01-08", "2025-01-13"),
        ("2025-01-13", "2025-01-20"),
        ("2025-01-20", "2025-01-27"),
    ]


def test_we_39_annual_from_a_leap_day() -> None:
    found = periods(
        {"frequency": "ANNUAL", "day": "CONTRACT_START"}, "2024-02-29", "2027-06-01T00:00:00Z"
    )

    assert [end for _, end in found] == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_we_40_start_in_the_past() -> None:
    world = World("2025-03-10T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.contract(customer, card, start="2025-01-01T00:00:00Z")

    found = world.invoices(customer)

    assert [(invoice["start_timestamp"][:10], invoice["status"]) for invoice in found] == [
        ("2025-01-01", "FINALIZED"),
        ("2025-02-01", "FINALIZED"),
        ("2025-03-01", "DRAFT"),
    ]


def test_we_40_invoices_may_start_later_than_the_contract() -> None:
    world = World("2025-03-10T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    schedule = {
        "frequency": "MONTHLY",
        "invoice_generation_starting_at": "2025-03-01T00:00:00Z",
    }
    world.contract(customer, card, start="2025-01-01T00:00:00Z", usage_statement_schedule=schedule)

    found = world.invoices(customer)

    assert [(invoice["start_timestamp"][:10], invoice["status"]) for invoice in found] == [
        ("2025-03-01", "DRAFT")
    ]


def test_a_contract_that_ends_on_a_boundary_has_no_empty_period() -> None:
    found = periods(
        {"frequency": "MONTHLY"},
        "2025-01-01",
        "2025-05-01T00:00:00Z",
        ending_before="2025-03-01T00:00:00Z",
    )

    assert found == [("2025-01-01", "2025-02-01"), ("2025-02-01", "2025-03-01")]
