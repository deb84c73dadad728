"""Where final invoices are sent to be collected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from backbeat.models.external_invoices import ExternalStatus, ProviderInvoice


@dataclass(frozen=True, slots=True)
class Addressee:
    """A customer's account at a provider, in the provider's own words."""

    provider: str
    configuration: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the provider made of an invoice."""

    invoice_id: str
    status: ExternalStatus


class ProviderRefused(Exception):
    """The provider will not take the invoice, however often it is sent."""


class ProviderAway(Exception):
    """The provider did not answer; it may have the invoice or not."""


class BillingProvider(Protocol):
    """Takes invoices."""

    def send(self, invoice_id: str, invoice: ProviderInvoice, to: Addressee) -> Accepted:
        """Hands an invoice over. Sending the same `invoice_id` again changes nothing there.

        Raises:
            ProviderRefused: it is not valid there.
            ProviderAway: nobody answered; it is to be sent again.
        """
        ...
