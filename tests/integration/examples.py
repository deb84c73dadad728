"""One valid request for everything that is built: the root of the tests that hold for all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.integration.product import Product, Reply, World, event

from backbeat.api.operations import NOT_BUILT, OPERATIONS

_REFERENCES: Final = frozenset(World.__slots__) - {"token"}


@dataclass(frozen=True, slots=True)
class Example:
    """A request of a world's owner.

    `<customer_id>` and the like, in the path or in the body, stand for the ids of the world.
    `unknown_id_status` is what an id answers that the caller does not own.
    """

    name: str
    method: str
    path: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    unknown_id_status: int = 404

    def references(self) -> set[str]:
        """Returns the names of the ids it stands on."""
        text = f"{self.path} {self.body}"
        return {name for name in _REFERENCES if f"<{name}>" in text}

    def send(self, product: Product, world: World, **ids: str) -> Reply:
        """Sends it with the world's token and ids, but for those given."""
        method, path, body = self.filled(world, **ids)
        return product.request(method, path, body, token=world.token, query=dict(self.query))

    def filled(self, world: World, **ids: str) -> tuple[str, str, Any]:
        """Returns method, path and body with ids in the place of their names."""
        known = {name: getattr(world, name) for name in _REFERENCES} | ids
        return self.method, _fill(self.path, known), _fill(self.body, known)


def _fill(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, id_ in ids.items():
            value = value.replace(f"<{name}>", id_)
        return value
    if isinstance(value, dict):
        return {name: _fill(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, ids) for part in value]
    return value


_RATE: Final = {
    "product_id": "<product_id>",
    "starting_at": "2025-02-01T00:00:00Z",
    "ending_before": "2025-03-01T00:00:00Z",
    "entitled": True,
    "rate_type": "FLAT",
    "price": 3,
}

_OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    "getCustomer-v1": {},
    "listCustomers-v1": {"query": {"limit": "5"}},
    "createCustomer-v1": {
        "body": {"name": "Beta", "ingest_aliases": ["beta"], "custom_fields": {"tier": "gold"}}
    },
    "setIngestAliases-v1": {"body": {"ingest_aliases": ["acme", "acme-2"]}},
    "setCustomerName-v1": {"body": {"name": "Acme Inc."}},
    "createBillableMetricV1-v1": {
        "body": {
            "name": "Seconds",
            "aggregation_type": "SUM",
            "aggregation_key": "seconds",
            "event_type_filter": {"in_values": ["call"], "not_in_values": ["test"]},
            "property_filters": [
                {"name": "seconds", "exists": True},
                {"name": "region", "in_values": ["eu", "us"]},
            ],
            "group_keys": [["region"]],
            "custom_fields": {"team": "voice"},
        }
    },
    "archiveBillableMetric-v1": {"body": {"id": "<metric_id>"}},
    "listCreditTypes-v1": {"query": {"limit": "5"}},
    "getBillableMetric-v1": {"path": {"billable_metric_id": "metric_id"}},
    "updateBillableMetric-v1": {
        "path": {"billable_metric_id": "metric_id"},
        "body": {"name": "All calls"},
    },
    "listAllBillableMetrics-v1": {"query": {"limit": "5"}},
    "getProduct-v1": {"body": {"id": "<product_id>"}},
    "listProducts-v1": {"body": {"archive_filter": "NOT_ARCHIVED"}, "query": {"limit": "5"}},
    "createProduct-v1": {
        "body": {
            "name": "Model tokens",
            "type": "USAGE",
            "billable_metric_id": "<tokens_metric_id>",
            "pricing_group_key": ["model"],
            "tags": ["ai"],
            "custom_fields": {"team": "ai"},
        },
        # What a request refers to besides its subject is an argument like any other.
        "unknown_id_status": 400,
    },
    "getRates-v1": {
        "body": {
            "rate_card_id": "<rate_card_id>",
            "at": "2025-01-15T00:00:00Z",
            "selectors": [{"pricing_group_values": {"model": "small"}}],
        }
    },
    "getRateCard-v1": {"body": {"id": "<rate_card_id>"}},
    "listRateCards-v1": {"body": {}, "query": {"limit": "5"}},
    "createRateCard-v1": {"body": {"name": "Enterprise", "description": "By contract only"}},
    "addRate-v1": {"body": {"rate_card_id": "<rate_card_id>", **_RATE}},
    "addRates-v1": {"body": {"rate_card_id": "<rate_card_id>", "rates": [_RATE]}},
    "getContract-v1": {
        "body": {"customer_id": "<customer_id>", "contract_id": "<contract_id>"},
    },
    "listContracts-v1": {
        "body": {"customer_id": "<customer_id>", "covering_date": "2025-01-15T00:00:00Z"}
    },
    "createContract-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "rate_card_id": "<rate_card_id>",
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2026-01-01T00:00:00Z",
            "name": "Second",
            "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            "net_payment_terms_days": 30,
            "custom_fields": {"seller": "ann"},
        }
    },
    "getContract-v2": {
        "body": {"customer_id": "<customer_id>", "contract_id": "<contract_id>"},
    },
    "listContracts-v2": {
        "body": {"customer_id": "<customer_id>", "starting_at": "2024-12-01T00:00:00Z"}
    },
    "ingest-v1": {"body": [event("example-1"), event("example-2")]},
    "getPagedUsage-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "billable_metric_id": "<tokens_metric_id>",
            "window_size": "DAY",
            "starting_on": "2025-01-15T00:00:00Z",
            "ending_before": "2025-01-16T00:00:00Z",
            "group_key": ["model"],
            "group_filters": {"model": ["small"]},
        }
    },
    "getUsageBatch-v1": {
        "body": {
            "customer_ids": ["<customer_id>"],
            "billable_metrics": [{"id": "<tokens_metric_id>", "group_by": {"key": "model"}}],
            "window_size": "DAY",
            "starting_on": "2025-01-14T00:00:00Z",
            "ending_before": "2025-01-16T00:00:00Z",
        }
    },
    "searchEvents-v1": {"body": {"transactionIds": ["call-1"]}},
    "listInvoices-v1": {"query": {"limit": "5", "status": "DRAFT"}},
    "getInvoice-v1": {},
    "setClientWebhookSecret-v1": {"body": {"webhook_secret": "whsec"}},
}

