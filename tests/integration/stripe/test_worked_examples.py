"""The fifteen worked examples, through the official SDK, to the cent.

11 is in test_meters.py and 15 in test_webhooks.py. 12 is about reconciling, which is not the
double's.
"""

from typing import Any

import pytest
import stripe

from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
    JANUARY,
    NOVEMBER,
    amounts,
    invoices,
    item_of,
    meter,
    metered,
    price,
    subscribe,
    use,
)
from tests.integration.stripe.conftest import Shop


def first_total(shop: Shop, price_id: str, quantity: int) -> int:
    """Returns what the first invoice of a subscription to so many would come to."""
    customer = shop.customer()
    preview = shop.v1.invoices.create_preview(
        {
            "customer": customer,
            "subscription_details": {"items": [{"price": price_id, "quantity": quantity}]},
        }
    )
    return int(preview.total)


def tiers(*rows: tuple[int | str, str, str]) -> list[dict[str, Any]]:
    return [
        {"up_to": up_to, "unit_amount_decimal": unit, "flat_amount_decimal": flat}
        for up_to, unit, flat in rows
    ]


# 0.05 cents: 30 are 1.50 -> 2; 29 are 1.45 -> 1; 10 are 0.50 -> 1; 69 are 3.45 -> 3.
@pytest.mark.parametrize(("quantity", "total"), [(30, 2), (29, 1), (10, 1), (69, 3)])
def test_1_rounding_per_line(shop: Shop, quantity: int, total: int) -> None:
    assert first_total(shop, price(shop, "0.05"), quantity) == total


def test_1_lines_are_rounded_before_they_are_added(shop: Shop) -> None:
    customer = shop.customer()
    items = [{"price": price(shop, "0.05"), "quantity": n} for n in (30, 29, 10)]
    preview = shop.v1.invoices.create_preview(
        {"customer": customer, "subscription_details": {"items": items}}
    )
    # 2 + 1 + 1; one line of 69 would be 3.
    assert preview.total == 4


def test_2_per_unit_metered_with_a_duplicate(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    calls = price(shop, "0.4", **metered(meter(shop)))
    subscribe(shop, customer, calls)

    def report(identifier: str, value: str) -> None:
        shop.v1.billing.meter_events.create(
            {
                "event_name": "calls",
                "payload": {"stripe_customer_id": customer, "value": value},
                "identifier": identifier,
                "timestamp": NOVEMBER,
            }
        )

    report("k1", "100")
    report("k2", "250")
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier k1"):
        report("k1", "100")
    report("k3", "75")
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    # 425 x 0.4 = 170.0
    assert (invoice.total, invoice.status) == (170, "paid")
    assert invoice.lines.data[0].quantity == 425


THREE = [(5, "700", "0"), (10, "650", "0"), ("inf", "600", "0")]
ALLOWANCE = [(1000, "0", "0"), (10_000, "2", "0"), ("inf", "1", "0")]
FLAT = [
    (5, "500", "1000"),
    (10, "400", "2000"),
    (15, "300", "3000"),
    (20, "200", "4000"),
    ("inf", "100", "5000"),
]
FRACTIONS = [(5, "0.25", "0"), ("inf", "0.15", "0")]


@pytest.mark.parametrize(
    ("name", "rows", "mode", "expected"),
    [
        (
            "3",
            THREE,
            "volume",
            {1: 700, 5: 3500, 6: 3900, 10: 6500, 11: 6600, 20: 12000, 25: 15000},
        ),
        (
            "3",
            THREE,
            "graduated",
            {1: 700, 5: 3500, 6: 4150, 10: 6750, 11: 7350, 20: 12750, 25: 15750},
        ),
        (
            "4",
            ALLOWANCE,
            "graduated",
            {1000: 0, 1001: 2, 5000: 8000, 10000: 18000, 10001: 18001, 15000: 23000},
        ),
        (
            "4",
            ALLOWANCE,
            "volume",
            {1000: 0, 1001: 2002, 5000: 10000, 10000: 20000, 10001: 10001, 15000: 15000},
        ),
        ("5", FLAT, "volume", {0: 1000, 6: 4400, 12: 6600, 21: 7100}),
        ("5", FLAT, "graduated", {0: 1000, 6: 5900, 12: 11100, 21: 22100}),
        # Two lines: 1.25 -> 1 and 0.30 -> 0; 1.25 -> 1 and 1.20 -> 1.
        ("7", FRACTIONS, "graduated", {7: 1, 13: 2}),
    ],
)
def test_3_4_5_7_tiers(
    shop: Shop, name: str, rows: Any, mode: str, expected: dict[int, int]
) -> None:
    made = price(shop, billing_scheme="tiered", tiers_mode=mode, tiers=tiers(*rows))
    assert {quantity: first_total(shop, made, quantity) for quantity in expected} == expected


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("up", {59: 1000, 60: 1000, 61: 2000, 120: 2000, 150: 3000}),
        ("down", {59: 0, 60: 1000, 61: 1000, 150: 2000}),
    ],
)
def test_6_transform_quantity(shop: Shop, rounding: str, expected: dict[int, int]) -> None:
    made = price(shop, "1000", transform_quantity={"divide_by": 60, "round": rounding})
    assert {quantity: first_total(shop, made, quantity) for quantity in expected} == expected


