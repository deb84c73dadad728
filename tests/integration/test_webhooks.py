"""Function `webhooks`: targets, manual dispatch, signature check, delivery log."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
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

    @pytest.mark.parametrize("minutes", [-5, 0, 5])
    def test_a_date_up_to_five_minutes_away(
        self, minutes: int, product: Product, clock: TestClock
    ) -> None:
        clock.advance(minutes=minutes)
        headers = {"Metronome-Webhook-Signature": signed(self.BODY), "Date": DATE}
        assert self.verify(product, headers).status == 200

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_a_date_further_away(self, seconds: int, product: Product, clock: TestClock) -> None:
        clock.advance(seconds=seconds)
        headers = {"Metronome-Webhook-Signature": signed(self.BODY), "Date": DATE}
        reply = self.verify(product, headers)
        assert (reply.status, reply.body["message"]) == (401, "Invalid signature")

    def test_no_date_at_all(self, product: Product) -> None:
        headers = {"Metronome-Webhook-Signature": signed(self.BODY, date="now"), "Date": "now"}
        assert self.verify(product, headers).status == 401

    def test_ex_63_official_vector(self, product: Product, clock: TestClock) -> None:
        clock.set(datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC))
        secret = {"webhook_secret": "correct-horse-battery-staple"}
        product.post("/v1/client/config/webhook_secret", secret)
        event = {
            "id": "b2c9e307-624e-4e7d-a5a4-1b74107d78c4",
            "type": "widget_created",
            "properties": {
                "customer_id": "5f794d50-085a-4db6-8d15-286e518b7225",
                "widget_id": "0891458d-b6f0-4fdd-a41e-380aae1a1e38",
            },
        }
        printed = json.dumps(event, indent=2).encode()
        compact = json.dumps(event, separators=(",", ":")).encode()
        assert (len(printed), len(compact)) == (216, 188)
        signatures = {
            printed: "b82652fa2246cf1d8a27e591f155c865f68b46c19b9213fd9c052f2419b4742b",
            compact: "0028ca5f451c1cb0c187f024a94830d411141db5e5709d596862763ae70ffb07",
        }
        date = "Mon, 02 Jan 2006 22:04:05 GMT"
        for body, signature in signatures.items():
            for sent in signatures:
                headers = {"Metronome-Webhook-Signature": signature, "X-Metronome-Date": date}
                reply = self.verify(product, headers, sent)
                # Bytes matter: the same JSON in other bytes has another signature.
                assert reply.status == (200 if sent is body else 401)

    def test_ex_64_own_vector(self, product: Product) -> None:
        body = (
            b'{"id":"evt_test_1","type":"payment_gate.payment_status","properties":'
            b'{"contract_id":"contract_1","customer_id":"cus_1","payment_status":"paid"}}'
        )
        assert len(body) == 144
        signature = "1c727995f4fddc2fecda11494c181b0651c9ff285d7e2bc2b8366c9618f1392d"
        headers = {"Metronome-Webhook-Signature": signature, "Date": DATE}
        assert self.verify(product, headers, body).status == 200

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
            {"at": "2025-01-15T12:00:00+00:00", "status": 503, "duration_ms": 0},
            {
                "at": "2025-01-15T12:00:02+00:00",
                "error": "connection refused",
                "duration_ms": 0,
            },
            {"at": "2025-01-15T12:00:06+00:00", "status": 200, "duration_ms": 0},
        ]

    def test_an_attempt_says_how_long_it_took(
        self, product: Product, targets: Targets, clock: TestClock
    ) -> None:
        def slow() -> int:
            clock.advance(seconds=3)
            return 200

        subscribe(product, A)
        targets.answers[A] = [slow]
        product.post("/webhooks/dispatch", {"type": "x"})
        product.work_off_webhooks()
        [delivered] = product.get("/webhooks/deliveries").data
        assert delivered["attempts"][0]["duration_ms"] == 3000

    def test_it_can_be_searched(self, product: Product, targets: Targets, clock: TestClock) -> None:
        subscribe(product, A)
        clock.advance(seconds=1)
        subscribe(product, B)
        targets.down.add(B)
        for type_ in ("x", "y"):
            product.post("/webhooks/dispatch", {"type": type_})
        product.work_off_webhooks()

        def found(**query: str) -> set[tuple[str, str]]:
            listed = product.get("/webhooks/deliveries", **query).data
            return {(one["event_type"], one["target"]) for one in listed}

        assert found(event_type="x") == {("x", A), ("x", B)}
        assert found(target=A) == {("x", A), ("y", A)}
        assert found(state="pending") == {("x", B), ("y", B)}
        assert found(state="DELIVERED", event_type="y") == {("y", A)}
        assert product.get("/webhooks/deliveries", state="lost").status == 400

    def test_an_event_is_shown_with_its_body_and_deliveries(
        self, product: Product, targets: Targets, clock: TestClock
    ) -> None:
        subscribe(product, A)
        clock.advance(seconds=1)
        subscribe(product, B)
        product.post("/webhooks/dispatch", {"type": "x", "amount": 1.5})
        product.work_off_webhooks()
        event = targets.posts[0].event
        shown = product.get(f"/webhooks/events/{event['id']}").data
        assert (shown["id"], shown["type"]) == (event["id"], "x")
        assert shown["body"] == {**event, "amount": Decimal("1.5")}
        assert {one["target"] for one in shown["deliveries"]} == {A, B}
        unknown = product.get("/webhooks/events/unknown")
        assert (unknown.status, "event" in unknown.body["message"]) == (404, True)
        assert product.get(f"/webhooks/events/{event['id']}", token="other").status == 404

    def test_the_latest_is_first(self, product: Product, clock: TestClock) -> None:
        subscribe(product, A)
        for number in range(3):
            clock.advance(seconds=1)
            product.post("/webhooks/dispatch", {"type": f"number {number}"})
        listed = product.get("/webhooks/deliveries").data
        assert [one["event_type"] for one in listed] == ["number 2", "number 1", "number 0"]
