"""What a sandbox's payments are told to become, over HTTP."""

from collections.abc import Sequence

from backbeat.application import customers, payments, recharge_triggers
from backbeat.application.attempts import insistently
from backbeat.application.sandbox_payments import EVERYBODY, decided, replaced, script_of
from backbeat.application.services import Call
from backbeat.models.payments import PaymentOutcome, PaymentScript, ScriptedPayment, TaxRule
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Effect, Query


def script(call: Call) -> PaymentScript:
    """Returns what becomes of the next payments."""
    return script_of(call.store, call.tenant)[1]


def collected(call: Call) -> list[ScriptedPayment]:
    """Returns all payments that were asked for, in no telling order."""
    items = walk(call.store, Query(keys.scripted_payments(call.tenant)))
    return [from_item(item, ScriptedPayment) for item in items]


def refuse_unknown(call: Call, customer_id: str) -> None:
    """Makes sure that there is somebody to write a script for, before anything is done.

    Raises:
        NotFound: the customer does not exist.
    """
    if customer_id != EVERYBODY:
        customers.get(call, customer_id)


def extend(
    call: Call, customer_id: str, outcomes: Sequence[PaymentOutcome], tax: TaxRule | None
) -> None:
    """Adds outcomes to a customer's script, or to everybody's; a tax replaces the one before."""

    def attempt() -> None:
        item, before = script_of(call.store, call.tenant)
        added = (*before.outcomes.get(customer_id, ()), *outcomes)
        after = before.model_copy(update={"outcomes": {**before.outcomes, customer_id: added}})
        if tax is not None:
            after = after.model_copy(update={"tax": tax})
        _commit(call, replaced(call.tenant, item, after))

    insistently(attempt)


def forget(call: Call) -> None:
    """Lets all further payments be paid, without tax."""

    def attempt() -> None:
        item, _ = script_of(call.store, call.tenant)
        _commit(call, replaced(call.tenant, item, PaymentScript()))

    insistently(attempt)


def settle(call: Call, outcome: PaymentOutcome, *, payment_intent_id: str | None) -> None:
    """Decides the payments that are open, or one of them, and has that noticed at once.

    Raises:
        Retryable: others kept changing them.
    """
    customer_ids = []
    for item in walk(call.store, Query(keys.scripted_payments(call.tenant))):
        before = from_item(item, ScriptedPayment)
        if before.outcome.is_open and payment_intent_id in (None, before.payment_intent_id):
            _commit(call, decided(item, before.model_copy(update={"outcome": outcome})))
            customer_ids.append(before.customer_id)
    for customer_id in dict.fromkeys(customer_ids):
        _have_noticed(call, customer_id)


def _have_noticed(call: Call, customer_id: str) -> None:
    def attempt() -> None:
        work = UnitOfWork(call.store)
        recharge_triggers.request(call, work, customer_id)
        payments.request(call, work, customer_id)
        work.commit()

    insistently(attempt)


def _commit(call: Call, effect: Effect) -> None:
    work = UnitOfWork(call.store)
    work.add(effect)
    work.commit()
