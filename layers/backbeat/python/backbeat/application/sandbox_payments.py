"""A sandbox's payment gateway and tax service: they do as its script says.

All is stored, so that every process of a stage knows the same payments. Nobody's money moves.
"""

from decimal import Decimal
from typing import Final

from backbeat.application import faults
from backbeat.application.attempts import insistently
from backbeat.domain.identity import derived_id
from backbeat.models.money import EXACT, CreditType
from backbeat.models.payments import (
    PaymentOutcome,
    PaymentResult,
    PaymentScript,
    ScriptedOutcome,
    ScriptedPayment,
)
from backbeat.models.threshold_billing import PaymentError, Tax, TaxType
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Item, Put, Store, Version

EVERYBODY: Final = ""
"""Stands for the customers who have no script of their own."""

_DECLINED: Final = PaymentError(
    message="Your card was declined.",
    type="card_error",
    code="card_declined",
    decline_code="generic_decline",
)
_UNAUTHENTICATED: Final = "authentication_required"
_ERRORS: Final = {
    PaymentOutcome.FAILED: _DECLINED,
    PaymentOutcome.ACTION_REQUIRED: PaymentError(message="three_d_secure_redirect"),
}


class ScriptedPayments:
    """Implements `PaymentGateway`: pays what it is asked to unless the sandbox's script differs.

    Each payment takes the next outcome of its customer's script, or of everybody's, unless a fault
    declines it, and keeps it until it is settled.
    """

    def __init__(self, store: Store) -> None:
        """Keeps scripts and payments in a store."""
        self._store = store

    def collect(
        self,
        *,
        tenant: str,
        key: str,
        customer_id: str,
        amount: Decimal,
        currency: CreditType,
        on_session: bool = False,
    ) -> PaymentResult:
        """Implements `PaymentGateway`."""
        drawn: list[str | None] = []

        def attempt() -> PaymentResult:
            stored = self._store.get(keys.scripted_payment(tenant, key))
            if stored is not None:
                return _result(from_item(stored, ScriptedPayment))
            item, script = script_of(self._store, tenant)
            declines = self._declined(tenant, customer_id, drawn)
            said, after = (
                (ScriptedOutcome.FAILED, script) if declines else _taken(script, customer_id)
            )
            outcome = said.comes_to(on_session=on_session)
            if said is ScriptedOutcome.AUTHENTICATION_REQUIRED:
                declines = _UNAUTHENTICATED
            made = _made(key, customer_id, amount, currency, outcome)
            made = made.model_copy(update={"decline_code": declines})
            work = UnitOfWork(self._store)
            work.add(Put(to_item(keys.scripted_payment(tenant, key), made), Absent()))
            if after != script:
                work.add(replaced(tenant, item, after))
            work.commit()
            return _result(made)

        return insistently(attempt)

    def _declined(self, tenant: str, customer_id: str, drawn: list[str | None]) -> str | None:
        """Returns what a fault has the bank say, if any. A payment is drawn for once."""
        if not drawn:
            drawn.append(faults.decline_of_payment(self._store, tenant, [customer_id]))
        return drawn[0]

    def cancel(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Implements `PaymentGateway`."""
        place = keys.scripted_payment(tenant, key)

        def attempt() -> PaymentResult:
            stored = self._store.get(place)
            canceled = _made(key, customer_id, amount, currency, PaymentOutcome.CANCELED)
            work = UnitOfWork(self._store)
            if stored is None:
                work.add(Put(to_item(place, canceled), Absent()))
            else:
                before = from_item(stored, ScriptedPayment)
                if before.outcome is PaymentOutcome.PAID:
                    return _result(before)
                work.add(decided(stored, canceled))
            work.commit()
            return _result(canceled)

        return insistently(attempt)


class ScriptedTaxes:
    """Implements `Taxes`: the part of the amount that the sandbox's script says."""

    def __init__(self, store: Store) -> None:
        """Reads scripts from a store."""
        self._store = store

    def tax_on(
        self,
        *,
        tenant: str,
        key: str,
        customer_id: str,
        amount: Decimal,
        currency: CreditType,
        by: TaxType,
    ) -> Tax | None:
        """Implements `Taxes`. Who is asked makes no difference in a sandbox."""
        rule = script_of(self._store, tenant)[1].tax
        if rule is None:
            return None
        return Tax(amount=EXACT.multiply(amount, rule.rate), name=rule.name)


def script_of(store: Store, tenant: str) -> tuple[Item | None, PaymentScript]:
    """Returns a sandbox's script, and the item it is stored in if there is one."""
    item = store.get(keys.payment_script(tenant))
    return item, PaymentScript() if item is None else from_item(item, PaymentScript)


def replaced(tenant: str, item: Item | None, after: PaymentScript) -> Put:
    """Returns the effect that replaces a script, if nobody else has since."""
    key = keys.payment_script(tenant)
    if item is None:
        return Put(to_item(key, after), Absent())
    return Put(to_item(key, after, version=item.version + 1), Version(item.version))


def decided(item: Item, after: ScriptedPayment) -> Put:
    """Returns the effect that changes a payment, if nobody else has since."""
    return Put(to_item(item.key, after, version=item.version + 1), Version(item.version))


def _taken(script: PaymentScript, customer_id: str) -> tuple[ScriptedOutcome, PaymentScript]:
    """Returns the next outcome for a customer, and the script without it."""
    for owner in (customer_id, EVERYBODY):
        left = script.outcomes.get(owner, ())
        if left:
            outcomes = {**script.outcomes, owner: left[1:]}
            return left[0], script.model_copy(update={"outcomes": outcomes})
    return ScriptedOutcome.PAID, script


def _made(
    key: str,
    customer_id: str,
    amount: Decimal,
    currency: CreditType,
    outcome: PaymentOutcome,
) -> ScriptedPayment:
    return ScriptedPayment(
        key=key,
        customer_id=customer_id,
        amount=amount,
        currency=currency,
        outcome=outcome,
        payment_intent_id=f"pi_{derived_id('payment_intent', key).replace('-', '')[:24]}",
    )


def _result(payment: ScriptedPayment) -> PaymentResult:
    error = _ERRORS.get(payment.outcome)
    if payment.outcome is PaymentOutcome.FAILED and payment.decline_code is not None:
        changes = {"decline_code": payment.decline_code}
        if payment.decline_code == _UNAUTHENTICATED:
            changes["code"] = _UNAUTHENTICATED
        error = _DECLINED.model_copy(update=changes)
    return PaymentResult(payment.outcome, payment.payment_intent_id, error)
