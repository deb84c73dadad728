"""The ledger of billing credits, and credit notes that are tried out or taken back."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
    NOVEMBER,
    invoices,
    meter,
    metered,
    price,
    subscribe,
    use,
)
from tests.integration.stripe.conftest import Shop

METERED = {"price_type": "metered"}


def grant(shop: Shop, customer: str, value: int, **fields: Any) -> str:
    made = shop.v1.billing.credit_grants.create(
        {
            "customer": customer,
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": value}},
            "applicability_config": {"scope": METERED},
            **fields,
        }
    )
    return str(made.id)


def ledger(shop: Shop, customer: str, **query: Any) -> list[tuple[str, int, int]]:
    """Returns why credit changed, by how much, and when from on, oldest first."""
    listed = shop.v1.billing.credit_balance_transactions.list({"customer": customer, **query})
    found = []
    for one in reversed(listed.data):
        side = one.credit if one.type == "credit" else one.debit
        sign = 1 if one.type == "credit" else -1
        found.append((side.type, sign * side.amount.monetary.value, one.effective_at))
    return found


def balance(shop: Shop, customer: str, **filter_: Any) -> tuple[int, int]:
    """Returns a customer's credit by the ledger, and what of it can be used."""
    wanted = filter_ or {"type": "applicability_scope", "applicability_scope": METERED}
    got = shop.v1.billing.credit_balance_summary.retrieve({"customer": customer, "filter": wanted})
    [one] = got.balances
    return one.ledger_balance.monetary.value, one.available_balance.monetary.value


