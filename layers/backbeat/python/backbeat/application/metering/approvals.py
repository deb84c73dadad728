"""Who may approve what: four eyes where the tenant's policy asks for them (D-46).

Nothing but approving needs a second person: a rejected adjustment counts nothing, and taking back
an approved one leaves usage as it was before anybody touched it.
"""

from backbeat.application.services import Call
from backbeat.models.adjustments import Adjustment, ApprovalPolicy
from backbeat.models.errors import Forbidden
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Put


def policy(call: Call) -> ApprovalPolicy:
    """Returns the tenant's policy; where none was set, everybody may approve their own."""
    kept = read(call.store, keys.approval_policy(call.tenant), ApprovalPolicy)
    return kept or ApprovalPolicy()


def set_policy(call: Call, wanted: ApprovalPolicy) -> None:
    """Lays down whose approval adjustments need from now on."""
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.approval_policy(call.tenant), wanted)))
    work.commit()


def refuse_own(call: Call, adjustment: Adjustment, by: str) -> None:
    """Makes sure that nobody approves alone what takes two.

    Raises:
        Forbidden: the adjustment is their own, and of more than they may approve by themselves.
    """
    limit = policy(call).four_eyes_above
    if limit is not None and by in adjustment.authors and abs(adjustment.quantity) > limit:
        raise Forbidden(
            f"An adjustment of more than {limit:f} units has to be approved by somebody else than"
            " whoever proposed it"
        )
