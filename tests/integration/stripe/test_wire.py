"""The wire: what the SDK sends is understood, what it reads is there, errors are its own."""

import json
import threading

import pytest
import stripe

from tests.integration.stripe.conftest import Shop


def test_a_key_opens_the_world_of_its_token_only(shop: Shop) -> None:
    shop.v1.customers.create({"name": "Ada"})
    assert [one.name for one in shop.v1.customers.list().data] == ["Ada"]
    assert Shop(shop.stage, "sk_test_other").v1.customers.list().data == []


@pytest.mark.parametrize("key", ["sk_live_demo", "sk_test_", "pk_test_demo", "demo"])
def test_other_keys_are_refused(shop: Shop, key: str) -> None:
    body, status, _ = shop.raw("GET", "/stripe/v1/customers", key=key)
    assert status == 401
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_live_keys_are_refused_in_words(shop: Shop) -> None:
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys"):
        Shop(shop.stage, "sk_live_1").v1.customers.list()


def test_answers_carry_a_request_id_and_the_version(shop: Shop) -> None:
    customer = shop.v1.customers.create({})
    assert customer.last_response.request_id.startswith("req_")
    assert shop.http.headers["stripe-version"] == "2026-10-28.endive"


@pytest.mark.parametrize(
    ("method", "path", "text", "status", "code", "param"),
    [
        ("POST", "/v1/customers", "colour=red", 400, "parameter_unknown", "colour"),
        ("POST", "/v1/customers", "address[zip]=1", 400, "parameter_unknown", "address[zip]"),
        ("POST", "/v1/customers", "balance=ten", 400, "parameter_invalid_integer", "balance"),
        ("POST", "/v1/payment_methods", "type=card", 400, "parameter_missing", "card"),
        ("GET", "/v1/customers/cus_none", "", 404, "resource_missing", "id"),
        ("GET", "/v1/customers?limit=101", "", 400, None, "limit"),
        ("GET", "/v1/customers?starting_after=cus_x", "", 404, "resource_missing", None),
        ("POST", "/v1/customers", "expand[]=name", 400, None, "expand"),
        ("POST", "/v1/customers", "a[b=1", 400, None, "a[b"),
        ("GET", "/v1/nonsense", "", 404, None, None),
        ("GET", "/v1/invoices/upcoming", "", 404, "removed_in_version", None),
        ("POST", "/v1/subscription_items/si_1/usage_records", "", 404, "removed_in_version", None),
        ("POST", "/v1/checkout/sessions", "", 404, "not_served_by_double", None),
    ],
)
def test_bad_calls_are_told_what_is_wrong(
    shop: Shop, method: str, path: str, text: str, status: int, code: str | None, param: str | None
) -> None:
    body, answered, _ = shop.raw(method, f"/stripe{path}", text=text)
    error = json.loads(body)["error"]
    assert (answered, error.get("code")) == (status, code), error
    if param is not None:
        assert error["param"] == param
    assert error["message"]


