"""Which contracts below may draw a contract's balance."""

from enum import StrEnum

from backbeat.models.base import Model


class ChildAccess(StrEnum):
    """All contracts below, none of them, or those that are named."""

    ALL = "ALL"
    NONE = "NONE"
    CONTRACT_IDS = "CONTRACT_IDS"


class Sharing(Model):
    """Who below may draw."""

    access: ChildAccess
    contract_ids: tuple[str, ...] = ()

    def lets(self, contract_id: str) -> bool:
        """Tells whether a contract below may draw."""
        match self.access:
            case ChildAccess.ALL:
                return True
            case ChildAccess.NONE:
                return False
            case ChildAccess.CONTRACT_IDS:
                return contract_id in self.contract_ids
