"""What an entity may use."""

from backbeat.application.handlers import accounts, catalogues
from backbeat.application.services import Call
from backbeat.domain.tiers import entitlements as rules
from backbeat.domain.tiers.entitlements import Verdict
from backbeat.models.tiers import Tier


def of_entity(call: Call, entity_id: str) -> Tier | None:
    """Returns the tier whose limits and features hold for an entity now, or None.

    Raises:
        NotFound: no such entity was onboarded.
    """
    account = accounts.get(call, entity_id)
    return rules.tier_in_force(catalogues.current(call), account.subscription)


def check(
    call: Call, entity_id: str, *, feature: str | None, limit: str | None, quantity: int
) -> Verdict:
    """Tells whether a feature, or a quantity in all by a limit, is within an entity's tier.

    Raises:
        NotFound: no such entity was onboarded.
        InvalidArgument: there is no such limit.
    """
    tier = of_entity(call, entity_id)
    if feature is not None:
        return rules.feature(tier, feature)
    return rules.quantity(tier, limit or "", quantity)
