"""Function `usage`: usage by window and group, event search."""

from typing import Any

import pytest

from tests.integration.product import Product, World, event


@pytest.fixture
def world(product: Product) -> World:
    """Adds events of two models on two days to the usual ones."""
    world = World.build(product, "demo")
    events = [
        ("a", "2025-01-14T09:00:00Z", "small", 1),
        ("b", "2025-01-14T09:59:59Z", "large", 2),
        ("c", "2025-01-14T10:00:00Z", "large", 4),
        ("d", "2025-01-15T00:00:00Z", "small", 8),
    ]
    batch = [
        event(id_, timestamp=at, properties={"model": model, "tokens": tokens})
        for id_, at, model, tokens in events
    ]
    assert product.post("/v1/ingest", batch).status == 200
    return world


def usage(product: Product, world: World, size: str, **changes: Any) -> list[Any]:
    body = {
        "window_size": size,
        "starting_on": "2025-01-14T00:00:00Z",
        "ending_before": "2025-01-16T00:00:00Z",
        "customer_ids": [world.customer_id],
        "billable_metrics": [{"id": world.tokens_metric_id}],
        **changes,
    }
    rows: list[Any] = product.post("/v1/usage", body).data
    return rows


def grouped(product: Product, world: World, **changes: Any) -> list[tuple[Any, Any]]:
    body = {
        "customer_id": world.customer_id,
        "billable_metric_id": world.tokens_metric_id,
        "window_size": "DAY",
        "starting_on": "2025-01-14T00:00:00Z",
        "ending_before": "2025-01-16T00:00:00Z",
        **changes,
    }
    reply = product.post("/v1/usage/groups", body)
    assert reply.status == 200, reply
    return [(row.get("group"), row["value"]) for row in reply.data]


class TestUsage:
    def test_by_day(self, product: Product, world: World) -> None:
        rows = usage(product, world, "DAY")
        assert [(row["start_timestamp"], row["value"]) for row in rows] == [
            ("2025-01-14T00:00:00+00:00", 7),
            # 8, and the three calls of 10 that every world has.
            ("2025-01-15T00:00:00+00:00", 38),
        ]
        assert rows[0] == {
            "customer_id": world.customer_id,
            "billable_metric_id": world.tokens_metric_id,
            "billable_metric_name": "Tokens",
            "start_timestamp": "2025-01-14T00:00:00+00:00",
            "end_timestamp": "2025-01-15T00:00:00+00:00",
            "value": 7,
        }

    def test_by_hour(self, product: Product, world: World) -> None:
        rows = usage(product, world, "HOUR")
        assert len(rows) == 48
        counted = {row["start_timestamp"][:13]: row["value"] for row in rows if row["value"]}
        assert counted == {
            "2025-01-14T09": 3,
            "2025-01-14T10": 4,
            "2025-01-15T00": 8,
            "2025-01-15T10": 30,
        }

    def test_as_a_whole_and_in_any_case(self, product: Product, world: World) -> None:
        [row] = usage(product, world, "none")
        assert row["value"] == 45

    def test_by_group(self, product: Product, world: World) -> None:
        metrics = [{"id": world.tokens_metric_id, "group_by": {"key": "model"}}]
        [row] = usage(product, world, "NONE", billable_metrics=metrics)
        assert row["groups"] == {"large": 6, "small": 39}
        metrics[0]["group_by"]["values"] = ["large", "huge"]  # type: ignore[index]
        [row] = usage(product, world, "NONE", billable_metrics=metrics)
        assert row["groups"] == {"large": 6, "huge": None}

    def test_of_everybody_and_everything(self, product: Product, world: World) -> None:
        idle = product.post("/v1/customers", {"name": "Idle"}).data["id"]
        rows = usage(product, world, "NONE", customer_ids=None, billable_metrics=None)
        values = {(row["customer_id"], row["billable_metric_id"]): row["value"] for row in rows}
        assert values == {
            (world.customer_id, world.metric_id): 7,
            (world.customer_id, world.tokens_metric_id): 45,
            (idle, world.metric_id): None,
            (idle, world.tokens_metric_id): None,
        }


class TestGroups:
    def test_without_keys_there_is_one_row_a_window(self, product: Product, world: World) -> None:
        assert grouped(product, world) == [(None, 7), (None, 38)]

    def test_by_key(self, product: Product, world: World) -> None:
        assert grouped(product, world, group_key=["model"]) == [
            ({"model": "large"}, 6),
            ({"model": "small"}, 1),
            ({"model": "small"}, 38),
        ]

    def test_some_values_only(self, product: Product, world: World) -> None:
        large = [({"model": "large"}, 6)]
        filters = {"model": ["large", "huge"]}
        assert grouped(product, world, group_key=["model"], group_filters=filters) == large
        older = {"key": "model", "values": ["large"]}
        assert grouped(product, world, group_by=older) == large

    def test_the_current_period(self, product: Product, world: World) -> None:
        rows = grouped(
            product,
            world,
            window_size="NONE",
            current_period=True,
            starting_on=None,
            ending_before=None,
        )
        assert rows == [(None, 45)]


