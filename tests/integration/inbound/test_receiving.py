"""Function `inbound`: webhooks are checked, kept once, queued and then acknowledged."""

import hmac
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime

import pytest
import stripe

from tests.integration.conftest import Stage, nothing_changes
from tests.integration.inbound.webhooks import (
    METRONOME_SECRET,
    SETTINGS,
    STRIPE_SECRET,
    connection_of,
    from_metronome,
    from_stripe,
    listed,
    stripe_event,
)
from tests.integration.product import Reply
from tests.integration.store import Crash

pytestmark = pytest.mark.parametrize("settings", [SETTINGS])

METRONOME_EVENT = {"id": "6a37bb88-f8ed-40df-b86a-e1a4b5a1a9ab", "type": "ping.test"}


def assert_refused(reply: Reply) -> None:
    assert (reply.status, reply.body["code"]) == (400, "InvalidSignature")


class TestStripesSignature:
    def test_what_is_signed_is_kept_and_acknowledged(self, stage: Stage) -> None:
        reply = from_stripe(stage, stripe_event())
        assert (reply.status, reply.body) == (200, {"received": True})
        [event] = listed(stage)
        assert event == {
            "provider": "stripe",
            "id": "evt_1",
            "type": "ping.test",
            "state": "received",
            "source": "webhook",
            "attempts": 0,
            "outcome": None,
            "error": None,
            "occurred_at": "2025-01-15T12:00:00+00:00",
            "received_at": "2025-01-15T12:00:00+00:00",
            "finished_at": None,
        }
        whole = stage.product.get("/api/webhook-events/stripe/evt_1").data
        assert whole == {**event, "body": stripe_event()}

    def test_it_is_what_the_sdk_makes(self, stage: Stage) -> None:
        body = '{"id": "evt_sdk", "type": "ping.test"}'
        stamp = int(stage.clock.timestamp())
        compute: object = stripe.WebhookSignature._compute_signature
        assert callable(compute)
        signature = compute(f"{stamp}.{body}", STRIPE_SECRET)
        reply = stage.product.request(
            "POST",
            "/webhooks/stripe",
            text=body,
            token=None,
            headers={"stripe-signature": f"t={stamp},v1={signature}"},
        )
        assert reply.status == 200

    def test_every_secret_that_is_valid_will_do(self, stage: Stage) -> None:
        assert from_stripe(stage, stripe_event(), secret="whsec_of_before").status == 200

    @pytest.mark.parametrize("seconds", [300, -300])
    def test_five_minutes_are_no_matter(self, seconds: int, stage: Stage) -> None:
        assert from_stripe(stage, stripe_event(), seconds_ago=seconds).status == 200

    @pytest.mark.parametrize("seconds", [301, -301])
    def test_more_is_too_old_or_too_early(self, seconds: int, stage: Stage) -> None:
        with nothing_changes(stage.store):
            assert_refused(from_stripe(stage, stripe_event(), seconds_ago=seconds))

    def test_a_wrong_secret(self, stage: Stage) -> None:
        with nothing_changes(stage.store):
            assert_refused(from_stripe(stage, stripe_event(), secret="whsec_other"))

    def test_one_changed_byte(self, stage: Stage) -> None:
        with nothing_changes(stage.store):
            tampered = b'{"id": "evt_1", "type": "invoice.paid"}'
            assert_refused(from_stripe(stage, stripe_event(), sent=tampered))

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "t=,v1=",
            "v1=00",
            "t=1736942400",
            "t=x,v1=00",
            "t=1736942400,t=1736942400,v1=00",
            f"t={'9' * 400},v1=00",
            "t=²,v1=00",
            "nonsense",
        ],
    )
    def test_what_is_no_signature(self, header: str, stage: Stage) -> None:
        headers = {"stripe-signature": header.encode().decode("latin-1")}
        reply = stage.product.request(
            "POST", "/webhooks/stripe", stripe_event(), token=None, headers=headers
        )
        assert_refused(reply)

    def test_a_token_is_no_signature(self, stage: Stage) -> None:
        assert_refused(stage.product.post("/webhooks/stripe", stripe_event()))