@pytest.mark.parametrize(
    "value", ["1e2", "1E+999999", "NaN", "Infinity", "1_000", "\u0663", "", "9" * 13, "9" * 5_000]
)
def test_decimals_are_plain(shop: Shop, value: str) -> None:
    product = shop.v1.products.create({"name": "Pro"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.prices.create(
            {"currency": "usd", "product": product.id, "unit_amount_decimal": value}
        )
    assert refused.value.param == "unit_amount_decimal"


def test_a_body_that_is_no_text_is_refused(shop: Shop) -> None:
    url = "https://api.test/stripe/v1/customers"
    headers = {"Authorization": "Bearer sk_test_demo"}
    text, status, _ = shop.http.request("POST", url, headers, b"name=\xff")
    assert (status, json.loads(text)["error"]["type"]) == (400, "invalid_request_error")


def test_connected_accounts_are_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.create({}, {"stripe_account": "acct_1"})
    assert refused.value.code == "not_served_by_double"
    assert shop.v1.customers.list().data == []


@pytest.mark.parametrize("coupon", ["50%25off", "50%off", "a+b", "ünd"])
def test_ids_in_paths_are_decoded_once(shop: Shop, coupon: str) -> None:
    shop.v1.coupons.create({"id": coupon, "percent_off": 50, "duration": "once"})
    assert shop.v1.coupons.retrieve(coupon).id == coupon
    assert shop.v1.coupons.update(coupon, {"name": "Half"}).name == "Half"


def test_lists_come_newest_first_and_page_both_ways(shop: Shop) -> None:
    made = [shop.v1.customers.create({"name": str(n)}).id for n in range(5)]
    newest_first = made[::-1]
    first = shop.v1.customers.list({"limit": 2})
    assert [one.id for one in first.data] == newest_first[:2]
    assert first.has_more
    second = shop.v1.customers.list({"limit": 2, "starting_after": newest_first[1]})
    assert [one.id for one in second.data] == newest_first[2:4]
    back = shop.v1.customers.list({"limit": 2, "ending_before": newest_first[3]})
    assert [one.id for one in back.data] == newest_first[1:3]
    assert back.has_more
    everything = shop.v1.customers.list({"limit": 1}).auto_paging_iter()
    assert [one.id for one in everything] == newest_first


def test_metadata_merges_and_an_empty_value_removes(shop: Shop) -> None:
    customer = shop.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    updated = shop.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert updated.metadata.to_dict() == {"a": "1", "c": "3"}
    cleared = shop.v1.customers.update(customer.id, {"metadata": ""})
    assert cleared.metadata.to_dict() == {}


def test_metadata_has_bounds(shop: Shop) -> None:
    customer = shop.v1.customers.create({"metadata": {str(n): "x" for n in range(50)}})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.update(customer.id, {"metadata": {"more": "x"}})
    assert refused.value.param == "metadata"
    for metadata in ({"k" * 41: "x"}, {"k": "x" * 501}):
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.customers.create({"metadata": metadata})


def test_references_are_expanded_where_asked_for(shop: Shop) -> None:
    customer = shop.customer(name="Ada")
    found = shop.v1.customers.retrieve(
        customer, {"expand": ["invoice_settings.default_payment_method"]}
    )
    assert found.invoice_settings.default_payment_method.card.last4 == "4242"
    methods = shop.v1.customers.payment_methods.list(customer, {"expand": ["data.customer"]})
    assert methods.data[0].customer.name == "Ada"


def test_the_same_key_does_the_work_once(shop: Shop) -> None:
    first = shop.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    again = shop.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    assert again.id == first.id
    assert shop.http.headers["idempotent-replayed"] == "true"
    assert len(shop.v1.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError, match="Try using a key other than 'k1'"):
        shop.v1.customers.create({"name": "Bob"}, {"idempotency_key": "k1"})


def test_the_same_key_in_parallel_does_the_work_once(shop: Shop) -> None:
    made: list[str] = []

    def create() -> None:
        client = Shop(shop.stage).v1
        made.append(client.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).id)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert len(shop.v1.customers.list().data) == 1


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    first = shop.v1.customers.create({}, {"idempotency_key": "k"})
    shop.stage.clock.advance(seconds=86_399)
    assert shop.v1.customers.create({}, {"idempotency_key": "k"}).id == first.id
    shop.stage.clock.advance(seconds=1)
    assert shop.v1.customers.create({}, {"idempotency_key": "k"}).id != first.id


def test_parameters_that_are_refused_use_up_no_key(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({"balance": "x"}, {"idempotency_key": "k"})
    shop.v1.customers.create({"balance": 0}, {"idempotency_key": "k"})


def test_a_declined_call_is_answered_as_declined_again(shop: Shop) -> None:
    customer = shop.v1.customers.create({})
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            shop.v1.payment_methods.attach(
                "pm_card_visa_chargeDeclined", {"customer": customer.id}, {"idempotency_key": "k"}
            )
        assert declined.value.code == "card_declined"
    assert shop.http.headers["idempotent-replayed"] == "true"
