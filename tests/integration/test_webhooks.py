"""Function `webhooks`: targets, manual dispatch, signature check, delivery log."""

import hashlib
import hmac
from typing import Any

import pytest

from tests.integration.conftest import nothing_changes
from tests.integration.product import DEMO, Product, TestClock
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

A = "https://a.example.com/hook"
B = "http://127.0.0.1:8080/hook?team=b"
SUBSCRIPTIONS = "/webhooks/subscriptions"
DEFAULT_SECRET = "test-secret"


def subscribe(product: Product, *targets: str, token: str = DEMO) -> None:
    for target in targets:
        assert product.post(SUBSCRIPTIONS, {"target": target}, token=token).status == 200


def unsubscribe(product: Product, body: object = None) -> Any:
    return product.request("DELETE", SUBSCRIPTIONS, body).data


class TestTargets:
    def test_there_are_none_at_first(self, product: Product) -> None:
        assert product.get(SUBSCRIPTIONS).data == []

    def test_they_are_listed_in_the_order_they_were_added(
        self, product: Product, clock: TestClock
    ) -> None:
        assert product.post(SUBSCRIPTIONS, {"target": B}).data == [B]
        clock.advance(seconds=1)
        assert product.post(SUBSCRIPTIONS, {"target": A}).data == [B, A]
        assert product.get(SUBSCRIPTIONS).data == [B, A]

    def test_adding_one_again_changes_nothing(
        self, product: Product, clock: TestClock, store: WatchedStore
    ) -> None:
        subscribe(product, A)
        clock.advance(seconds=1)
        subscribe(product, B)
        with nothing_changes(store):
            assert product.post(SUBSCRIPTIONS, {"target": f" {A} "}).data == [A, B]

    def test_one_or_all_are_removed(self, product: Product, clock: TestClock) -> None:
        for target in (A, B, "https://c.example.com"):
            subscribe(product, target)
            clock.advance(seconds=1)
        assert unsubscribe(product, {"target": A}) == [B, "https://c.example.com"]
        assert unsubscribe(product, {"target": A}) == [B, "https://c.example.com"]
        assert unsubscribe(product) == []


@pytest.mark.parametrize("settings", [{"BACKBEAT_WEBHOOK_TARGETS": "public"}])
class TestPublicTargetsOnly:
    @pytest.mark.parametrize(
        "target",
        [
            "http://example.com/hook",
            "https://127.0.0.1/hook",
            "https://10.1.2.3/hook",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/hook",
            "https://[fd00::1]/hook",
        ],
    )
    def test_others_are_refused(self, target: str, product: Product, store: WatchedStore) -> None:
        with nothing_changes(store):
            reply = product.post(SUBSCRIPTIONS, {"target": target})
        assert (reply.status, "target" in reply.body["message"]) == (400, True)
        assert product.get(SUBSCRIPTIONS).data == []

    @pytest.mark.parametrize("target", [A, "https://8.8.8.8/hook", "https://[2606:4700::1]:8443/"])
    def test_public_ones_are_taken(self, target: str, product: Product) -> None:
        assert product.post(SUBSCRIPTIONS, {"target": target}).data == [target]


class TestDispatch:
    def test_goes_to_every_target(self, product: Product, targets: Targets) -> None:
        subscribe(product, A, B)
        event = {"id": "evt-1", "type": "alerts.test", "properties": {"amount": 12.5}}
        assert product.post("/webhooks/dispatch", event).data == {
            **event,
            "properties": {"amount": pytest.approx(12.5)},
        }
        product.work_off_webhooks()
        assert targets.events(A) == [event]
        assert targets.events(B) == [event]

    def test_an_event_alone_in_the_body_is_unwrapped(
        self, product: Product, targets: Targets
    ) -> None:
        subscribe(product, A)
        wrapped = {"event": {"id": "evt-1", "type": "x"}}
        assert product.post("/webhooks/dispatch", wrapped).data == wrapped
        beside = {"event": {"type": "y"}, "id": "evt-2"}
        assert product.post("/webhooks/dispatch", beside).data == beside
        product.work_off_webhooks()
        assert targets.events(A) == [wrapped["event"], beside]

    def test_a_missing_id_is_added(self, product: Product, targets: Targets) -> None:
        subscribe(product, A, B)
        assert product.post("/webhooks/dispatch", {"type": "x"}).data == {"type": "x"}
        product.work_off_webhooks()
        [sent], [other] = targets.events(A), targets.events(B)
        assert sent["type"] == "x"
        assert len(sent["id"]) == 36
        assert sent == other
        log = product.get("/webhooks/deliveries").data
        assert {entry["event_id"] for entry in log} == {sent["id"]}

    def test_the_same_id_may_be_sent_again(self, product: Product, targets: Targets) -> None:
        subscribe(product, A)
        for _ in range(2):
            assert product.post("/webhooks/dispatch", {"id": "evt-1"}).status == 200
        product.work_off_webhooks()
        assert targets.events(A) == [{"id": "evt-1"}, {"id": "evt-1"}]

    @pytest.mark.parametrize("body", [{"event": 1}, {"event": []}, {"event": None}])
    def test_an_event_must_be_an_object(
        self, body: object, product: Product, store: WatchedStore
    ) -> None:
        with nothing_changes(store):
            reply = product.post("/webhooks/dispatch", body)
        assert (reply.status, "event" in reply.body["message"]) == (400, True)

    def test_without_targets_nobody_is_told(self, product: Product, targets: Targets) -> None:
        assert product.post("/webhooks/dispatch", {"type": "x"}).status == 200
        subscribe(product, A)
        assert product.work_off_webhooks() == 0
        assert targets.posts == []


