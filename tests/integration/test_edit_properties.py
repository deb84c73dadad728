"""What is true of a contract after any sequence of edits, read through either version of the API.

A plain list of terms is kept beside it. An edit that does not fit leaves everything as it was, what
it has beside included; what is final stays as it is, whatever is edited.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.integration.worked.world import JSON, World

START = datetime(2025, 1, 1, tzinfo=UTC)
UNKNOWN = "00000000-0000-4000-8000-000000000000"

MULTIPLIERS = st.integers(1, 9).map(lambda tenths: Decimal(tenths) / 10)
DAYS = st.integers(5, 120)
AMOUNTS = st.integers(1, 50)
INDICES = st.integers(0, 3)
THROUGH = st.sampled_from(["v1", "v2"])

# A change: what it is, its numbers, and through which version of the API it is made if either can.
CHANGES = st.one_of(
    st.tuples(st.just("override"), MULTIPLIERS, THROUGH),
    st.tuples(st.just("remove override"), INDICES),
    st.tuples(st.just("charge"), AMOUNTS, DAYS, THROUGH),
    st.tuples(st.just("update charge"), INDICES, AMOUNTS),
    st.tuples(st.just("archive charge"), INDICES),
    st.tuples(st.just("credit"), AMOUNTS, THROUGH),
    st.tuples(st.just("seats"), st.integers(-3, 3).filter(bool)),
    st.tuples(st.just("name"), st.sampled_from(["One", "Two"])),
    st.tuples(st.just("terms"), st.integers(1, 60)),
    st.tuples(st.just("end"), st.sampled_from([None, 250, 300]), THROUGH),
)
POISONS = st.sampled_from(["unknown override", "foreign product", "early end", "used key"])
STEPS = st.lists(
    st.one_of(
        CHANGES,
        CHANGES,
        st.tuples(st.just("wait"), st.integers(1, 25)),
        st.tuples(st.just("spoil"), CHANGES, POISONS),
    ),
    min_size=3,
    max_size=9,
)
Step = tuple[Any, ...]

few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    # A failing story is short enough to be read; making it shorter takes minutes.
    phases=[Phase.explicit, Phase.generate],
    database=None,
)


@dataclass(frozen=True)
class Charge:
    amount: int
    day: int
    is_archived: bool = False


@dataclass(frozen=True)
class Terms:
    """What a contract is known to say."""

    overrides: tuple[Decimal, ...] = ()
    charges: tuple[Charge, ...] = ()
    credits: tuple[int, ...] = ()
    seats: int = 2
    name: str | None = None
    payment_days: int | None = None
    end: int | None = None

    @property
    def shown(self) -> JSON:
        return {
            "overrides": [*self.overrides],
            "charges": [(one.amount, one.day) for one in self.charges if not one.is_archived],
            "credits": [*self.credits],
            "seats": self.seats,
            "name": self.name,
            "payment_days": self.payment_days,
            "end": self.end,
        }


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def number_of(timestamp: str | None) -> int | None:
    return None if timestamp is None else (datetime.fromisoformat(timestamp) - START).days


@dataclass
class Story:
    """A contract that is edited, and what it should say."""

    world: World = field(default_factory=lambda: World("2025-01-01T00:00:00Z"))
    terms: Terms = Terms()
    hour: int = 0
    history: list[tuple[str, str, Terms]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        self.customer, card = world.customer(), world.rate_card()
        self.fixed, seat = world.product(type="FIXED"), world.product(type="SUBSCRIPTION")
        world.rate(card, world.product(world.metric()), price=100)
        world.rate(card, seat, price=10, billing_frequency="MONTHLY")
        subscription = {
            "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
            "collection_schedule": "ADVANCE",
            "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
            "initial_quantity": self.terms.seats,
        }
        self.contract = world.contract(
            self.customer, card, day(0), subscriptions=[subscription], uniqueness_key="contract"
        )
        self.names = {"customer_id": self.customer, "contract_id": self.contract}
        used = {**self.names, "update_contract_name": None, "uniqueness_key": "used"}
        edit = world.post("/v2/contracts/edit", used)["id"]
        self.history.append((edit, self.now, self.terms))
        world.use(self.customer, 3, day(0))
        self.wait(hours=1)

    @property
    def now(self) -> str:
        return (START + timedelta(hours=self.hour)).isoformat()

    @property
    def today(self) -> int:
        return self.hour // 24

    def wait(self, hours: int) -> None:
        self.hour += hours
        self.world.clock(self.now)

    def version_2(self, **asked: object) -> JSON:
        shown: JSON = self.world.post("/v2/contracts/get", {**self.names, **asked})
        return shown

    def version_1(self) -> JSON:
        shown: JSON = self.world.post("/v1/contracts/get", self.names)
        return shown

    def everything(self) -> list[Any]:
        """Returns all that a refused edit might have changed."""
        return [
            self.version_1(),
            self.version_2(include_balance=True, include_ledgers=True),
            self.world.post("/v2/contracts/getEditHistory", self.names),
            self.world.invoices(self.customer),
        ]

    def final(self) -> list[JSON]:
        return self.world.invoices(self.customer, status="FINALIZED")

    def take(self, step: Step) -> None:
        """Takes a step, which must do all it says or, where it does not fit, nothing."""
        before = self.final()
        if step[0] == "wait":
            self.wait(hours=24 * step[1])
        elif step[0] == "spoil":
            self._spoil(step[1], step[2])
        else:
            self._edit(step)
        kept = {one["id"]: one for one in self.final()}
        assert [kept[one["id"]] for one in before] == before
        self.wait(hours=1)

    def _edit(self, step: Step) -> None:
        path, body, after = self._asked(step)
        before = self.everything() if after is None else []
        status, reply = self.world.call("POST", path, {**self.names, **body})
        if after is None:
            assert status == 400, (step, reply)
            assert self.everything() == before
            return
        assert status == 200, (step, reply)
        # Changing the end answers with the contract; its edit is the latest one.
        edit = self.world.post("/v2/contracts/getEditHistory", self.names)[-1]
        assert edit["timestamp"] == self.now
        self.terms = after
        self.history.append((edit["id"], self.now, after))

    def _spoil(self, step: Step, poison: str) -> None:
        path, body, _ = self._asked((*step[:-1], "v2") if step[-1] in ("v1", "v2") else step)
        if path != "/v2/contracts/edit":
            body = {"update_contract_name": None}
        harms: dict[str, JSON] = {
            "unknown override": {"remove_overrides": [{"id": UNKNOWN}]},
            "foreign product": {
                "add_overrides": [
                    {
                        "starting_at": day(0),
                        "type": "MULTIPLIER",
                        "multiplier": 2,
                        "override_specifiers": [{"product_id": self.fixed}],
                    }
                ]
            },
            "early end": {"update_contract_end_date": day(-1)},
            "used key": {"uniqueness_key": "used"},
        }
        harm = harms[poison]
        before = self.everything()
        status, reply = self.world.call(
            "POST", "/v2/contracts/edit", {**self.names, **body, **harm}
        )
        # What the change itself does not allow is told before the key is tried.
        assert status in ((400, 409) if poison == "used key" else (400,)), (step, poison, reply)
        assert self.everything() == before

    def _asked(self, step: Step) -> tuple[str, JSON, Terms | None]:
        """Returns the request of a step, and what it makes of the terms; None: it does not fit."""
        terms, kind, through = self.terms, step[0], step[-1]
        path, prefix = "/v2/contracts/edit", "add_"
        extra: JSON = {}
        if through == "v1":
            path, prefix, extra = "/v1/contracts/amend", "", {"starting_at": day(0)}
        if kind == "override":
            override = {"starting_at": day(0), "type": "MULTIPLIER", "multiplier": step[1]}
            after = replace(terms, overrides=(*terms.overrides, step[1]))
            return path, {**extra, f"{prefix}overrides": [override]}, after
        if kind == "charge":
            item = {"timestamp": day(step[2]), "amount": step[1]}
            charge = {"product_id": self.fixed, "schedule": {"schedule_items": [item]}}
            after = replace(terms, charges=(*terms.charges, Charge(step[1], step[2])))
            return path, {**extra, f"{prefix}scheduled_charges": [charge]}, after
        if kind == "credit":
            span = {"amount": step[1], "starting_at": day(0), "ending_before": day(240)}
            credit = {
                "product_id": self.fixed,
                "priority": 1,
                "access_schedule": {"schedule_items": [span]},
            }
            after = replace(terms, credits=(*terms.credits, step[1]))
            return path, {**extra, f"{prefix}credits": [credit]}, after
        if kind == "end":
            after = replace(terms, end=step[1])
            if through == "v2" and step[1] is not None:
                return path, {"update_contract_end_date": day(step[1])}, after
            end = {} if step[1] is None else {"ending_before": day(step[1])}
            return "/v1/contracts/updateEndDate", end, after
        return "/v2/contracts/edit", *self._changed(step)

    def _changed(self, step: Step) -> tuple[JSON, Terms | None]:
        terms, kind = self.terms, step[0]
        shown = self.version_2()
        if kind == "name":
            return {"update_contract_name": step[1]}, replace(terms, name=step[1])
        if kind == "terms":
            return (
                {"update_net_payment_terms_days": step[1]},
                replace(terms, payment_days=step[1]),
            )
        if kind == "seats":
            update = {"starting_at": self.now, "quantity_delta": step[1]}
            change = {
                "subscription_id": shown["subscriptions"][0]["id"],
                "quantity_updates": [update],
            }
            after = replace(terms, seats=terms.seats + step[1])
            return {"update_subscriptions": [change]}, after if after.seats >= 0 else None
        if kind == "remove override":
            if step[1] >= len(terms.overrides):
                return {"remove_overrides": [{"id": UNKNOWN}]}, None
            kept = tuple(one for at, one in enumerate(terms.overrides) if at != step[1])
            removed = [{"id": shown["overrides"][step[1]]["id"]}]
            return {"remove_overrides": removed}, replace(terms, overrides=kept)
        return self._charge_changed(step, shown)

    def _charge_changed(self, step: Step, shown: JSON) -> tuple[JSON, Terms | None]:
        terms, place = self.terms, step[1]
        listed = [at for at, one in enumerate(terms.charges) if not one.is_archived]
        if place >= len(listed):
            return {"archive_scheduled_charges": [{"id": UNKNOWN}]}, None
        charge, stored = terms.charges[listed[place]], shown["scheduled_charges"][place]
        if step[0] == "archive charge":
            asked: JSON = {"archive_scheduled_charges": [{"id": stored["id"]}]}
            changed = replace(charge, is_archived=True)
        else:
            [item] = stored["schedule"]["schedule_items"]
            update = {"update_schedule_items": [{"id": item["id"], "amount": step[2]}]}
            change = {"scheduled_charge_id": stored["id"], "invoice_schedule": update}
            asked = {"update_scheduled_charges": [change]}
            changed = replace(charge, amount=step[2])
        # What is billed already can neither be changed nor taken back.
        if charge.day <= self.today:
            return asked, None
        charges = [*terms.charges]
        charges[listed[place]] = changed
        return asked, replace(terms, charges=tuple(charges))


def terms_of(contract: JSON, subscriptions: list[JSON]) -> JSON:
    """Returns what a contract says, in the form of `Terms.shown`."""

    def amounts(charge: JSON) -> Iterator[tuple[int, int | None]]:
        for item in charge["schedule"]["schedule_items"]:
            yield item["amount"], number_of(item["timestamp"])

    return {
        "overrides": [Decimal(one["multiplier"]) for one in contract["overrides"]],
        "charges": [
            amount
            for charge in contract["scheduled_charges"]
            if "archived_at" not in charge
            for amount in amounts(charge)
        ],
        "credits": [
            one["access_schedule"]["schedule_items"][0]["amount"] for one in contract["credits"]
        ],
        "seats": subscriptions[0]["quantity_schedule"][-1]["quantity"],
        "name": contract.get("name"),
        "payment_days": contract.get("net_payment_terms_days"),
        "end": number_of(contract.get("ending_before")),
    }


@few
@given(steps=STEPS)
@example(
    steps=[
        ("charge", 5, 6, "v1"),
        ("spoil", ("credit", 9, "v2"), "unknown override"),
        ("wait", 7),
        ("update charge", 0, 7),
        ("archive charge", 0),
        ("end", 250, "v1"),
        ("seats", -3),
        ("wait", 25),
        ("wait", 5),
        ("override", Decimal("0.5"), "v1"),
        ("end", None, "v1"),
    ]
)
def test_any_edits_read_the_same_through_both_versions(steps: list[Step]) -> None:
    story = Story()
    for step in steps:
        story.take(step)

    newer, older = story.version_2(), story.version_1()
    assert terms_of(newer, newer["subscriptions"]) == story.terms.shown
    assert terms_of(older["current"], older["subscriptions"]) == story.terms.shown
    for name in ("overrides", "scheduled_charges", "credits"):
        ids = [one["id"] for one in newer[name]]
        assert ids == [one["id"] for one in older["current"][name]]
    assert older["subscriptions"] == newer["subscriptions"]
    first = older["initial"]
    assert (first["overrides"], first["scheduled_charges"], first["credits"]) == ([], [], [])
    # Each edit once, in the order they were made; and the contract as it was after each.
    told = story.world.post("/v2/contracts/getEditHistory", story.names)
    assert [(one["id"], one["timestamp"]) for one in told] == [
        (id_, at) for id_, at, _ in story.history
    ]
    for _, at, terms in story.history:
        then = story.version_2(as_of_date=at)
        assert terms_of(then, then["subscriptions"]) == terms.shown
