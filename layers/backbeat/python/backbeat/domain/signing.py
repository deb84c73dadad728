"""Webhook signatures: lower-case hex of HMAC-SHA256 over date, newline and the exact body.

Owns: making and checking a signature. Does not own: secrets, headers, what the body says.
Times: the date is signed as the text of its header; receivers take five minutes' difference.
Invariants: a change of any byte of date or body changes the signature.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_TOLERANCE: Final = timedelta(minutes=5)


def sign(*, secret: str, date: str, body: bytes) -> str:
    """Returns the signature of a body sent with the given date header text."""
    return hmac.new(secret.encode(), date.encode() + b"\n" + body, hashlib.sha256).hexdigest()


def is_signed(signature: str, *, secret: str, date: str, body: bytes) -> bool:
    """Tells whether the signature is right, in time that does not depend on where it differs."""
    expected = sign(secret=secret, date=date, body=body)
    return hmac.compare_digest(expected.encode(), signature.encode())


def is_recent(date: str, *, now: datetime) -> bool:
    """Tells whether a date header text is at most five minutes away from now, either way."""
    try:
        return abs(now - parsedate_to_datetime(date)) <= _TOLERANCE
    except (TypeError, ValueError):
        # No date at all, or one without a zone, which is not comparable.
        return False
