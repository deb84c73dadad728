"""A fresh sandbox behind the functions' own handlers, and short ways to fill it.

Requests take the way of production: payload-2.0 event in, proxy reply out. Only the HTTP server
and the network are left out. The clock stands still where a test puts it.
"""

import base64
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from backbeat import bootstrap
from backbeat.api.operations import ROUTED
from backbeat.config import Config

FUNCTIONS = Path(__file__).parents[3] / "functions"
JSON = dict[str, Any]


@cache
def function(name: str) -> ModuleType:
    """Returns a function's module, loaded once."""
    spec = importlib.util.spec_from_file_location(
        f"functions.{name}.app", FUNCTIONS / name / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _owners() -> list[tuple[str, re.Pattern[str], str]]:
    """Returns method, path pattern and function of every operation, literal paths first."""
    ordered = sorted(ROUTED, key=lambda operation: "{" in operation.path)
    return [
        (
            operation.method,
            re.compile(re.sub(r"\{[^}]+\}", "[^/]+", operation.path)),
            operation.function,
        )
        for operation in ordered
    ]


class _Context:
    """What Lambda tells a handler about its invocation."""

    aws_request_id = "worked"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class World:
    """One sandbox, at the time `now`. `settings` are further environment variables."""

    def __init__(self, now: str = "2025-01-01T00:00:00Z", **settings: str) -> None:
        config = Config.model_validate(
            {
                "BACKBEAT_STATE": ":memory:",
                "BACKBEAT_SANDBOX": "on",
                "BACKBEAT_TOKENS": "open",
                "BACKBEAT_WEBHOOK_TARGETS": "any",
                "BACKBEAT_SYSTEM_EVENTS": "changes",
                **settings,
            }
        )
        self.services = bootstrap.build(config)
        self._numbers = count(1)
        self.clock(now)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        token: str = "world",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Returns status and decoded reply; numbers are exact. What is no JSON comes as bytes."""
        texts = {name: str(value) for name, value in (query or {}).items()}
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": "&".join(f"{name}={value}" for name, value in texts.items()),
            "headers": {
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                **(headers or {}),
            },
            "queryStringParameters": texts,
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "body": None if body is None else json.dumps(body, default=_number),
            "isBase64Encoded": False,
        }
        with bootstrap.using(self.services):
            reply = function(_owner(method, path)).handler(event, _Context())
        text = reply["body"]
        if reply["isBase64Encoded"]:
            return reply["statusCode"], base64.b64decode(text)
        return reply["statusCode"], json.loads(text, parse_float=Decimal) if text else None

    def post(self, path: str, body: object, **query: object) -> Any:
        """Posts, expects 200, and returns what is in the envelope."""
        status, reply = self.call("POST", path, body, query=query)
        assert status == 200, (path, status, reply)
        return _unwrapped(reply)

    def get(self, path: str, **query: object) -> Any:
        """Gets, expects 200, and returns what is in the envelope."""
        status, reply = self.call("GET", path, query=query)
        assert status == 200, (path, status, reply)
        return _unwrapped(reply)

    def refused(self, path: str, body: object, status: int = 400) -> JSON:
        """Posts, expects the status, and returns the error."""
        got, reply = self.call("POST", path, body)
        assert got == status, (path, got, reply)
        error: JSON = reply
        return error

    def clock(self, now: str) -> None:
        """Moves the clock; what falls due on the way is done."""
        self.post("/mock/clock", {"now": now})

    # What examples are made of

    def customer(self, *aliases: str) -> str:
        """Creates a customer and returns its id."""
        body = {"name": "Acme", "ingest_aliases": list(aliases)}
        return str(self.post("/v1/customers", body)["id"])

    def metric(
        self,
        aggregation: str = "SUM",
        *,
        key: str | None = "value",
        groups: Sequence[Sequence[str]] = (),
        event_type: str = "use",
    ) -> str:
        """Creates a billable metric over one event type; group keys and the key must exist."""
        names = dict.fromkeys([*([] if key is None else [key]), *(n for g in groups for n in g)])
        body = {
            "name": f"metric {next(self._numbers)}",
            "aggregation_type": aggregation,
            "event_type_filter": {"in_values": [event_type]},
            "property_filters": [{"name": name, "exists": True} for name in names],
            "group_keys": [list(group) for group in groups],
            **({} if key is None else {"aggregation_key": key}),
        }
        return str(self.post("/v1/billable-metrics/create", body)["id"])

    def sql_metric(self, sql: str) -> str:
        """Creates a billable metric from a query."""
        body = {"name": f"metric {next(self._numbers)}", "sql": sql}
        return str(self.post("/v1/billable-metrics/create", body)["id"])

    def product(self, metric: str | None = None, *, type: str = "USAGE", **fields: object) -> str:
        """Creates a product."""
        body = {"name": f"product {next(self._numbers)}", "type": type, **fields}
        if metric is not None:
            body["billable_metric_id"] = metric
        return str(self.post("/v1/contract-pricing/products/create", body)["id"])

    def rate_card(self, **fields: object) -> str:
        """Creates a rate card."""
        body = {"name": f"card {next(self._numbers)}", **fields}
        return str(self.post("/v1/contract-pricing/rate-cards/create", body)["id"])

    def rate(
        self,
        card: str,
        product: str,
        *,
        price: object = None,
        tiers: Sequence[tuple[object, object]] | None = None,
        start: str = "2024-01-01T00:00:00Z",
        entitled: bool = True,
        **fields: object,
    ) -> None:
        """Adds a FLAT rate, or a TIERED one from (size, price) pairs; size None for the last."""
        body: JSON = {
            "rate_card_id": card,
            "product_id": product,
            "starting_at": start,
            "entitled": entitled,
            "rate_type": "FLAT" if tiers is None else "TIERED",
            **fields,
        }
        if price is not None:
            body["price"] = price
        if tiers is not None:
            body["tiers"] = [
                {"price": tier_price, **({} if size is None else {"size": size})}
                for size, tier_price in tiers
            ]
        self.post("/v1/contract-pricing/rate-cards/addRate", body)

    def unit(self, name: str = "Tokens") -> str:
        """Creates a custom pricing unit."""
        return str(self.post("/mock/credit-types", {"name": name})["id"])

    def contract(
        self, customer: str, card: str | None, start: str = "2025-01-01T00:00:00Z", **fields: object
    ) -> str:
        """Creates a contract and returns its id."""
        body = {"customer_id": customer, "starting_at": start, **fields}
        if card is not None:
            body["rate_card_id"] = card
        return str(self.post("/v1/contracts/create", body)["id"])

    def use(
        self,
        customer: str,
        value: object,
        at: str,
        *,
        event_type: str = "use",
        id: str | None = None,
        **properties: object,
    ) -> None:
        """Sends one event; `value` becomes a property unless it is None."""
        given = {} if value is None else {"value": str(value)}
        event = {
            "transaction_id": id or f"event-{next(self._numbers)}",
            "customer_id": customer,
            "event_type": event_type,
            "timestamp": at,
            "properties": {**given, **properties},
        }
        self.post("/v1/ingest", [event])

    def usage(
        self, metric: str, start: str, end: str, *, size: str = "NONE", **wanted: object
    ) -> list[JSON]:
        """Returns the rows of one metric between two dates, of all customers unless named."""
        body = {
            "window_size": size,
            "starting_on": f"{start}T00:00:00Z",
            "ending_before": f"{end}T00:00:00Z",
            "billable_metrics": [{"id": metric}],
            **wanted,
        }
        rows: list[JSON] = self.post("/v1/usage", body)
        return rows

    def invoices(self, customer: str, **query: object) -> list[JSON]:
        """Returns a customer's invoices by issue date."""
        found: list[JSON] = self.get(f"/v1/customers/{customer}/invoices", **query)
        return found

    def draft(self, customer: str, **query: object) -> JSON:
        """Returns the customer's only draft of a usage period."""
        [draft] = self.invoices(customer, status="DRAFT", type="USAGE", **query)
        return draft


def lines(invoice: JSON, *fields: str) -> list[tuple[Any, ...]]:
    """Returns some fields of each line, in the invoice's order."""
    return [tuple(line.get(field) for field in fields) for line in invoice["line_items"]]


def places(value: object, digits: int = 10) -> Decimal:
    """Returns a number rounded as the examples print those that do not terminate."""
    return round(Decimal(str(value)), digits)


def _unwrapped(reply: Any) -> Any:
    return reply["data"] if isinstance(reply, dict) and "data" in reply else reply


def _owner(method: str, path: str) -> str:
    if path.startswith("/mock/"):
        return "sandbox"
    for function in ("reports", "webhooks"):
        if path.startswith(f"/{function}/"):
            return function
    if path.endswith("/costs") or path.startswith("/explain/"):
        return "invoices"
    for known, pattern, owner in _owners():
        if known == method and pattern.fullmatch(path):
            return owner
    raise LookupError(f"{method} {path}")


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        # json has no exact decimals; the examples' inputs are short enough for a float's text.
        return float(value)
    raise TypeError(type(value))
