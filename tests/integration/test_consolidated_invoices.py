"""Usage of a hierarchy on one invoice of the parent."""

from typing import Any

from tests.integration.worked.world import JSON, World

JANUARY = "2025-01-01T00:00:00Z"


class Family:
    """A parent and what it has below; everybody pays 2 a unit on their own contract."""

    def __init__(self, consolidation: str = "CONCATENATE") -> None:
        self.world = World()
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.world.product(self.world.metric()), price=2)
        self.parent = self.world.customer("parent")
        role = {"parent_behavior": {"invoice_consolidation_type": consolidation}}
        self.contract = self.world.contract(
            self.parent, self.card, JANUARY, hierarchy_configuration=role
        )

    @property
    def link(self) -> JSON:
        return {"customer_id": self.parent, "contract_id": self.contract}

    def child(
        self,
        alias: str,
        start: str = JANUARY,
        *,
        behavior: str = "CONSOLIDATE",
        payer: str = "PARENT",
        **terms: Any,
    ) -> tuple[str, str]:
        """Returns a new child and its contract."""
        role = {"parent": self.link, "payer": payer, "usage_statement_behavior": behavior}
        customer = self.world.customer(alias)
        contract = self.world.contract(
            customer, self.card, start, hierarchy_configuration=role, **terms
        )
        return customer, contract

    def consolidated(self) -> list[JSON]:
        return self.world.invoices(self.parent, type="USAGE_CONSOLIDATED")


def test_the_parents_invoice_copies_those_of_the_children() -> None:
    family = Family()
    world = family.world
    first, first_contract = family.child("first")
    second, _ = family.child("second", "2025-01-10T00:00:00Z")
    apart, _ = family.child("apart", behavior="SEPARATE", payer="SELF")
    world.clock("2025-01-20T00:00:00Z")
    for name, units in (("parent", 1), ("first", 10), ("second", 100), ("apart", 1000)):
        world.use(name, units, "2025-01-19T00:00:00Z")

    [draft] = family.consolidated()
    own, theirs = world.draft(family.parent, contract_id=family.contract), world.draft(first)
    # (1 + 10 + 100) × 2; what is separate is not there.
    assert (draft["status"], draft["total"]) == ("DRAFT", 222)
    assert draft["customer_id"] == family.parent
    assert [line["quantity"] for line in draft["line_items"]] == [1, 10, 100]
    assert draft["constituent_invoices"][:2] == [
        {**family.link, "invoice_id": own["id"]},
        {"customer_id": first, "contract_id": first_contract, "invoice_id": theirs["id"]},
    ]
    origin = draft["line_items"][1]["origin"]
    assert (origin["customer_id"], origin["invoice_id"]) == (first, theirs["id"])
    assert own["payer"] == theirs["payer"] == draft["payer"] == family.link
    assert world.draft(apart)["payer"]["customer_id"] == apart
    read = world.get(f"/v1/customers/{family.parent}/invoices/{draft['id']}")
    assert read == draft
    told = [
        world.get(line["explanation"])
        for line in world.get(f"/mock/explain/{draft['id']}")["line_items"]
    ]
    assert [one["matches"] for one in told] == [True] * 3
    assert told[1]["line_item"]["id"] == origin["line_item_id"]

    world.clock("2025-02-02T00:00:00Z")
    final, following = family.consolidated()
    assert (final["id"], final["status"], final["total"]) == (draft["id"], "FINALIZED", 222)
    assert (following["status"], following["total"]) == ("DRAFT", 0)
    for id_ in (final["id"], following["id"]):
        assert "made of others" in world.refused("/v1/invoices/void", {"id": id_})["message"]
    assert world.call("GET", f"/v1/customers/{second}/invoices/{final['id']}")[0] == 404


def test_a_child_with_periods_of_its_own_stays_apart() -> None:
    family = Family()
    weekly = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    family.child("weekly", usage_statement_schedule=weekly)
    quarterly = {"frequency": "QUARTERLY", "day": "CONTRACT_START"}
    family.child("quarterly", usage_statement_schedule=quarterly)
    family.world.clock("2025-02-10T00:00:00Z")
    # No week ends with January, and a quarter does not lie in a month.
    assert family.consolidated() == []


def test_without_the_parents_wish_nothing_is_consolidated() -> None:
    family = Family("NONE")
    family.child("first")
    assert family.consolidated() == []


def test_a_void_invoice_of_a_child_is_replaced_by_the_one_made_anew() -> None:
    family = Family()
    world = family.world
    child, _ = family.child("first")
    world.clock("2025-01-20T00:00:00Z")
    world.use("first", 10, "2025-01-19T00:00:00Z")
    world.clock("2025-02-05T00:00:00Z")
    world.use("first", 5, "2025-01-19T00:00:00Z")
    [final] = world.invoices(child, status="FINALIZED")
    world.post("/v1/invoices/void", {"id": final["id"]})
    new_id = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    january, _ = family.consolidated()
    assert [one["invoice_id"] for one in january["constituent_invoices"]][1:] == [new_id]
    assert january["total"] == 30


class Notices:
    """What a subscriber would be sent: nobody listens, and the log says what was to be told."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.post("/webhooks/subscriptions", {"target": "http://127.0.0.1:9/hook"})

    def finalized(self) -> list[str]:
        """Returns the ids of the invoices that were told to be final, in order of the ids."""
        deliveries = self.world.get("/webhooks/deliveries", event_type="invoice.finalized")
        events = [self.world.get(f"/webhooks/events/{one['event_id']}") for one in deliveries]
        return sorted(event["body"]["properties"]["invoice_id"] for event in events)


def test_a_consolidated_invoice_is_told_to_be_final_once_with_its_last_part() -> None:
    family = Family()
    world, notices = family.world, Notices(family.world)
    first, _ = family.child("first")
    # Its usage ends with January too, so it is final at the same instant.
    second, _ = family.child("second", "2025-01-10T00:00:00Z")
    family.child("apart", behavior="SEPARATE", payer="SELF")
    [draft] = family.consolidated()

    world.clock("2025-02-01T23:00:00Z")
    assert notices.finalized() == []
    world.clock("2025-02-02T00:00:00Z")

    # Four of their own, and the one that joins three of them.
    told = notices.finalized()
    assert len(told) == 5
    assert told.count(draft["id"]) == 1
    mine = {one["id"] for one in (*world.invoices(first), *world.invoices(second))}
    assert len(mine & {*told}) == 2


def test_a_consolidated_invoice_of_an_invoice_made_anew_is_told_too() -> None:
    family = Family()
    world, notices = family.world, Notices(family.world)
    child, _ = family.child("first")
    world.clock("2025-02-05T00:00:00Z")
    before = notices.finalized()

    [theirs] = world.invoices(child, status="FINALIZED")
    world.post("/v1/invoices/void", {"id": theirs["id"]})
    anew = world.post("/v1/invoices/regenerate", {"id": theirs["id"]})["id"]
    # The consolidated invoice is the same one as before, and was told of.
    assert notices.finalized() == sorted([*before, anew])

    [own] = world.invoices(family.parent, status="FINALIZED", type="USAGE")
    world.post("/v1/invoices/void", {"id": own["id"]})
    last = world.post("/v1/invoices/regenerate", {"id": own["id"]})["id"]
    [joined] = [one for one in family.consolidated() if one["status"] == "FINALIZED"]
    assert notices.finalized() == sorted([*before, anew, last, joined["id"]])
    assert joined["id"] not in before
