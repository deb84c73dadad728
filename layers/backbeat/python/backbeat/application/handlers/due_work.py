"""Scheduled work of the billing handlers, by its kind."""

from backbeat.application.handlers import dunning, looks
from backbeat.application.intake import dunning as invoices
from backbeat.application.services import Call
from backbeat.models.contracts import DueItem, WorkKind


def do(call: Call, due: DueItem) -> None:
    """Does what has fallen due about an operation, entity or invoice: its id is the customer's.

    Raises:
        Retryable: somebody else is at it.
    """
    if due.kind is WorkKind.OPERATION:
        looks.at_operation(call, due.customer_id)
    elif due.kind is WorkKind.ACCOUNT:
        looks.at_account(call, due.customer_id)
    elif due.kind is WorkKind.DUNNING:
        dunning.look(call, due.customer_id)
    elif due.kind is WorkKind.COLLECTING:
        invoices.look(call, due.customer_id)
