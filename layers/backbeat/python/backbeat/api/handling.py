"""How the billing handlers answer: what a provider did, and how far an operation is."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

from backbeat.api import auth
from backbeat.api.replies import Reply
from backbeat.api.requests import Request
from backbeat.api.views.handlers import operation_view
from backbeat.api.views.times import present
from backbeat.application import connections
from backbeat.application.handlers import operations
from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation, OperationStatus, PaymentState, Step
from backbeat.models.errors import Retryable, Unprocessable
from backbeat.ports.providers import Away, Refused
from backbeat.ports.stripe import Payment

P = ParamSpec("P")

_BY_CUSTOMER: Final = frozenset({PaymentState.ACTION_REQUIRED, PaymentState.METHOD_REQUIRED})


def by_provider(answer: Callable[P, Reply]) -> Callable[P, Reply]:
    """Makes a handler one that acts at the providers on behalf of the caller.

    A provider that is away is a 503, one that refuses a 422.
    """

    @wraps(answer)
    def answering(*args: P.args, **kwargs: P.kwargs) -> Reply:
        request = args[0]
        assert isinstance(request, Request)  # noqa: S101 - the first argument of every handler
        auth.remember_token(request)
        try:
            return answer(*args, **kwargs)
        except Away as away:
            raise Retryable(str(away)) from away
        except Refused as refused:
            raise Unprocessable(str(refused)) from refused

    return answering


def reply(operation: Operation | None, shown: dict[str, object], *, created: bool = False) -> Reply:
    """Returns the reply to a request that began an operation.

    200 or 201: it is done. 202: it goes on by itself, or waits for the customer. 402: the payment
    failed, and nothing has changed. 422: a provider would not do it, and nothing has changed.
    """
    if operation is None:
        return Reply(200, shown)
    if operation.status is OperationStatus.DONE:
        return Reply(201 if created else 200, shown)
    if operation.status is not OperationStatus.FAILED:
        return Reply(202, shown)
    trouble = operation.trouble
    by_payment = trouble is not None and trouble.step in (Step.CARD, Step.PAYMENT)
    return Reply(
        402 if by_payment else 422,
        {
            "code": "PaymentFailed" if by_payment else "OperationFailed",
            "message": "The operation failed" if trouble is None else trouble.message,
            **shown,
        },
    )


def under_way(call: Call, account: Account) -> Operation | None:
    """Returns the change of an account that is under way."""
    return None if account.operation_id is None else operations.get(call, account.operation_id)


def to_complete(call: Call, operation: Operation | None) -> Payment | None:
    """Returns the payment that waits for its customer, with the secret that a browser needs."""
    if operation is None or operation.stripe_invoice_id is None:
        return None
    if operation.payment not in _BY_CUSTOMER or operation.status.is_over:
        return None
    return connections.stripe(call).invoice(operation.stripe_invoice_id).payment


def operation_body(call: Call, operation: Operation) -> dict[str, object]:
    """Returns an operation with the secret of a payment that waits for its customer."""
    payment = to_complete(call, operation)
    secret = None if payment is None else payment.client_secret
    return {**operation_view(operation), **present(clientSecret=secret)}
