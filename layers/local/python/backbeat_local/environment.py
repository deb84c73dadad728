"""The environment variables of a local run."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from backbeat_local.template import Template

_DEFAULTS: Final[Mapping[str, str]] = {
    "BACKBEAT_STAGE": "dev",
    "BACKBEAT_SANDBOX": "on",
    "BACKBEAT_TOKENS": "open",
}

_GIVEN_OR: Final[Mapping[str, str]] = {
    # Nobody at a terminal waits a minute to see an alert.
    "BACKBEAT_ALERT_INTERVAL_SECONDS": "1",
    # Webhooks that name no account are those of the token `demo`.
    "BACKBEAT_CONNECTION": f"t{sha256(b'demo').hexdigest()[:16]}",
    # A line per request is for CloudWatch; at a terminal it hides what went wrong.
    "POWERTOOLS_LOG_LEVEL": "WARNING",
}
"""What whoever starts the server may set otherwise."""


_CONNECTIONS: Final[Mapping[str, str]] = {
    # Whoever calls acts in a sandbox of its own at Metronome, and in the Stripe world beside it.
    "BACKBEAT_METRONOME_KEY": "{token}",
    "BACKBEAT_STRIPE_KEY": "sk_test_{token}",
    "BACKBEAT_STRIPE_SHADOW_KEY": "",
    # What sandboxes sign with until their owners set a secret.
    "BACKBEAT_METRONOME_WEBHOOK_SECRETS": "test-secret",
    "BACKBEAT_STRIPE_WEBHOOK_SECRETS": "",
}


def local_environment(
    template: Template, state_file: Path, *, profile: str = "default", own_url: str = ""
) -> dict[str, str]:
    """Returns what every function finds in its environment: the template's variables, and ours.

    Unless the environment of this process says otherwise, the providers behind the billing
    handlers are this server itself, at `own_url`.

    Raises:
        TemplateError: two functions give one variable different values.
    """
    connections = {
        **_CONNECTIONS,
        "METRONOME_BASE_URL": own_url,
        "STRIPE_API_BASE": f"{own_url}/stripe" if own_url else "",
    }
    return {
        **_DEFAULTS,
        **template.environment(),
        **{name: os.environ.get(name, value) for name, value in connections.items()},
        "BACKBEAT_STATE": str(state_file),
        "BACKBEAT_PROFILE": profile,
        # Webhooks may go to this machine, which is where the product under test runs.
        "BACKBEAT_WEBHOOK_TARGETS": "any",
        "BACKBEAT_RATE_LIMIT": os.environ.get("BACKBEAT_RATE_LIMIT", ""),
        "BACKBEAT_API_ADDRESSES": "127.0.0.1",
        "BACKBEAT_WEBHOOK_ADDRESSES": "127.0.0.1",
        **{name: os.environ.get(name) or usual for name, usual in _GIVEN_OR.items()},
        # Metrics are printed for CloudWatch to pick up.
        "POWERTOOLS_METRICS_DISABLED": "true",
    }


@contextmanager
def applied(environment: Mapping[str, str]) -> Iterator[None]:
    """Sets the variables of this process, and puts back what was there."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
