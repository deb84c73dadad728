"""The kinds of objects: their name in answers, the prefix of their ids, whose they are."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object.

    `name` is the `object` field; `noun` is how error texts call it. `owners` are the fields that
    hold ids by which objects of this kind are looked up, such as a subscription's customer.
    """

    name: str
    prefix: str
    noun: str
    owners: tuple[str, ...] = ()
    id_length: int = 14


_KINDS: Final = (
    Kind("customer", "cus_", "customer"),
    Kind("payment_method", "pm_", "PaymentMethod", ("customer",), 24),
    Kind("setup_intent", "seti_", "setupintent", ("customer",), 24),
    Kind("payment_intent", "pi_", "payment_intent", ("customer",), 24),
    Kind("charge", "ch_", "charge", ("customer", "payment_intent"), 24),
    Kind("refund", "re_", "refund", ("charge", "payment_intent"), 24),
    Kind("balance_transaction", "txn_", "balance transaction", ("source",), 24),
    Kind("customer_balance_transaction", "cbtxn_", "balance transaction", ("customer",), 24),
    Kind("dispute", "du_", "dispute", ("charge", "payment_intent"), 24),
    Kind("product", "prod_", "product"),
    Kind("price", "price_", "price", ("product",), 24),
    Kind("coupon", "", "coupon", (), 8),
    Kind("subscription", "sub_", "subscription", ("customer",), 24),
    Kind("subscription_item", "si_", "subscription item", ("subscription",)),
    Kind("invoice", "in_", "invoice", ("customer", "_subscription"), 24),
    Kind("line_item", "il_", "line item", (), 24),
    Kind("invoiceitem", "ii_", "invoiceitem", ("customer", "invoice"), 24),
    Kind("invoice_payment", "inpay_", "invoice payment", ("invoice",), 24),
    Kind("credit_note", "cn_", "credit note", ("customer", "invoice"), 24),
    Kind("billing.credit_grant", "credgr_", "credit grant", ("customer",), 24),
    Kind(
        "billing.credit_balance_transaction",
        "cbtxn_test_",
        "credit balance transaction",
        ("_customer",),
        40,
    ),
    Kind("billing.meter", "mtr_", "meter", (), 24),
    Kind("event", "evt_", "event", (), 24),
    Kind("v2.core.event", "evt_test_", "event", (), 40),
    Kind("v2.core.event_destination", "ed_test_", "event destination", (), 40),
    Kind("webhook_endpoint", "we_", "webhook endpoint", (), 24),
    Kind("test_helpers.test_clock", "clock_", "test clock", (), 24),
)

BY_NAME: Final = {kind.name: kind for kind in _KINDS}
BY_PREFIX: Final = {kind.prefix: kind for kind in _KINDS if kind.prefix}
