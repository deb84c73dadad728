"""What goes wrong on purpose in a sandbox."""

from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model


class FaultKind(StrEnum):
    """What happens: to a call, to a webhook, or to a payment."""

    LATENCY = "latency"
    STATUS = "status"
    DROP = "drop"
    WEBHOOK_LOSS = "webhook_loss"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_REORDER = "webhook_reorder"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"
    PAYMENT_DECLINE = "payment_decline"

    @property
    def is_of_webhooks(self) -> bool:
        """Tells whether it happens to a delivery rather than to a call."""
        return self.value.startswith("webhook_")

    @property
    def is_of_payments(self) -> bool:
        """Tells whether it happens to a payment rather than to a call."""
        return self.value.startswith("payment_")


class When(StrEnum):
    """Whether a call is spoilt before its work is done, or only its answer is lost."""

    BEFORE = "before"
    AFTER = "after"


class Fault(Model):
    """One thing that goes wrong, for whom and how often.

    `path` and `event` are patterns with `*` and `?`; what is None concerns everything. Of the
    `matched` occasions so far, `fired` were spoilt: at most `count`, each with `probability`.
    `milliseconds` is how long a call is held up, `decline_code` what a bank says of a payment.
    """

    id: str
    kind: FaultKind
    method: str | None = None
    path: str | None = None
    customer: str | None = None
    event: str | None = None
    count: int | None = None
    probability: Decimal = Decimal(1)
    seed: int = 0
    when: When = When.BEFORE
    status: int | None = None
    retry_after_seconds: Decimal | None = None
    milliseconds: int = 0
    decline_code: str | None = None
    matched: int = 0
    fired: int = 0


class Faults(Model):
    """All of a sandbox's, in the order in which they were asked for."""

    rules: tuple[Fault, ...] = ()
