"""`Idempotency-Key` and `uniqueness_key`: what is sent again happens once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from backbeat.api import idempotency, replies
from backbeat.application import sandboxes
from backbeat.application.services import Services
from backbeat.ports.store import Contention
from tests.integration.product import DEMO, Product, Reply, TestClock, World
from tests.integration.store import WatchedStore

PATIENCE = 10


class FakeContext:
    def get_remaining_time_in_millis(self) -> int:
        return 1000


def post(
    product: Product, path: str, body: object, *, key: str = "key-1", token: str = DEMO
) -> Reply:
    return product.request("POST", path, body, token=token, headers={"Idempotency-Key": key})


def names(product: Product, token: str = DEMO) -> list[str]:
    return [customer["name"] for customer in product.get("/v1/customers", token=token).data]


def test_a_success_is_given_again(product: Product) -> None:
    first = post(product, "/v1/customers", {"name": "Acme"})
    assert first.status == 200
    assert post(product, "/v1/customers", {"name": "Acme"}) == first
    assert names(product) == ["Acme"]


def test_a_failure_is_given_again(product: Product) -> None:
    held = product.post("/v1/customers", {"name": "First", "ingest_aliases": ["acme"]}).data
    wanted = {"name": "Second", "ingest_aliases": ["acme"]}
    refused = post(product, "/v1/customers", wanted)
    assert (refused.status, refused.body["conflicting_id"]) == (409, held["id"])
    product.post(f"/v1/customers/{held['id']}/setIngestAliases", {"ingest_aliases": []})
    assert post(product, "/v1/customers", wanted) == refused
    assert post(product, "/v1/customers", wanted, key="key-2").status == 200


def test_another_body_is_a_conflict(product: Product) -> None:
    post(product, "/v1/customers", {"name": "Acme"})
    reply = post(product, "/v1/customers", {"name": "Beta"})
    assert (reply.status, reply.body["conflicting_value"]) == (409, "key-1")
    assert "Idempotency-Key" in reply.body["message"]
    assert names(product) == ["Acme"]


def test_another_path_or_query_is_a_conflict(product: Product) -> None:
    post(product, "/v1/contract-pricing/products/list", {})
    assert post(product, "/v1/contract-pricing/rate-cards/list", {}).status == 409


def test_keys_are_the_tokens_own(product: Product) -> None:
    mine = post(product, "/v1/customers", {"name": "Acme"})
    theirs = post(product, "/v1/customers", {"name": "Acme"}, token="other")
    assert mine.data["id"] != theirs.data["id"]
    assert post(product, "/v1/customers", {"name": "Beta"}, token="third").status == 200


def test_a_key_is_forgotten_after_a_day(product: Product, clock: TestClock) -> None:
    # Powertools notes when a record ends by the time of the system.
    clock.set(datetime.now(UTC))
    first = post(product, "/v1/customers", {"name": "Acme"})
    clock.advance(hours=23)
    assert post(product, "/v1/customers", {"name": "Acme"}) == first
    clock.set(datetime.now(UTC) + timedelta(hours=24, minutes=1))
    assert post(product, "/v1/customers", {"name": "Beta"}).status == 200


def test_a_key_in_use_is_a_conflict_until_its_first_request_is_over(
    product: Product, store: WatchedStore
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    first: list[Reply] = []

    def wait() -> None:
        # The key is noted by now; this is the write of the customer.
        if store.writes == 1 and threading.current_thread() is slow:
            writing.set()
            assert go_on.wait(PATIENCE)

    def send() -> None:
        first.append(post(product, "/v1/customers", {"name": "Acme"}))

    store.before = wait
    slow = threading.Thread(target=send)
    slow.start()
    assert writing.wait(PATIENCE)
    busy = post(product, "/v1/customers", {"name": "Acme"})
    go_on.set()
    slow.join(PATIENCE)
    assert (busy.status, busy.body["conflicting_value"]) == (409, "key-1")
    assert [post(product, "/v1/customers", {"name": "Acme"})] == first
    assert names(product) == ["Acme"]


def test_many_at_once_are_one(product: Product) -> None:
    replies: list[Reply] = []

    def send() -> None:
        replies.append(post(product, "/v1/customers", {"name": "Acme"}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert {reply.status for reply in replies} <= {200, 409}
    assert len({reply.data["id"] for reply in replies if reply.status == 200}) == 1
    assert names(product) == ["Acme"]


def test_a_busy_store_is_not_remembered(product: Product, store: WatchedStore) -> None:
    def busy_once() -> None:
        if store.writes == 1:
            store.before = lambda: None
            raise Contention

    store.before = busy_once
    reply = post(product, "/v1/customers", {"name": "Acme"})
    assert (reply.status, reply.body["code"]) == (503, "Unavailable")
    # Nothing was changed, and the same call may succeed: that is what a 503 promises.
    assert post(product, "/v1/customers", {"name": "Acme"}).status == 200


def test_an_internal_error_is_remembered(product: Product, store: WatchedStore) -> None:
    def break_once() -> None:
        if store.writes == 1:
            store.before = lambda: None
            raise RuntimeError("disk full")

    store.before = break_once
    first = post(product, "/v1/customers", {"name": "Acme"})
    # Like any other failure: whoever wants another attempt takes another key.
    assert (first.status, post(product, "/v1/customers", {"name": "Acme"})) == (500, first)
    assert names(product) == []


def test_a_file_is_given_again_as_it_was(services: Services) -> None:
    call = sandboxes.call_of(services, DEMO)
    sent = replies.pdf(b"%PDF-1.7 \xff", name="invoice")

    def answer() -> replies.Reply:
        return idempotency.answer_once(
            call, key="key-1", request="one", context=FakeContext(), answer=lambda: sent
        )

    assert [answer(), answer()] == [sent, sent]


def test_events_sent_again_under_a_key_are_no_repeats(product: Product, world: World) -> None:
    events = [{"transaction_id": "once", "customer_id": "acme", "event_type": "call",
               "timestamp": "2025-01-15T10:00:00Z"}]  # fmt: skip
    for _ in range(3):
        assert post(product, "/v1/ingest", events).status == 200
    assert len(product.post("/v1/events/search", {"transactionIds": ["once"]}).body) == 1


@pytest.mark.parametrize("again", [{}, {"name": "another", "customer_id": None}])
def test_a_uniqueness_key_is_used_once(
    again: dict[str, object], product: Product, world: World
) -> None:
    other = product.post("/v1/customers", {"name": "Beta"}).data["id"]
    wanted = {
        "customer_id": world.customer_id,
        "rate_card_id": world.rate_card_id,
        "starting_at": "2025-01-01T00:00:00Z",
        "uniqueness_key": "first",
        **again,
    }
    wanted["customer_id"] = wanted["customer_id"] or other
    reply = product.post("/v1/contracts/create", wanted)
    assert reply.status == 409
    assert reply.body["conflicting_id"] == world.contract_id
    assert reply.body["conflicting_value"] == "first"
    for customer_id, count in [(world.customer_id, 1), (other, 0)]:
        listed = product.post("/v2/contracts/list", {"customer_id": customer_id})
        assert len(listed.data) == count


def test_a_uniqueness_key_is_the_tokens_own(product: Product, world: World) -> None:
    assert World.build(product, "other").contract_id != world.contract_id