def _changed(
    shop: Shop, start: int, at: int, before: str, after: str, **fields: Any
) -> tuple[str, str, Any]:
    """Subscribes at one price and changes to another at an instant."""
    clock = shop.clock(start)
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, before))
    shop.advance(clock, at)
    changed = shop.v1.subscriptions.update(
        made.id, {"items": [{"id": item_of(made), "price": price(shop, after)}], **fields}
    )
    return clock, customer, changed


@pytest.mark.parametrize(
    ("before", "after", "lines", "total"),
    [
        # f = 1,704,600 / 2,592,000: 2900 f = 1907.15, 9900 f = 6510.625.
        ("2900", "9900", [6511, -1907], 4604),
        ("9900", "2900", [1907, -6511], -4604),
    ],
)
def test_8_a_change_to_the_second(
    shop: Shop, before: str, after: str, lines: list[int], total: int
) -> None:
    at = 1794378600  # 2026-11-11T06:30:00Z
    _, customer, _ = _changed(
        shop, NOVEMBER, at, before, after, proration_behavior="always_invoice"
    )
    invoice = invoices(shop, customer)[-1]
    assert (amounts(invoice), invoice.total) == (lines, total)
    assert (invoice.billing_reason, invoice.status) == ("subscription_update", "paid")
    # What is below zero is credit for the next invoice.
    assert invoice.amount_paid == max(0, total)
    assert shop.v1.customers.retrieve(customer).balance == min(0, total)


def test_9_an_upgrade_in_a_month_of_31_days(shop: Shop) -> None:
    january, middle, february = 1767225600, 1768521600, 1769904000  # 2026-01-01, -16, 02-01
    clock, customer, _ = _changed(shop, january, middle, "5000", "10000")
    shop.advance(clock, february)
    draft = invoices(shop, customer)[-1]
    # 16/31: -2580.645 -> -2581 and +5161.29 -> +5161, with 10,000 for February.
    assert (draft.status, draft.total) == ("draft", 12_580)
    assert sorted(amounts(draft)) == [-2581, 5161, 10_000]


@pytest.mark.parametrize(("mode", "total"), [("classic", -334), ("flexible", 0)])
def test_10a_what_a_change_credits(shop: Shop, mode: str, total: int) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    ten, twenty = price(shop, "1000"), price(shop, "2000")
    made = subscribe(shop, customer, ten, billing_mode={"type": mode})
    change = {"id": item_of(made)}
    shop.v1.subscriptions.update(
        made.id, {"items": [{**change, "price": twenty}], "proration_behavior": "none"}
    )
    shop.advance(clock, DECEMBER - 864_000)
    shop.v1.subscriptions.update(made.id, {"items": [{**change, "price": ten}]})
    pending = shop.v1.invoice_items.list({"customer": customer}).data
    # A third is left: 2000/3 -> 667 or 1000/3 -> 333 back, 333 on.
    assert sum(item.amount for item in pending) == total


@pytest.mark.parametrize(("mode", "total"), [("classic", 75), ("flexible", 175)])
def test_10b_usage_keeps_the_price_it_was_reported_at(shop: Shop, mode: str, total: int) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    meter_id = meter(shop)
    # 10 and 15 cents for 100 units.
    cheap, dear = (price(shop, unit, **metered(meter_id)) for unit in ("0.1", "0.15"))
    made = subscribe(shop, customer, cheap, billing_mode={"type": mode})
    use(shop, customer, "1000", NOVEMBER)
    shop.advance(clock, NOVEMBER + 10 * 86_400)
    shop.v1.subscriptions.update(made.id, {"items": [{"id": item_of(made), "price": dear}]})
    use(shop, customer, "500", NOVEMBER + 10 * 86_400)
    shop.advance(clock, DECEMBER + HOUR)
    # 1000 x 0.1 = 100 and 500 x 0.15 = 75.
    assert invoices(shop, customer)[-1].total == total


