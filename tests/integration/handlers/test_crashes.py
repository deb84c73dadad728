"""The process may die between any two steps of an operation: it is carried to its end all the same.

A story is told once for each of its points and dies there: after a provider has done something and
before that is stored, and after it is stored. Then time goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from backbeat.adapters.sqlite.database import Database
from tests.integration.conftest import NOON, Stage, copy_database
from tests.integration.deaths import Mortal, mortal
from tests.integration.handlers.shop import CARD, Agreement, Backend
from tests.integration.product import Product
from tests.integration.store import Crash

ADA = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
LATER = NOON + timedelta(days=14)
Story = Callable[[Product], object]


def _post(path: str, **body: object) -> Story:
    return lambda product: product.post(path, body)


@pytest.fixture
def point(stage: Stage) -> Iterator[Mortal]:
    with mortal() as point:
        yield point


@contextmanager
def dying(stage: Stage, point: Mortal, last: int | None, *, when_stored: bool) -> Iterator[None]:
    point.taken, point.last = 0, last
    if when_stored:
        stage.store.after = point
    try:
        yield
    finally:
        stage.store.after = lambda: None
        point.last = None


def told_to_each_point(
    stage: Stage,
    backend: Backend,
    point: Mortal,
    story: Story,
    wanted: Agreement,
    *,
    points: int,
    when_stored: bool = False,
) -> None:
    """Tells a story that dies at its first point, its second, and so on; each ends as wanted.

    It has `points` where a provider has done something; `when_stored` adds those after it is
    stored.
    """
    before = Database(":memory:")
    copy_database(stage.database, before)
    last = 1
    while True:
        copy_database(before, stage.database)
        with dying(stage, point, last, when_stored=when_stored):
            try:
                story(stage.product)
            except Crash:
                pass
            else:
                break
        # Long enough for whoever takes over to be sure that nobody is at it any more.
        stage.product.post("/mock/clock", {"advance": "PT5M"})
        assert backend.get("/api/operations", status="running")["data"] == []
        again = story(stage.product)
        assert again.status in (200, 201, 409), again  # type: ignore[attr-defined]
        assert backend.agreed() == wanted, f"died at point {last}"
        last += 1
    before.close()
    # Fewer would mean that nothing died.
    assert last - 1 == points
    assert backend.agreed() == wanted


def _wanted(stage: Stage, backend: Backend, story: Story) -> Agreement:
    """Returns what a story that nothing interrupts ends with, and takes it back."""
    before = Database(":memory:")
    copy_database(stage.database, before)
    story(stage.product)
    wanted = backend.agreed()
    copy_database(before, stage.database)
    before.close()
    return wanted


@pytest.fixture(autouse=True)
def _at_noon(backend: Backend) -> None:
    backend.freeze(NOON)
    backend.post("/api/catalog/apply")


def test_onboarding(stage: Stage, backend: Backend, point: Mortal) -> None:
    story = _post("/api/onboard", entity=ADA, tier="pro", paymentMethodId=CARD)
    wanted = _wanted(stage, backend, story)
    assert (wanted.tier, wanted.credits, wanted.paid, wanted.fees) == ("pro", 10_000, [9], [9])
    # Two customers, the card saved and made the default, the invoice drafted, filled, finalized and
    # paid, the contract and its fee.
    told_to_each_point(stage, backend, point, story, wanted, points=10)


def test_an_upgrade(stage: Stage, backend: Backend, point: Mortal) -> None:
    backend.onboard("pro")
    backend.advance(LATER)
    story = _post("/api/tier/change", entityId="ada", newTier="team")
    wanted = _wanted(stage, backend, story)
    assert (wanted.tier, wanted.credits, len(wanted.paid)) == ("team", 50_000, 2)
    assert wanted.paid == wanted.fees
    # The invoice in four calls, the new contract, the end of the old one, the fee: 7. Stored ten
    # times: once before, and after each of nine steps.
    told_to_each_point(stage, backend, point, story, wanted, points=17, when_stored=True)


def test_a_renewal(stage: Stage, backend: Backend, point: Mortal) -> None:
    backend.onboard("pro")
    story = _post("/mock/clock", now="2025-02-15T12:00:00Z")
    wanted = _wanted(stage, backend, story)
    assert (wanted.tier, wanted.paid, wanted.fees) == ("pro", [9, 9], [9, 9])
    # The invoice in four calls, and the fee.
    told_to_each_point(stage, backend, point, story, wanted, points=5)


def test_a_downgrade_with_credit(stage: Stage, backend: Backend, point: Mortal) -> None:
    backend.onboard("team")
    backend.advance(LATER)
    story = _post("/api/tier/change", entityId="ada", newTier="free", when="now")
    wanted = _wanted(stage, backend, story)
    assert (wanted.tier, wanted.credits, wanted.paid) == ("free", 1_000, [29])
    # The new contract, the end of the old one, and the credit.
    told_to_each_point(stage, backend, point, story, wanted, points=3)
    # 29 × 17/31 = 15.9032…, once.
    customer = backend.stripe.customers.retrieve(backend.stripe_customer())
    assert customer.balance == -1590
