"""What Stripe tells of payments: in any order, twice, before the answer, late, or not at all."""

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import stripe

from backbeat import bootstrap
from tests.integration.conftest import NOON
from tests.integration.inbound.conftest import Wired
from tests.integration.queues import WatchedQueue

PRO, TEAM = Decimal(9), Decimal(29)


def operation(wired: Wired) -> Any:
    return wired.backend.get("/api/onboarding/ada")["operation"]


def test_3d_secure_finishes_an_onboarding(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    begun = wired.backend.onboard("pro", card="pm_card_authenticationRequired", status=202)
    wired.settle()
    assert wired.backend.subscription()["status"] == "incomplete"
    [intent] = wired.backend.stripe.payment_intents.list({"limit": 1}).data
    assert intent.status == "requires_action", begun
    wired.control(f"authentications/{intent.id}", succeed=True)
    # Nobody asks the handlers: Stripe tells them.
    wired.settle()
    seen = wired.backend.agreed()
    assert (seen.status, seen.tier, seen.paid, seen.fees) == ("active", "pro", [PRO], [PRO])
    assert operation(wired) is None


def test_3d_secure_that_fails_leaves_nothing_behind(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro", card="pm_card_authenticationRequired", status=202)
    [intent] = wired.backend.stripe.payment_intents.list({"limit": 1}).data
    wired.control(f"authentications/{intent.id}", succeed=False)
    wired.settle()
    assert wired.backend.charges() == []
    [invoice] = wired.backend.stripe.invoices.list({"limit": 10}).data
    assert invoice.status == "void"
    assert wired.backend.subscription()["status"] == "incomplete"


def test_a_webhook_before_the_answer(wired: Wired) -> None:
    # Whatever Stripe tells is delivered and worked off before Stripe answers the call.
    product, services = wired.stage.product, bootstrap.services()
    working: list[bool] = []

    def deliver() -> None:
        if working:
            return
        working.append(True)
        try:
            product.work_off_stripe()
            product.work_off_inbound()
        finally:
            working.clear()

    eager = replace(services, stripe_queue=WatchedQueue(services.stripe_queue, deliver))
    wired.backend.freeze(NOON)
    with bootstrap.using(eager):
        wired.backend.onboard("pro")
        # 15 January, 12:00: nothing of the month is over, so all of 29.00 - 9.00 is charged.
        wired.backend.change("team")
    states = {(one["type"], one["state"]) for one in wired.events(provider="stripe")}
    assert ("invoice.paid", "done") in states
    wired.settle()
    seen = wired.backend.agreed()
    assert (seen.status, seen.tier, seen.credits) == ("active", "team", Decimal(50_000))
    assert seen.paid == [PRO, TEAM - PRO]
    assert {one["state"] for one in wired.events()} <= {"done", "ignored"}


@pytest.mark.parametrize("seed", range(2))
def test_shuffled_and_doubled(seed: int, wired: Wired) -> None:
    wired.backend.freeze(NOON)
    wired.control("webhooks", mode="hold")
    wired.backend.onboard("pro", card="pm_card_authenticationRequired", status=202)
    wired.settle()
    [intent] = wired.backend.stripe.payment_intents.list({"limit": 1}).data
    wired.control(f"authentications/{intent.id}", succeed=True)
    events = [event.id for event in wired.backend.stripe.events.list({"limit": 100}).data]
    assert len(events) > 10
    random.Random(seed).shuffle(events)
    for number, event in enumerate(events):
        wired.control(f"events/{event}/deliver", times=2)
        if number % 5 == seed:
            wired.settle()
    wired.settle()
    seen = wired.backend.agreed()
    assert (seen.status, seen.tier, seen.paid, seen.fees) == ("active", "pro", [PRO], [PRO])
    assert seen.contracts == [("Pro", True)]
    received = wired.events(provider="stripe")
    assert sorted(one["id"] for one in received) == sorted(events)
    assert {one["state"] for one in received} <= {"done", "ignored"}


def test_what_was_missed_is_looked_up(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro", card="pm_card_authenticationRequired", status=202)
    wired.settle()
    known = len(wired.events())
    wired.control("webhooks", mode="lose")
    [intent] = wired.backend.stripe.payment_intents.list({"limit": 1}).data
    wired.control(f"authentications/{intent.id}", succeed=True)
    wired.settle()
    assert wired.backend.subscription()["status"] == "incomplete"
    caught = wired.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
    assert caught["failed_tenants"] == 0
    assert caught["events"] == len(wired.events()) - known > 0
    wired.settle()
    seen = wired.backend.agreed()
    assert (seen.status, seen.paid) == ("active", [PRO])
    missed = [one for one in wired.events() if one["source"] == "catch_up"]
    assert {one["type"] for one in missed} >= {"invoice.paid", "payment_intent.succeeded"}
    # Looked up again, or told after all, it is known.
    again = wired.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
    assert again == {"events": 0, "failed_tenants": 0}
    wired.control(f"events/{missed[0]['id']}/deliver", times=2)
    wired.settle()
    assert wired.backend.charges() == [PRO]


def test_a_lost_way_to_pay_is_told(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    customer = wired.backend.stripe_customer()
    [card] = wired.backend.stripe.payment_methods.list({"customer": customer}).data
    wired.backend.stripe.payment_methods.detach(card.id)
    wired.settle()
    [told] = wired.told()
    assert told["type"] == "billing.payment_method_missing"
    assert told["properties"]["entity_id"] == "ada"


def test_a_dispute_is_told(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro", card="pm_card_createDispute")
    wired.settle()
    [told] = [one for one in wired.told() if "dispute" in one["type"]]
    assert told["type"] == "billing.dispute_created"
    assert told["properties"]["payment_intent_id"].startswith("pi_")


class TestWhoseAccountItIs:
    """Keys and tokens of clients act in the accounts of the sandbox that they belong to."""

    def onboard(self, wired: Wired, credential: str) -> None:
        entity = {"id": "eve", "type": "user", "name": "Eve", "email": "eve@example.com"}
        body = {"entity": entity, "tier": "pro", "paymentMethodId": "pm_card_visa"}
        reply = wired.stage.product.post("/api/onboard", body, token=credential)
        assert reply.status == 201, reply

    def test_a_key_is_its_makers(self, wired: Wired) -> None:
        wired.backend.freeze(NOON)
        made = wired.stage.product.post(
            "/api/keys", {"name": "backend", "scopes": ["billing:write"]}
        )
        self.onboard(wired, made.body["data"]["key"])
        [charge] = wired.backend.stripe.charges.list({"limit": 10}).data
        assert charge.amount == 900
        # What waits is carried on by the sandbox's own token, and not by the key.
        wired.settle()
        assert wired.stage.product.get("/api/subscription/eve").body["status"] == "active"

    def test_a_client_is_the_sandbox_of_its_id(self, wired: Wired, origin: str) -> None:
        client = {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "any"}
        given = wired.stage.product.request("POST", "/oauth/token", client, token=None)
        self.onboard(wired, given.body["access_token"])
        theirs = stripe.StripeClient("sk_test_shop", base_addresses={"api": f"{origin}/stripe"}).v1
        [charge] = theirs.charges.list({"limit": 10}).data
        assert charge.amount == 900
        assert wired.backend.stripe.charges.list({"limit": 10}).data == []

    @pytest.mark.parametrize(
        "more_settings",
        [
            {
                "BACKBEAT_METRONOME_KEY": "{oauth}",
                "METRONOME_OAUTH_CLIENT_ID": "demo",
                "METRONOME_OAUTH_CLIENT_SECRET": "any",
                "METRONOME_OAUTH_TOKEN_URL": "{origin}/oauth/token",
                "METRONOME_OAUTH_SCOPE": "metronome",
            }
        ],
    )
    def test_metronome_may_want_a_clients_token(self, wired: Wired) -> None:
        wired.backend.freeze(NOON)
        self.onboard(wired, "demo")
        assert wired.stage.product.get("/v1/customers", ingest_alias="eve").data != []
