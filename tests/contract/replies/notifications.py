"""Alerts and notification configurations: what works, and what is refused."""

from typing import Any, Final

from tests.contract.replies.cases import (
    INVALID,
    NO_CUSTOMER,
    UNKNOWN,
    Refusal,
    Success,
    posted,
)
from tests.contract.replies.world import JSON, USD, World


def alert_of(world: World, **changes: object) -> JSON:
    return {
        "alert_type": "spend_threshold_reached",
        "name": "Spend",
        "threshold": 10000,
        "customer_id": world.customer,
        **changes,
    }


def made(world: World, **changes: object) -> str:
    """Returns the id of a new alert."""
    return str(world.call("createAlert-v1", body=alert_of(world, **changes))["id"])


def everything(world: World) -> JSON:
    """Returns what an alert may say beside what it must."""
    return {
        "credit_type_id": USD,
        "evaluate_on_create": False,
        "uniqueness_key": world.new("alert"),
        "group_values": [{"key": "region"}],
        "custom_field_filters": [{"entity": "Contract", "key": "order", "value": "7"}],
    }


def archived(world: World) -> str:
    """Returns the id of an alert that is archived."""
    alert_id = made(world)
    world.call("archiveAlert-v1", body={"id": alert_id})
    return alert_id


def where(world: World, alert_id: str) -> dict[str, Any]:
    return {"customer_id": world.customer, "alert_id": alert_id}


def offset(type_: str, distance: str = "P1D") -> Any:
    return {"type": type_, "offset": distance}


def config(world: World) -> str:
    """Returns the id of a new configuration with an offset."""
    body = {"name": "Soon", "policy": offset("contract.end")}
    return str(world.call("createNotificationConfig-v2", body=body)["id"])


