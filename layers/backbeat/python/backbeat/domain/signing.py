"""Webhook signatures: lower-case hex of HMAC-SHA256 over date, newline and the exact body.

Owns: making and checking a signature. Does not own: secrets, headers, what the body says.
Times: the date is signed as the text of its header; how old it may be is the receiver's affair.
Invariants: a change of any byte of date or body changes the signature.
"""

import hashlib
import hmac


def sign(*, secret: str, date: str, body: bytes) -> str:
    """Returns the signature of a body sent with the given date header text."""
    return hmac.new(secret.encode(), date.encode() + b"\n" + body, hashlib.sha256).hexdigest()


def is_signed(signature: str, *, secret: str, date: str, body: bytes) -> bool:
    """Tells whether the signature is right, in time that does not depend on where it differs."""
    expected = sign(secret=secret, date=date, body=body)
    return hmac.compare_digest(expected.encode(), signature.encode())
