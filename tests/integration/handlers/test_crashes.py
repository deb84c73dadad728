"""The process may die between any two steps of an operation: it is carried to its end all the same.

A story is told once for each of its points and dies there: after a provider has done something,
and after something is stored. Then time goes on, the story is told again as by whoever got no
answer, and everything is as if nothing had died.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from backbeat.adapters.sqlite.database import Database
from tests.integration.conftest import NOON, Stage, copy_database
from tests.integration.deaths import Mortal, mortal
from tests.integration.handlers.shop import CARD, Agreement, Backend
from tests.integration.product import Product
from tests.integration.store import Crash

ADA = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
LATER = NOON + timedelta(days=14)
FAILING = "pm_card_chargeCustomerFail"
ANSWERS = (200, 201, 202, 204, 402, 404, 409, 422)
"""What whoever asks again may hear: it is done, or refused as it was, or there is nothing to do."""


@dataclass(frozen=True)
class Ended:
    """How everything stands after a story: what the systems agree on, and what Stripe has."""

    agreed: Agreement
    subscription: dict[str, Any]
    balance: int
    refunds: list[int]
    invoices: list[str]
    cards: list[tuple[str, bool]]
    operations: list[tuple[str, str]]


def ended(backend: Backend) -> Ended:
    """Returns how everything stands."""
    names = (
        "cancelAt", "currentPeriodStart", "currentPeriodEnd", "pendingOperation",
        "scheduledChange",
    )  # fmt: skip
    shown = backend.subscription()
    cards = backend.get("/api/customers/ada/payment-methods")["data"]
    stripe, customer = backend.stripe, backend.stripe_customer()
    return Ended(
        agreed=backend.agreed(),
        subscription={name: shown[name] for name in names},
        balance=stripe.customers.retrieve(customer).balance or 0,
        refunds=[one.amount for one in stripe.refunds.list({}).data],
        invoices=sorted(one.status for one in stripe.invoices.list({"customer": customer}).data),
        cards=sorted((one["last4"], one["default"]) for one in cards),
        operations=sorted(
            (one["kind"], status)
            for status in ("done", "failed")
            for one in backend.get("/api/operations", status=status)["data"]
        ),
    )


Tell = Callable[[Product, Any], Any]
"""Gets the product and what went before it brought."""


@dataclass(frozen=True)
class Story:
    """What is told, what went before, and how many points there are that a death may be at.

    `changes` are those after each change at a provider, `stored` those after each write to the
    store beside them. Told twice, an upgrade that fails for good fails twice: such a story is told
    once (`again`), and so what the first teller began has to end by itself.
    """

    name: str
    tell: Tell
    before: Callable[[Backend], object]
    changes: int
    stored: int
    check: Callable[[Ended], bool]
    again: bool = True
    slow: bool = False


def posted(path: str, **body: object) -> Tell:
    return lambda product, brought: product.post(path, body)


def subscribed(tier: str, *more: Callable[[Backend], object]) -> Callable[[Backend], object]:
    """Returns what brings a customer two weeks into a plan, and then what else is given.

    What the last of that returns is what it brings.
    """

    def bring(backend: Backend) -> object:
        backend.onboard(tier)
        backend.advance(LATER)
        brought: object = None
        for one in more:
            brought = one(backend)
        return brought

    return bring


def asked(path: str, status: int = 200, **body: object) -> Callable[[Backend], object]:
    return lambda backend: backend.post(path, status, **body)


def without_team(backend: Backend) -> None:
    """Has somebody archive the package of Team since the catalogue was applied."""
    for package in backend.metronome.v1.packages.list():
        if package.name == "Team":
            backend.metronome.v1.packages.archive(package_id=package.id)


def made_in_browser(backend: Backend) -> str:
    """Returns a way to pay that is nobody's yet. It keeps its id, unlike the cards of tests."""
    card = {"type": "card", "card": {"token": "tok_mastercard"}}
    id_: str = backend.stripe.payment_methods.create(card).id
    return id_


def unpaid(backend: Backend) -> str:
    backend.onboard("pro", card=None, status=202)
    return made_in_browser(backend)


def waiting_upgrade(backend: Backend) -> str:
    """Returns the id of an upgrade that waits for its customer."""
    backend.post(CARDS, 201, paymentMethodId="pm_card_authenticationRequired")
    id_: str = backend.change("team", 202)["operation"]["id"]
    return id_


def past_due(backend: Backend) -> None:
    backend.onboard("pro")
    backend.post(CARDS, 201, paymentMethodId=FAILING)
    backend.advance(NOON + timedelta(days=32))


def with_credit(backend: Backend) -> None:
    """Has 29 - 9 to their credit on the first day, and nothing to spend it on."""
    backend.onboard("team")
    backend.change("pro", when="now")
    without_team(backend)


def second(backend: Backend) -> str:
    """Returns a way to pay that is not the default."""
    body = {"paymentMethodId": "pm_card_mastercard", "default": False}
    id_: str = backend.post(CARDS, 201, **body)["id"]
    return id_


