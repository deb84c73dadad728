"""Accounts, operations and their money as the billing handlers answer them.

Amounts are in whole units of their currency; names are those of the predecessor's fields.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.handlers import catalogues
from backbeat.application.handlers.statements import Bill, Credits
from backbeat.application.handlers.subscribing import Changed
from backbeat.models.accounts import Account, Operation, Subscription
from backbeat.models.tiers import Catalogue, Plan, Quote, Tier
from backbeat.ports.stripe import Card, Payment, SetupIntent


def entity_view(account: Account) -> dict[str, object]:
    """Shows an entity."""
    return {
        "id": account.id,
        "type": account.type,
        "name": account.name,
        "email": account.email,
        "createdAt": timestamp(account.created_at),
        "updatedAt": timestamp(account.updated_at),
    }


def account_row(account: Account, balance: Decimal | None) -> dict[str, object]:
    """Shows an entity in a list, with its credits now."""
    subscription = account.subscription
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "type": account.type,
        "tier": None if subscription is None else subscription.plan.tier,
        "billingPeriod": None if subscription is None else subscription.plan.cadence.value,
        "status": "unknown" if subscription is None else subscription.status.value,
        "creditsBalance": balance,
        "pendingOperationId": account.operation_id,
    }


def subscription_view(
    account: Account, subscription: Subscription, credits_: Credits, operation: Operation | None
) -> dict[str, object]:
    """Shows a subscription, its credits now, and what is to change."""
    later = subscription.scheduled
    return {
        "entityId": account.id,
        "tier": subscription.plan.tier,
        "billingPeriod": subscription.plan.cadence.value,
        "price": subscription.plan.price,
        "currency": subscription.plan.currency,
        "status": subscription.status.value,
        "currentPeriodStart": timestamp(subscription.starting_at),
        "currentPeriodEnd": timestamp(subscription.ending_before),
        "creditsBalance": credits_.balance,
        "nextInvoiceDate": optional(_next_invoice(subscription)),
        "cancelAt": optional(subscription.cancel_at),
        "canceledAt": optional(subscription.canceled_at),
        "contract": contract_view(subscription),
        "scheduledChange": None
        if later is None
        else {**plan_view(later.plan), "effectiveDate": timestamp(later.at)},
        "pendingOperation": None if operation is None else operation_view(operation),
    }


def contract_view(subscription: Subscription | None) -> dict[str, object] | None:
    """Shows the contract in Metronome that a plan is."""
    if subscription is None or subscription.contract_id is None:
        return None
    return {
        "id": subscription.contract_id,
        "tier": subscription.plan.tier,
        "billing_period": subscription.plan.cadence.value,
        "status": subscription.status.value,
        "start_date": optional(subscription.contract_start),
        "end_date": timestamp(subscription.ending_before),
    }


def onboarded_view(changed: Changed, payment: Payment | None) -> dict[str, object]:
    """Shows what became of onboarding an entity."""
    account, operation = changed.account, changed.operation
    method = None if operation is None else operation.payment_method
    return {
        "entity": entity_view(account),
        "metronomeCustomer": _customer(account.metronome_customer_id, account),
        "stripeCustomer": _customer(account.stripe_customer_id, account),
        "contract": contract_view(account.subscription),
        "paymentMethod": None if method is None else {"id": method},
        "status": None if account.subscription is None else account.subscription.status.value,
        **_under_way(operation, payment),
    }


def changed_view(
    changed: Changed, old: Plan, new: Plan, payment: Payment | None
) -> dict[str, object]:
    """Shows what became of a change of plan."""
    return {
        "entityId": changed.account.id,
        "oldTier": old.tier,
        "newTier": new.tier,
        "billingPeriod": new.cadence.value,
        "contract": contract_view(changed.account.subscription),
        **_money(changed.quote),
        "scheduled": changed.effective_at is not None,
        "effectiveDate": optional(
            changed.effective_at or (None if changed.quote is None else changed.quote.at)
        ),
        **_under_way(changed.operation, payment),
    }


def preview_view(changed: Changed, old: Plan, new: Plan) -> dict[str, object]:
    """Shows what a change would cost."""
    quote = changed.quote
    assert quote is not None  # noqa: S101 - a preview has one
    return {
        "entityId": changed.account.id,
        "oldTier": old.tier,
        "newTier": new.tier,
        "billingPeriod": new.cadence.value,
        "scheduled": changed.effective_at is not None,
        "effectiveDate": timestamp(changed.effective_at or quote.at),
        **_money(quote),
        "periodStart": timestamp(quote.starting_at),
        "periodEnd": timestamp(quote.ending_before),
        "monthlyCredits": new.credits,
    }


def end_view(changed: Changed, end: datetime | None) -> dict[str, object]:
    """Shows what is given back for a plan that ends, and when that is."""
    return {
        "entityId": changed.account.id,
        "effectiveDate": optional(end),
        **(_NOTHING_BACK if changed.quote is None else _money(changed.quote)),
    }


def operation_view(operation: Operation) -> dict[str, object]:
    """Shows an operation: what it is for, how far it is, and why it is no further."""
    trouble = operation.trouble
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "entityId": operation.entity_id,
        "status": operation.status.value,
        "step": operation.step.value,
        "stepsDone": [step.value for step in operation.done],
        "attempt": operation.attempt,
        "tries": operation.tries,
        "plan": None if operation.plan is None else plan_view(operation.plan),
        "amount": None if operation.quote is None else operation.quote.net,
        "payment": {
            "status": operation.payment.value,
            "intentId": operation.payment_intent_id,
            "invoiceId": operation.stripe_invoice_id,
        },
        "contractId": operation.contract_id,
        "error": None
        if trouble is None
        else {
            "step": trouble.step.value,
            "code": trouble.code,
            "message": trouble.message,
            "at": timestamp(trouble.at),
        },
        "createdAt": timestamp(operation.created_at),
        "updatedAt": timestamp(operation.updated_at),
    }


def plan_view(plan: Plan) -> dict[str, object]:
    """Shows what was agreed."""
    return {
        "tier": plan.tier,
        "billingPeriod": plan.cadence.value,
        "price": plan.price,
        "currency": plan.currency,
        "monthlyCredits": plan.credits,
    }


def catalogue_view(catalogue: Catalogue, applied_at: datetime | None) -> dict[str, object]:
    """Shows what is offered."""
    return {
        "version": catalogue.version,
        "currency": catalogue.currency,
        "credit_unit": catalogue.credit_unit,
        "proration": catalogue.proration.value,
        "cancellation": catalogue.cancellation.value,
        "applied_at": optional(applied_at),
        "tiers": [tier_view(tier) for tier in catalogue.tiers],
    }


def tier_view(tier: Tier) -> dict[str, object]:
    """Shows a tier."""
    return {
        "id": tier.id,
        "name": tier.name,
        "monthly_price": tier.monthly_price,
        "yearly_price": tier.yearly_price,
        "yearly_price_per_month": None
        if tier.yearly_price is None
        else catalogues.per_month(tier.yearly_price),
        "credits": tier.credits,
        "limits": dict(tier.limits),
        "features": list(tier.features),
    }


def card_view(card: Card, default: str | None) -> dict[str, object]:
    """Shows a way to pay."""
    return {
        "id": card.id,
        "type": card.type,
        "brand": card.brand,
        "last4": card.last4,
        "expMonth": card.exp_month,
        "expYear": card.exp_year,
        "default": card.id == default,
    }


def setup_view(intent: SetupIntent) -> dict[str, object]:
    """Shows what a browser needs to save a way to pay."""
    return {
        "id": intent.id,
        "status": intent.status,
        "clientSecret": intent.client_secret,
        "paymentMethodId": intent.payment_method,
    }


def bill_view(bill: Bill) -> dict[str, object]:
    """Shows an invoice as both providers have it: each has a status of its own."""
    stripe, metronome = bill.stripe, bill.metronome
    return {
        "id": stripe.id if stripe is not None else metronome.id if metronome is not None else "",
        "createdAt": optional(bill.created_at),
        "operationId": bill.operation_id,
        "stripe": None
        if stripe is None
        else {
            "id": stripe.id,
            "number": stripe.number,
            "status": stripe.status.value,
            "currency": stripe.currency,
            "total": stripe.total,
            "amountDue": stripe.amount_due,
            "amountPaid": stripe.amount_paid,
            "hostedUrl": stripe.hosted_url,
            "payment": None
            if stripe.payment is None
            else {"id": stripe.payment.id, "status": stripe.payment.status.value},
        },
        "metronome": None
        if metronome is None
        else {
            "id": metronome.id,
            "type": metronome.type,
            "status": metronome.status,
            "contractId": metronome.contract_id,
            "creditType": metronome.credit_type,
            "total": metronome.total,
        },
    }


def credits_view(credits_: Credits) -> dict[str, object]:
    """Shows credits: what can be spent now, and each grant."""
    return {
        "entityId": credits_.entity_id,
        "balance": credits_.balance,
        "credits": [
            {
                "id": one.id,
                "name": one.name,
                "contractId": one.contract_id,
                "amount": one.granted,
                "balance": one.balance,
                "startsAt": timestamp(one.starting_at),
                "expiresAt": timestamp(one.ending_before),
            }
            for one in credits_.grants
        ],
    }


def operations_view(listed: Sequence[Operation]) -> list[dict[str, object]]:
    """Shows operations."""
    return [operation_view(one) for one in listed]


def credited(quote: Quote | None) -> Decimal:
    """Returns what a change gives back."""
    return Decimal(0) if quote is None else max(-quote.net, Decimal(0))


_NOTHING_BACK: Final = {"charged": Decimal(0), "credited": Decimal(0)}


def _money(quote: Quote | None) -> dict[str, object]:
    if quote is None:
        return {"proratedAmount": None}
    return {
        "currency": quote.currency,
        "proratedAmount": quote.net,
        "charged": max(quote.net, Decimal(0)),
        "credited": credited(quote),
        "daysLeft": quote.days_left,
        "daysTotal": quote.days_total,
    }


def _under_way(operation: Operation | None, payment: Payment | None) -> dict[str, object]:
    if operation is None:
        return {"operation": None}
    return {
        "operation": operation_view(operation),
        **present(clientSecret=None if payment is None else payment.client_secret),
    }


def _customer(customer_id: str | None, account: Account) -> dict[str, object] | None:
    if customer_id is None:
        return None
    return {"id": customer_id, "name": account.name, "email": account.email}


def _next_invoice(subscription: Subscription) -> datetime | None:
    ends = subscription.canceled_at is not None or subscription.cancel_at is not None
    if ends or (subscription.plan.is_free and subscription.scheduled is None):
        return None
    return subscription.ending_before