class TestSearch:
    def test_an_event_says_what_it_counts_for(self, product: Product, world: World) -> None:
        [found] = product.post("/v1/events/search", {"transactionIds": ["a"]}).body
        assert found["matched_customer"] == {"id": world.customer_id, "name": "Acme"}
        matched = {metric["id"] for metric in found["matched_billable_metrics"]}
        assert matched == {world.metric_id, world.tokens_metric_id}
        assert (found["timestamp"], found["processed_at"]) == (
            "2025-01-14T09:00:00+00:00",
            "2025-01-15T12:00:00+00:00",
        )
        assert found["properties"] == {"model": "small", "tokens": 1}

    def test_unknown_ids_find_nothing(self, product: Product, world: World) -> None:
        ids = ["nobody's", "a", "a", "b"]
        found = product.post("/v1/events/search", {"transactionIds": ids}).body
        assert [one["transaction_id"] for one in found] == ["a", "b"]

    @pytest.mark.parametrize("id_", ["x" * 128, "a#b", "a%23b", "ä/\u2603\x00", " "])
    def test_any_text_may_be_a_transaction_id(
        self, id_: str, product: Product, world: World
    ) -> None:
        assert product.post("/v1/ingest", [event(id_)]).status == 200
        found = product.post("/v1/events/search", {"transactionIds": [id_]}).body
        assert [(one["transaction_id"], one["is_duplicate"]) for one in found] == [(id_, False)]


class TestSpans:
    YEAR = {"starting_on": "2025-01-01T00:00:00Z", "ending_before": "2026-01-01T00:00:00Z"}

    def test_a_year_of_hours_is_paged(self, product: Product, world: World) -> None:
        body = {
            "window_size": "HOUR",
            "customer_ids": [world.customer_id],
            "billable_metrics": [{"id": world.metric_id}, {"id": world.tokens_metric_id}],
            **self.YEAR,
        }
        rows: list[Any] = []
        query: dict[str, str] = {}
        while True:
            reply = product.post("/v1/usage", body, **query)
            assert reply.status == 200, reply
            rows += reply.body["data"]
            if reply.body["next_page"] is None:
                break
            query = {"next_page": reply.body["next_page"]}
        # 365 days of 24 hours, of two metrics.
        assert len(rows) == 2 * 8760
        places = [(row["billable_metric_id"], row["start_timestamp"]) for row in rows]
        assert places == sorted(set(places))
        # The calls of the usual world are at 10:30 on 15 January.
        used = [row for row in rows if row["value"] is not None]
        calls = [row for row in used if row["billable_metric_id"] == world.metric_id]
        assert {row["start_timestamp"]: row["value"] for row in calls}[
            "2025-01-15T10:00:00+00:00"
        ] == 3

    @pytest.mark.parametrize(
        ("size", "start", "end", "days"),
        [
            ("HOUR", "2024-01-01", "2025-01-02", 366),
            ("DAY", "1990-01-01", "2025-01-01", 10_000),
            ("NONE", "1970-01-01", "2999-12-31", 10_000),
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/usage", "/v1/usage/groups", "/v1/usage/seats"])
    def test_a_span_has_an_end(
        self, product: Product, world: World, path: str, size: str, start: str, end: str, days: int
    ) -> None:
        body = {
            "window_size": size,
            "starting_on": f"{start}T00:00:00Z",
            "ending_before": f"{end}T00:00:00Z",
            "customer_id": world.customer_id,
            "billable_metric_id": world.tokens_metric_id,
            "seat_metric_id": world.tokens_metric_id,
            "usage_type": "MAX",
        }
        reply = product.post(path, body)
        assert reply.status == 400
        assert reply.body["message"].endswith(
            f"ending_before: at most {days} days after starting_on with a window_size of {size}"
        )

    def test_all_the_time_there_was_is_one_window(self, product: Product, world: World) -> None:
        span = {"starting_on": "2000-01-01T00:00:00Z", "ending_before": "2027-01-01T00:00:00Z"}
        # 1 + 2 + 4 + 8, and the three calls of 10 that every world has.
        assert [row["value"] for row in usage(product, world, "NONE", **span)] == [45]