class TestMetronomesSignature:
    @pytest.mark.parametrize(
        "header", ["metronome-webhook-signature", "metronome-webhook-signature-previous"]
    )
    def test_what_is_signed_is_kept(self, header: str, stage: Stage) -> None:
        reply = from_metronome(stage, METRONOME_EVENT, header=header)
        assert (reply.status, reply.body) == (200, {"received": True})
        [event] = listed(stage)
        assert (event["provider"], event["id"]) == ("metronome", METRONOME_EVENT["id"])

    def test_a_wrong_secret_and_a_changed_body(self, stage: Stage) -> None:
        with nothing_changes(stage.store):
            assert_refused(from_metronome(stage, METRONOME_EVENT, secret="guess"))
            assert_refused(from_metronome(stage, METRONOME_EVENT, sent=b'{"type": "x"}'))

    def test_an_old_one(self, stage: Stage) -> None:
        body = b"{}"
        then = stage.clock.now() - timedelta(seconds=301)
        date = format_datetime(then, usegmt=True)
        signature = hmac.digest(METRONOME_SECRET.encode(), date.encode() + b"\n" + body, "sha256")
        headers = {"x-metronome-date": date, "metronome-webhook-signature": signature.hex()}
        reply = stage.product.request(
            "POST", "/webhooks/metronome", text=body, token=None, headers=headers
        )
        assert_refused(reply)

    def test_an_event_without_an_id_is_known_by_what_it_says(self, stage: Stage) -> None:
        for type_ in ("a.b", "a.b", "a.c"):
            assert from_metronome(stage, {"type": type_}).status == 200
        assert sorted(event["type"] for event in listed(stage)) == ["a.b", "a.c"]


class TestAccounts:
    def test_a_path_names_whose_account_it_is(self, stage: Stage) -> None:
        endpoints = stage.product.get("/api/webhook-endpoints", token="shop").data
        assert endpoints == {
            provider: f"/webhooks/{provider}/{connection_of('shop')}"
            for provider in ("metronome", "stripe")
        }
        added = stage.product.post(
            "/api/webhook-endpoints/stripe/secrets", {"secret": "whsec_shop"}, token="shop"
        )
        assert added.status == 200
        path = endpoints["stripe"]
        assert from_stripe(stage, stripe_event(), secret="whsec_shop", path=path).status == 200
        assert [event["id"] for event in listed(stage, "shop")] == ["evt_1"]
        assert listed(stage) == []
        # One account's secret is good for no other, nor is the stage's for one with its own.
        assert_refused(from_stripe(stage, stripe_event("evt_2"), secret="whsec_shop"))
        assert_refused(from_stripe(stage, stripe_event("evt_2"), path=path))

    def test_a_secret_is_replaced_with_an_overlap(self, stage: Stage) -> None:
        path = "/api/webhook-endpoints/stripe/secrets"
        stage.product.post(path, {"secret": "one"})
        stage.product.post(path, {"secret": "two", "overlap_seconds": 600})
        stage.product.post(path, {"secret": "two", "overlap_seconds": 0})
        assert from_stripe(stage, stripe_event("evt_1"), secret="one").status == 200
        assert from_stripe(stage, stripe_event("evt_2"), secret="two").status == 200
        stage.clock.advance(seconds=600)
        assert_refused(from_stripe(stage, stripe_event("evt_3"), secret="one"))
        assert from_stripe(stage, stripe_event("evt_3"), secret="two").status == 200

    def test_secrets_are_shown_to_nobody(self, stage: Stage) -> None:
        path = "/api/webhook-endpoints/stripe/secrets"
        reply = stage.product.post(path, {"secret": "whsec_hidden"})
        assert "whsec_hidden" not in str(reply.body)
        requests = stage.product.get("/mock/requests").data
        assert "whsec_hidden" not in str(requests)