DATE = "Wed, 15 Jan 2025 12:00:00 GMT"


def signed(body: bytes, *, secret: str = DEFAULT_SECRET, date: str = DATE) -> str:
    return hmac.new(secret.encode(), date.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class TestVerify:
    BODY = b'{ "id": "evt-1", "amount": 1.50, "name": "caf\xc3\xa9" }'

    def verify(self, product: Product, headers: dict[str, str], body: bytes = BODY) -> Any:
        return product.request("POST", "/webhooks/verify", text=body, headers=headers)

    @pytest.mark.parametrize("date_header", ["X-Metronome-Date", "Date"])
    @pytest.mark.parametrize("header", ["Metronome-Webhook-Signature", "X-Metronome-Signature"])
    def test_a_right_signature_is_answered_with_the_body(
        self, header: str, date_header: str, product: Product
    ) -> None:
        reply = self.verify(product, {header: signed(self.BODY), date_header: DATE})
        assert reply.status == 200
        assert reply.body == {"id": "evt-1", "amount": pytest.approx(1.5), "name": "café"}

    @pytest.mark.parametrize(
        "headers",
        [
            {"Metronome-Webhook-Signature": signed(BODY + b" "), "Date": DATE},
            {"Metronome-Webhook-Signature": signed(BODY, secret="old"), "Date": DATE},
            {"Metronome-Webhook-Signature": signed(BODY, date="x"), "Date": DATE},
            {"Metronome-Webhook-Signature": "no hex at all \xe9", "Date": DATE},
        ],
        ids=["body", "secret", "date", "nonsense"],
    )
    def test_a_wrong_signature(self, headers: dict[str, str], product: Product) -> None:
        reply = self.verify(product, headers)
        assert (reply.status, reply.body["message"]) == (401, "Invalid signature")

    @pytest.mark.parametrize(
        "headers", [{}, {"Date": DATE}, {"Metronome-Webhook-Signature": signed(BODY)}]
    )
    def test_a_missing_header(self, headers: dict[str, str], product: Product) -> None:
        reply = self.verify(product, headers)
        assert (reply.status, reply.body["message"]) == (401, "Missing signature")

    def test_a_signed_body_that_is_not_json(self, product: Product) -> None:
        headers = {"Metronome-Webhook-Signature": signed(b"{"), "Date": DATE}
        assert self.verify(product, headers, b"{").status == 400

    def test_the_secret_is_the_tokens_own(self, product: Product) -> None:
        path = "/v1/client/config/webhook_secret"
        assert product.post(path, {"webhook_secret": "new"}, token="other").status == 200
        headers = {"Metronome-Webhook-Signature": signed(self.BODY), "Date": DATE}
        assert self.verify(product, headers).status == 200
        assert product.post(path, {"webhook_secret": "new"}).status == 200
        assert self.verify(product, headers).status == 401
        headers["Metronome-Webhook-Signature"] = signed(self.BODY, secret="new")
        assert self.verify(product, headers).status == 200


class TestLog:
    def test_each_attempt_is_shown(
        self, product: Product, targets: Targets, clock: TestClock
    ) -> None:
        subscribe(product, A)
        targets.answers[A] = [503]
        product.post("/webhooks/dispatch", {"type": "x"})
        [waiting] = product.get("/webhooks/deliveries").data
        assert (waiting["state"], waiting["attempts"]) == ("PENDING", [])
        product.work_off_webhooks()
        targets.down.add(A)
        clock.advance(seconds=2)
        product.work_off_webhooks()
        targets.down.clear()
        clock.advance(seconds=4)
        product.work_off_webhooks()
        [delivered] = product.get("/webhooks/deliveries").data
        assert (delivered["state"], delivered["target"]) == ("DELIVERED", A)
        assert (delivered["event_type"], delivered["created_at"]) == (
            "x",
            "2025-01-15T12:00:00+00:00",
        )
        assert delivered["attempts"] == [
            {"at": "2025-01-15T12:00:00+00:00", "status": 503},
            {"at": "2025-01-15T12:00:02+00:00", "error": "connection refused"},
            {"at": "2025-01-15T12:00:06+00:00", "status": 200},
        ]

    def test_the_latest_is_first(self, product: Product, clock: TestClock) -> None:
        subscribe(product, A)
        for number in range(3):
            clock.advance(seconds=1)
            product.post("/webhooks/dispatch", {"type": f"number {number}"})
        listed = product.get("/webhooks/deliveries").data
        assert [one["event_type"] for one in listed] == ["number 2", "number 1", "number 0"]
