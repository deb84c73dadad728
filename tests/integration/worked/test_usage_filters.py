"""Usage that several contracts of a customer share out among them."""

from typing import Any

from tests.integration.worked.world import World, lines


class Projects:
    """A customer whose product is metered by project, and two contracts' cards."""

    def __init__(self, *, groups: list[list[str]] | None = None) -> None:
        self.world = World("2025-01-31T00:00:00Z")
        self.customer = self.world.customer()
        metric = self.world.metric(groups=[["project"]] if groups is None else groups)
        self.product = self.world.product(metric)
        self.cards = {price: self._card(price) for price in (4, 5)}

    def _card(self, price: int) -> str:
        card = self.world.rate_card()
        self.world.rate(card, self.product, price=price)
        return card

    def contract(self, price: int, **fields: Any) -> str:
        return self.world.contract(self.customer, self.cards[price], **fields)

    def use(self, units: int, at: str = "2025-01-05T00:00:00Z", **properties: Any) -> None:
        self.world.use(self.customer, units, at, **properties)

    def total(self, contract: str) -> Any:
        return self.world.draft(self.customer, contract_id=contract)["total"]


def only(*projects: str, **fields: object) -> dict[str, Any]:
    return {"group_key": "project", "group_values": list(projects), **fields}


def test_we_65_usage_filter_split() -> None:
    projects = Projects()
    a = projects.contract(5, usage_filter=only("x"))
    b = projects.contract(4, usage_filter=only("y"))
    projects.use(300, project="x")
    projects.use(200, project="y")
    projects.use(70, project="z")

    # 300 × 5 on one, 200 × 4 on the other, and z on neither.
    assert (projects.total(a), projects.total(b)) == (1500, 800)


def test_we_65_without_filters_each_contract_rates_everything() -> None:
    projects = Projects()
    a, b = projects.contract(5), projects.contract(4)
    projects.use(300, project="x")
    projects.use(200, project="y")

    # D-31: 500 × 5 and 500 × 4.
    assert (projects.total(a), projects.total(b)) == (2500, 2000)


def test_a_filter_set_later_replaces_the_earlier_one_from_its_start() -> None:
    projects = Projects()
    contract = projects.contract(5, usage_filter=only("x"))
    for day in ("05", "15", "25"):
        projects.use(10, f"2025-01-{day}T00:00:00Z", project="x")
        projects.use(1, f"2025-01-{day}T00:00:00Z", project="y")
    names = {"customer_id": projects.customer, "contract_id": contract}
    projects.world.post(
        "/v1/contracts/setUsageFilter", {**names, **only("y", starting_at="2025-01-20T00:00:00Z")}
    )

    draft = projects.world.draft(projects.customer)

    # x on the 5th and 15th, y on the 25th; one price throughout, so one line: 21 × 5.
    assert draft["total"] == 105
    assert projects.world.post("/v2/contracts/get", names)["usage_filter"] == [
        {
            **only("x", starting_at="2025-01-01T00:00:00+00:00"),
            "ending_before": "2025-01-20T00:00:00+00:00",
        },
        only("y", starting_at="2025-01-20T00:00:00+00:00"),
    ]
    v1 = projects.world.post("/v1/contracts/get", names)["current"]["usage_filter"]
    assert v1 == {
        "initial": only("x", starting_at="2025-01-01T00:00:00+00:00"),
        "current": only("y", starting_at="2025-01-20T00:00:00+00:00"),
        "updates": [only("y", starting_at="2025-01-20T00:00:00+00:00")],
    }
    history = projects.world.post("/v2/contracts/getEditHistory", names)
    assert [edit["add_usage_filters"] for edit in history] == [
        [only("y", starting_at="2025-01-20T00:00:00+00:00")]
    ]


def test_a_filter_key_the_metric_is_not_grouped_by_rates_the_product_as_nothing() -> None:
    projects = Projects(groups=[])
    projects.contract(5, usage_filter=only("x"))
    projects.use(300, project="x")

    # D-34: shown with quantity 0 rather than refused.
    assert lines(projects.world.draft(projects.customer), "quantity", "total") == [(0, 0)]


def test_a_filter_outside_the_contract_is_refused() -> None:
    projects = Projects()
    body = {
        "customer_id": projects.customer,
        "rate_card_id": projects.cards[5],
        "starting_at": "2025-01-01T00:00:00Z",
        "usage_filter": only("x", starting_at="2024-12-01T00:00:00Z"),
    }

    assert "starting_at" in projects.world.refused("/v1/contracts/create", body)["message"]


def test_what_is_metered_by_its_latest_value_cannot_be_filtered() -> None:
    projects = Projects()
    latest = projects.world.product(projects.world.metric("LATEST", groups=[["project"]]))
    projects.world.rate(projects.cards[5], latest, price=1)
    contract = projects.contract(5)
    names = {"customer_id": projects.customer}
    start = "2025-01-01T00:00:00Z"

    # D-22: refused at both places a filter can come from.
    later = {**names, "contract_id": contract, **only("x", starting_at=start)}
    assert "latest" in projects.world.refused("/v1/contracts/setUsageFilter", later)["message"]
    new = {
        **names,
        "starting_at": start,
        "rate_card_id": projects.cards[5],
        "usage_filter": only("x"),
    }
    assert "latest" in projects.world.refused("/v1/contracts/create", new)["message"]
