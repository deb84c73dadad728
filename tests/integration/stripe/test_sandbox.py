"""The double's world is a part of its sandbox: reset, saved, restored and moved in time with it."""

from tests.integration.stripe.billing import invoices, meter, metered, price, subscribe, use
from tests.integration.stripe.conftest import HOOK, Shop


def test_a_reset_empties_it(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["*"]})
    customer = shop.customer()
    subscribe(shop, customer, price(shop, "2900"))
    assert shop.stage.product.post("/mock/reset", {}).status == 200
    assert shop.v1.customers.list().data == []
    assert shop.told() == []
    shop.v1.customers.create({})
    assert [event["type"] for event in shop.told()] == ["customer.created"]


def test_what_was_saved_comes_back_and_goes_on(shop: Shop) -> None:
    product = shop.stage.product
    customer = shop.customer()
    calls = meter(shop)
    made = subscribe(shop, customer, price(shop, "2900"), price(shop, "2", **metered(calls)))
    use(shop, customer, "50", int(shop.stage.clock.timestamp()))
    assert product.post("/mock/snapshot", {"name": "subscribed"}).status == 200
    shop.v1.subscriptions.cancel(made.id)
    shop.v1.customers.delete(customer)
    assert product.post("/mock/restore", {"name": "subscribed"}).status == 200
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"
    # What is due is still due: the sandbox's clock passes the end of the period and the draft hour.
    assert product.post("/mock/clock", {"now": "2025-02-15T13:00:00Z"}).status == 200
    renewal = invoices(shop, customer)[-1]
    # 50 x 2 and the next month.
    assert (renewal.total, renewal.status) == (3_000, "paid")


def test_the_worlds_of_two_tokens_are_apart(shop: Shop) -> None:
    other = Shop(shop.stage, "sk_test_other")
    mine, theirs = shop.customer(), other.customer()
    assert [one.id for one in shop.v1.customers.list().data] == [mine]
    assert [one.id for one in other.v1.customers.list().data] == [theirs]
    assert other.v1.charges.list().data == []
    shop.stage.product.post("/mock/reset", {})
    assert [one.id for one in other.v1.customers.list().data] == [theirs]
