"""The tiers that are offered unless a catalogue of one's own is applied.

Owns: the built-in catalogue, and finding tiers and plans in a catalogue.
Does not own: setting one up in Metronome, and what a change costs.
Times: none.
Invariants: a version never changes; other prices are another version.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from backbeat.models.errors import InvalidArgument
from backbeat.models.tiers import Cadence, Catalogue, Plan, Tier

_STORAGE: Final = "maxStorageGB"
_REQUESTS: Final = "maxInferenceRequests"
_FREE: Final = ("basic_storage", "public_repositories")
_PRO: Final = ("unlimited_storage", "private_repositories", "priority_support")
_TEAM: Final = (*_PRO, "collaboration", "analytics")
_ENTERPRISE: Final = (*_TEAM, "integrations", "sla")


def _limits(storage: int | None, requests: int | None) -> Mapping[str, int | None]:
    return {_STORAGE: storage, _REQUESTS: requests}


BUILT_IN: Final = Catalogue(
    version="1",
    tiers=(
        Tier(
            id="free",
            name="Free",
            monthly_price=Decimal(0),
            yearly_price=Decimal(0),
            credits=Decimal(1_000),
            limits=_limits(15, 1_000),
            features=_FREE,
        ),
        Tier(
            id="pro",
            name="Pro",
            monthly_price=Decimal(9),
            yearly_price=Decimal(90),
            credits=Decimal(10_000),
            limits=_limits(100, 10_000),
            features=_PRO,
        ),
        Tier(
            id="team",
            name="Team",
            monthly_price=Decimal(29),
            yearly_price=Decimal(290),
            credits=Decimal(50_000),
            limits=_limits(500, 50_000),
            features=_TEAM,
        ),
        Tier(id="enterprise", name="Enterprise", limits=_limits(None, None), features=_ENTERPRISE),
    ),
)


def tier(catalogue: Catalogue, tier_id: str) -> Tier:
    """Returns a tier.

    Raises:
        InvalidArgument: there is none of that id.
    """
    found = next((one for one in catalogue.tiers if one.id == tier_id), None)
    if found is None:
        names = ", ".join(one.id for one in catalogue.tiers)
        raise InvalidArgument(f"tier: must be one of {names}")
    return found


def rank(catalogue: Catalogue, tier_id: str) -> int:
    """Returns how high a tier is. One that is not offered any more is below all others."""
    return next((i for i, one in enumerate(catalogue.tiers) if one.id == tier_id), -1)


def plan(
    catalogue: Catalogue,
    tier_id: str,
    cadence: Cadence,
    *,
    price: Decimal | None = None,
    credits_: Decimal | None = None,
) -> Plan:
    """Returns a tier as a customer agrees to it; `price` and `credits_` are a quote.

    Raises:
        InvalidArgument: there is no such tier, it takes a quote and has none, or takes none.
    """
    found = tier(catalogue, tier_id)
    listed = found.price(cadence)
    if listed is not None and (price is not None or credits_ is not None):
        raise InvalidArgument(f"quote: {found.id} has a list price")
    if listed is None and (price is None or credits_ is None):
        raise InvalidArgument(f"quote: {found.id} needs one, with price and credits")
    return Plan(
        tier=found.id,
        cadence=cadence,
        price=listed if listed is not None else price or Decimal(0),
        credits=credits_ if credits_ is not None else found.credits or Decimal(0),
        currency=catalogue.currency,
        catalogue=catalogue.version,
        by_quote=listed is None,
    )
