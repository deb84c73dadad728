"""Credit grants, their ledgers and older billing configurations as the API shows them."""

from collections.abc import Sequence
from decimal import Decimal

from backbeat.api.schemas.legacy import OWN_ID
from backbeat.api.views.catalog import credit_type_view
from backbeat.api.views.times import present, timestamp
from backbeat.application.credit_grants import Ledger, ShownGrant
from backbeat.models.credit_grants import GrantDeduction, GrantEntry
from backbeat.models.money import subtract
from backbeat.models.provider_configurations import ProviderConfiguration


def grant_view(shown: ShownGrant) -> dict[str, object]:
    """Returns a grant, with what was drawn of it and what the draft draws."""
    grant = shown.grant
    return {
        **present(
            id=grant.id,
            name=grant.name,
            customer_id=grant.customer_id,
            reason=grant.reason,
            credit_grant_type=grant.type,
            uniqueness_key=grant.uniqueness_key,
            invoice_id=grant.invoice_id,
            effective_at=timestamp(grant.effective_at),
            expires_at=timestamp(grant.expires_at),
            priority=grant.priority,
        ),
        "grant_amount": {
            "amount": grant.amount,
            "credit_type": credit_type_view(grant.credit_type),
        },
        "paid_amount": {
            "amount": grant.paid_amount,
            "credit_type": credit_type_view(grant.paid_credit_type),
        },
        "balance": {
            "excluding_pending": shown.posted,
            "including_pending": shown.with_pending,
            "effective_at": timestamp(shown.period_end),
        },
        "deductions": _deduction_views(grant.amount, grant.id, shown.deductions),
        "pending_deductions": _deduction_views(shown.posted, grant.id, shown.pending),
        "products": [{"id": id_, "name": name} for id_, name in shown.product_names],
        "custom_fields": grant.custom_fields,
    }


def _deduction_views(
    before: Decimal, grant_id: str, deductions: Sequence[GrantDeduction]
) -> list[dict[str, object]]:
    views, running = [], before
    for one in deductions:
        running = subtract(running, one.amount)
        entry = GrantEntry(
            grant_id, one.effective_at, -one.amount, running, "Usage charges", one.invoice_id
        )
        views.append(_entry_view(entry))
    return views


def ledger_view(ledger: Ledger, *, newest_first: bool) -> dict[str, object]:
    """Returns a customer's ledger of one credit type."""
    step = -1 if newest_first else 1
    start = ledger.starting_balance
    return {
        "credit_type": credit_type_view(ledger.credit_type),
        "starting_balance": {
            "excluding_pending": start,
            "including_pending": start,
            "effective_at": timestamp(ledger.starting_at),
        },
        "ending_balance": {
            "excluding_pending": ledger.ending_balance,
            "including_pending": ledger.ending_with_pending,
            "effective_at": timestamp(ledger.ending_at),
        },
        "entries": [_entry_view(entry) for entry in ledger.entries[::step]],
        "pending_entries": [_entry_view(entry) for entry in ledger.pending[::step]],
    }


def billing_config_view(account: ProviderConfiguration) -> dict[str, object]:
    """Returns a customer's account at a provider in the older form."""
    own = OWN_ID.get(account.provider, "customer_id")
    return {
        "billing_provider_customer_id": account.configuration.get(own),
        **{name: value for name, value in account.configuration.items() if name != own},
    }


def _entry_view(entry: GrantEntry) -> dict[str, object]:
    return present(
        amount=entry.amount,
        reason=entry.reason,
        running_balance=entry.running,
        effective_at=timestamp(entry.effective_at),
        created_by="Backbeat",
        credit_grant_id=entry.grant_id,
        invoice_id=entry.invoice_id,
    )
