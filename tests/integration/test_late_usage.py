"""What arrives after a period's cut-off is not on its invoice, however late that is computed.

January is cut off when 2 February begins. Each kind of metric is used in time, then late, and the
ticks come later still: the invoice must be the one of a clock that stopped at the cut-off.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.product import Product, TestClock

CUT_OFF = datetime(2025, 2, 2, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
METRICS: dict[str, dict[str, Any]] = {
    "COUNT": {"aggregation_type": "COUNT"},
    "SUM": {"aggregation_type": "SUM"},
    "MAX": {"aggregation_type": "MAX"},
    "UNIQUE": {"aggregation_type": "UNIQUE"},
    "LATEST": {"aggregation_type": "LATEST"},
    "SQL": {"sql": "SELECT SUM(CAST(properties.units AS DECIMAL)) AS value FROM events"},
}
IN_TIME = {"COUNT": 2, "SUM": 7, "MAX": 5, "UNIQUE": 2, "LATEST": 2, "SQL": 7}
"""Of 5 units on 15 January and 2 on the 16th."""

WITH_LATE = {"COUNT": 4, "SUM": 20, "MAX": 9, "UNIQUE": 4, "LATEST": 4, "SQL": 20}
"""Of 9 more on the 14th and 4 on the 17th."""


class Story:
    """A customer billed for every kind of metric at 1 cent a unit."""

    def __init__(
        self, product: Product, clock: TestClock, metrics: Mapping[str, dict[str, Any]] = METRICS
    ) -> None:
        self.product = product
        self.clock = clock
        self.names = {}
        card = self.create("/v1/contract-pricing/rate-cards/create", name="List")
        self.card = card
        for name, definition in metrics.items():
            if "sql" not in definition:
                definition = {
                    **definition,
                    "event_type_filter": {"in_values": ["use"]},
                    "property_filters": [{"name": "units", "exists": True}],
                    **({} if name == "COUNT" else {"aggregation_key": "units"}),
                }
            metric = self.create("/v1/billable-metrics/create", name=name, **definition)
            sold = self.create(
                "/v1/contract-pricing/products/create",
                name=name,
                type="USAGE",
                billable_metric_id=metric,
            )
            self.names[sold] = name
            rate = {
                "rate_card_id": card,
                "product_id": sold,
                "starting_at": "2025-01-01T00:00:00Z",
                "entitled": True,
                "rate_type": "FLAT",
                "price": 1,
            }
            assert product.post("/v1/contract-pricing/rate-cards/addRate", rate).status == 200
        self.customer = self.create("/v1/customers", name="Acme", ingest_aliases=["acme"])

    def create(self, path: str, **body: object) -> str:
        created: str = self.product.post(path, body).data["id"]
        return created

    def contract(self, **fields: object) -> str:
        return self.create(
            "/v1/contracts/create",
            customer_id=self.customer,
            rate_card_id=self.card,
            starting_at="2025-01-01T00:00:00Z",
            **fields,
        )

    def use(self, units: int, day: int, id_: str) -> None:
        event = {
            "transaction_id": id_,
            "customer_id": "acme",
            "event_type": "use",
            "timestamp": f"2025-01-{day}T10:00:00Z",
            "properties": {"units": str(units)},
        }
        assert self.product.post("/v1/ingest", [event]).status == 200

    def use_in_time(self) -> None:
        self.use(5, 15, "first")
        self.use(2, 16, "second")

    def use_late(self) -> None:
        self.use(9, 14, "third")
        self.use(4, 17, "fourth")

    def january(self, status: str) -> Any:
        found = self.product.get(f"/v1/customers/{self.customer}/invoices", status=status).data
        return next(one for one in found if one["start_timestamp"].startswith("2025-01-01"))

    def quantities(self, invoice: Any) -> dict[str, Decimal]:
        return {self.names[line["product_id"]]: line["quantity"] for line in invoice["line_items"]}

    def finalize(self) -> None:
        self.product.tick()
        self.product.work_off_jobs()


@pytest.fixture
def story(product: Product, clock: TestClock) -> Story:
    clock.set(datetime(2025, 1, 10, tzinfo=UTC))
    return Story(product, clock)


def test_a_late_tick_bills_what_came_in_time(story: Story, clock: TestClock) -> None:
    story.contract()
    clock.set(CUT_OFF - INSTANT)
    story.use_in_time()
    clock.set(CUT_OFF)
    story.use_late()
    # What was accepted in time is still accepted then when it is sent again.
    story.use_in_time()

    assert story.quantities(story.january("DRAFT")) == IN_TIME
    clock.set(CUT_OFF + timedelta(hours=7, minutes=3))
    story.finalize()
    final = story.january("FINALIZED")
    assert story.quantities(final) == IN_TIME
    assert final["issued_at"] == "2025-02-02T00:00:00+00:00"

    # The usage is there all the same, and a regenerated invoice has it.
    assert story.product.post("/v1/invoices/void", {"id": final["id"]}).status == 200
    assert story.product.post("/v1/invoices/regenerate", {"id": final["id"]}).status == 200
    assert story.quantities(story.january("FINALIZED")) == WITH_LATE


def test_usage_of_february_is_not_late_for_february(story: Story, clock: TestClock) -> None:
    """It is older than a day when it arrives, and no period with it is cut off yet."""
    story.contract()
    clock.set(CUT_OFF + timedelta(days=6))
    event = {
        "transaction_id": "february",
        "customer_id": "acme",
        "event_type": "use",
        "timestamp": "2025-02-03T10:00:00Z",
        "properties": {"units": "3"},
    }
    assert story.product.post("/v1/ingest", [event]).status == 200
    clock.set(datetime(2025, 3, 2, 5, tzinfo=UTC))
    story.finalize()
    found = story.product.get(f"/v1/customers/{story.customer}/invoices", status="FINALIZED").data
    [february] = [one for one in found if one["start_timestamp"].startswith("2025-02")]
    assert story.quantities(february) == {
        name: 1 if name in ("COUNT", "UNIQUE") else 3 for name in METRICS
    }


def test_a_contract_that_begins_in_the_past_bills_what_is_known(
    story: Story, clock: TestClock
) -> None:
    """Its January was cut off before there was a contract."""
    clock.set(CUT_OFF - INSTANT)
    story.use_in_time()
    clock.set(CUT_OFF + timedelta(hours=9, minutes=30))
    story.use_late()
    story.contract()
    assert story.quantities(story.january("FINALIZED")) == WITH_LATE


def test_a_period_that_an_extension_opens_bills_what_is_known(
    story: Story, clock: TestClock
) -> None:
    """The contract had ended on 15 January; in February it is found to go on."""
    contract = story.contract(ending_before="2025-01-15T00:00:00Z")
    clock.set(CUT_OFF + timedelta(hours=3))
    story.finalize()
    story.use_in_time()
    body = {
        "customer_id": story.customer,
        "contract_id": contract,
        "ending_before": "2025-03-01T00:00:00Z",
    }
    clock.set(CUT_OFF + timedelta(hours=4))
    assert story.product.post("/v1/contracts/updateEndDate", body).status == 200
    found = story.product.get(f"/v1/customers/{story.customer}/invoices", status="FINALIZED").data
    [rest] = [one for one in found if one["start_timestamp"].startswith("2025-01-15")]
    assert story.quantities(rest) == IN_TIME


@pytest.mark.parametrize("name", ["COUNT", "SUM", "MAX", "UNIQUE", "LATEST", "SQL"])
def test_a_late_invoice_is_explained(story: Story, clock: TestClock, name: str) -> None:
    story.contract()
    clock.set(CUT_OFF - INSTANT)
    story.use_in_time()
    clock.set(CUT_OFF + timedelta(minutes=2))
    story.use_late()
    clock.set(CUT_OFF + timedelta(minutes=5))
    story.finalize()
    final = story.january("FINALIZED")
    shown = story.product.get(f"/mock/explain/{final['id']}").data["line_items"]
    [line] = [one for one in shown if one["name"] == name]
    told = story.product.get(line["explanation"]).data
    assert told["matches"] is True
    assert told["events"]["count"] == 2
    assert told["late_events"]["count"] == 2


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_a_preview_leaves_out_what_comes_too_late(
    product: Product, clock: TestClock, mode: str
) -> None:
    clock.set(datetime(2025, 1, 10, tzinfo=UTC))
    streaming = {name: metric for name, metric in METRICS.items() if "sql" not in metric}
    story = Story(product, clock, streaming)
    story.contract()
    clock.set(CUT_OFF - INSTANT)
    story.use_in_time()
    clock.set(CUT_OFF + timedelta(minutes=2))
    story.use_late()
    event = {
        "event_type": "use",
        "timestamp": "2025-01-18T10:00:00Z",
        "properties": {"units": "100"},
    }

    path = f"/v1/customers/{story.customer}/previewEvents"
    january, february = product.post(path, {"events": [event], "mode": mode}).data

    # What is sent now is not on an invoice that was cut off, whoever imagines it.
    in_time = {name: units for name, units in IN_TIME.items() if name in streaming}
    expected = in_time if mode == "merge" else dict.fromkeys(streaming, 0)
    assert story.quantities(january) == expected
    assert story.quantities(february) == dict.fromkeys(streaming, 0)