class TestEvents:
    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b'{"id": "a"}', b'{"type": 1}'])
    def test_what_is_signed_and_yet_no_event(self, body: bytes, stage: Stage) -> None:
        date = format_datetime(stage.clock.now(), usegmt=True)
        signature = hmac.digest(METRONOME_SECRET.encode(), date.encode() + b"\n" + body, "sha256")
        headers = {"x-metronome-date": date, "metronome-webhook-signature": signature.hex()}
        reply = stage.product.request(
            "POST", "/webhooks/metronome", text=body, token=None, headers=headers
        )
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
        assert listed(stage) == []

    def test_an_event_is_kept_once_however_often_it_comes(self, stage: Stage) -> None:
        for _ in range(3):
            assert from_stripe(stage, stripe_event()).status == 200
        assert len(listed(stage)) == 1
        stage.product.work_off_inbound()
        assert from_stripe(stage, stripe_event()).status == 200
        assert stage.product.work_off_inbound() == 0
        [event] = listed(stage)
        assert (event["attempts"], event["state"]) == (1, "ignored")

    def test_sent_many_times_at_once_it_is_kept_once(self, stage: Stage) -> None:
        with ThreadPoolExecutor(8) as senders:
            sent = [senders.submit(from_stripe, stage, stripe_event()) for _ in range(8)]
        assert {one.result().status for one in sent} == {200}
        stage.product.work_off_inbound()
        [event] = listed(stage)
        assert (event["attempts"], event["state"]) == (1, "ignored")

    def test_one_id_of_two_providers_is_two_events(self, stage: Stage) -> None:
        from_stripe(stage, {"id": "same", "type": "a.b"})
        from_metronome(stage, {"id": "same", "type": "a.b"})
        assert len(listed(stage)) == 2

    def test_an_unknown_type_is_kept_and_ignored(self, stage: Stage) -> None:
        assert from_stripe(stage, stripe_event(type_="of.tomorrow")).status == 200
        stage.product.work_off_inbound()
        [event] = listed(stage, state="ignored")
        assert event["finished_at"] == "2025-01-15T12:00:00+00:00"

    def test_a_large_one_is_kept_without_its_content(self, stage: Stage) -> None:
        event = stripe_event(id="in_1", object="invoice", customer="cus_1", lines="x" * 300_000)
        assert from_stripe(stage, event).status == 200
        body = stage.product.get("/api/webhook-events/stripe/evt_1").data["body"]
        assert body["data"]["object"] == {"id": "in_1", "object": "invoice", "customer": "cus_1"}

    def test_they_are_listed_in_pages_and_by_what_they_are(self, stage: Stage) -> None:
        for number in range(3):
            from_stripe(stage, stripe_event(f"evt_{number}", f"type.{number}"))
            stage.clock.advance(seconds=1)
        from_metronome(stage, METRONOME_EVENT)
        first = stage.product.get("/api/webhook-events", limit="3")
        rest = stage.product.get(
            "/api/webhook-events", limit="3", next_page=first.body["next_page"]
        )
        assert [event["id"] for event in (*first.data, *rest.data)] == [
            METRONOME_EVENT["id"],
            "evt_2",
            "evt_1",
            "evt_0",
        ]
        assert len(listed(stage, provider="stripe")) == 3
        assert [event["id"] for event in listed(stage, type="type.1")] == ["evt_1"]
        assert listed(stage, state="dead") == []

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/webhook-events/stripe/evt_none", 404),
            ("POST", "/api/webhook-events/stripe/evt_none/rerun", 404),
            ("GET", "/api/webhook-events/paypal/evt_none", 400),
            ("POST", "/api/webhook-events/stripe/evt_1/rerun", 409),
        ],
    )
    def test_what_is_not_there(self, method: str, path: str, status: int, stage: Stage) -> None:
        from_stripe(stage, stripe_event())
        stage.product.work_off_inbound()
        assert stage.product.request(method, path).status == status

    def test_they_are_their_owners(self, stage: Stage) -> None:
        from_stripe(stage, stripe_event())
        assert listed(stage, "other") == []
        reply = stage.product.get("/api/webhook-events/stripe/evt_1", token="other")
        assert reply.status == 404


class TestCrashes:
    def test_kept_and_not_queued_it_is_queued_when_it_comes_again(self, stage: Stage) -> None:
        def die() -> None:
            raise Crash

        stage.store.after = die
        with pytest.raises(Crash):
            from_stripe(stage, stripe_event())
        stage.store.after = lambda: None
        # Nobody acknowledged it, so it comes again.
        assert stage.product.work_off_inbound() == 0
        assert from_stripe(stage, stripe_event()).status == 200
        assert stage.product.work_off_inbound() == 1
        [event] = listed(stage)
        assert event["state"] == "ignored"

    def test_dead_in_the_middle_it_is_done_once_the_lease_is_over(self, stage: Stage) -> None:
        from_stripe(stage, stripe_event())
        writes = stage.store.writes

        def die() -> None:
            if stage.store.writes > writes:
                raise Crash

        # Behind the lease, before it is marked as done.
        stage.store.before = die
        with pytest.raises(Crash):
            stage.product.work_off_inbound()
        stage.store.before = lambda: None
        assert stage.product.work_off_inbound() == 0
        # Sent again meanwhile, it is left to whoever has the lease.
        from_stripe(stage, stripe_event())
        assert stage.product.work_off_inbound() == 1
        [event] = listed(stage)
        assert (event["state"], event["attempts"]) == ("received", 1)
        rerun = "/api/webhook-events/stripe/evt_1/rerun"
        assert stage.product.post(rerun).status == 409
        stage.clock.advance(minutes=12)
        assert stage.product.work_off_inbound() == 2
        [event] = listed(stage)
        assert (event["state"], event["attempts"]) == ("ignored", 2)

    def test_what_is_of_a_sandbox_left_behind_is_dropped(self, stage: Stage) -> None:
        from_stripe(stage, stripe_event())
        stage.product.post("/mock/reset")
        assert stage.product.work_off_inbound() == 1
        assert listed(stage) == []
