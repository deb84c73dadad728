"""The product as its callers see it: requests in, replies out."""

import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from backbeat.application.services import Services
from backbeat.ports.queue import Message
from backbeat_local.functions import Function
from backbeat_local.http_events import HttpRequest, http_event
from backbeat_local.queues import failed_ids, sqs_event
from backbeat_local.routes import Miss, RouteTable
from backbeat_local.template import Template

DEMO: Final = "demo"
"""The token of requests that name no other."""


class TestClock:
    """Stands still until a test moves it."""

    __test__ = False

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def timestamp(self) -> float:
        return self._at.timestamp()

    def set(self, at: datetime) -> None:
        self._at = at

    def advance(self, **duration: int) -> None:
        self._at += timedelta(**duration)


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. Fractions in the body are decimals; a body that is no JSON is bytes."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        assert self.status == 200, self
        return self.body["data"]


class Product:
    """Calls functions by route, by queue and by schedule."""

    def __init__(
        self, template: Template, functions: dict[str, Function], services: Services
    ) -> None:
        self.services = services
        self._template = template
        self._functions = functions
        self._routes = RouteTable(
            (route, function) for function in functions.values() for route in function.spec.routes
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = DEMO,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        text: str | bytes | None = None,
    ) -> Reply:
        """Sends a request. `body` is sent as JSON; `text` is sent as it is."""
        match = self._routes.find(method, path)
        assert not isinstance(match, Miss), f"{method} {path}: {match.value}"
        sent = {"host": "api.example.com", "content-type": "application/json", **(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        raw = text if text is not None else "" if body is None else json.dumps(body)
        event = http_event(
            HttpRequest(
                method=method,
                path=path,
                query=urlencode(query or {}),
                headers=[(name.lower().encode(), v.encode()) for name, v in sent.items()],
                body=raw if isinstance(raw, bytes) else raw.encode(),
                client="203.0.113.7",
            ),
            route_key=match.route_key,
            parameters=match.parameters,
            request_id=str(uuid.uuid4()),
        )
        reply = match.target.invoke(event)
        if reply["isBase64Encoded"]:
            return Reply(reply["statusCode"], base64.b64decode(reply["body"]), reply["headers"])
        content = json.loads(reply["body"], parse_float=Decimal) if reply["body"] else None
        return Reply(reply["statusCode"], content, reply["headers"])

    def get(self, path: str, *, token: str = DEMO, **query: str) -> Reply:
        return self.request("GET", path, token=token, query=query)

    def post(self, path: str, body: object = None, *, token: str = DEMO, **query: str) -> Reply:
        return self.request("POST", path, body, token=token, query=query)

    def custom_field(self, entity: str, key: str, *, token: str = "demo") -> None:
        """Registers a key, so that things of the kind may carry values under it."""
        body = {"entity": entity, "key": key, "enforce_uniqueness": False}
        reply = self.post("/v1/customFields/addKey", body, token=token)
        assert reply.status == 200, reply

    def tick(self) -> Any:
        """Runs the schedule of every five minutes."""
        return self.invoke("BillingCycleFunction", {"action": "tick"})

    def work_off_jobs(self) -> int:
        """Runs the jobs that are queued now; returns how many messages were handled."""
        return self._consume("BillingCycleFunction", "JobsQueue")

    def work_off_webhooks(self) -> int:
        """Delivers what is queued now; returns how many messages were handled."""
        return self._consume("WebhookDeliveryFunction", "WebhooksQueue")

    def work_off_stripe(self) -> int:
        """Delivers what the Stripe double has queued now; returns how many were handled."""
        return self._consume("MockStripeFunction", "StripeQueue")

    def run_job(self, message: Message) -> None:
        """Runs one job that was received, and leaves the queue alone."""
        spec = self._template.queues["JobsQueue"]
        self.invoke("BillingCycleFunction", sqs_event([message], spec))

    def work_off_inbound(self) -> int:
        """Works off what providers told; returns how many messages were handled."""
        return self._consume("InboundWorkFunction", "InboundQueue")

    def invoke(self, function: str, event: Any) -> Any:
        return self._functions[function].invoke(event)

    def _consume(self, function: str, queue_id: str) -> int:
        spec = self._template.queues[queue_id]
        queue = {
            "JobsQueue": self.services.job_queue,
            "WebhooksQueue": self.services.webhook_queue,
            "StripeQueue": self.services.stripe_queue,
            "InboundQueue": self.services.inbound_queue,
        }[queue_id]
        handled = 0
        while messages := queue.receive(
            limit=10, wait_seconds=0, visibility_seconds=spec.visibility_seconds
        ):
            failed = failed_ids(self.invoke(function, sqs_event(messages, spec)), messages)
            queue.delete([message.receipt for message in messages if message.id not in failed])
            handled += len(messages)
        return handled


def webhook_event(product: Product, message: Message, *, receive_count: int) -> Any:
    """Returns the event that delivers a message of the webhook queue for the n-th time."""
    spec = product._template.queues["WebhooksQueue"]
    delivered = Message(message.id, message.body, receive_count, message.receipt)
    return sqs_event([delivered], spec)


@dataclass(frozen=True, slots=True)
class World:
    """The ids of one of each thing a token owns.

    The customer with alias `acme` has a contract from 1 January 2025 on a card that charges 2 cents
    per call and, by model, 0.5 cents per token. 3 calls with 10 tokens each were made.
    """

    token: str
    customer_id: str
    metric_id: str
    tokens_metric_id: str
    product_id: str
    rate_card_id: str
    contract_id: str
    invoice_id: str

    @staticmethod
    def build(product: Product, token: str) -> "World":
        def create(path: str, **body: object) -> str:
            id_: str = product.post(path, body, token=token).data["id"]
            return id_

        customer_id = create("/v1/customers", name="Acme", ingest_aliases=["acme"])
        metric_id = create(
            "/v1/billable-metrics/create",
            name="Calls",
            aggregation_type="COUNT",
            event_type_filter={"in_values": ["call"]},
        )
        tokens_metric_id = create(
            "/v1/billable-metrics/create",
            name="Tokens",
            aggregation_type="SUM",
            aggregation_key="tokens",
            property_filters=[
                {"name": "tokens", "exists": True},
                {"name": "model", "exists": True},
            ],
            group_keys=[["model"]],
        )
        product_id = create(
            "/v1/contract-pricing/products/create",
            name="Calls",
            type="USAGE",
            billable_metric_id=metric_id,
        )
        tokens_product_id = create(
            "/v1/contract-pricing/products/create",
            name="Tokens",
            type="USAGE",
            billable_metric_id=tokens_metric_id,
            pricing_group_key=["model"],
        )
        rate_card_id = create("/v1/contract-pricing/rate-cards/create", name="List")
        rate = {"starting_at": "2025-01-01T00:00:00Z", "entitled": True, "rate_type": "FLAT"}
        added = product.post(
            "/v1/contract-pricing/rate-cards/addRates",
            {
                "rate_card_id": rate_card_id,
                "rates": [
                    {**rate, "product_id": product_id, "price": 2},
                    {
                        **rate,
                        "product_id": tokens_product_id,
                        "price": 0.5,
                        "pricing_group_values": {"model": "small"},
                    },
                ],
            },
            token=token,
        )
        assert added.status == 200, added
        contract_id = create(
            "/v1/contracts/create",
            customer_id=customer_id,
            rate_card_id=rate_card_id,
            starting_at="2025-01-01T00:00:00Z",
            uniqueness_key="first",
        )
        ingested = product.post(
            "/v1/ingest", [event(f"call-{number}") for number in range(3)], token=token
        )
        assert ingested.status == 200, ingested
        [invoice] = product.get(f"/v1/customers/{customer_id}/invoices", token=token).data
        return World(
            token,
            customer_id,
            metric_id,
            tokens_metric_id,
            product_id,
            rate_card_id,
            contract_id,
            invoice["id"],
        )


def event(transaction_id: str, **changes: object) -> dict[str, object]:
    """Returns a usage event of customer `acme` on 15 January 2025."""
    return {
        "transaction_id": transaction_id,
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2025-01-15T10:30:00Z",
        "properties": {"model": "small", "tokens": "10"},
        **changes,
    }
