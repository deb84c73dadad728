"""The idempotency key of a metered event that came without one.

Owns: the recipe, and its version. Does not own: keys that callers choose.
Times: an event's timestamp takes part in UTC to the microsecond.
Invariants: equal events give equal keys in every client and on the server; events that differ in
any part give different ones. A changed recipe gets another version, so that old keys stay taken.

Recipe 1: SHA-256 over the parts, each in UTF-8 behind its length in bytes as ASCII digits and a
colon, in this order: metric, customer, resource (empty without one), timestamp as
`2026-11-01T00:00:00.000000Z`, quantity as a plain decimal without trailing zeros, sequence (empty
without one). The key is `ev1_` and the first 32 hexadecimal digits.
"""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

VERSION: Final = 1

_DIGITS: Final = 32


def derived_key(
    metric: str,
    customer_ref: str,
    *,
    resource_id: str | None,
    timestamp: datetime,
    quantity: Decimal,
    sequence: int | None,
) -> str:
    """Returns the key by the recipe above."""
    parts = (
        metric,
        customer_ref,
        resource_id or "",
        f"{timestamp.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
        plain(quantity),
        "" if sequence is None else str(sequence),
    )
    text = b"".join(b"%d:%s" % (len(part), part) for part in map(str.encode, parts))
    return f"ev{VERSION}_{sha256(text).hexdigest()[:_DIGITS]}"


def plain(quantity: Decimal) -> str:
    """Returns a decimal without exponent and without trailing zeros: 1E+2 and 100.0 are 100."""
    text = format(quantity, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