SUCCESSES: Final[list[Success]] = [
    Success(
        "createAlert-v1",
        "for one customer",
        lambda w: w.sdk.v1.alerts.create(**alert_of(w)),
    ),
    Success(
        "createAlert-v1",
        "with everything",
        lambda w: w.sdk.v1.alerts.create(**alert_of(w, **everything(w))),
    ),
    Success(
        "createAlert-v1",
        "on days",
        lambda w: w.sdk.v1.alerts.create(
            alert_type="low_remaining_days_for_commit_segment_reached", name="Days", threshold=7
        ),
    ),
    Success(
        "archiveAlert-v1",
        "releasing its key",
        lambda w: w.sdk.v1.alerts.archive(
            id=made(w, uniqueness_key=w.new("alert")), release_uniqueness_key=True
        ),
    ),
    Success(
        "getCustomerAlert-v1",
        "with everything",
        lambda w: w.sdk.v1.customers.alerts.retrieve(**where(w, made(w, **everything(w)))),
    ),
    Success(
        "getCustomerAlert-v1",
        "of one group",
        lambda w: w.sdk.v1.customers.alerts.retrieve(
            **where(w, made(w, group_values=[{"key": "region", "value": "eu"}])),
            group_values=[{"key": "region", "value": "eu"}],
        ),
    ),
    Success(
        "getCustomerAlert-v1",
        "archived",
        lambda w: w.sdk.v1.customers.alerts.retrieve(**where(w, archived(w))),
    ),
    Success(
        "listCustomerAlerts-v1",
        "in service",
        lambda w: w.sdk.v1.customers.alerts.list(customer_id=w.customer),
    ),
    Success(
        "listCustomerAlerts-v1",
        "of any status",
        lambda w: w.sdk.v1.customers.alerts.list(
            customer_id=w.customer, alert_statuses=["ENABLED", "DISABLED", "ARCHIVED"]
        ),
    ),
    Success(
        "resetCustomerAlerts-v1",
        "one",
        lambda w: w.sdk.v1.customers.alerts.reset(**where(w, made(w))),
    ),
    Success(
        "createNotificationConfig-v2",
        "after an event",
        lambda w: w.sdk.v2.notifications.offset.create(
            name="Later", policy=offset("contract.create")
        ),
    ),
    Success(
        "createNotificationConfig-v2",
        "with a key",
        lambda w: w.sdk.v2.notifications.offset.create(
            name="Soon",
            policy=offset("commit.segment.end", "-P3DT12H"),
            uniqueness_key=w.new("config"),
        ),
    ),
    Success(
        "getNotificationConfig-v2",
        "one",
        lambda w: w.sdk.v2.notifications.offset.retrieve(id=config(w)),
    ),
    Success(
        "listOffsetNotificationConfigs-v2",
        "of any age",
        lambda w: w.sdk.v2.notifications.offset.list(limit=400, archive_filter="ALL"),
    ),
    Success(
        "listSystemNotificationConfigs-v2",
        "all",
        lambda w: w.sdk.v2.notifications.system.list(),
    ),
    Success(
        "editNotificationConfig-v2",
        "an offset",
        lambda w: w.sdk.v2.notifications.offset.edit(
            id=config(w), policy=offset("contract.end", "P2D")
        ),
    ),
    Success(
        "editNotificationConfig-v2",
        "a system event",
        posted(
            "editNotificationConfig-v2",
            lambda w: {"is_enabled": True, "policy": {"type": "contract.edit"}},
        ),
    ),
    Success(
        "archiveNotificationConfig-v2",
        "one",
        lambda w: w.sdk.v2.notifications.offset.archive(id=config(w)),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "createAlert-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": alert_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "createAlert-v1",
        "unknown unit",
        *INVALID,
        UNKNOWN,
        lambda w: {"body": alert_of(w, credit_type_id=UNKNOWN)},
    ),
    Refusal(
        "createAlert-v1",
        "usage of nothing",
        *INVALID,
        "billable_metric_id",
        lambda w: {"body": alert_of(w, alert_type="usage_threshold_reached")},
    ),
    Refusal(
        "createAlert-v1",
        "more than all",
        *INVALID,
        "threshold",
        lambda w: {
            "body": alert_of(w, alert_type="low_remaining_commit_percentage_reached", threshold=101)
        },
    ),
    Refusal(
        "createAlert-v1",
        "four keys",
        *INVALID,
        "group_values",
        lambda w: {"body": alert_of(w, group_values=[{"key": key} for key in "abcd"])},
    ),
    Refusal(
        "createAlert-v1",
        "seats of no key",
        *INVALID,
        "seat_filter",
        lambda w: {"body": alert_of(w, alert_type="low_remaining_seat_balance_reached")},
    ),
    Refusal(
        "archiveAlert-v1",
        "unknown alert",
        404,
        "AlertNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "archiveAlert-v1",
        "twice",
        *INVALID,
        "Alert already archived",
        lambda w: {"body": {"id": archived(w)}},
    ),
    *(
        Refusal(
            operation,
            "unknown customer",
            *NO_CUSTOMER,
            lambda w: {"body": {"customer_id": UNKNOWN, "alert_id": made(w)}},
        )
        for operation in ("getCustomerAlert-v1", "listCustomerAlerts-v1", "resetCustomerAlerts-v1")
    ),
    *(
        Refusal(
            operation,
            "unknown alert",
            404,
            "AlertNotFound",
            UNKNOWN,
            lambda w: {"body": where(w, UNKNOWN)},
        )
        for operation in ("getCustomerAlert-v1", "resetCustomerAlerts-v1")
    ),
    Refusal(
        "resetCustomerAlerts-v1",
        "archived",
        *INVALID,
        "archived",
        lambda w: {"body": where(w, archived(w))},
    ),
    Refusal(
        "createNotificationConfig-v2",
        "before what nobody knows of",
        *INVALID,
        "policy.offset",
        lambda w: {"body": {"name": "Soon", "policy": offset("contract.edit", "-P1D")}},
    ),
    Refusal(
        "createNotificationConfig-v2",
        "no event",
        *INVALID,
        "policy.type",
        lambda w: {"body": {"name": "Soon", "policy": offset("contract.created")}},
    ),
    *(
        Refusal(
            operation,
            "unknown",
            404,
            "NotificationConfigNotFound",
            UNKNOWN,
            lambda w: {"body": {"id": UNKNOWN}},
        )
        for operation in ("getNotificationConfig-v2", "archiveNotificationConfig-v2")
    ),
    Refusal(
        "listOffsetNotificationConfigs-v2",
        "limit 401",
        *INVALID,
        "limit",
        lambda w: {"body": {"limit": 401}},
    ),
    Refusal(
        "editNotificationConfig-v2",
        "unknown",
        400,
        "NotificationConfigNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN, "policy": offset("contract.end")}},
    ),
    Refusal(
        "editNotificationConfig-v2",
        "neither offset nor system event",
        *INVALID,
        "is_enabled",
        lambda w: {"body": {"policy": {"type": "contract.end"}}},
    ),
]
