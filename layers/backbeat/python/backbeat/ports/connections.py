"""How the stage reaches the providers behind the billing handlers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from backbeat.models.inbound import ProviderName as ProviderName
from backbeat.ports.meters import StripeMeters
from backbeat.ports.metronome import Metronome
from backbeat.ports.metronome_billing import MetronomeBilling
from backbeat.ports.providers import Access
from backbeat.ports.stripe import Stripe
from backbeat.ports.stripe_events import StripeEvents

TOKEN: Final = "{token}"  # noqa: S105
"""Stands in a configured key for the token of whoever calls."""


OAUTH: Final = "{oauth}"
"""Stands in a configured key for a token that is got by client credentials."""


OWN: Final = "{own}"
"""Stands in a configured address for the stage's own, which a deployed stage learns last."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of OAuth 2.0, and where it gets its tokens. The secret is never shown."""

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    scope: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider answers, and what its account's key and webhook secrets are by default.

    Secrets that are kept for an owner, or for the stage, come before these. A key may contain
    `TOKEN`, or `OAUTH` where there is a client; an address may begin with `OWN`.
    """

    base_url: str
    key: str
    webhook_secrets: tuple[str, ...] = ()
    oauth: OAuthClient | None = None


@dataclass(frozen=True, slots=True)
class Providers:
    """Both providers, and how accounts there are opened.

    `stripe_shadow` is an account for tests, to which usage may be pushed in parallel.
    """

    metronome: Provider
    stripe: Provider
    open_metronome: Callable[[Access], Metronome]
    open_stripe: Callable[[Access], Stripe]
    open_metronome_billing: Callable[[Access], MetronomeBilling]
    open_stripe_events: Callable[[Access], StripeEvents]
    stripe_shadow: Provider
    open_meters: Callable[[Access], StripeMeters]
