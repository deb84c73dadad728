"""Implements `Rehearsal` by the official SDK and a test clock.

For demonstrations and tests, with keys for tests only.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import stripe

from backbeat.adapters.stripe.gateway import failures
from backbeat.ports.providers import Access

_RETRIES: Final = 2
_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_AT_STRIPE: Final = (180.0, 2.0)
_ELSEWHERE: Final = (10.0, 0.1)
"""For how many seconds something is waited for, and after how many it is asked for again."""


class StripeRehearsal:
    """A customer with a metered subscription, whose time moves when it is moved.

    What was made is kept track of, for `clean_up` to remove.
    """

    def __init__(
        self, access: Access, name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Opens the account; nothing is made yet.

        Raises:
            ValueError: the key is none for tests.
        """
        if not access.key.startswith(_TEST_KEYS):
            raise ValueError("The key is none for tests: a rehearsal makes customers and invoices")
        client = stripe.StripeClient(
            access.key,
            base_addresses={"api": access.base_url},
            max_network_retries=_RETRIES,
        )
        # Untyped: the SDK's parameter types are those of one API version only.
        self._v1: Any = client.v1
        self._name = name
        self._sleep = sleep
        # What is no Stripe has nothing to wait for but its clock.
        is_stripe = access.base_url.endswith("stripe.com")
        self._patience, self._pause = _AT_STRIPE if is_stripe else _ELSEWHERE
        self._clock = ""
        self._product = ""
        self._price = ""
        self.customer_id = ""
        self.meter_id = ""

    def begin(self, at: datetime, *, cents: str) -> None:
        """Makes a clock, a customer who can pay, a meter, a price per unit and a subscription."""
        with failures():
            clocks = self._v1.test_helpers.test_clocks
            frozen = {"frozen_time": _seconds(at), "name": self._name}
            self._clock = str(clocks.create(frozen).id)
            customer = self._v1.customers.create({"test_clock": self._clock, "name": self._name})
            self.customer_id = str(customer.id)
            method = self._v1.payment_methods.attach("pm_card_visa", {"customer": self.customer_id})
            chosen = {"invoice_settings": {"default_payment_method": method.id}}
            self._v1.customers.update(self.customer_id, chosen)
            meter = self._v1.billing.meters.create(
                {
                    "display_name": self._name,
                    "event_name": self._name,
                    "default_aggregation": {"formula": "sum"},
                }
            )
            self.meter_id = str(meter.id)
            self._product = str(self._v1.products.create({"name": self._name}).id)
            price = self._v1.prices.create(
                {
                    "currency": "usd",
                    "product": self._product,
                    "unit_amount_decimal": cents,
                    "recurring": {
                        "interval": "month",
                        "usage_type": "metered",
                        "meter": self.meter_id,
                    },
                }
            )
            self._price = str(price.id)
            items = [{"price": self._price}]
            self._v1.subscriptions.create({"customer": self.customer_id, "items": items})

    def advance(self, to: datetime) -> None:
        """Moves the customer's time on, and waits until all that falls due is done.

        Raises:
            TimeoutError: it takes too long.
        """
        clocks = self._v1.test_helpers.test_clocks
        with failures():
            clocks.advance(self._clock, {"frozen_time": _seconds(to)})
        if not self.comes_true(lambda: clocks.retrieve(self._clock).status == "ready"):
            raise TimeoutError(
                f"advancing the test clock took longer than {self._patience:.0f} seconds"
            )

    def comes_true(self, condition: Callable[[], bool]) -> bool:
        """Asks again and again whether something has come true, but not for ever."""
        waited = 0.0
        while True:
            with failures():
                if condition():
                    return True
            if waited >= self._patience:
                return False
            self._sleep(self._pause)
            waited += self._pause

    def clean_up(self) -> None:
        """Removes what was made: with the clock go its customer and all that is theirs."""
        with failures():
            if self._clock:
                self._v1.test_helpers.test_clocks.delete(self._clock)
            if self.meter_id:
                self._v1.billing.meters.deactivate(self.meter_id)
            if self._price:
                self._v1.prices.update(self._price, {"active": False})
            if self._product:
                self._v1.products.update(self._product, {"active": False})


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