_ROUTES: Final = (
    Example("ingestOlder", "POST", "/v1/usage/ingest", {"usage": [event("older-1")]}),
    Example("listTargets", "GET", "/webhooks/subscriptions"),
    Example("addTarget", "POST", "/webhooks/subscriptions", {"target": "https://example.com/b"}),
    Example("removeTarget", "DELETE", "/webhooks/subscriptions", {"target": "https://e.org/a"}),
    Example("dispatch", "POST", "/webhooks/dispatch", {"event": {"type": "alerts.test"}}),
    Example("listDeliveries", "GET", "/webhooks/deliveries", query={"limit": "5"}),
    Example("listDeadLetters", "GET", "/webhooks/dead-letters"),
    Example("getClock", "GET", "/mock/clock"),
    Example("moveClock", "POST", "/mock/clock", {"now": "2025-01-20T00:00:00Z"}),
    Example("reset", "POST", "/mock/reset"),
)


def _examples() -> Iterator[Example]:
    for operation in OPERATIONS:
        if operation.id not in NOT_BUILT:
            given = dict(_OPERATIONS[operation.id])
            path = operation.path
            for parameter, name in given.pop("path", {}).items():
                path = path.replace(f"{{{parameter}}}", f"<{name}>")
            path = path.replace("{", "<").replace("}", ">")
            status = given.pop("unknown_id_status", operation.unknown_id_status)
            yield Example(operation.id, operation.method, path, unknown_id_status=status, **given)
    yield from _ROUTES


EXAMPLES: Final = tuple(_examples())
WITH_BODY: Final = tuple(example for example in EXAMPLES if example.body is not None)
