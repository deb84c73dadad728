"""Function `ingest`: events in, each counted once."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from backbeat.ports.store import Contention
from tests.integration.product import Product, Reply, TestClock, World, event
from tests.integration.store import WatchedStore

INGEST = "/v1/ingest"


def calls(product: Product, world: World) -> Any:
    """Returns how many calls and tokens were counted in January."""
    body = {
        "window_size": "NONE",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
        "customer_ids": [world.customer_id],
    }
    by_metric = {
        row["billable_metric_id"]: row["value"] for row in product.post("/v1/usage", body).data
    }
    return by_metric[world.metric_id], by_metric[world.tokens_metric_id]


def found(product: Product, *transaction_ids: str) -> list[tuple[str, bool]]:
    events = product.post("/v1/events/search", {"transactionIds": list(transaction_ids)}).body
    return [(one["transaction_id"], one["is_duplicate"]) for one in events]


def test_the_answer_is_empty(product: Product) -> None:
    reply = product.post(INGEST, [event("e-1")])
    assert (reply.status, reply.body) == (200, None)


def test_a_batch_holds_up_to_100_events(product: Product, world: World) -> None:
    assert product.post(INGEST, [event(f"e-{number}") for number in range(100)]).status == 200
    assert calls(product, world) == (103, 1030)


class TestRepeats:
    def test_inside_a_batch(self, product: Product, world: World) -> None:
        product.post(INGEST, [event("e-1"), event("e-2"), event("e-1")])
        assert calls(product, world) == (5, 50)
        assert found(product, "e-1") == [("e-1", True), ("e-1", False)] or found(
            product, "e-1"
        ) == [("e-1", False), ("e-1", True)]

    def test_of_a_whole_batch(self, product: Product, world: World) -> None:
        batch = [event(f"e-{number}") for number in range(100)]
        for _ in range(3):
            assert product.post(INGEST, batch).status == 200
        assert calls(product, world) == (103, 1030)

    def test_the_first_counts_whatever_the_repeat_says(
        self, product: Product, world: World
    ) -> None:
        product.post(INGEST, [event("e-1", properties={"model": "small", "tokens": 5})])
        product.post(INGEST, [event("e-1", properties={"model": "small", "tokens": 500})])
        product.post(INGEST, [event("e-1", customer_id="somebody else")])
        assert calls(product, world) == (4, 35)
        assert len(found(product, "e-1")) == 3

    def test_a_transaction_id_is_free_again_after_34_days(
        self, product: Product, world: World, clock: TestClock
    ) -> None:
        product.post("/mock/clock", {"now": "2025-01-01T00:00:00Z"})
        product.post(INGEST, [event("e-1", timestamp="2025-01-01T00:00:00Z")])
        for now, count in [("2025-02-03T23:59:59Z", 0), ("2025-02-04T00:00:00Z", 1)]:
            product.post("/mock/clock", {"now": now})
            product.post(INGEST, [event("e-1", timestamp="2025-02-03T00:00:00Z")])
            [february] = product.get(
                f"/v1/customers/{world.customer_id}/invoices", status="DRAFT"
            ).data
            # A call of 2 cents with 10 tokens of 0.5 cents.
            assert february["total"] == 7 * count

    def test_of_many_clients_at_once(self, product: Product, world: World) -> None:
        batches = [[event(f"e-{(start + n) % 60}") for n in range(40)] for start in range(0, 60, 8)]
        replies: list[Reply] = []

        def send(batch: list[dict[str, object]]) -> None:
            for _ in range(2):
                replies.append(product.post(INGEST, batch))

        threads = [threading.Thread(target=send, args=(batch,)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {reply.status for reply in replies} == {200}
        assert calls(product, world) == (63, 630)

    def test_after_a_failure_in_between(
        self, product: Product, world: World, store: WatchedStore
    ) -> None:
        """A batch is stored in chunks; the client, told 503, sends all of it again."""
        models = [{"model": f"m-{number}", "tokens": 1} for number in range(90)]
        batch = [event(f"e-{n}", properties=properties) for n, properties in enumerate(models)]
        writes = store.writes

        def busy() -> None:
            if store.writes == writes + 1:
                raise Contention

        store.before = busy
        assert product.post(INGEST, batch).status == 503
        store.before = lambda: None
        assert product.post(INGEST, batch).status == 200
        assert calls(product, world) == (93, 120)


class TestTime:
    @pytest.mark.parametrize(
        ("timestamp", "status"),
        [
            ("2024-12-12T12:00:00Z", 200),
            ("2024-12-12T11:59:59.999999Z", 400),
            ("2025-01-16T12:00:00Z", 200),
            ("2025-01-16T12:00:00.000001Z", 400),
            ("2025-01-16T14:00:00+02:00", 200),
        ],
    )
    def test_from_34_days_ago_to_a_day_ahead(
        self, timestamp: str, status: int, product: Product
    ) -> None:
        assert product.post(INGEST, [event("e-1", timestamp=timestamp)]).status == status

    def test_an_event_counts_in_the_hour_it_happened(self, product: Product, world: World) -> None:
        product.post(
            INGEST,
            [
                event("e-1", timestamp="2025-01-14T23:59:59.999999Z"),
                event("e-2", timestamp="2025-01-15T00:00:00+01:00"),
                event("e-3", timestamp="2025-01-15T00:00:00Z"),
            ],
        )
        rows = product.post(
            "/v1/usage",
            {
                "window_size": "DAY",
                "starting_on": "2025-01-14T00:00:00Z",
                "ending_before": "2025-01-16T00:00:00Z",
                "billable_metrics": [{"id": world.metric_id}],
            },
        ).data
        assert [row["value"] for row in rows] == [2, 1 + 3]


class TestValues:
    @pytest.mark.parametrize(
        ("tokens", "counted"),
        [
            (7, 7),
            ("7", 7),
            (0.1, Decimal("0.1")),
            ("0.1", Decimal("0.1")),
            (-3, -3),
            ("1e2", 100),
            (True, 0),
            (None, 0),
            ("seven", 0),
            ("", 0),
            ("NaN", 0),
            ("Infinity", 0),
            ([7], 0),
            ({"n": 7}, 0),
        ],
        ids=str,
    )
    def test_numbers_and_texts_of_numbers_add_up(
        self, tokens: object, counted: object, product: Product, world: World
    ) -> None:
        sent = event("e-1", properties={"model": "small", "tokens": tokens})
        assert product.post(INGEST, [sent]).status == 200
        assert calls(product, world) == (4, 30 + counted)  # type: ignore[operator]

    def test_sums_are_exact(self, product: Product, world: World) -> None:
        tenths = [
            event(f"e-{number}", properties={"model": "small", "tokens": "0.1"})
            for number in range(100)
        ]
        product.post(INGEST, tenths)
        assert calls(product, world)[1] == 40

    def test_properties_may_be_missing(self, product: Product, world: World) -> None:
        bare = event("e-1")
        del bare["properties"]
        assert product.post(INGEST, [bare]).status == 200
        assert calls(product, world) == (4, 30)


def test_the_older_form(product: Product, world: World, clock: TestClock) -> None:
    unnamed = event("x", timestamp=(clock.now() - timedelta(hours=1)).isoformat())
    del unnamed["transaction_id"]
    reply = product.post("/v1/usage/ingest", {"usage": [unnamed, unnamed, event("call-1")]})
    assert reply.body == {"message": "Usage events ingested successfully", "count": 3}
    # The two without a transaction id are two events; the third was sent before.
    assert calls(product, world) == (5, 50)