SUBSCRIPTION = "/api/subscription/ada"
CARDS = "/api/customers/ada/payment-methods"
UPGRADE = posted("/api/tier/change", entityId="ada", newTier="team")

STORIES = [
    Story(
        "onboarding",
        posted("/api/onboard", entity=ADA, tier="pro", paymentMethodId=CARD),
        lambda backend: None,
        # Two customers, the card saved and made the default, the invoice drafted, filled,
        # finalized and paid, the contract and its fee. Stored before the first of eleven steps
        # and after each.
        changes=10,
        stored=11,
        check=lambda end: (end.agreed.credits, end.agreed.paid) == (10_000, [9]),
    ),
    Story(
        "upgrade",
        UPGRADE,
        subscribed("pro"),
        # The invoice in four calls, the new contract, the end of the old one, the fee. Stored
        # once before the first of nine steps and after each.
        changes=7,
        stored=10,
        check=lambda end: (end.agreed.credits, len(end.agreed.paid)) == (50_000, 2),
    ),
    Story(
        "renewal",
        posted("/mock/clock", now="2025-02-15T12:00:00Z"),
        lambda backend: backend.onboard("pro"),
        # The invoice in four calls, and the fee.
        changes=5,
        stored=7,
        check=lambda end: (end.agreed.paid, end.agreed.fees) == ([9, 9], [9, 9]),
    ),
    Story(
        "downgrade with credit",
        posted("/api/tier/change", entityId="ada", newTier="free", when="now"),
        subscribed("team"),
        # The new contract, the end of the old one, and the credit.
        changes=3,
        stored=5,
        # 29 × 17/31 = 15.9032…, once.
        check=lambda end: (end.agreed.credits, end.balance) == (1_000, -1590),
    ),
    Story(
        "end at once",
        posted(f"{SUBSCRIPTION}/cancel", when="now"),
        subscribed("pro"),
        # The contract ends, and its credits with it; what is left is credited.
        changes=2,
        stored=4,
        # 9 × 17/31 = 4.9354…, once.
        check=lambda end: (end.agreed.status, end.balance) == ("canceled", -494),
    ),
    Story(
        "end with the period",
        posted(f"{SUBSCRIPTION}/cancel", when="period_end"),
        subscribed("pro"),
        changes=1,
        stored=3,
        check=lambda end: end.agreed.contracts == [("Pro", False)] and end.balance == 0,
    ),
    Story(
        "the end of the period",
        posted("/mock/clock", now="2025-02-15T12:00:00Z"),
        subscribed("pro", asked(f"{SUBSCRIPTION}/cancel", when="period_end")),
        # Metronome knew of it.
        changes=0,
        stored=3,
        check=lambda end: (end.agreed.status, end.agreed.credits) == ("canceled", 0),
        slow=True,
    ),
    Story(
        "an end that is taken back",
        posted(f"{SUBSCRIPTION}/reactivate"),
        subscribed("pro", asked(f"{SUBSCRIPTION}/cancel", when="period_end")),
        changes=1,
        stored=3,
        check=lambda end: end.agreed.contracts == [("Pro", True)],
    ),
    Story(
        "a plan that begins anew",
        posted(f"{SUBSCRIPTION}/reactivate"),
        subscribed("pro", asked(f"{SUBSCRIPTION}/cancel", when="now")),
        # Both customers are known. The invoice in four calls, the contract, the fee.
        changes=6,
        stored=10,
        # 9 less 4.94 of credit.
        check=lambda end: end.agreed.fees == [9, 9] and end.balance == 0,
        slow=True,
    ),
    Story(
        "a change that was put off",
        posted("/mock/clock", now="2025-02-15T12:00:00Z"),
        subscribed("team", asked("/api/tier/change", entityId="ada", newTier="pro")),
        changes=7,
        stored=10,
        check=lambda end: (end.agreed.tier, end.agreed.paid) == ("pro", [29, 9]),
        slow=True,
    ),
    Story(
        "putting a change off",
        posted("/api/tier/change", entityId="ada", newTier="free"),
        subscribed("team"),
        changes=0,
        stored=1,
        check=lambda end: end.subscription["scheduledChange"]["tier"] == "free",
    ),
    Story(
        "dropping a change that was put off",
        lambda product, _: product.request("DELETE", f"{SUBSCRIPTION}/scheduled-change"),
        subscribed("team", asked("/api/tier/change", entityId="ada", newTier="free")),
        changes=0,
        stored=1,
        check=lambda end: end.subscription["scheduledChange"] is None,
    ),
    Story(
        "a declined upgrade",
        UPGRADE,
        subscribed("pro", asked(CARDS, 201, paymentMethodId=FAILING)),
        # Drafted, filled, finalized, declined, void.
        changes=5,
        stored=8,
        check=lambda end: end.agreed.paid == [9] and end.invoices == ["paid", "void"],
        again=False,
    ),
    Story(
        "an upgrade that is paid for nothing",
        UPGRADE,
        subscribed("pro", without_team),
        # Drafted, filled, finalized, paid, and, when the contract is refused, given back.
        changes=5,
        stored=9,
        check=lambda end: (end.agreed.tier, end.refunds) == ("pro", [1097]),
        again=False,
        slow=True,
    ),
    Story(
        "an upgrade that is paid by credit for nothing",
        UPGRADE,
        with_credit,
        # Drafted, filled, and paid when it is finalized; then the credit is given back.
        changes=4,
        stored=9,
        check=lambda end: (end.balance, end.refunds, end.agreed.paid) == (-2000, [], [29]),
        again=False,
        slow=True,
    ),
    Story(
        "an upgrade that is taken back while it waits",
        lambda product, begun: product.post(f"/api/operations/{begun}/cancel"),
        subscribed("pro", waiting_upgrade),
        # Void.
        changes=1,
        stored=3,
        check=lambda end: end.agreed.paid == [9] and end.invoices == ["paid", "void"],
        slow=True,
    ),
    Story(
        "an upgrade that nobody completes",
        posted("/mock/clock", now=(LATER + timedelta(days=1)).isoformat()),
        subscribed("pro", waiting_upgrade),
        changes=1,
        stored=3,
        check=lambda end: end.agreed.paid == [9] and end.invoices == ["paid", "void"],
        slow=True,
    ),
    Story(
        "the end of a plan whose renewal is not paid",
        posted(f"{SUBSCRIPTION}/cancel", when="now"),
        past_due,
        # The renewal's invoice is void, and the contract ends.
        changes=2,
        stored=6,
        check=lambda end: (end.agreed.status, end.invoices) == ("canceled", ["paid", "void"]),
        slow=True,
    ),
    Story(
        "a card where a payment waits for one",
        lambda product, made: product.post(CARDS, {"paymentMethodId": made}),
        unpaid,
        # Saved, made the default; then the payment, the contract and the fee.
        changes=5,
        stored=4,
        check=lambda end: (end.agreed.status, end.agreed.paid) == ("active", [9]),
        slow=True,
    ),
    Story(
        "another card",
        lambda product, made: product.post(CARDS, {"paymentMethodId": made}),
        subscribed("pro", made_in_browser),
        changes=2,
        stored=0,
        check=lambda end: end.cards == [("4242", False), ("4444", True)],
    ),
    Story(
        "another default",
        lambda product, made: product.post(f"{CARDS}/{made}/default"),
        subscribed("pro", second),
        changes=1,
        stored=0,
        check=lambda end: end.cards == [("4242", False), ("4444", True)],
    ),
    Story(
        "a card less",
        lambda product, made: product.request("DELETE", f"{CARDS}/{made}"),
        subscribed("pro", second),
        changes=1,
        stored=0,
        check=lambda end: end.cards == [("4242", True)],
    ),
]


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
    stage: Stage, backend: Backend, point: Mortal, story: Story, *, when_stored: bool
) -> int:
    """Tells a story that dies at its first point, its second, and so on; returns how many it has.

    Each ends as the one that nothing interrupts does.
    """
    brought = story.before(backend)
    before = Database(":memory:")
    copy_database(stage.database, before)
    with dying(stage, point, None, when_stored=when_stored):
        story.tell(stage.product, brought)
    points, wanted = point.taken, ended(backend)
    assert story.check(wanted), wanted
    assert wanted.subscription["pendingOperation"] is None
    for last in range(1, points + 1):
        copy_database(before, stage.database)
        with dying(stage, point, last, when_stored=when_stored), pytest.raises(Crash):
            story.tell(stage.product, brought)
        # Long enough for whoever takes over to be sure that nobody is at it any more.
        stage.product.post("/mock/clock", {"advance": "PT5M"})
        if story.again:
            again = story.tell(stage.product, brought)
            assert again.status in ANSWERS, again
        assert ended(backend) == wanted, f"died at point {last}"
    before.close()
    return points


@pytest.fixture(autouse=True)
def _at_noon(backend: Backend) -> None:
    backend.freeze(NOON)
    backend.post("/api/catalog/apply")


@pytest.fixture
def point(stage: Stage) -> Iterator[Mortal]:
    with mortal() as point:
        yield point


QUICK = [story for story in STORIES if not story.slow and story.changes]


@pytest.mark.parametrize("story", QUICK, ids=lambda story: story.name)
def test_after_each_change_at_a_provider(
    stage: Stage, backend: Backend, point: Mortal, story: Story
) -> None:
    assert told_to_each_point(stage, backend, point, story, when_stored=False) == story.changes


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_after_each_change_and_whatever_is_stored(
    stage: Stage, backend: Backend, point: Mortal, story: Story
) -> None:
    points = told_to_each_point(stage, backend, point, story, when_stored=True)
    # The clock stores more than that on its way.
    assert points >= story.changes + story.stored
