"""Charges that Metronome holds up until somebody else has collected them.

A customer's prepaid balance runs low, or its spend crosses a line: Metronome asks for the payment.
It is collected at Stripe as an invoice of its own, and Metronome is told whether it was paid.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from backbeat.application.handlers import accounts
from backbeat.application.intake import collecting
from backbeat.application.intake.collecting import Wanted
from backbeat.application.services import Call
from backbeat.domain.collecting import Charged
from backbeat.models.errors import InvalidArgument
from backbeat.models.inbound import ProviderName

_NAMES: Final = {"prepaid_balance": "Prepaid balance", "spend": "Usage so far"}
_DEFAULT: Final = "Usage"


def collect(call: Call, properties: Mapping[str, Any]) -> str:
    """Collects what a gated charge asks for and releases it, or fails it.

    Raises:
        InvalidArgument: the event does not say what is to be collected.
        ProviderError: a provider did not do it; it can be tried again.
    """
    wanted = _wanted(call, properties)
    account = accounts.of_customer(call, ProviderName.METRONOME, wanted.customer_id)
    if account is None:
        return "the customer is not one of ours"
    collecting.begin(call, account, wanted)
    return collecting.resume(call, account, wanted.invoice_id)


def _wanted(call: Call, properties: Mapping[str, Any]) -> Wanted:
    try:
        workflow_id, invoice_id = properties["workflow_id"], properties["invoice_id"]
        customer_id, currency = properties["customer_id"], properties["invoice_currency"]
        total = Decimal(str(properties["invoice_total"]))
    except (KeyError, ArithmeticError) as error:
        raise InvalidArgument(f"The event lacks {error}") from error
    if currency != "USD":
        raise InvalidArgument(f"invoice_currency: {currency} is not collected")
    name = _NAMES.get(str(properties.get("workflow_type")), _DEFAULT)
    line = Charged(name, total, call.now, None)
    return Wanted(invoice_id, customer_id, total, [line], call.now, workflow_id)
