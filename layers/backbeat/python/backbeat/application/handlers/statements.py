"""What an entity was billed and what it has to spend, as the providers have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import connections
from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation
from backbeat.persistence import accounts as stored
from backbeat.ports import metronome, stripe

_METADATA: Final = "operation_id"


@dataclass(frozen=True, slots=True)
class Credits:
    """An entity's credits. `balance` can be spent now."""

    entity_id: str
    balance: Decimal
    grants: Sequence[metronome.Credit]


@dataclass(frozen=True, slots=True)
class Bill:
    """One charge: the invoice that is paid, and the one that says what for."""

    created_at: datetime | None
    operation_id: str | None
    stripe: stripe.Invoice | None
    metronome: metronome.Invoice | None


def credits_of(call: Call, account: Account) -> Credits:
    """Returns an entity's credits, those of the next month too, which cannot be spent yet.

    Raises:
        ProviderError: Metronome did not answer.
    """
    if account.metronome_customer_id is None:
        return Credits(account.id, Decimal(0), ())
    grants = connections.metronome(call).credits(account.metronome_customer_id)
    now = [one for one in grants if one.starting_at <= call.now < one.ending_before]
    balance = sum((one.balance for one in now), Decimal(0))
    return Credits(account.id, balance, sorted(grants, key=lambda one: one.starting_at))


def bills_of(call: Call, account: Account) -> list[Bill]:
    """Returns an entity's invoices, newest first: of plans and of usage.

    Raises:
        ProviderError: a provider did not answer.
    """
    paid = (
        []
        if account.stripe_customer_id is None
        else connections.stripe(call).invoices(account.stripe_customer_id)
    )
    noted = (
        []
        if account.metronome_customer_id is None
        else connections.metronome(call).invoices(account.metronome_customer_id)
    )
    bills = []
    for invoice in paid:
        operation = _operation_of(call, invoice)
        fee = None if operation is None else _fee_of(account, operation, noted)
        if fee is not None:
            noted.remove(fee)
        id_ = None if operation is None else operation.id
        bills.append(Bill(invoice.created_at, id_, invoice, fee))
    # Of a period without usage there is an invoice of nothing, too.
    usage = [one for one in noted if one.total]
    bills += [Bill(one.issued_at or one.starting_at, None, None, one) for one in usage]
    return sorted(
        bills,
        key=lambda bill: (
            (0.0 if bill.created_at is None else bill.created_at.timestamp()),
            bill.stripe.id if bill.stripe is not None else "",
        ),
        reverse=True,
    )


def _operation_of(call: Call, invoice: stripe.Invoice) -> Operation | None:
    id_ = invoice.metadata.get(_METADATA)
    found = None if id_ is None else stored.operation(call.store, call.tenant, id_)
    return None if found is None else found[1]


def _fee_of(
    account: Account, operation: Operation, noted: Sequence[metronome.Invoice]
) -> metronome.Invoice | None:
    """Returns the invoice in Metronome of the same charge: on its contract, at its time."""
    quote = operation.quote
    subscription = account.subscription
    contract = operation.contract_id or (None if subscription is None else subscription.contract_id)
    return next(
        (
            one
            for one in noted
            if one.type == "SCHEDULED"
            and quote is not None
            and one.contract_id == contract
            and one.total == quote.net * 100
            and (one.issued_at or one.starting_at) == quote.at
        ),
        None,
    )
