"""The customers of the billing handlers, and the changes under way for them."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.tiers import Plan, Quote


class SubscriptionStatus(StrEnum):
    """What a customer's plan is worth now.

    INCOMPLETE: the first payment is not made. PAST_DUE: a renewal is not paid; the plan goes on.
    SUSPENDED: it was not paid for too long; nothing may be used until it is.
    """

    INCOMPLETE = "incomplete"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    CANCELED = "canceled"


class ScheduledChange(Model):
    """A plan that is to begin later."""

    plan: Plan
    at: datetime
    asked_at: datetime


class Subscription(Model):
    """A customer's plan, and the period `[starting_at, ending_before)` that is paid for.

    Periods are counted from `anchor`. The plan is the contract `contract_id` in Metronome.
    """

    plan: Plan
    status: SubscriptionStatus
    anchor: datetime
    starting_at: datetime
    ending_before: datetime
    contract_id: str | None = None
    contract_start: datetime | None = None
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    scheduled: ScheduledChange | None = None


class Account(Model):
    """An entity of the product, who it is at the providers, and its subscription.

    `operation_id` is the change under way: there is one at a time.
    """

    id: str
    type: str
    name: str
    email: str
    created_at: datetime
    updated_at: datetime
    metronome_customer_id: str | None = None
    stripe_customer_id: str | None = None
    subscription: Subscription | None = None
    operation_id: str | None = None


class OperationKind(StrEnum):
    """What an operation is about.

    RESUME lets a plan go on that was to end, REACTIVATE begins one anew that has ended.
    """

    ONBOARD = "onboard"
    CHANGE = "change"
    RENEW = "renew"
    CANCEL = "cancel"
    RESUME = "resume"
    REACTIVATE = "reactivate"


class OperationStatus(StrEnum):
    """How far an operation is.

    WAITING is for a payment that somebody has to make, authenticate or settle. COMPENSATING takes
    back what was done of one that cannot go on; then it is FAILED. STUCK ones wait for an operator.
    """

    RUNNING = "running"
    WAITING = "waiting"
    COMPENSATING = "compensating"
    STUCK = "stuck"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Tells whether nothing more happens."""
        return self in (OperationStatus.DONE, OperationStatus.FAILED)


class Step(StrEnum):
    """A step of an operation: one change in one system, or the end in our own store."""

    METRONOME_CUSTOMER = "metronome_customer"
    STRIPE_CUSTOMER = "stripe_customer"
    CARD = "card"
    CATALOGUE = "catalogue"
    INVOICE = "invoice"
    LINE = "line"
    FINALIZE = "finalize"
    PAYMENT = "payment"
    CONTRACT = "contract"
    END_OLD = "end_old"
    REOPEN = "reopen"
    FEE = "fee"
    CREDIT = "credit"
    COMMIT = "commit"
    REFUND = "refund"
    WITHDRAW = "withdraw"


class PaymentState(StrEnum):
    """How far the payment of an operation is."""

    NOT_NEEDED = "not_needed"
    PENDING = "pending"
    METHOD_REQUIRED = "payment_method_required"
    ACTION_REQUIRED = "authentication_required"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"


class Afterwards(StrEnum):
    """What becomes of a subscription whose renewal was given up."""

    NOTHING = "nothing"
    CANCEL = "cancel"
    DOWNGRADE = "downgrade"


class Trouble(Model):
    """Why a step did not succeed, in words for people."""

    step: Step
    code: str
    message: str
    at: datetime


class Operation(Model):
    """A change that concerns several systems, as intended, and how far it is.

    `step` is the next one. Each step has the idempotency key `<id>:<step>:<attempt>`: repeated, it
    changes nothing. `attempt` is raised when somebody asks for the payment to be tried anew, and
    `attempted` the last one whose outcome is known. `tries` counts failures of the present step.
    `ends_at` is when the plan ends that is canceled, where that is not at once.
    `brings_card`: the payment method is to become the customer's default first.
    `renews`: nobody is there, and a declined payment leaves the plan past due instead of refused.
    """

    id: str
    kind: OperationKind
    entity_id: str
    status: OperationStatus = OperationStatus.RUNNING
    step: Step
    attempt: int = 1
    attempted: int = 0
    tries: int = 0
    created_at: datetime
    updated_at: datetime
    before: Plan | None = None
    plan: Plan | None = None
    quote: Quote | None = None
    renews: bool = False
    payment_method: str | None = None
    brings_card: bool = False
    payment: PaymentState = PaymentState.NOT_NEEDED
    payment_intent_id: str | None = None
    stripe_invoice_id: str | None = None
    package_id: str | None = None
    contract_id: str | None = None
    old_contract_id: str | None = None
    old_contract_start: datetime | None = None
    ends_at: datetime | None = None
    gives_up_at: datetime | None = None
    afterwards: Afterwards = Afterwards.NOTHING
    downgrade: Plan | None = None
    trouble: Trouble | None = None
    done: tuple[Step, ...] = ()

    def key(self, step: Step) -> str:
        """Returns the idempotency key of a step."""
        return f"{self.id}:{step}:{self.attempt}"
