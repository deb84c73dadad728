"""A tenant's accounts at the providers: addresses, keys and webhook secrets.

What is kept as a secret of the owner counts, else what is kept for the whole stage, else what the
stage is configured with. A configured key may contain the caller's own token, which is remembered
for jobs and webhooks to act with later.

Names of the secrets: `metronome_key`, `stripe_key`, `stripe_shadow_key`, and for webhooks
`metronome_webhook_secrets` and `stripe_webhook_secrets`; an owner's own begin with the owner and a
slash. `own_address` is no secret: it is where the stage itself answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from backbeat.application import client_credentials
from backbeat.application.services import Call
from backbeat.models.errors import Retryable, Unprocessable
from backbeat.ports.connections import OAUTH, OWN, TOKEN, Provider, ProviderName
from backbeat.ports.meters import StripeMeters
from backbeat.ports.metronome import Metronome
from backbeat.ports.metronome_billing import MetronomeBilling
from backbeat.ports.providers import Access, Away, Refused
from backbeat.ports.stripe import Stripe
from backbeat.ports.stripe_events import StripeEvents

_REMEMBERED_SECONDS: Final = 60
"""A replaced key is used no longer than this by an environment that has read it."""


def metronome(call: Call) -> Metronome:
    """Opens the caller's account at Metronome.

    Raises:
        Unprocessable: nobody said which that is.
    """
    return call.services.providers.open_metronome(_access(call, ProviderName.METRONOME))


def stripe(call: Call) -> Stripe:
    """Opens the caller's account at Stripe.

    Raises:
        Unprocessable: nobody said which that is.
    """
    return call.services.providers.open_stripe(_access(call, ProviderName.STRIPE))


def metronome_address(call: Call) -> str:
    """Returns where Metronome answers.

    Raises:
        Unprocessable: nobody said where that is.
    """
    address = _address_of(call, call.services.providers.metronome)
    if not address:
        raise Unprocessable("No address of Metronome is known")
    return address


def metronome_billing(call: Call) -> MetronomeBilling:
    """Opens the invoices of the caller's account at Metronome.

    Raises:
        Unprocessable: nobody said which that is.
    """
    return call.services.providers.open_metronome_billing(_access(call, ProviderName.METRONOME))


def stripe_events(call: Call) -> StripeEvents:
    """Opens the events of the caller's account at Stripe.

    Raises:
        Unprocessable: nobody said which that is.
    """
    return call.services.providers.open_stripe_events(_access(call, ProviderName.STRIPE))


def meters(call: Call) -> StripeMeters:
    """Opens the meters of the caller's account at Stripe.

    Raises:
        Unprocessable: nobody said which that is.
    """
    return call.services.providers.open_meters(_access(call, ProviderName.STRIPE))


def shadow_meters(call: Call) -> StripeMeters:
    """Opens the meters of the account that usage is pushed to in parallel, for tests.

    Raises:
        Unprocessable: nobody said which that is, or its key is none for tests. What is meant for a
            shadow never goes anywhere else.
    """
    shadow = call.services.providers.stripe_shadow
    key = _with_token(call, _kept(call, "stripe_shadow_key") or shadow.key)
    address = _address_of(call, shadow)
    if not key or not address:
        raise Unprocessable("No shadow account at Stripe is connected")
    opened = call.services.providers.open_meters(Access(address, key))
    if not opened.is_test:
        raise Unprocessable("The shadow account's key is none for tests: nothing is pushed with it")
    return opened


@contextmanager
def answered() -> Iterator[None]:
    """Turns what a provider does not do into what the caller is told.

    Raises:
        Unprocessable: the provider refused.
        Retryable: it gave no answer that decides.
    """
    try:
        yield
    except Refused as refused:
        raise Unprocessable(f"{refused.provider} refused: {refused.message}") from refused
    except Away as away:
        raise Retryable(f"{away.provider} did not answer: {away.message}") from away


def remember_token(call: Call, token: str) -> None:
    """Keeps the caller's token as a secret, where keys are made of it."""
    providers = call.services.providers
    known = (providers.metronome, providers.stripe, providers.stripe_shadow)
    if not any(TOKEN in one.key for one in known):
        return
    owner = owner_of(call)
    if call.services.known_tokens.new([(owner, token)]):
        keep_as(call, _token_name(owner), token)
        call.services.known_tokens.add([(owner, token)])


def default_webhook_secrets(call: Call, provider: ProviderName) -> list[str]:
    """Returns what a provider's webhooks are signed with where an owner has set nothing else.

    Kept for the stage they are one text with blanks between.
    """
    kept = kept_as(call, f"{provider}_webhook_secrets")
    return list(_provider(call, provider).webhook_secrets if kept is None else kept.split())


def kept_as(call: Call, name: str) -> str | None:
    """Returns the secret of a name, as it was at most a minute ago."""
    minute = int(call.services.clock.now().timestamp() // _REMEMBERED_SECONDS)
    return call.services.connection_secrets.get(
        name, minute, lambda: call.services.secrets.get(name)
    )


def keep_as(call: Call, name: str, secret: str) -> None:
    """Keeps a secret under a name."""
    call.services.secrets.put(name, secret)
    call.services.connection_secrets.forget(name)


def owner_of(call: Call) -> str:
    """Returns whose connections a call uses: the same for requests and jobs, and after a reset."""
    return call.tenant.partition(".")[0]


def _access(call: Call, name: ProviderName) -> Access:
    provider = _provider(call, name)
    key = _with_token(call, _kept(call, f"{name}_key") or provider.key)
    if OAUTH in key:
        client = provider.oauth
        key = "" if client is None else key.replace(OAUTH, client_credentials.token(call, client))
    address = _address_of(call, provider)
    if not key or not address:
        raise Unprocessable(f"No account at {name.value.title()} is connected")
    return Access(address, key)


def _address_of(call: Call, provider: Provider) -> str:
    """Returns where a provider answers; empty while the stage's own address is not known."""
    if OWN not in provider.base_url:
        return provider.base_url
    own = kept_as(call, "own_address")
    return "" if own is None else provider.base_url.replace(OWN, own.rstrip("/"))


def _with_token(call: Call, key: str) -> str:
    """Returns a key with the caller's token where it belongs; empty while that is not known."""
    if TOKEN not in key:
        return key
    token = kept_as(call, _token_name(owner_of(call)))
    return "" if token is None else key.replace(TOKEN, token)


def _provider(call: Call, name: ProviderName) -> Provider:
    providers = call.services.providers
    return providers.metronome if name is ProviderName.METRONOME else providers.stripe


def _kept(call: Call, name: str) -> str | None:
    own = kept_as(call, f"{owner_of(call)}/{name}")
    return own if own is not None else kept_as(call, name)


def _token_name(owner: str) -> str:
    return f"{owner}/token"
