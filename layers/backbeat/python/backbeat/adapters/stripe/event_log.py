"""Implements `StripeEvents` by the official SDK."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from backbeat.adapters.stripe.gateway import client, failures, suppress_gone
from backbeat.ports.providers import Access, Refused
from backbeat.ports.stripe_events import Endpoint, MeterReport, RejectedMeterEvent

_MOST: Final = 100
_EVERYTHING: Final = ["*"]
_THIN: Final = ["v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"]
"""Of meters; `*` does not mean them."""
_NAME: Final = "Backbeat"
_DESTINATION: Final = "ed_"
_WITH_URL: Final = "webhook_endpoint.url"
_WITH_SECRET: Final = "webhook_endpoint.signing_secret"  # noqa: S105 - a field's name


class StripeEventLog:
    """The events of an account at Stripe."""

    def __init__(self, access: Access) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: the SDK's parameter types are those of one API version only.
        opened = client(access)
        self._v1: Any = opened.v1
        self._core: Any = opened.v2.core

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
            found = [Endpoint(str(one.id), str(one.url)) for one in listed.auto_paging_iter()]
        # A key may be one that must not see those.
        with suppress(Refused), failures():
            thin = self._core.event_destinations.list({"include": [_WITH_URL], "limit": _MOST})
            hooks = [one for one in thin.auto_paging_iter() if one.type == "webhook_endpoint"]
            found += [Endpoint(str(one.id), _url_of(one)) for one in hooks]
        return found

    def add_endpoint(self, url: str) -> Endpoint:
        """Implements `StripeEvents`."""
        with failures():
            made = self._v1.webhook_endpoints.create({"url": url, "enabled_events": _EVERYTHING})
            return Endpoint(str(made.id), str(made.url), str(made.secret))

    def add_thin_endpoint(self, url: str) -> Endpoint:
        """Implements `StripeEvents`."""
        wanted = {
            "name": _NAME,
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": _THIN,
            "webhook_endpoint": {"url": url},
            "include": [_WITH_URL, _WITH_SECRET],
        }
        with failures():
            made = self._core.event_destinations.create(wanted)
        return Endpoint(str(made.id), _url_of(made), str(made.webhook_endpoint.signing_secret))

    def meter_report(self, event_id: str) -> MeterReport:
        """Implements `StripeEvents`."""
        with failures():
            event = self._core.events.retrieve(event_id).to_dict()
        reason = (event.get("data") or {}).get("reason") or {}
        named = tuple(
            RejectedMeterEvent(
                str(sample["request"]["identifier"]),
                str(kind["code"]),
                str(sample.get("error_message", "")),
            )
            for kind in reason.get("error_types", ())
            for sample in kind.get("sample_errors", ())
            if (sample.get("request") or {}).get("identifier")
        )
        return MeterReport(int(reason.get("error_count", len(named))), named)

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Implements `StripeEvents`."""
        thin = endpoint_id.startswith(_DESTINATION)
        kind = self._core.event_destinations if thin else self._v1.webhook_endpoints
        with failures(), suppress_gone():
            kind.delete(endpoint_id)


def _url_of(destination: Any) -> str:
    return str((destination.to_dict().get("webhook_endpoint") or {}).get("url"))
