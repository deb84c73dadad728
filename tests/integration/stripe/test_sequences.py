"""Random sequences of calls: whatever comes, nothing breaks, and the sums are right.

Each call that changes something is sent twice with one key, as by a client that got no answer.
"""

from collections import defaultdict
from typing import Any

import stripe
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backbeat_local.functions import Function
from backbeat_local.template import load_template
from tests.integration.conftest import TEMPLATE, opened
from tests.integration.stripe.billing import NOVEMBER, meter, metered, price
from tests.integration.stripe.conftest import Shop

DAY = 86_400
CARDS = st.sampled_from(
    ["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"]
)
BEHAVIORS = st.sampled_from(["allow_incomplete", "error_if_incomplete", "pending_if_incomplete"])
PRORATIONS = st.sampled_from(["create_prorations", "always_invoice", "none"])
ALL: dict[str, Any] = {"limit": 100}

_template = load_template(TEMPLATE)
_functions = {name: Function(spec) for name, spec in _template.functions.items()}


class Billing(RuleBasedStateMachine):
    """One customer on a test clock who subscribes, changes, uses, pays, is refunded and cancels."""

    @initialize()
    def begin(self) -> None:
        self._stage = opened(_template, _functions, {})
        self.shop = Shop(self._stage.__enter__())
        self.v1 = self.shop.v1
        self.now = NOVEMBER
        self.keys = 0
        self.clock = self.shop.clock(NOVEMBER)
        self.customer = self.shop.customer(test_clock=self.clock)
        self.mine = {"customer": self.customer, **ALL}
        self.licensed = [price(self.shop, amount) for amount in ("900", "2900", "9900.5")]
        self.licensed.append(price(self.shop, "29000", recurring={"interval": "year"}))
        self.metered = price(self.shop, "0.4", **metered(meter(self.shop)))

    def teardown(self) -> None:
        if hasattr(self, "_stage"):
            self._stage.__exit__(None, None, None)

    def call(self, service: Any, *arguments: Any) -> Any:
        """Makes a call twice with one key. It may be refused, but both times in the same words."""
        self.keys += 1
        key = {"idempotency_key": f"call {self.keys}"}
        # Every service takes its options behind its parameters.
        given = [*arguments] if isinstance(arguments[-1], dict) else [*arguments, {}]
        first, again = (self._answer(service, *given, key) for _ in range(2))
        assert first == again
        return first

    def _answer(self, service: Any, *arguments: Any) -> Any:
        try:
            return service(*arguments).to_dict()
        except (stripe.CardError, stripe.InvalidRequestError) as refused:
            return str(refused.user_message), refused.code, refused.http_status

    def one(self, data: Any, things: list[Any]) -> Any:
        return data.draw(st.sampled_from(things)) if things else None

    def subscriptions(self) -> list[Any]:
        return list(self.v1.subscriptions.list({"customer": self.customer}).data)

    def intents(self, *statuses: str) -> list[Any]:
        found = self.v1.payment_intents.list(self.mine).data
        return [one for one in found if one.status in statuses]

    # Subscriptions

    @rule(card=CARDS)
    def change_card(self, card: str) -> None:
        method = self.v1.payment_methods.attach(card, {"customer": self.customer})
        default = {"invoice_settings": {"default_payment_method": method.id}}
        self.call(self.v1.customers.update, self.customer, default)

    @rule(data=st.data(), quantity=st.integers(0, 3), usage=st.booleans())
    def subscribe(self, data: Any, quantity: int, usage: bool) -> None:
        items: list[dict[str, Any]] = [
            {"price": data.draw(st.sampled_from(self.licensed[:3])), "quantity": quantity}
        ]
        if usage:
            items.append({"price": self.metered})
        self.call(self.v1.subscriptions.create, {"customer": self.customer, "items": items})

    @rule(data=st.data(), quantity=st.integers(0, 3), behavior=BEHAVIORS, proration=PRORATIONS)
    def change(self, data: Any, quantity: int, behavior: str, proration: str) -> None:
        subscription = self.one(data, self.subscriptions())
        if subscription is None:
            return
        items = [item for item in subscription["items"].data if item.quantity is not None]
        if not items:
            return
        new = data.draw(st.sampled_from(self.licensed))
        self.call(
            self.v1.subscriptions.update,
            subscription.id,
            {
                "items": [{"id": items[0].id, "price": new, "quantity": quantity}],
                "payment_behavior": behavior,
                "proration_behavior": proration,
            },
        )

    @rule(value=st.integers(-5, 2000))
    def use(self, value: int) -> None:
        self.v1.billing.meter_events.create(
            {
                "event_name": "calls",
                "payload": {"stripe_customer_id": self.customer, "value": str(value)},
                "timestamp": self.now,
            }
        )

    @rule(days=st.integers(1, 40))
    def advance(self, days: int) -> None:
        target = self.now + days * DAY
        clocks = self.v1.test_helpers.test_clocks
        if not isinstance(self.call(clocks.advance, self.clock, {"frozen_time": target}), dict):
            return
        self.shop.work_off()
        while (status := clocks.retrieve(self.clock).status) == "advancing":
            pass
        assert status == "ready"
        self.now = target

    @rule(data=st.data(), now=st.booleans())
    def cancel(self, data: Any, now: bool) -> None:
        subscription = self.one(data, self.subscriptions())
        if subscription is None:
            return
        if now:
            # The SDK cancels by DELETE, which takes no key.
            options = {"invoice_now": True, "prorate": True}
            self._answer(self.v1.subscriptions.cancel, subscription.id, options)
        else:
            end = {"cancel_at_period_end": True}
            self.call(self.v1.subscriptions.update, subscription.id, end)

    @rule(data=st.data(), anchor=st.sampled_from(["now", "unchanged"]))
    def pause_or_resume(self, data: Any, anchor: str) -> None:
        subscription = self.one(data, self.subscriptions())
        if subscription is None:
            return
        if subscription.status == "paused":
            wanted = {"billing_cycle_anchor": anchor}
            self.call(self.v1.subscriptions.resume, subscription.id, wanted)
        else:
            self.call(self.v1.subscriptions.pause, subscription.id, {})

    # Payments

    @rule(data=st.data(), card=st.none() | CARDS)
    def pay(self, data: Any, card: str | None) -> None:
        found = self.v1.invoices.list({**self.mine, "status": "open"}).data
        invoice = self.one(data, list(found))
        if invoice is not None:
            wanted = {} if card is None else {"payment_method": card}
            self.call(self.v1.invoices.pay, invoice.id, wanted)

    @rule(amount=st.integers(49, 5_000), card=CARDS, manual=st.booleans(), away=st.booleans())
    def charge(self, amount: int, card: str, manual: bool, away: bool) -> None:
        self.call(
            self.v1.payment_intents.create,
            {
                "amount": amount,
                "currency": "usd",
                "customer": self.customer,
                "payment_method": card,
                "payment_method_types": ["card"],
                "confirm": True,
                "off_session": away,
                "capture_method": "manual" if manual else "automatic",
            },
        )

    @rule(data=st.data(), card=CARDS)
    def confirm(self, data: Any, card: str) -> None:
        intent = self.one(data, self.intents("requires_payment_method"))
        if intent is not None:
            wanted = {"payment_method": card}
            self.call(self.v1.payment_intents.confirm, intent.id, wanted)

    @rule(data=st.data(), share=st.integers(0, 100))
    def capture(self, data: Any, share: int) -> None:
        intent = self.one(data, self.intents("requires_capture"))
        if intent is not None:
            amount = {"amount_to_capture": intent.amount * share // 100}
            self.call(self.v1.payment_intents.capture, intent.id, amount)

    @rule(data=st.data())
    def give_up(self, data: Any) -> None:
        intent = self.one(data, self.intents("requires_capture", "requires_payment_method"))
        if intent is not None:
            self.call(self.v1.payment_intents.cancel, intent.id)

    @rule(data=st.data(), succeed=st.booleans())
    def authenticate(self, data: Any, succeed: bool) -> None:
        intent = self.one(data, self.intents("requires_action"))
        if intent is not None:
            self.shop.control(f"authentications/{intent.id}", succeed=succeed)

    @rule(data=st.data(), amount=st.integers(1, 6_000))
    def refund(self, data: Any, amount: int) -> None:
        charge = self.one(data, list(self.v1.charges.list(self.mine).data))
        if charge is not None:
            self.call(self.v1.refunds.create, {"charge": charge.id, "amount": amount})

    @rule(data=st.data(), amount=st.integers(1, 6_000))
    def credit(self, data: Any, amount: int) -> None:
        invoice = self.one(data, list(self.v1.invoices.list(self.mine).data))
        if invoice is not None:
            where = {"credit_amount": amount} if invoice.status == "paid" else {}
            note = {"invoice": invoice.id, "amount": amount, **where}
            self.call(self.v1.credit_notes.create, note)

    @rule(amount=st.integers(-2_000, 2_000))
    def put_on_balance(self, amount: int) -> None:
        transactions = self.v1.customers.balance_transactions
        self.call(transactions.create, self.customer, {"amount": amount, "currency": "usd"})

    # What always holds

    @invariant()
    def invoices_add_up(self) -> None:
        if not hasattr(self, "shop"):
            return
        for invoice in self.v1.invoices.list(self.mine).data:
            lines = self.v1.invoices.line_items.list(invoice.id, ALL).data
            assert sum(line.amount for line in lines) == invoice.subtotal
            off = sum(credit.amount for credit in invoice.total_pretax_credit_amounts)
            assert invoice.total == invoice.subtotal - off
            assert invoice.amount_due >= 0
            assert invoice.amount_remaining == invoice.amount_due - invoice.amount_paid or (
                invoice.status == "paid" and invoice.amount_remaining == 0
            )

    @invariant()
    def the_balance_is_the_sum_of_its_changes(self) -> None:
        if not hasattr(self, "shop"):
            return
        changes = self.v1.customers.balance_transactions.list(self.customer, ALL)
        balance = self.v1.customers.retrieve(self.customer).balance
        assert balance == sum(change.amount for change in changes.auto_paging_iter())

    @invariant()
    def nothing_is_charged_twice(self) -> None:
        if not hasattr(self, "shop"):
            return
        charges = defaultdict(list)
        for charge in self.v1.charges.list(self.mine).auto_paging_iter():
            charges[charge.payment_intent].append(charge)
            refunds = self.v1.refunds.list({"charge": charge.id, **ALL}).data
            if charge.captured:
                given_back = sum(one.amount for one in refunds if one.status != "failed")
                assert given_back == charge.amount_refunded <= charge.amount_captured
        intents = list(self.v1.payment_intents.list(self.mine).auto_paging_iter())
        for intent in intents:
            taken = [one for one in charges[intent.id] if one.paid]
            assert len(taken) <= 1
            assert sum(one.amount_captured for one in taken) == intent.amount_received
            assert (intent.status == "succeeded") == (intent.amount_received > 0)
        received = {intent.id: intent.amount_received for intent in intents}
        for invoice in self.v1.invoices.list({**self.mine, "expand": ["data.payments"]}).data:
            paid = [one for one in invoice.payments.data if one.status == "paid"]
            assert invoice.amount_paid == sum(received[one.payment.payment_intent] for one in paid)
        # However often a call was sent, the account's balance knows of it once.
        booked = self.v1.balance_transactions.list({"type": "charge", **ALL}).auto_paging_iter()
        assert sum(one.amount for one in booked) == sum(received.values())


TestBilling = Billing.TestCase
TestBilling.settings = settings(
    max_examples=10,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
