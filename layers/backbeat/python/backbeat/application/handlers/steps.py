"""The steps of operations: each makes one change in one system and may be repeated.

A step that was interrupted is taken again with the same idempotency key, or finds by a lookup that
it was taken. Once the new contract exists an operation only goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from backbeat.application import connections
from backbeat.application.handlers import catalogues, outcomes
from backbeat.application.handlers.accounts import stripe_customer_of
from backbeat.application.services import Call
from backbeat.domain.tiers import proration
from backbeat.models.accounts import (
    Account,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentState,
    Step,
)
from backbeat.models.tiers import Quote
from backbeat.persistence import accounts as stored
from backbeat.ports.connections import ProviderName
from backbeat.ports.metronome import NewContract, NewFee
from backbeat.ports.providers import Refused
from backbeat.ports.store import Effect
from backbeat.ports.stripe import Invoice, InvoiceStatus, NewLine, PaymentStatus

_TAKEN: Final = 409
_KEYS_LAST: Final = timedelta(hours=20)
"""Stripe forgets idempotency keys after a day: then it is looked up whether a step was taken."""

_CHARGE: Final = (Step.INVOICE, Step.LINE, Step.FINALIZE, Step.PAYMENT)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step made of an operation and, where it concerns that, of the account."""

    operation: Operation
    account: Account | None = None
    effects: tuple[Effect, ...] = field(default=())


class Waits(Exception):
    """The payment is not decided. `state` says what it waits for."""

    def __init__(self, operation: Operation, account: Account | None = None) -> None:
        super().__init__(operation.payment)
        self.operation = operation
        self.account = account


class Fails(Exception):
    """The operation cannot go on, for a reason that nobody is to mend."""

    def __init__(self, operation: Operation, code: str, message: str) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.message = message


def of(operation: Operation) -> tuple[Step, ...]:
    """Returns the steps of an operation in their order."""
    if operation.status is OperationStatus.COMPENSATING:
        return _compensation(operation)
    net = operation.quote.net if operation.quote is not None else 0
    charge, fee = (_CHARGE, (Step.FEE,)) if net > 0 else ((), ())
    card = (Step.CARD,) if operation.brings_card else ()
    match operation.kind:
        case OperationKind.ONBOARD | OperationKind.REACTIVATE:
            known = (Step.METRONOME_CUSTOMER, Step.STRIPE_CUSTOMER)
            return (*known, *card, Step.CATALOGUE, *charge, Step.CONTRACT, *fee, Step.COMMIT)
        case OperationKind.CHANGE:
            credit = (Step.CREDIT,) if net < 0 else ()
            swap = (Step.CONTRACT, Step.END_OLD)
            return (*card, Step.CATALOGUE, *charge, *swap, *credit, *fee, Step.COMMIT)
        case OperationKind.RENEW:
            return (*charge, *fee, Step.COMMIT)
        case OperationKind.CANCEL:
            return (Step.END_OLD, Step.COMMIT)
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


def _metronome_customer(call: Call, operation: Operation, account: Account) -> Progress:
    if account.metronome_customer_id is not None:
        return Progress(operation)
    metronome = connections.metronome(call)
    # The alias is the key: whoever has it is who an earlier try made.
    id_ = metronome.customer_by_alias(account.id)
    if id_ is None:
        id_ = metronome.create_customer(account.name, account.id)
    return _known_as(call, operation, account, ProviderName.METRONOME, id_)


def _stripe_customer(call: Call, operation: Operation, account: Account) -> Progress:
    if account.stripe_customer_id is not None:
        return Progress(operation)
    stripe = connections.stripe(call)
    metadata = {
        "entity_id": account.id,
        "entity_type": account.type,
        "metronome_customer_id": account.metronome_customer_id or "",
    }
    id_ = None
    if _is_old(call, operation):
        id_ = stripe.customer_with(email=account.email, metadata=metadata)
    if id_ is None:
        id_ = stripe.create_customer(
            name=account.name,
            email=account.email,
            metadata=metadata,
            key=operation.key(Step.STRIPE_CUSTOMER),
        )
    return _known_as(call, operation, account, ProviderName.STRIPE, id_)


