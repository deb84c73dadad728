"""Implements `StripeEvents` by the official SDK."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from backbeat.adapters.stripe.gateway import client, failures, suppress_gone
from backbeat.ports.providers import Access
from backbeat.ports.stripe_events import Endpoint

_MOST: Final = 100
_EVERYTHING: Final = ["*"]


class StripeEventLog:
    """The events of an account at Stripe."""

    def __init__(self, access: Access) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: the SDK's parameter types are those of one API version only.
        self._v1: Any = client(access).v1

    def since(self, at: datetime) -> Iterator[bytes]:
        """Implements `StripeEvents`."""
        with failures():
            listed = self._v1.events.list({"created": {"gte": int(at.timestamp())}, "limit": _MOST})
            for event in listed.auto_paging_iter():
                # The SDK makes decimals of what are texts in Stripe's own JSON.
                yield json.dumps(event.to_dict(), default=str).encode()

    def endpoints(self) -> list[Endpoint]:
        """Implements `StripeEvents`."""
        with failures():
            listed = self._v1.webhook_endpoints.list({"limit": _MOST})
            return [Endpoint(str(one.id), str(one.url)) for one in listed.auto_paging_iter()]

    def add_endpoint(self, url: str) -> Endpoint:
        """Implements `StripeEvents`."""
        with failures():
            made = self._v1.webhook_endpoints.create({"url": url, "enabled_events": _EVERYTHING})
            return Endpoint(str(made.id), str(made.url), str(made.secret))

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Implements `StripeEvents`."""
        with failures(), suppress_gone():
            self._v1.webhook_endpoints.delete(endpoint_id)
