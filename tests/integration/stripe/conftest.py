"""The Stripe double as the official SDK sees it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import stripe

from backbeat_local.http_events import HttpRequest, http_event
from tests.integration.conftest import Stage
from tests.integration.stripe.documented import differences

HOOK = "https://shop.example.com/stripe"


class InProcess(stripe.HTTPClient):
    """Carries the SDK's requests to the double's function."""

    name = "in-process"

    def __init__(self, stage: Stage, *, documented: bool = True) -> None:
        super().__init__()
        self._stage = stage
        self._documented = documented
        self.headers: Mapping[str, str] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        sent = headers or {}
        path, _, query = url.removeprefix("https://api.test").partition("?")
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        event = http_event(
            HttpRequest(
                method=method.upper(),
                path=path,
                query=query,
                headers=[(k.lower().encode(), v.encode()) for k, v in sent.items()],
                body=body,
                client="203.0.113.7",
            ),
            route_key="ANY /stripe/{path+}",
            parameters={},
            request_id="r",
        )
        reply = self._stage.product.invoke("MockStripeFunction", event)
        if self._documented and path.startswith("/stripe/") and reply["statusCode"] == 200:
            # Whatever a test is about: the SDK's classes document all that it is answered.
            found = list(differences(json.loads(reply["body"])))
            assert not found, f"{method} {path}: {found}"
        # As every HTTP client hands them over, names in one case.
        self.headers = {name.lower(): value for name, value in reply["headers"].items()}
        return reply["body"], reply["statusCode"], self.headers

    def close(self) -> None:
        pass


class Shop:
    """A user of the double: the SDK's client, and the world it acts in.

    Answers are held against what the SDK documents, where that does not take too long.
    """

    def __init__(self, stage: Stage, key: str = "sk_test_demo", *, documented: bool = True) -> None:
        self.stage = stage
        self.http = InProcess(stage, documented=documented)
        self.client = stripe.StripeClient(
            key, base_addresses={"api": "https://api.test/stripe"}, http_client=self.http
        )
        # Untyped: tests send what the SDK's own annotations would not let through, too.
        self.v1: Any = self.client.v1

    def work_off(self) -> int:
        """Delivers events and advances clocks; returns how many messages were handled."""
        return self.stage.product.work_off_stripe()

    def clock(self, frozen_time: int) -> str:
        return str(self.v1.test_helpers.test_clocks.create({"frozen_time": frozen_time}).id)

    def advance(self, clock: str, to: int) -> None:
        self.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to})
        self.work_off()
        while self.v1.test_helpers.test_clocks.retrieve(clock).status == "advancing":
            pass

    def customer(self, card: str | None = "pm_card_visa", **fields: Any) -> str:
        """Makes a customer who pays with a card by default."""
        customer = self.v1.customers.create(fields)
        if card is not None:
            method = self.v1.payment_methods.attach(card, {"customer": customer.id})
            self.v1.customers.update(
                customer.id, {"invoice_settings": {"default_payment_method": method.id}}
            )
        return str(customer.id)

    def told(self, kind: str | None = None) -> list[Any]:
        """Returns events, oldest first."""
        listed = self.v1.events.list({"limit": 100}).auto_paging_iter()
        events = [event.to_dict() for event in listed]
        return [event for event in reversed(events) if kind in (None, event["type"])]

    def control(self, path: str, /, **body: Any) -> Any:
        """Uses one of the controls under `/mock/stripe`."""
        url = f"https://api.test/mock/stripe/{path}"
        headers = {"Authorization": "Bearer demo"}
        text, status, _ = self.http.request("POST", url, headers, json.dumps(body))
        assert status == 200, text
        return json.loads(text)

    def raw(self, method: str, path: str, *, text: str = "", key: str = "sk_test_demo") -> Any:
        """Sends a request as it is."""
        url = f"https://api.test{path}"
        return self.http.request(method, url, {"Authorization": f"Bearer {key}"}, text)


@pytest.fixture
def shop(stage: Stage) -> Shop:
    return Shop(stage)