def _known_as(
    call: Call, operation: Operation, account: Account, provider: ProviderName, id_: str
) -> Progress:
    changed = account.model_copy(update={f"{provider}_customer_id": id_, "updated_at": call.now})
    pointer = stored.names_account(call.tenant, provider, id_, account.id)
    return Progress(operation, changed, (pointer,))


def _card(call: Call, operation: Operation, account: Account) -> Progress:
    stripe, customer = connections.stripe(call), stripe_customer_of(account)
    key, wanted = operation.key(Step.CARD), operation.payment_method or ""
    try:
        own = [card for card in stripe.cards(customer) if card.id == wanted]
        card = own[0] if own else stripe.attach(customer, wanted, key=key)
    except Refused as refused:
        message = f"The payment method was refused: {refused.message}"
        raise Fails(operation, refused.code or "payment_method_refused", message) from refused
    stripe.set_default_card(customer, card.id, key=f"{key}:default")
    return Progress(operation.model_copy(update={"payment_method": card.id}))


def _catalogue(call: Call, operation: Operation, account: Account) -> Progress:
    setup = catalogues.ready(call)
    package = None
    if operation.plan is not None and not operation.plan.by_quote:
        package = setup.packages.get(operation.plan.tier)
        if package is None:
            message = f"{operation.plan.tier} is not set up: apply the catalogue"
            raise Fails(operation, "catalogue_not_applied", message)
    return Progress(operation.model_copy(update={"package_id": package}))


def _invoice(call: Call, operation: Operation, account: Account) -> Progress:
    stripe, customer = connections.stripe(call), stripe_customer_of(account)
    metadata = {"entity_id": account.id, "operation_id": operation.id}
    made = None
    if _is_old(call, operation):
        listed = stripe.invoices(customer)
        made = next((one for one in listed if metadata.items() <= one.metadata.items()), None)
    if made is None:
        made = stripe.create_invoice(
            customer,
            currency=_quoted(operation).currency,
            metadata=metadata,
            key=operation.key(Step.INVOICE),
        )
    changed = operation.model_copy(
        update={"stripe_invoice_id": made.id, "payment": PaymentState.PENDING}
    )
    pointer = stored.names_operation(call.tenant, made.id, operation.id)
    return Progress(changed, None, (pointer,))


def _line(call: Call, operation: Operation, account: Account) -> Progress:
    stripe, quote, id_ = connections.stripe(call), _quoted(operation), _invoice_id(operation)
    if _is_old(call, operation) and stripe.invoice(id_).total:
        return Progress(operation)
    line = NewLine(outcomes.line_text(operation), quote.net, quote.at, quote.ending_before)
    stripe.add_line(
        id_,
        stripe_customer_of(account),
        line,
        currency=quote.currency,
        key=operation.key(Step.LINE),
    )
    return Progress(operation)


def _finalize(call: Call, operation: Operation, account: Account) -> Progress:
    connections.stripe(call).finalize(_invoice_id(operation), key=operation.key(Step.FINALIZE))
    return Progress(operation)


