"""The process may die between any two steps of working off an event, or of dunning.

A story is told once for each of its points and dies there: after a provider has done something,
and after anything is stored. Then time goes on, and what is left is worked off.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat.adapters.sqlite.database import Database
from tests.integration.conftest import NOON, copy_database
from tests.integration.deaths import Mortal, mortal
from tests.integration.inbound.conftest import Wired
from tests.integration.inbound.test_invoices import (
    collected,
    metered,
    usage_invoice,
    use,
)
from tests.integration.store import Crash

PRO = Decimal(9)


@pytest.fixture
def point(wired: Wired) -> Iterator[Mortal]:
    with mortal() as point:
        yield point


def at_each_point(
    wired: Wired, point: Mortal, story: Callable[[], object], check: Callable[[], None]
) -> int:
    """Tells a story that dies at its first point, its second, and so on; returns how many it has.

    `story` is told again after each death, as by whoever calls again.
    """
    before, at = Database(":memory:"), wired.stage.clock.now()
    copy_database(wired.stage.database, before)
    last = 0
    while True:
        last += 1
        copy_database(before, wired.stage.database)
        wired.stage.clock.set(at)
        wired.loop.posts.clear()
        point.taken, point.last = 0, last
        wired.stage.store.after = point
        try:
            story()
            died = False
        except Crash:
            died = True
        wired.stage.store.after = lambda: None
        point.last = None
        # Leases end, and hidden messages come back.
        wired.stage.clock.advance(minutes=16)
        story()
        wired.stage.product.tick()
        wired.settle()
        check()
        if not died:
            before.close()
            return last - 1


def test_collecting_an_invoice(wired: Wired, point: Mortal) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    metered(wired, 40)
    use(wired, 0, 3)
    wired.settle()
    product = wired.stage.product
    wired.backend.advance(datetime(2025, 2, 3, tzinfo=UTC))
    product.work_off_webhooks()

    def check() -> None:
        [invoice] = collected(wired)
        assert (invoice.status, invoice.total) == ("paid", 120)
        assert wired.backend.charges() == [PRO, Decimal("1.20")]
        assert usage_invoice(wired)["custom_fields"]["stripe_status"] == "paid"
        assert {one["state"] for one in wired.events()} <= {"done", "ignored"}
        # What the product is told may come twice; it is one event.
        assert len({one["id"] for one in wired.told()}) == 1

    assert at_each_point(wired, point, product.work_off_inbound, check) > 8


TOLD_OF_DELETION = ["billing.payment_method_missing", "billing.stripe_customer_deleted"]


def test_telling_of_what_somebody_else_did(wired: Wired, point: Mortal) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    wired.backend.stripe.customers.delete(wired.backend.stripe_customer())
    product = wired.stage.product
    product.work_off_stripe()

    def check() -> None:
        assert {one["state"] for one in wired.events()} <= {"done", "ignored"}
        told = {one["id"]: one["type"] for one in wired.told()}
        # With the customer went the card.
        assert sorted(told.values()) == TOLD_OF_DELETION

    # Leased, told, marked as done.
    assert at_each_point(wired, point, product.work_off_inbound, check) >= 3


@pytest.mark.slow
def test_dunning_of_usage(wired: Wired, point: Mortal) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    metered(wired, 40)
    use(wired, 0, 3)
    wired.settle()
    # Declined on 3 and 4 February, paid on the 6th.
    wired.control("declines", decline_code="insufficient_funds", count=2)
    product = wired.stage.product
    for instant in ("2025-02-03T12:00:00Z", "2025-02-05T00:00:00Z"):
        product.post("/mock/clock", {"now": instant})
        wired.settle()

    def to_6_february() -> None:
        product.post("/mock/clock", {"now": "2025-02-06T13:00:00Z"})

    def check() -> None:
        assert wired.backend.charges() == [PRO, Decimal("1.20")]
        [invoice] = collected(wired)
        assert (invoice.status, invoice.total) == ("paid", 120)
        told = {one["id"]: one["type"] for one in wired.told()}
        assert list(told.values()) == ["billing.invoice_paid"]

    assert at_each_point(wired, point, to_6_february, check) > 2


def test_dunning(wired: Wired, point: Mortal) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    wired.control("declines", decline_code="insufficient_funds", count=2)
    product = wired.stage.product
    product.post("/mock/clock", {"now": "2025-02-17T00:00:00Z"})
    wired.settle()

    def to_18_february() -> None:
        # Declined on the 15th and 16th, paid on the 18th.
        product.post("/mock/clock", {"now": "2025-02-18T13:00:00Z"})

    def check() -> None:
        assert wired.backend.subscription()["status"] == "active"
        assert wired.backend.charges()[:2] == [PRO, PRO]
        assert len(wired.backend.charges()) == 2
        told = {one["id"]: one["type"] for one in wired.told()}
        assert list(told.values()) == ["billing.payment_recovered"]

    assert at_each_point(wired, point, to_18_february, check) > 5


@pytest.mark.slow
def test_giving_a_renewal_up(wired: Wired, point: Mortal) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    wired.control("declines", decline_code="insufficient_funds", count=20)
    product = wired.stage.product
    product.post("/mock/clock", {"now": "2025-02-28T12:00:00Z"})
    wired.settle()

    def to_march() -> None:
        # Two weeks after 15 February at noon.
        product.post("/mock/clock", {"now": "2025-03-01T13:00:00Z"})

    def check() -> None:
        seen = wired.backend.agreed()
        assert (seen.status, seen.tier, seen.paid) == ("active", "free", [PRO])
        assert seen.contracts == [("Pro", False), ("Free", True)]
        told = {one["id"]: one["type"] for one in wired.told()}
        assert list(told.values()) == ["billing.payment_given_up"]

    assert at_each_point(wired, point, to_march, check) > 8
