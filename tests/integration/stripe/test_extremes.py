"""Extreme values in each parameter: taken or refused in words, never a failure."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.stripe.billing import NOVEMBER, item_of, meter, metered, price, subscribe
from tests.integration.stripe.conftest import Shop

EXTREMES = ["", "-1", "9" * 25, "9" * 5_000, "1E+999999", "NaN", "\x00", "x" * 6_000]

NONSENSE: list[Any] = [10**400, -1, 1.5, None, [], {}, "", "x" * 6_000, True]

BODIES: dict[str, list[dict[str, str]]] = {
    "customers": [{"name": "a", "balance": "1", "metadata[a]": "b", "test_clock": "CLOCK"}],
    "products": [{"name": "Pro", "id": "prod_pro"}],
    "prices": [
        {"currency": "usd", "unit_amount": "1", "product": "PRODUCT"},
        {
            "currency": "usd",
            "unit_amount_decimal": "0.5",
            "product": "PRODUCT",
            "recurring[interval]": "month",
            "recurring[interval_count]": "1",
            "transform_quantity[divide_by]": "2",
            "transform_quantity[round]": "up",
        },
        {
            "currency": "usd",
            "product": "PRODUCT",
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers[0][up_to]": "5",
            "tiers[0][unit_amount_decimal]": "1",
            "tiers[1][up_to]": "inf",
            "tiers[1][flat_amount]": "1",
        },
    ],
    "coupons": [
        {"percent_off": "5", "duration": "repeating", "duration_in_months": "2"},
        {"amount_off": "5", "currency": "usd", "max_redemptions": "3", "redeem_by": "1999999999"},
    ],
    "payment_intents": [
        {
            "amount": "500",
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "payment_method_types[0]": "card",
            "confirm": "true",
        }
    ],
    "payment_methods": [
        {
            "type": "card",
            "card[number]": "4242424242424242",
            "card[exp_month]": "12",
            "card[exp_year]": "2034",
        }
    ],
    "refunds": [{"charge": "CHARGE", "amount": "1"}],
    "invoiceitems": [
        {
            "customer": "CUSTOMER",
            "quantity": "5",
            "currency": "usd",
            "unit_amount_decimal": "2",
            "period[start]": "1",
            "period[end]": "2",
        }
    ],
    "invoices": [
        {"customer": "CUSTOMER", "days_until_due": "3", "collection_method": "send_invoice"}
    ],
    "subscriptions": [
        {"customer": "CUSTOMER", "items[0][price]": "PRICE", "items[0][quantity]": "2"},
        {"customer": "CUSTOMER", "items[0][price]": "PRICE", "trial_period_days": "2"},
        {"customer": "CUSTOMER", "items[0][price]": "PRICE", "cancel_at": "1999999999"},
        {"customer": "CUSTOMER", "items[0][price]": "PRICE", "billing_cycle_anchor": "1737942400"},
    ],
    "subscriptions/SUBSCRIPTION": [
        {"items[0][id]": "ITEM", "items[0][quantity]": "2", "proration_date": str(NOVEMBER + 5)},
        {"pause_collection[behavior]": "void", "pause_collection[resumes_at]": "1999999999"},
    ],
    "billing/meter_events": [
        {
            "event_name": "calls",
            "payload[stripe_customer_id]": "CUSTOMER",
            "payload[value]": "1",
            "timestamp": "1736942400",
            "identifier": "i",
        }
    ],
    "billing/credit_grants": [
        {
            "customer": "CUSTOMER",
            "amount[type]": "monetary",
            "amount[monetary][currency]": "usd",
            "amount[monetary][value]": "5",
            "applicability_config[scope][price_type]": "metered",
            "priority": "3",
            "expires_at": "1999999999",
        }
    ],
    "test_helpers/test_clocks": [{"frozen_time": "1736942400", "name": "x"}],
    "test_helpers/test_clocks/CLOCK/advance": [{"frozen_time": str(NOVEMBER + 1)}],
    "customers/CUSTOMER/balance_transactions": [{"amount": "5", "currency": "usd"}],
}


@pytest.fixture
def names(shop: Shop) -> dict[str, str]:
    """Returns the ids that bodies and paths name in capitals."""
    clock = shop.clock(NOVEMBER)
    customer, other = shop.customer(test_clock=clock), shop.customer()
    base = price(shop, "100")
    made = subscribe(shop, customer, base, price(shop, "1", **metered(meter(shop))))
    paid = shop.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "confirm": True,
        }
    )
    return {
        "CLOCK": clock,
        "CUSTOMER": other,
        "PRICE": base,
        "PRODUCT": shop.v1.prices.retrieve(base).product,
        "SUBSCRIPTION": made.id,
        "ITEM": item_of(made),
        "CHARGE": paid.latest_charge,
    }


def spoilt(body: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yields the body with each of its values replaced by each extreme."""
    for name in body:
        yield from ({**body, name: extreme} for extreme in EXTREMES)


@pytest.mark.parametrize("path", BODIES)
def test_extremes_are_no_failures(shop: Shop, names: dict[str, str], path: str) -> None:
    def named(text: str) -> str:
        return "/".join(names.get(part, part) for part in text.split("/"))

    for wanted in BODIES[path]:
        body = {name: named(value) for name, value in wanted.items()}
        for sent in spoilt(body):
            answer, status, _ = shop.raw("POST", f"/stripe/v1/{named(path)}", text=urlencode(sent))
            assert status in (200, 400, 402, 404), (sent, answer)
            if status != 200:
                assert json.loads(answer)["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("declines", {"count": 1, "decline_code": "lost_card"}),
        ("faults", {"count": 1, "path": "/v9/*"}),
        ("meter_events", {"lag_seconds": 1, "lose": 0}),
        ("dunning", {"retry_seconds": [1]}),
        ("webhooks", {"delay_seconds": 1}),
        ("finalizations", {"fail": 0}),
    ],
)
def test_controls_take_no_nonsense(shop: Shop, path: str, body: dict[str, Any]) -> None:
    url, headers = f"https://api.test/mock/stripe/{path}", {"Authorization": "Bearer demo"}
    for name in body:
        for nonsense in NONSENSE:
            sent = json.dumps({**body, name: nonsense})
            answer, status, _ = shop.http.request("POST", url, headers, sent)
            assert status in (200, 400), (sent[:200], answer)
    # Whatever was taken, the world goes on.
    assert shop.raw("GET", "/stripe/v1/customers")[1] == 200
