"""Grants that are used up from day to day, roll over, and expire (W-34).

40 days of 1,500 calls each, from 1 January 2025; a call costs a cent. One grant is 50,000 from the
first day on, the other 20,000 for days 10 to 39.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.worked.test_commits_and_credits import BALANCES, Account, access, short

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


@pytest.fixture
def account() -> Account:
    """A customer who was given the second grant."""
    made = Account()
    late = access(20000, day(10), day(40))
    made.world.post(
        "/v1/contracts/customerCredits/create",
        {
            "customer_id": made.customer,
            "priority": 100,
            **made.credit(name="B", access_schedule=late),
        },
    )
    return made


def first_grant(account: Account, last_day: int, **more: Any) -> dict[str, Any]:
    until = access(50000, day(0), day(last_day + 1))
    return account.credit(name="A", priority=100, access_schedule=until, **more)


def call_daily(account: Account, days: range) -> None:
    account.world.clock(day(days.stop - 1))
    for number in days:
        account.use(1500, day(number))


def ledgers(account: Account) -> dict[tuple[str, int], list[str]]:
    """Returns each grant's entries by its name and the day it begins on."""
    listed = {
        "customer_id": account.customer,
        "include_contract_balances": True,
        "include_ledgers": True,
    }
    found = {}
    for one in account.world.post(BALANCES, listed):
        [segment] = one["access_schedule"]["schedule_items"]
        begun = datetime.fromisoformat(segment["starting_at"])
        found[one["name"], (begun - FIRST).days] = [
            f"{short(entry['type'])} {entry['amount']:+}" for entry in one["ledger"]
        ]
    return found


def overage(account: Account) -> Any:
    return sum(account.totals(type="USAGE"))


def test_w34_with_day_30_still_in_the_first_grant(account: Account) -> None:
    account.sign(ending_before=day(60), credits=[first_grant(account, last_day=30)])
    call_daily(account, range(31))
    call_daily(account, range(31, 40))
    account.world.clock(day(62))
    # 31 × 1,500 in January and 9 × 1,500 in February; what is left of each is void.
    assert ledgers(account) == {
        ("A", 0): ["START +50000", "DED -46500", "EXP -3500"],
        ("B", 10): ["START +20000", "DED -13500", "EXP -6500"],
    }
    assert overage(account) == 0


def test_w34_with_a_rollover_on_day_30(account: Account) -> None:
    first = account.sign(
        ending_before=day(30),
        credits=[first_grant(account, last_day=29, rollover_fraction=1)],
    )
    call_daily(account, range(30))
    account.world.clock(day(30))
    renewal = {"type": "RENEWAL", "from_contract_id": first}
    account.sign(day(30), ending_before=day(60), transition=renewal)
    call_daily(account, range(30, 31))
    call_daily(account, range(31, 40))
    account.world.clock(day(62))
    # Day 30 is the renewed grant's: 30 × 1,500 = 45,000 of the first are used, 5,000 roll over.
    # What rolled over goes first (EX-16): 1,500 on day 30, the rest in February.
    # 10 × 1,500 - 5,000 = 10,000 are left for the second grant to pay, whose rest expires.
    assert ledgers(account) == {
        ("A", 0): ["START +50000", "DED -45000", "ROLLOVER -5000"],
        ("A", 30): ["START +5000", "DED -1500", "DED -3500"],
        ("B", 10): ["START +20000", "DED -10000", "EXP -10000"],
    }
    assert overage(account) == 0
