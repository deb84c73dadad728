"""Sending final invoices to billing providers.

An invoice to be sent is QUEUED from its finalization on, and on a list of such. It is sent right
after; whatever dies in between, a tick finds it on the list. The provider knows it by its id, so
that sending it twice makes it once there.
"""

import logging
from datetime import timedelta
from typing import Final

from backbeat.application import outbox, payments, provider_choices
from backbeat.application.services import Call
from backbeat.domain import provider_invoices
from backbeat.domain.notices.invoices import billing_provider_failed
from backbeat.models.base import Model
from backbeat.models.contracts import Contract
from backbeat.models.customers import BillableStatus
from backbeat.models.errors import Retryable
from backbeat.models.external_invoices import ExternalInvoice, ExternalStatus
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.models.provider_configurations import (
    DeliveryAccount,
    ProviderConfiguration,
    ProviderKind,
)
from backbeat.persistence import invoices, keys
from backbeat.persistence.entities import read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.billing_provider import Addressee, ProviderAway, ProviderRefused
from backbeat.ports.store import Delete, Effect, Index, IndexKey, Put, Query

_STALE: Final = timedelta(minutes=1)

_log = logging.getLogger("backbeat.provider_invoices")


class _ToSend(Model):
    invoice_id: str


def addressed_to_provider(call: Call, contract: Contract, invoice: Invoice) -> Invoice:
    """Returns an invoice that is to be final with where it will be sent, if anywhere.

    Nothing is sent of customers who are not billable, nor to accounts that were archived.
    """
    choice = contract.billing_provider
    if choice is None or invoice.billable_status is not BillableStatus.BILLABLE:
        return invoice
    for account in provider_choices.accounts_of(call, contract.customer_id):
        if account.kind is ProviderKind.BILLING and account.id == choice.configuration_id:
            external = ExternalInvoice(provider=account.provider, configuration_id=account.id)
            return invoice.model_copy(update={"external": external})
    return invoice


def on_sending_list(call: Call, invoice: Invoice) -> list[Effect]:
    """Returns the effects that put an invoice on the list of those to be sent."""
    if invoice.external is None:
        return []
    place = f"{keys.time_text(call.services.clock.now())}#{invoice.id}"
    item = to_item(
        keys.invoice_to_send(call.tenant, invoice.id),
        _ToSend(invoice_id=invoice.id),
        gsi2=IndexKey(keys.invoices_to_send(call.tenant), place),
    )
    return [Put(item)]


def send_to_provider(call: Call, invoice: Invoice) -> None:
    """Sends an invoice that was committed, if it is to be sent.

    Nothing raises: what could not be sent now is sent by a tick.
    """
    if invoice.external is None:
        return
    try:
        _send(call, invoice.id)
    except (Retryable, ProviderAway):
        _log.warning("left to the tick", extra={"invoice_id": invoice.id})
    except Exception:
        _log.exception("left to the tick", extra={"invoice_id": invoice.id})


def send_left_over(call: Call) -> None:
    """Sends what a crash or a provider that was away left unsent."""
    until = keys.time_text(call.services.clock.now() - _STALE)
    query = Query(keys.invoices_to_send(call.tenant), index=Index.GSI2, high=until)
    for entry in list(walk(call.store, query)):
        waiting = read(call.store, entry.key, _ToSend)
        if waiting is not None:
            try:
                _send(call, waiting.invoice_id)
            except (Retryable, ProviderAway):
                continue


def _send(call: Call, invoice_id: str) -> None:
    done = Delete(keys.invoice_to_send(call.tenant, invoice_id))
    stored = invoices.locate(call.store, call.tenant, invoice_id)
    external = None if stored is None else stored.invoice.external
    if stored is None or external is None or external.status is not ExternalStatus.QUEUED:
        call.store.transact([done])
        return
    after = _sent(call, stored.invoice, external)
    told = []
    if after.error is not None:
        refused = billing_provider_failed(
            stored.invoice, provider=after.provider, error=after.error, at=call.now
        )
        told.append(refused)
    work = UnitOfWork(call.store)
    work.add(invoices.change(stored, external=after), done)
    if after.status is ExternalStatus.FINALIZED and _is_charged(call, stored.invoice, after):
        payments.begin(call, work, stored.invoice)
    outbox.commit(call, work, told)


def _is_charged(call: Call, invoice: Invoice, external: ExternalInvoice) -> bool:
    account = _account(call, invoice, external)
    return account is not None and payments.is_charged(invoice, account)


def _account(
    call: Call, invoice: Invoice, external: ExternalInvoice
) -> ProviderConfiguration | None:
    key = keys.provider_configuration(
        call.tenant, invoice.customer_id, ProviderKind.BILLING, external.configuration_id
    )
    return read(call.store, key, ProviderConfiguration)


def _sent(call: Call, invoice: Invoice, external: ExternalInvoice) -> ExternalInvoice:
    """Returns what became of an invoice at its provider.

    Raises:
        ProviderAway: nobody answered.
    """
    account = _account(call, invoice, external)
    # An account archived meanwhile gets nothing any more, nor does one learn of a void invoice.
    if account is None or account.archived_at is not None or invoice.status is InvoiceStatus.VOID:
        return external.model_copy(update={"status": ExternalStatus.SKIPPED})
    own = read(
        call.store,
        keys.delivery_account(call.tenant, account.delivery_method_id),
        DeliveryAccount,
    )
    options = {} if own is None else own.configuration
    match provider_invoices.prepared(
        invoice,
        provider=account.provider,
        configuration=account.configuration,
        options=options,
    ):
        case provider_invoices.Skipped():
            return external.model_copy(update={"status": ExternalStatus.SKIPPED})
        case provider_invoices.TooLarge(reason):
            return _refused(external, reason)
        case ready:
            to = Addressee(account.provider, account.configuration)
            try:
                accepted = call.services.billing_provider.send(invoice.id, ready, to)
            except ProviderRefused as refusal:
                return _refused(external, str(refusal))
    return external.model_copy(
        update={
            "status": accepted.status,
            "invoice_id": accepted.invoice_id,
            "issued_at": call.now,
        }
    )


def _refused(external: ExternalInvoice, reason: str) -> ExternalInvoice:
    status = ExternalStatus.INVALID_REQUEST_ERROR
    return external.model_copy(update={"status": status, "error": reason})