def test_what_an_invoice_uses_and_gives_back_is_in_the_ledger(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(card=None, test_clock=clock)
    calls = price(shop, "1", **metered(meter(shop)))
    subscribe(shop, customer, calls)
    first = grant(shop, customer, 300)
    own = {"scope": {"prices": [{"id": calls}]}}
    second = grant(shop, customer, 500, applicability_config=own)
    use(shop, customer, "400", NOVEMBER)
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    # 400 - 300 of the first - 100 of the second.
    assert (invoice.status, invoice.amount_due) == ("paid", 0)
    final = DECEMBER + HOUR
    assert ledger(shop, customer) == [
        ("credits_granted", 300, NOVEMBER),
        ("credits_granted", 500, NOVEMBER),
        ("credits_applied", -300, final),
        ("credits_applied", -100, final),
    ]
    assert ledger(shop, customer, credit_grant=second) == [
        ("credits_granted", 500, NOVEMBER),
        ("credits_applied", -100, final),
    ]
    [line] = invoice.lines.data
    booked = [
        shop.v1.billing.credit_balance_transactions.retrieve(credit.credit_balance_transaction)
        for credit in line.pretax_credit_amounts
    ]
    assert [one.credit_grant for one in booked] == [first, second]
    assert booked[0].debit.credits_applied.to_dict() == {
        "invoice": invoice.id,
        "invoice_line_item": line.id,
    }
    assert balance(shop, customer) == (0, 0)
    assert balance(shop, customer, type="credit_grant", credit_grant=second) == (400, 400)
    for_price = {"prices": [{"id": calls}]}
    assert balance(shop, customer, type="applicability_scope", applicability_scope=for_price) == (
        400,
        400,
    )


def test_a_void_invoice_gives_its_credit_back(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(card=None, test_clock=clock)
    subscribe(shop, customer, price(shop, "1", **metered(meter(shop))))
    grant(shop, customer, 300)
    use(shop, customer, "400", NOVEMBER)
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    assert (invoice.status, invoice.amount_due) == ("open", 100)
    shop.v1.invoices.void_invoice(invoice.id)
    assert ledger(shop, customer)[2:] == [
        ("credits_application_invoice_voided", 300, DECEMBER + HOUR)
    ]
    assert balance(shop, customer) == (300, 300)


def test_grants_end_in_the_ledger(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    grant(shop, customer, 100, expires_at=NOVEMBER + HOUR)
    voided = grant(shop, customer, 200)
    ended = grant(shop, customer, 300)
    grant(shop, customer, 400, effective_at=DECEMBER)
    moved = grant(shop, customer, 500, expires_at=NOVEMBER + HOUR)
    assert balance(shop, customer) == (1_100, 1_100)
    shop.v1.billing.credit_grants.void_grant(voided)
    shop.v1.billing.credit_grants.expire(ended)
    shop.v1.billing.credit_grants.update(moved, {"expires_at": DECEMBER})
    assert ledger(shop, customer)[5:] == [
        ("credits_voided", -200, NOVEMBER),
        ("credits_expired", -300, NOVEMBER),
    ]
    shop.advance(clock, NOVEMBER + 2 * HOUR)
    assert ledger(shop, customer)[7:] == [("credits_expired", -100, NOVEMBER + HOUR)]
    assert balance(shop, customer) == (500, 500)
    shop.advance(clock, DECEMBER)
    assert ledger(shop, customer)[8:] == [("credits_expired", -500, DECEMBER)]
    assert balance(shop, customer) == (400, 400)


def test_a_grant_that_ends_in_a_draft_hour_is_first_used(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    subscribe(shop, customer, price(shop, "1", **metered(meter(shop))))
    # The line's period ends on 1 December, a second before the grant does.
    grant(shop, customer, 300, expires_at=DECEMBER + 1)
    use(shop, customer, "100", NOVEMBER)
    shop.advance(clock, DECEMBER + 2 * HOUR)
    assert ledger(shop, customer)[1:] == [
        ("credits_applied", -100, DECEMBER + HOUR),
        ("credits_expired", -200, DECEMBER + 1),
    ]


def test_a_summary_asks_for_something(shop: Shop) -> None:
    customer = shop.customer(card=None)
    summary = shop.v1.billing.credit_balance_summary.retrieve
    with pytest.raises(stripe.InvalidRequestError) as refused:
        summary({"customer": customer, "filter": {"type": "credit_grant"}})
    assert refused.value.param == "filter[credit_grant]"
    scope = {"type": "applicability_scope", "applicability_scope": METERED}
    assert summary({"customer": customer, "filter": scope}).balances == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.billing.credit_balance_transactions.list({})
    assert refused.value.param == "customer"


def _open_invoice(shop: Shop) -> str:
    customer = shop.customer()
    invoice = shop.v1.invoices.create({"customer": customer, "auto_advance": False})
    shop.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "amount": 1_000, "currency": "usd"}
    )
    shop.v1.invoices.finalize_invoice(invoice.id, {"auto_advance": False})
    return str(invoice.id)


def test_a_credit_note_is_taken_back_while_its_invoice_is_open(shop: Shop) -> None:
    invoice = _open_invoice(shop)
    note = shop.v1.credit_notes.create({"invoice": invoice, "amount": 400})
    assert shop.v1.invoices.retrieve(invoice).amount_remaining == 600
    voided = shop.v1.credit_notes.void_credit_note(note.id)
    assert voided.status == "void"
    assert voided.voided_at is not None
    after = shop.v1.invoices.retrieve(invoice)
    assert (after.amount_remaining, after.pre_payment_credit_notes_amount) == (1_000, 0)
    # What was taken back can be noted again, all of it but not more.
    again = shop.v1.credit_notes.create({"invoice": invoice, "amount": 300, "memo": "Late"})
    changed = shop.v1.credit_notes.update(again.id, {"memo": "Too late", "metadata": {"a": "b"}})
    assert (changed.memo, changed.metadata.to_dict()) == ("Too late", {"a": "b"})
    paid = shop.v1.invoices.pay(invoice, {"expand": ["payments"]})
    # 1000 - 300
    assert (paid.status, paid.amount_paid) == ("paid", 700)
    assert [payment.amount_paid for payment in paid.payments.data] == [700]
    with pytest.raises(stripe.InvalidRequestError, match="void a credit note"):
        shop.v1.credit_notes.void_credit_note(again.id)
    kinds = [event["type"] for event in shop.told()]
    assert {"credit_note.voided", "credit_note.updated"} <= set(kinds)


def test_a_preview_of_a_credit_note_changes_nothing(shop: Shop) -> None:
    invoice = _open_invoice(shop)
    shown = shop.v1.credit_notes.preview({"invoice": invoice, "amount": 400})
    assert (shown.amount, shown.type, shown.status) == (400, "pre_payment", "issued")
    assert shop.v1.invoices.retrieve(invoice).amount_remaining == 1_000
    assert shop.v1.credit_notes.list({"invoice": invoice}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.credit_notes.preview({"invoice": invoice, "amount": 1_001})
    assert refused.value.param == "amount"
