"""Identities of things that are derived, so that computing them again gives the same ones.

Owns: the UUIDv5 of a list of parts. Does not own: which parts make a thing what it is.
Times: an instant takes part as its ISO 8601 text, so callers pass UTC throughout.
Invariants: equal parts give equal ids; the border between two parts counts.
"""

from datetime import datetime
from uuid import UUID, uuid5

from backbeat.models.marks import marked

_NAMESPACE = UUID("6b1f6a0e-3c0d-5c1e-9a53-0f8b6f3f7f10")


def derived_id(*parts: str | datetime | int) -> str:
    """Returns the UUIDv5 of the parts. Each part is told apart from its neighbours."""
    text = "\x1f".join(
        part.isoformat() if isinstance(part, datetime) else str(part) for part in parts
    )
    return str(uuid5(_NAMESPACE, text))


def invoice_id(contract_id: str, *parts: str | datetime | int) -> str:
    """Returns the derived id of one of a contract's invoices, which leads back to the contract."""
    return marked(derived_id("invoice", *parts), contract_id)
