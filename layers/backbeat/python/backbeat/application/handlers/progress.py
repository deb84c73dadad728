"""What steps of operations share: how they end, and what they may rely on."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation
from backbeat.models.tiers import Quote
from backbeat.ports.store import Effect

_KEYS_LAST: Final = timedelta(hours=20)
"""Stripe forgets idempotency keys after a day."""

TAKEN: Final = 409
"""What Metronome answers to a key that was used: an earlier try came that far."""


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


def quoted(operation: Operation) -> Quote:
    """Returns what an operation costs; only such operations have steps that ask."""
    assert operation.quote is not None  # noqa: S101 - only operations with a quote have such steps
    return operation.quote


def metronome_customer_of(account: Account) -> str:
    """Returns who an account is at Metronome, after the step that made it known there."""
    assert account.metronome_customer_id is not None  # noqa: S101 - onboarding made it first
    return account.metronome_customer_id


def is_old(call: Call, operation: Operation) -> bool:
    """Tells whether Stripe has forgotten the keys: then it is looked up what was done."""
    return call.now - operation.created_at > _KEYS_LAST
