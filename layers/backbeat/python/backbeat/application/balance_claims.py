"""What commits and credits, and edits that add them, hold for themselves alone."""

from typing import Final

from backbeat.application import custom_fields
from backbeat.application.services import Call
from backbeat.models.balances import Balance
from backbeat.models.custom_fields import FieldEntity
from backbeat.persistence import claims
from backbeat.persistence.unit_of_work import UnitOfWork

EDIT_KEYS: Final = "CONTRACTEDIT"
"""The scope of the uniqueness keys of contracts' edits."""

_BALANCE_KEYS: Final = "BALANCE"
_KEY_USED: Final = "This uniqueness key has already been used."


def claim(call: Call, work: UnitOfWork, balance: Balance) -> None:
    """Lets a balance that the work adds have its custom fields and uniqueness key.

    Raises:
        InvalidArgument: it has custom fields under keys that are not registered.
    """
    custom_fields.claim(call, work, _entity(balance), balance.id, balance.custom_fields)
    if balance.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _BALANCE_KEYS, balance.uniqueness_key, balance.id),
            otherwise=claims.taken(_KEY_USED),
        )


def give_back(call: Call, work: UnitOfWork, balance: Balance, edit_key: str | None) -> None:
    """Frees what was claimed for a balance that will not be, and the key of the edit of it.

    Decision: a key is not used up by what came to nothing.
    """
    custom_fields.give_back(call, work, _entity(balance), balance.id, balance.custom_fields)
    if balance.uniqueness_key is not None:
        work.add(claims.release(call.tenant, _BALANCE_KEYS, balance.uniqueness_key))
    if edit_key is not None:
        work.add(claims.release(call.tenant, EDIT_KEYS, edit_key))


def _entity(balance: Balance) -> FieldEntity:
    return FieldEntity.COMMIT if balance.is_commit else FieldEntity.CONTRACT_CREDIT
