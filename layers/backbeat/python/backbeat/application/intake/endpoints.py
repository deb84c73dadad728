"""Where providers send the caller's webhooks to, and making Stripe do so."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from backbeat.application import connections
from backbeat.application.intake import secrets
from backbeat.application.services import Call
from backbeat.models.inbound import ProviderName
from backbeat.ports.providers import Refused

OVERLAP: Final = timedelta(days=3)
"""As long as Stripe tries again to deliver what it signed with the secret before."""


def path_of(call: Call, provider: ProviderName) -> str:
    """Returns the path that a provider's webhooks for the caller are sent to."""
    return f"/webhooks/{provider}/{connections.owner_of(call)}"


def subscribe_to_stripe(call: Call, url: str) -> str:
    """Has Stripe send all events to a URL and takes its signature; returns the endpoint's id.

    Reports about meters come from an endpoint of their own; an account or key that may have none
    does without, and a reconciliation finds what they would have told. Stripe tells the secrets
    only once, so endpoints of the URL are replaced by new ones. The new ones are there before the
    old ones go: nothing is missed, and what comes twice is kept once.

    Raises:
        Unprocessable: no account is connected.
        ProviderError: Stripe did not do it.
    """
    stripe = connections.stripe_events(call)
    before = [one for one in stripe.endpoints() if one.url == url]
    made = stripe.add_endpoint(url)
    signed_with = [made.secret or ""]
    with suppress(Refused):
        signed_with.append(stripe.add_thin_endpoint(url).secret or "")
    secrets.add(call, ProviderName.STRIPE, *signed_with, overlap=OVERLAP)
    for one in before:
        with suppress(Refused):
            stripe.remove_endpoint(one.id)
    return made.id
