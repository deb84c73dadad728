"""Whether a webhook was sent by the provider it claims to come from, recently.

Owns: the signature schemes of Stripe and Metronome, and how old a signature may be. Does not own:
secrets, or what the body says.
Times: a signature's own time may be five minutes away from now, either way.
Invariants: the body is checked byte by byte as it came; any of several secrets will do, so that
one can be replaced by another; comparing takes the same time wherever signatures differ.
"""

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from backbeat.domain import signing

_TOLERANCE: Final = timedelta(seconds=300)


def is_from_stripe(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], now: datetime
) -> bool:
    """Tells whether `Stripe-Signature` (`t=<epoch>,v1=<hex>[,v1=<hex>]`) fits the body."""
    parts = [part.partition("=") for part in headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        return False
    if abs(int(now.timestamp()) - int(times[0])) > _TOLERANCE.total_seconds():
        return False
    signed = f"{times[0]}.".encode() + body
    expected = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    return _any_equal(given, expected)


def is_from_metronome(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], now: datetime
) -> bool:
    """Tells whether `Metronome-Webhook-Signature` fits the body and the date it was sent with.

    While a secret is replaced, a second header carries the signature by the one before.
    """
    date = headers.get("x-metronome-date") or headers.get("date") or ""
    if not signing.is_recent(date, now=now):
        return False
    names = ("metronome-webhook-signature", "metronome-webhook-signature-previous")
    given = [headers[name] for name in names if headers.get(name)]
    expected = [signing.sign(secret=secret, date=date, body=body) for secret in secrets]
    return _any_equal(given, expected)


def _any_equal(given: Iterable[str], expected: Iterable[str]) -> bool:
    pairs = [(one, other) for one in given for other in expected]
    # All pairs, found or not: how long it takes says nothing.
    return any([hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs])
