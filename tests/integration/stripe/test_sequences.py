"""Random sequences of calls: whatever comes, nothing breaks, and the sums are right."""

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

_template = load_template(TEMPLATE)
_functions = {name: Function(spec) for name, spec in _template.functions.items()}


class Billing(RuleBasedStateMachine):
    """One customer on a test clock who subscribes, changes, uses, pays and cancels."""

    @initialize()
    def begin(self) -> None:
        self._stage = opened(_template, _functions, {})
        self.shop = Shop(self._stage.__enter__())
        self.now = NOVEMBER
        self.clock = self.shop.clock(NOVEMBER)
        self.customer = self.shop.customer(test_clock=self.clock)
        self.licensed = [price(self.shop, amount) for amount in ("900", "2900", "9900.5")]
        self.licensed.append(price(self.shop, "29000", recurring={"interval": "year"}))
        self.metered = price(self.shop, "0.4", **metered(meter(self.shop)))

    def teardown(self) -> None:
        if hasattr(self, "_stage"):
            self._stage.__exit__(None, None, None)

    def call(self, service: Any, *arguments: Any) -> Any:
        """Makes a call that may be refused, but never by a failure of the double's."""
        try:
            return service(*arguments)
        except (stripe.CardError, stripe.InvalidRequestError):
            return None

    def one(self, data: Any, things: list[Any]) -> Any:
        return data.draw(st.sampled_from(things)) if things else None

    def subscriptions(self) -> list[Any]:
        return list(self.shop.v1.subscriptions.list({"customer": self.customer}).data)

    @rule(card=CARDS)
    def change_card(self, card: str) -> None:
        method = self.shop.v1.payment_methods.attach(card, {"customer": self.customer})
        self.shop.v1.customers.update(
            self.customer, {"invoice_settings": {"default_payment_method": method.id}}
        )

    @rule(data=st.data(), quantity=st.integers(0, 3), usage=st.booleans())
    def subscribe(self, data: Any, quantity: int, usage: bool) -> None:
        items: list[dict[str, Any]] = [
            {"price": data.draw(st.sampled_from(self.licensed[:3])), "quantity": quantity}
        ]
        if usage:
            items.append({"price": self.metered})
        self.call(self.shop.v1.subscriptions.create, {"customer": self.customer, "items": items})

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
            self.shop.v1.subscriptions.update,
            subscription.id,
            {
                "items": [{"id": items[0].id, "price": new, "quantity": quantity}],
                "payment_behavior": behavior,
                "proration_behavior": proration,
            },
        )

    @rule(value=st.integers(-5, 2000))
    def use(self, value: int) -> None:
        self.shop.v1.billing.meter_events.create(
            {
                "event_name": "calls",
                "payload": {"stripe_customer_id": self.customer, "value": str(value)},
                "timestamp": self.now,
            }
        )

    @rule(days=st.integers(1, 40))
    def advance(self, days: int) -> None:
        target = self.now + days * DAY
        clocks = self.shop.v1.test_helpers.test_clocks
        if self.call(clocks.advance, self.clock, {"frozen_time": target}) is None:
            return
        self.shop.work_off()
        while clocks.retrieve(self.clock).status == "advancing":
            pass
        self.now = target

    @rule(data=st.data())
    def pay(self, data: Any) -> None:
        found = self.shop.v1.invoices.list({"customer": self.customer, "status": "open"}).data
        invoice = self.one(data, list(found))
        if invoice is not None:
            self.call(self.shop.v1.invoices.pay, invoice.id)

    @rule(data=st.data(), now=st.booleans())
    def cancel(self, data: Any, now: bool) -> None:
        subscription = self.one(data, self.subscriptions())
        if subscription is None:
            return
        if now:
            options = {"invoice_now": True, "prorate": True}
            self.call(self.shop.v1.subscriptions.cancel, subscription.id, options)
        else:
            self.call(
                self.shop.v1.subscriptions.update, subscription.id, {"cancel_at_period_end": True}
            )

    @invariant()
    def the_sums_are_right(self) -> None:
        if not hasattr(self, "shop"):
            return
        invoices = list(self.shop.v1.invoices.list({"customer": self.customer, "limit": 100}).data)
        for invoice in invoices:
            lines = self.shop.v1.invoices.line_items.list(invoice.id, {"limit": 100}).data
            assert sum(line.amount for line in lines) == invoice.subtotal
            assert invoice.amount_due >= 0
            assert invoice.amount_paid in (0, invoice.amount_due)
        # Every charge that came through paid one invoice, and no invoice was paid twice.
        charges = self.shop.v1.charges.list({"customer": self.customer, "limit": 100}).data
        taken = sorted(charge.amount for charge in charges if charge.status == "succeeded")
        assert taken == sorted(one.amount_paid for one in invoices if one.amount_paid)
        changes = self.shop.v1.customers.balance_transactions.list(
            self.customer, {"limit": 100}
        ).data
        balance = self.shop.v1.customers.retrieve(self.customer).balance
        assert balance == sum(change.amount for change in changes)


TestBilling = Billing.TestCase
TestBilling.settings = settings(
    max_examples=12,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