def _payment(call: Call, operation: Operation, account: Account) -> Progress:
    """Collects the invoice, or finds out how far that is.

    What the provider says counts and not what a webhook told, so that those may come late, twice,
    or before the answer to the call that caused them.
    """
    stripe, id_ = connections.stripe(call), _invoice_id(operation)
    invoice = stripe.invoice(id_)
    operation = outcomes.as_seen(operation, invoice)
    if _is_undecided(invoice) and operation.attempted < operation.attempt:
        method = operation.payment_method or stripe.default_card(stripe_customer_of(account))
        if method is None:
            waiting = operation.model_copy(update={"payment": PaymentState.METHOD_REQUIRED})
            raise _waits(call, waiting, account)
        invoice = stripe.pay(
            id_,
            payment_method=method,
            off_session=operation.renews,
            key=operation.key(Step.PAYMENT),
        )
        operation = outcomes.as_seen(operation, invoice).model_copy(
            update={"attempted": operation.attempt}
        )
    match operation.payment:
        case PaymentState.PAID:
            return Progress(operation)
        case PaymentState.ACTION_REQUIRED | PaymentState.PROCESSING:
            raise _waits(call, operation, account)
        case _:
            declined = outcomes.declined(operation, invoice, call.now)
            if operation.renews and invoice.status is InvoiceStatus.OPEN:
                raise Waits(declined, outcomes.past_due(account, call.now))
            trouble = declined.trouble
            code, message = (
                ("payment_failed", "The payment failed")
                if trouble is None
                else (trouble.code, trouble.message)
            )
            raise Fails(declined, code, message)


def _waits(call: Call, operation: Operation, account: Account) -> Exception:
    given_up = operation.gives_up_at is not None and call.now >= operation.gives_up_at
    if given_up and operation.payment is not PaymentState.PROCESSING:
        return Fails(operation, "expired", "Nobody completed the payment in time")
    if operation.renews and operation.payment is not PaymentState.PROCESSING:
        return Waits(operation, outcomes.past_due(account, call.now))
    return Waits(operation)


def _is_undecided(invoice: Invoice) -> bool:
    """Tells whether an attempt to pay would decide something."""
    payment = invoice.payment
    return invoice.status is InvoiceStatus.OPEN and (
        payment is None
        or payment.status
        in (PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION)
    )


def _contract(call: Call, operation: Operation, account: Account) -> Progress:
    metronome, customer = connections.metronome(call), _metronome_customer_of(account)
    quote, setup, key = _quoted(operation), catalogues.ready(call), operation.key(Step.CONTRACT)
    plan = operation.plan
    assert plan is not None  # noqa: S101 - only operations with a plan have this step
    wanted = NewContract(
        customer_id=customer,
        starting_at=quote.at,
        name=plan.tier.title(),
        uniqueness_key=key,
        package_id=operation.package_id,
        rate_card_id=setup.rate_card_id,
        credit_product_id=setup.credit_product_id,
        credit_type_id=setup.credit_type_id,
        monthly_credits=plan.credits,
    )
    try:
        id_ = metronome.create_contract(wanted)
    except Refused as refused:
        made = [one for one in metronome.contracts(customer) if one.uniqueness_key == key]
        if refused.status != _TAKEN or not made:
            raise
        id_ = made[0].id
    return Progress(operation.model_copy(update={"contract_id": id_}))


def _end_old(call: Call, operation: Operation, account: Account) -> Progress:
    """Ends the old contract and what is left of its credits."""
    old, start = operation.old_contract_id, operation.old_contract_start
    if old is None or start is None:
        return Progress(operation)
    metronome, customer = connections.metronome(call), _metronome_customer_of(account)
    at = _ends_at(operation)
    contract = next((one for one in metronome.contracts(customer) if one.id == old), None)
    if contract is None or contract.archived:
        return Progress(operation)
    if start >= at:
        # It would end before it began: of a contract of this very hour nothing is left.
        metronome.archive_contract(customer, old)
        return Progress(operation)
    if contract.ending_before is None or contract.ending_before > at:
        metronome.end_contract(customer, old, at)
    for credit in metronome.credits(customer):
        if credit.contract_id == old and credit.starting_at < at < credit.ending_before:
            metronome.end_credits(customer, old, credit.id, at)
    return Progress(operation)


def _reopen(call: Call, operation: Operation, account: Account) -> Progress:
    """Lets a contract go on that was to end."""
    if operation.old_contract_id is not None:
        customer = _metronome_customer_of(account)
        connections.metronome(call).end_contract(customer, operation.old_contract_id, None)
    return Progress(operation)


