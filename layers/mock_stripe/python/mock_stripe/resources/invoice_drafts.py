"""Invoices as long as they are drafts: made empty, given lines, added up.

The order on an invoice is: lines, discounts, credit grants, customer balance, amount due (§3).
"""

from collections.abc import Sequence
from typing import Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import coupons, invoice_lines
from mock_stripe.world.world import Object, World

_MOST_LINES: Final = 250


def new(
    world: World,
    customer: Object,
    *,
    currency: str,
    reason: str,
    subscription: Object | None,
    start: int,
    end: int,
) -> Object:
    """Adds an empty draft. `start` and `end` bound which pending items may join it."""
    now = world.now_for(customer["id"])
    parent = None
    if subscription is not None:
        parent = {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
    return world.create(
        "invoice",
        {
            "account_country": "US",
            "account_name": "Backbeat",
            "account_tax_ids": None,
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": True,
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "created": now,
            "currency": currency,
            "custom_fields": None,
            "customer": customer["id"],
            "customer_account": None,
            "customer_address": customer["address"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_phone": customer["phone"],
            "customer_shipping": customer["shipping"],
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "due_date": None,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": None,
            "number": None,
            "on_behalf_of": None,
            "parent": parent,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "period_end": end,
            "period_start": start,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "subtotal": 0,
            "subtotal_excluding_tax": 0,
            "test_clock": customer["test_clock"],
            "total": 0,
            "total_discount_amounts": [],
            "total_excluding_tax": 0,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": None,
            "_subscription": None if subscription is None else subscription["id"],
            "_lines": [],
            "_discounts": [],
            "_days_until_due": None,
            "_balance_applied": 0,
            "_intent": None,
            "_pause": None,
            "_refused_method": None,
        },
    )


def add_items(world: World, invoice: Object, items: Sequence[Object]) -> None:
    """Puts pending items on a draft."""
    for item in items:
        item["invoice"] = invoice["id"]
        add(invoice, [invoice_lines.of_pending(world, item)])
    settle(world, invoice)


def add(invoice: Object, lines: Sequence[Object]) -> None:
    """Puts lines on a draft.

    Raises:
        InvalidRequest: there would be more than 250.
    """
    if len(invoice["_lines"]) + len(lines) > _MOST_LINES:
        raise InvalidRequest(f"An invoice can have at most {_MOST_LINES} lines.")
    for line in lines:
        line["invoice"] = invoice["id"]
        invoice["_lines"].append(line)


def settle(world: World, invoice: Object) -> None:
    """Works out a draft's totals, as they would be if it were finalized now but for credits."""
    lines = invoice["_lines"]
    invoice["subtotal"] = sum(line["amount"] for line in lines)
    taken = coupons.apply(invoice["_discounts"], lines)
    for line in lines:
        line["pretax_credit_amounts"] = []
    invoice["total_discount_amounts"] = taken
    invoice["total_pretax_credit_amounts"] = [{**one, "type": "discount"} for one in taken]
    total_up(world, invoice)


def total_up(world: World, invoice: Object) -> None:
    """Adds up what is left after discounts and credits, then after the customer's balance."""
    off = sum(one["amount"] for one in invoice["total_pretax_credit_amounts"])
    invoice["total"] = invoice["subtotal"] - off
    invoice["total_excluding_tax"] = invoice["total"]
    invoice["subtotal_excluding_tax"] = invoice["subtotal"]
    balance = world.get(invoice["customer"], "customer")["balance"]
    invoice["starting_balance"] = balance
    invoice["amount_due"] = max(0, invoice["total"] + used_of_balance(invoice["total"], balance))
    invoice["amount_remaining"] = invoice["amount_due"]


def used_of_balance(total: int, balance: int) -> int:
    """Returns how a balance changes what is due: credit lowers it, never below nothing."""
    if total <= 0:
        return 0
    return max(balance, -total)


def refresh_usage(world: World, invoice: Object) -> None:
    """Counts the usage of a draft's closed period anew: late events still count in the draft hour.

    What an item's prices were when the period closed stays so.
    """
    used = invoice.get("_usage")
    if used is None or invoice["_subscription"] is None:
        return
    kept, fresh = [], {}
    for line in invoice["_lines"]:
        details = line["parent"]["subscription_item_details"]
        if not line["_metered"] or details is None:
            kept.append(line)
            continue
        item_id = details["subscription_item"]
        if item_id in fresh:
            continue
        item = invoice["_metered_items"].get(item_id)
        fresh[item_id] = invoice_lines.of_usage(
            world, item, invoice["customer"], start=used[0], end=used[1]
        )
        for line_of_item in fresh[item_id]:
            line_of_item["invoice"] = invoice["id"]
        kept += fresh[item_id]
    invoice["_lines"] = kept


def require_draft(invoice: Object) -> None:
    """Raises InvalidRequest unless an invoice can still be changed."""
    if invoice["status"] != "draft":
        raise InvalidRequest(
            f"Finalized invoices can't be changed in this way; this one is {invoice['status']}.",
            code="invoice_not_editable",
        )


def is_automatic(invoice: Object) -> bool:
    """Tells whether an invoice is charged by itself, not sent to be paid."""
    return bool(invoice["collection_method"] == "charge_automatically")


def plan(world: World, invoice: Object, action: str, at: int) -> None:
    """Has something done to an invoice when its customer's clock shows an instant."""
    customer = world.get(invoice["customer"], "customer")
    world.schedule(action, invoice["id"], at, clock=customer["test_clock"])
