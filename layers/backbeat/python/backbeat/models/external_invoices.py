"""Invoices as billing providers get them, and what became of them there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class ExternalStatus(StrEnum):
    """Where an invoice stands at its billing provider."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    PAID = "PAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"
    VOID = "VOID"
    DELETED = "DELETED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    INVALID_REQUEST_ERROR = "INVALID_REQUEST_ERROR"
    SKIPPED = "SKIPPED"
    SENT = "SENT"
    QUEUED = "QUEUED"


class ExternalInvoice(Model):
    """What is known of an invoice at its provider. QUEUED: it is yet to be sent."""

    provider: str
    configuration_id: str
    status: ExternalStatus = ExternalStatus.QUEUED
    invoice_id: str | None = None
    issued_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """A line as a provider takes it: whole units, whole cents in all."""

    text: str
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class ProviderInvoice:
    """An invoice as a provider takes it. `lines` add up to `total_cents`.

    `auto_advance` lets the provider finalize and collect it; else it stays a draft there.
    """

    currency: str
    lines: tuple[ProviderLine, ...]
    total_cents: int
    auto_advance: bool
    days_until_due: int | None
