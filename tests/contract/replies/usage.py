"""Reading usage and events: what works, and what is refused."""

from typing import Final

from tests.contract.replies.cases import INVALID, NO_CUSTOMER, UNKNOWN, Refusal, Success, posted
from tests.contract.replies.world import JSON, World

MARCH: Final[JSON] = {
    "starting_on": "2025-03-01T00:00:00Z",
    "ending_before": "2025-03-08T00:00:00Z",
}


def usage_of(world: World, **changes: object) -> JSON:
    return {
        "customer_id": world.customer,
        "billable_metric_id": world.sum_metric,
        "window_size": "DAY",
        **MARCH,
        **changes,
    }


def seats_of(world: World, **changes: object) -> JSON:
    return {
        "customer_id": world.customer,
        "seat_metric_id": world.count_metric,
        "window_size": "DAY",
        "usage_type": "MAX",
        **MARCH,
        **changes,
    }


SUCCESSES: Final[list[Success]] = [
    Success(
        "getUsageBatch-v1",
        "everything by day",
        lambda w: w.sdk.v1.usage.list(window_size="DAY", **MARCH),
    ),
    Success(
        "getUsageBatch-v1",
        "one metric by group",
        lambda w: w.sdk.v1.usage.list(
            window_size="NONE",
            customer_ids=[w.customer],
            billable_metrics=[
                {"id": w.sum_metric, "group_by": {"key": "region", "values": ["eu", "ap"]}}
            ],
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "compound key",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.sum_metric,
            window_size="DAY",
            group_key=["region", "model"],
            group_filters={"region": ["eu"]},
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "simple key, older form",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.sum_metric,
            window_size="NONE",
            group_by={"key": "region"},
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "ungrouped",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.count_metric,
            window_size="DAY",
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "current period",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.count_metric,
            window_size="NONE",
            current_period=True,
        ),
    ),
    Success(
        "searchEvents-v1",
        "known, repeated and unknown",
        lambda w: w.sdk.v1.usage.search(transaction_ids=["event-0", "event-3", "nobody"]),
    ),
    Success(
        "getSeatsUsage-v1",
        "the most by day",
        posted("getSeatsUsage-v1", lambda w: seats_of(w)),
    ),
    Success(
        "getSeatsUsage-v1",
        "the latest of the current period",
        posted(
            "getSeatsUsage-v1",
            lambda w: {
                "customer_id": w.customer,
                "seat_metric_id": w.count_metric,
                "window_size": "NONE",
                "usage_type": "LATEST",
                "current_period": True,
            },
        ),
    ),
    Success(
        "getPurchasedSeats-v1",
        "none",
        lambda w: w.api.call(
            "getPurchasedSeats-v1", token=w.token, path={"customer_id": w.customer}
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "getUsageBatch-v1",
        "not at midnight",
        *INVALID,
        "starting_on",
        lambda w: {
            "body": {
                "window_size": "DAY",
                "starting_on": "2025-03-01T01:00:00Z",
                "ending_before": "2025-03-02T00:00:00Z",
            }
        },
    ),
    Refusal(
        "getUsageBatch-v1",
        "unknown metric",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"body": {"window_size": "DAY", **MARCH, "billable_metrics": [{"id": UNKNOWN}]}},
    ),
    Refusal(
        "getPagedUsage-v1",
        "a part of a group key",
        *INVALID,
        "group_key",
        lambda w: {"body": usage_of(w, group_key=["model"])},
    ),
    Refusal(
        "getPagedUsage-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": usage_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "searchEvents-v1",
        "no ids",
        *INVALID,
        "transactionIds",
        lambda w: {"body": {"transactionIds": []}},
    ),
    Refusal(
        "getSeatsUsage-v1",
        "unknown metric",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"body": seats_of(w, seat_metric_id=UNKNOWN)},
    ),
    Refusal(
        "getSeatsUsage-v1",
        "unknown reading",
        *INVALID,
        "usage_type",
        lambda w: {"body": seats_of(w, usage_type="MEAN")},
    ),
    Refusal(
        "getPurchasedSeats-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
]
