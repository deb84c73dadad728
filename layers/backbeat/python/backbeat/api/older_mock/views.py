"""What profile `mock` answers with."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from backbeat.api import json
from backbeat.api.views.times import present
from backbeat.models.older_mock import (
    MockContract,
    MockCredit,
    MockCustomer,
    MockInvoice,
    MockRecurringCredit,
    MockSubscription,
)


def instant(at: datetime) -> str:
    """Returns a time as JavaScript writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _optional(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def customer_view(customer: MockCustomer) -> dict[str, object]:
    """Returns a customer."""
    created = instant(customer.created_at)
    return {
        "id": customer.id,
        "name": customer.name,
        "ingest_aliases": list(customer.ingest_aliases),
        "customer_billing_provider_configurations": json.loads(customer.configurations),
        "created_at": created,
        "updated_at": created,
        "custom_fields": {},
    }


def contract_view(contract: MockContract) -> dict[str, object]:
    """Returns a contract in the newer form, which is the only one the older mock answers in."""
    return present(
        id=contract.id,
        customer_id=contract.customer_id,
        name=contract.name,
        rate_card_id=contract.rate_card_id,
        starting_at=instant(contract.starting_at),
        created_at=instant(contract.created_at),
        uniqueness_key=contract.uniqueness_key,
        subscriptions=[_subscription_view(one) for one in contract.subscriptions],
        recurring_credits=[_recurring_view(one) for one in contract.recurring_credits],
        credits=[_credit_view(one) for one in contract.credits],
        commits=[],
        overrides=[
            present(
                id=one.id,
                product_id=one.product_id,
                starting_at=_optional(one.starting_at),
                entitled=one.entitled,
            )
            for one in contract.overrides
        ],
        prepaid_balance_threshold_configuration=None
        if contract.threshold is None
        else json.loads(contract.threshold),
        custom_fields={},
    )


def invoice_view(invoice: MockInvoice) -> dict[str, object]:
    """Returns an invoice."""
    return present(
        id=invoice.id,
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        type=invoice.type,
        status=invoice.status,
        line_items=json.loads(invoice.line_items),
        total=invoice.total,
        issued_at=instant(invoice.issued_at),
        start_timestamp=instant(invoice.start_timestamp),
        end_timestamp=_optional(invoice.end_timestamp),
        due_date=_optional(invoice.due_date),
        external_invoice={
            "invoice_id": invoice.external_id,
            "external_status": invoice.external_status,
        },
        metadata={"metronome_id": invoice.id},
    )


def balances_view(by_product: Mapping[str, Decimal]) -> list[dict[str, object]]:
    """Returns balances by product."""
    return [
        {"product": _product(product_id), "balance": balance}
        for product_id, balance in by_product.items()
    ]


def _subscription_view(one: MockSubscription) -> dict[str, object]:
    rate = {"product": _product(one.product_id), "billing_frequency": one.billing_frequency}
    return present(
        id=one.id,
        starting_at=instant(one.starting_at),
        ending_before=_optional(one.ending_before),
        custom_fields=one.custom_fields,
        subscription_rate=rate,
        quantity_schedule=[{"quantity": one.quantity, "starting_at": instant(one.starting_at)}],
        billing_periods={
            "current": {
                "starting_at": instant(one.period_starting_at),
                "ending_before": instant(one.period_ending_before),
            },
            "next": {
                "starting_at": instant(one.period_ending_before),
                "ending_before": instant(one.next_period_ending_before),
            },
        },
    )


def _recurring_view(one: MockRecurringCredit) -> dict[str, object]:
    return present(
        id=one.id,
        product=_product(one.product_id),
        starting_at=instant(one.starting_at),
        ending_before=_optional(one.ending_before),
        subscription_config=_config(one.subscription_id),
    )


def _credit_view(one: MockCredit) -> dict[str, object]:
    item = {
        "amount": one.amount,
        "starting_at": instant(one.starting_at),
        "ending_before": instant(one.ending_before),
    }
    return present(
        id=one.id,
        type="CREDIT",
        product=_product(one.product_id),
        access_schedule=present(schedule_items=[item], credit_type_id=one.credit_type_id),
        custom_fields=one.custom_fields,
        subscription_config=_config(one.subscription_id),
        archived_at=_optional(one.archived_at),
    )


def _product(product_id: str) -> dict[str, str]:
    return {"id": product_id, "name": f"Product {product_id}"}


def _config(subscription_id: str | None) -> dict[str, str] | None:
    return None if subscription_id is None else {"subscription_id": subscription_id}