def _fee(call: Call, operation: Operation, account: Account) -> Progress:
    """Notes in Metronome what was paid, so that its invoices show it too."""
    quote, subscription = _quoted(operation), account.subscription
    contract = operation.contract_id or (None if subscription is None else subscription.contract_id)
    fee = NewFee(
        customer_id=_metronome_customer_of(account),
        contract_id=contract or "",
        product_id=catalogues.ready(call).fee_product_id,
        name=outcomes.line_text(operation),
        at=quote.at,
        amount=quote.net * 100,
        uniqueness_key=operation.key(Step.FEE),
    )
    try:
        connections.metronome(call).add_fee(fee)
    except Refused as refused:
        if refused.status != _TAKEN:
            raise
    return Progress(operation)


def _credit(call: Call, operation: Operation, account: Account) -> Progress:
    """Gives back what the old plan cost more, for the next invoices."""
    quote, stripe, customer = (
        _quoted(operation),
        connections.stripe(call),
        stripe_customer_of(account),
    )
    text = f"{outcomes.line_text(operation)} ({operation.id})"
    if _is_old(call, operation) and stripe.was_credited(customer, text):
        return Progress(operation)
    stripe.credit(
        customer,
        -quote.net,
        currency=quote.currency,
        description=text,
        key=operation.key(Step.CREDIT),
    )
    return Progress(operation)


def _refund(call: Call, operation: Operation, account: Account) -> Progress:
    if operation.payment_intent_id is not None:
        key = operation.key(Step.REFUND)
        connections.stripe(call).refund(operation.payment_intent_id, key=key)
    return Progress(operation.model_copy(update={"payment": PaymentState.REFUNDED}))


def _withdraw(call: Call, operation: Operation, account: Account) -> Progress:
    stripe, id_ = connections.stripe(call), _invoice_id(operation)
    try:
        stripe.void(id_, key=operation.key(Step.WITHDRAW))
    except Refused:
        if stripe.invoice(id_).status is not InvoiceStatus.PAID:
            raise
        # It was paid in the last moment: then the change is made.
        update = {"status": OperationStatus.RUNNING, "step": Step.PAYMENT}
        return Progress(operation.model_copy(update=update))
    return Progress(operation)


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


def _quoted(operation: Operation) -> Quote:
    assert operation.quote is not None  # noqa: S101 - only operations with a quote have such steps
    return operation.quote


def _ends_at(operation: Operation) -> datetime:
    if operation.quote is not None:
        return operation.quote.at
    if operation.ends_at is not None:
        return operation.ends_at
    return proration.hour_of(operation.created_at)


def _invoice_id(operation: Operation) -> str:
    assert operation.stripe_invoice_id is not None  # noqa: S101 - a step before made it
    return operation.stripe_invoice_id


def _metronome_customer_of(account: Account) -> str:
    assert account.metronome_customer_id is not None  # noqa: S101 - onboarding made it first
    return account.metronome_customer_id


def _is_old(call: Call, operation: Operation) -> bool:
    return call.now - operation.created_at > _KEYS_LAST


_STEPS: Final[Mapping[Step, Callable[[Call, Operation, Account], Progress]]] = {
    Step.METRONOME_CUSTOMER: _metronome_customer,
    Step.STRIPE_CUSTOMER: _stripe_customer,
    Step.CARD: _card,
    Step.CATALOGUE: _catalogue,
    Step.INVOICE: _invoice,
    Step.LINE: _line,
    Step.FINALIZE: _finalize,
    Step.PAYMENT: _payment,
    Step.CONTRACT: _contract,
    Step.END_OLD: _end_old,
    Step.REOPEN: _reopen,
    Step.FEE: _fee,
    Step.CREDIT: _credit,
    Step.REFUND: _refund,
    Step.WITHDRAW: _withdraw,
    Step.COMMIT: _commit,
}