def test_13_credits_in_their_order(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    a = price(shop, "1", **metered(meter(shop, "a")))
    b = price(shop, "1", **metered(meter(shop, "b")))

    def grant(name: str, value: int, priority: int, scope: Any, **fields: Any) -> str:
        made = shop.v1.billing.credit_grants.create(
            {
                "name": name,
                "customer": customer,
                "amount": {
                    "type": "monetary",
                    "monetary": {"currency": "usd", "value": value},
                },
                "applicability_config": {"scope": scope},
                "priority": priority,
                **fields,
            }
        )
        return str(made.id)

    everything = {"price_type": "metered"}
    grant("paid", 5000, 50, everything, category="paid", expires_at=1825113600)
    grant("promo", 2500, 50, everything, expires_at=1798675200)
    grant("prio", 1000, 10, {"prices": [{"id": b}]})
    # Lines come newest item first: b is listed first here, so that a's line leads.
    subscribe(shop, customer, b, a)
    use(shop, customer, "6000", NOVEMBER, "a")
    use(shop, customer, "4500", NOVEMBER, "b")
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    assert amounts(invoice) == [6000, 4500]
    # 10,500 - 8,500
    assert (invoice.subtotal, invoice.amount_due) == (10_500, 2_000)
    given = [
        [credit.amount for credit in line.pretax_credit_amounts] for line in invoice.lines.data
    ]
    # prio -> b 1000; promo -> a 2500; paid -> a 3500, b 1500.
    assert given == [[2500, 3500], [1000, 1500]]


def test_13_coupons_come_before_credits(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    coupon = shop.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    a = price(shop, "1", **metered(meter(shop, "a")))
    b = price(shop, "1", **metered(meter(shop, "b")))
    subscribe(shop, customer, b, a, discounts=[{"coupon": coupon.id}])
    use(shop, customer, "6000", NOVEMBER, "a")
    use(shop, customer, "4500", NOVEMBER, "b")
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    # 5400 + 4050
    assert invoice.total == 9_450


def test_13_an_amount_off_is_split_in_proportion(shop: Shop) -> None:
    customer = shop.customer()
    coupon = shop.v1.coupons.create({"amount_off": 500, "currency": "usd"})
    invoice = shop.v1.invoices.create({"customer": customer, "discounts": [{"coupon": coupon.id}]})
    for amount in (1000, 2000):
        shop.v1.invoice_items.create(
            {"customer": customer, "invoice": invoice.id, "amount": amount, "currency": "usd"}
        )
    found = shop.v1.invoices.retrieve(invoice.id)
    # floor(500 x 1/3) = 166 and the rest, 334.
    off = [line.discount_amounts[0].amount for line in found.lines.data]
    assert (off, found.total) == ([166, 334], 2_500)


def _clock_run(shop: Shop) -> tuple[str, str]:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    usage = price(shop, "0.4", **metered(meter(shop)))
    made = subscribe(shop, customer, price(shop, "2900"), usage)
    assert made.status == "active"
    [first] = invoices(shop, customer)
    assert (first.total, first.status, first.billing_reason) == (
        2_900,
        "paid",
        "subscription_create",
    )
    use(shop, customer, "425", NOVEMBER)
    return clock, customer


@pytest.mark.parametrize(("late", "usage"), [(False, 170), (True, 182)])
def test_14_a_clock_run(shop: Shop, late: bool, usage: int) -> None:
    clock, customer = _clock_run(shop)
    with pytest.raises(stripe.InvalidRequestError, match="at most two intervals"):
        shop.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": JANUARY + 1})
    shop.advance(clock, DECEMBER)
    draft = invoices(shop, customer)[-1]
    assert (draft.status, draft.automatically_finalizes_at) == ("draft", 1796086800)
    if late:
        use(shop, customer, "30", DECEMBER - 60)
    shop.advance(clock, 1796086800)
    final = invoices(shop, customer)[-1]
    # 425 x 0.4 = 170; in the draft hour 30 more are 455 x 0.4 = 182.
    assert sorted(amounts(final)) == [usage, 2_900]
    assert (final.total, final.status) == (2_900 + usage, "paid")
    use(shop, customer, "30", DECEMBER - 60)
    assert invoices(shop, customer)[-1].total == 2_900 + usage


def test_14_one_long_advance_makes_the_same_invoice(shop: Shop) -> None:
    clock, customer = _clock_run(shop)
    shop.advance(clock, 1796515200)
    final = invoices(shop, customer)[-1]
    assert (final.total, final.status, final.created) == (3_070, "paid", DECEMBER)


@pytest.mark.parametrize(("units", "due", "paid", "balance"), [(100, 40, 0, 40), (124, 50, 50, 0)])
def test_14_less_than_the_smallest_payment_waits(
    shop: Shop, units: int, due: int, paid: int, balance: int
) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    subscribe(shop, customer, price(shop, "0.4", **metered(meter(shop))))
    use(shop, customer, str(units), NOVEMBER)
    shop.advance(clock, DECEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    # 100 x 0.4 = 40; 124 x 0.4 = 49.6 -> 50.
    assert (invoice.total, invoice.status, invoice.amount_paid) == (due, "paid", paid)
    assert shop.v1.customers.retrieve(customer).balance == balance


def test_14_the_last_day_of_shorter_months(shop: Shop) -> None:
    clock = shop.clock(1769817600)  # 2026-01-31T00:00:00Z
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "1000"))
    ends = []
    # 28 February, 31 March, 30 April, 31 May.
    for expected in (1772236800, 1774915200, 1777507200, 1780185600):
        found = shop.v1.subscriptions.retrieve(made.id)
        ends.append(found["items"].data[0].current_period_end)
        shop.advance(clock, expected)
    assert ends == [1772236800, 1774915200, 1777507200, 1780185600]
