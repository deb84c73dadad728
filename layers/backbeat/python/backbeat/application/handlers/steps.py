"""The steps of operations: each makes one change in one system and may be repeated.

A step that was interrupted is taken again with the same idempotency key, or finds by a lookup that
it was taken. Once the new contract exists an operation only goes on.
"""

from collections.abc import Callable, Mapping
from typing import Final

from backbeat.application.handlers import charging, contracting, introducing, outcomes
from backbeat.application.handlers.progress import Progress
from backbeat.application.services import Call
from backbeat.models.accounts import (
    Account,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentState,
    Step,
)

_CHARGE: Final = (Step.INVOICE, Step.LINE, Step.FINALIZE, Step.PAYMENT)


def of(operation: Operation) -> tuple[Step, ...]:
    """Returns the steps of an operation in their order."""
    if operation.status is OperationStatus.COMPENSATING:
        return _compensation(operation)
    net = operation.quote.net if operation.quote is not None else 0
    charge, fee = (_CHARGE, (Step.FEE,)) if net > 0 else ((), ())
    credit = (Step.CREDIT,) if net < 0 else ()
    card = (Step.CARD,) if operation.brings_card else ()
    match operation.kind:
        case OperationKind.ONBOARD | OperationKind.REACTIVATE:
            known = (Step.METRONOME_CUSTOMER, Step.STRIPE_CUSTOMER)
            return (*known, *card, Step.CATALOGUE, *charge, Step.CONTRACT, *fee, Step.COMMIT)
        case OperationKind.CHANGE:
            swap = (Step.CONTRACT, Step.END_OLD)
            return (*card, Step.CATALOGUE, *charge, *swap, *credit, *fee, Step.COMMIT)
        case OperationKind.RENEW:
            return (*charge, *fee, Step.COMMIT)
        case OperationKind.CANCEL:
            return (Step.END_OLD, *credit, Step.COMMIT)
        case OperationKind.RESUME:
            return (Step.REOPEN, Step.COMMIT)


def first(operation: Operation) -> Operation:
    """Returns an operation at its first step."""
    return operation.model_copy(update={"step": of(operation)[0]})


def take(call: Call, operation: Operation, account: Account) -> Progress:
    """Takes the next step and returns the operation at the one after it.

    Raises:
        Waits: a payment is not decided.
        Fails: it cannot go on.
        ProviderError: a provider did not do it.
    """
    step = operation.step
    progress = _STEPS[step](call, operation, account)
    following = of(progress.operation)
    if progress.operation.step is not step or step is following[-1]:
        return progress
    after = progress.operation.model_copy(
        update={
            "step": following[following.index(step) + 1],
            "done": (*progress.operation.done, step),
            "tries": 0,
            "trouble": None
            if progress.operation.status is OperationStatus.RUNNING
            else progress.operation.trouble,
        }
    )
    return Progress(after, progress.account, progress.effects)


def compensated(operation: Operation) -> Operation:
    """Returns an operation that cannot go on at the first step of taking it back."""
    back = operation.model_copy(update={"status": OperationStatus.COMPENSATING, "tries": 0})
    return back.model_copy(update={"step": of(back)[0]})


def can_turn_back(operation: Operation) -> bool:
    """Tells whether everything that was done can be taken back."""
    return Step.CONTRACT not in operation.done and Step.END_OLD not in operation.done


def _compensation(operation: Operation) -> tuple[Step, ...]:
    if operation.stripe_invoice_id is None:
        return (Step.COMMIT,)
    paid = operation.payment in (PaymentState.PAID, PaymentState.REFUNDED)
    return (Step.REFUND if paid else Step.WITHDRAW, Step.COMMIT)


def _commit(call: Call, operation: Operation, account: Account) -> Progress:
    return Progress(
        operation.model_copy(
            update={
                "status": OperationStatus.FAILED
                if operation.status is OperationStatus.COMPENSATING
                else OperationStatus.DONE,
                "done": (*operation.done, Step.COMMIT),
            }
        ),
        outcomes.settled(account, operation, call.now),
    )


_STEPS: Final[Mapping[Step, Callable[[Call, Operation, Account], Progress]]] = {
    Step.METRONOME_CUSTOMER: introducing.at_metronome,
    Step.STRIPE_CUSTOMER: introducing.at_stripe,
    Step.CARD: introducing.card,
    Step.CATALOGUE: contracting.catalogue,
    Step.INVOICE: charging.invoice,
    Step.LINE: charging.line,
    Step.FINALIZE: charging.finalize,
    Step.PAYMENT: charging.payment,
    Step.CONTRACT: contracting.contract,
    Step.END_OLD: contracting.end_old,
    Step.REOPEN: contracting.reopen,
    Step.FEE: contracting.fee,
    Step.CREDIT: charging.credit,
    Step.REFUND: charging.refund,
    Step.WITHDRAW: charging.withdraw,
    Step.COMMIT: _commit,
}
