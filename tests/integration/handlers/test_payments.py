"""Payments that are declined, that wait, that get lost on the way: states, never lies."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.application import connections, sandboxes
from backbeat.application.handlers import settlements
from backbeat.application.services import Call
from backbeat.application.tokens import owner_by_hash
from backbeat.models.accounts import Afterwards
from backbeat.ports.providers import Away
from backbeat.ports.stripe import Invoice, PaymentStatus
from tests.integration.conftest import NOON, Stage
from tests.integration.handlers.shop import Backend
from tests.integration.product import DEMO

FAILING = "pm_card_chargeCustomerFail"
AUTHENTICATED = "pm_card_authenticationRequired"
FEBRUARY = datetime(2025, 2, 15, 12, tzinfo=UTC)
CHANGED = FEBRUARY - timedelta(days=17)


@dataclass
class Bent:
    """Stripe, with some of its answers bent."""

    stripe: Any
    bends: dict[str, Callable[..., Any]]

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.stripe, name)
        bend = self.bends.get(name)
        return real if bend is None else lambda *args, **kwargs: bend(real, *args, **kwargs)


@contextmanager
def bent(stage: Stage, **bends: Callable[..., Any]) -> Iterator[None]:
    services = stage.product.services
    providers = services.providers
    replaced = replace(
        providers, open_stripe=lambda access: Bent(providers.open_stripe(access), bends)
    )
    with bootstrap.using(replace(services, providers=replaced)):
        yield


@pytest.fixture(autouse=True)
def _at_noon(backend: Backend) -> None:
    backend.freeze(NOON)


@pytest.fixture
def call(stage: Stage) -> Callable[[], Call]:
    """Calls as inbound webhooks act: on behalf of the tenant, at its time."""
    owner = owner_by_hash(sha256(DEMO.encode()).hexdigest())
    return lambda: sandboxes.call_for(bootstrap.services(), owner)


def upgraded(backend: Backend, *, charged: list[str]) -> None:
    seen = backend.agreed()
    assert (seen.status, seen.tier, seen.credits) == ("active", "team", 50_000)
    assert seen.paid == seen.fees == [Decimal(amount) for amount in charged]
    assert seen.contracts == [("Pro", False), ("Team", True)]


def unchanged(backend: Backend) -> None:
    seen = backend.agreed()
    assert (seen.status, seen.tier, seen.credits) == ("active", "pro", 10_000)
    assert seen.paid == seen.fees == [9]
    assert seen.contracts == [("Pro", True)]


def use_card(backend: Backend, card: str) -> None:
    backend.post("/api/customers/ada/payment-methods", 201, paymentMethodId=card)


class TestDeclined:
    def test_an_upgrade_changes_nothing(self, backend: Backend) -> None:
        backend.onboard("pro")
        backend.advance(CHANGED)
        use_card(backend, FAILING)
        refused = backend.change("team", 402)
        assert refused["code"] == "PaymentFailed"
        assert refused["message"] == "Your card was declined."
        assert refused["operation"]["status"] == "failed"
        assert refused["operation"]["error"]["code"] == "generic_decline"
        unchanged(backend)
        # The invoice is taken back, so nobody pays it later.
        newest = backend.get("/api/customers/ada/invoices")["data"][0]
        assert newest["stripe"]["status"] == "void"
        # With another card it is made, and charged once.
        made = backend.change("team", paymentMethodId="pm_card_visa")
        assert made["operation"]["status"] == "done"
        upgraded(backend, charged=["9", "10.97"])

    def test_onboarding_stays_incomplete_until_it_is_paid(self, backend: Backend) -> None:
        refused = backend.onboard("pro", card=FAILING, status=402)
        assert refused["status"] == "incomplete"
        assert backend.get("/api/onboarding/ada")["onboarded"] is False
        assert backend.subscription()["creditsBalance"] == 0
        checked = backend.post("/api/entitlements/ada/check", feature="private_repositories")
        assert (checked["allowed"], checked["reason"]) == (False, "no_subscription")
        backend.onboard("pro")
        seen = backend.agreed()
        assert (seen.status, seen.paid, seen.contracts) == ("active", [9], [("Pro", True)])

    def test_a_card_that_cannot_be_saved(self, backend: Backend) -> None:
        refused = backend.onboard("pro", card="pm_card_chargeDeclined", status=402)
        assert refused["operation"]["error"]["step"] == "card"
        backend.onboard("pro")
        assert backend.agreed().paid == [9]

    def test_a_renewal_is_past_due_until_it_is_paid(
        self, backend: Backend, call: Callable[[], Call]
    ) -> None:
        backend.onboard("pro")
        use_card(backend, FAILING)
        backend.advance(FEBRUARY)
        subscription = backend.subscription()
        assert subscription["status"] == "past_due"
        operation = subscription["pendingOperation"]
        assert (operation["status"], operation["payment"]["status"]) == ("waiting", "failed")
        # Still within the grace: the plan goes on, and its credits too.
        assert subscription["creditsBalance"] == 10_000
        assert backend.post("/api/entitlements/ada/check", feature="analytics")["allowed"] is False
        again = backend.post(f"/api/operations/{operation['id']}/retry", 202)
        assert (again["attempt"], again["payment"]["status"]) == (2, "failed")
        use_card(backend, "pm_card_visa")
        paid = settlements.payment_retried(call(), operation["id"])
        assert paid.status == "done"
        seen = backend.agreed()
        assert (seen.status, seen.paid, seen.fees) == ("active", [9, 9], [9, 9])
        assert backend.subscription()["currentPeriodEnd"] == "2025-03-15T12:00:00+00:00"

    @pytest.mark.parametrize(
        ("afterwards", "status", "tier"),
        [(Afterwards.CANCEL, "canceled", "pro"), (Afterwards.DOWNGRADE, "active", "free")],
    )
    def test_a_renewal_that_is_given_up(
        self,
        backend: Backend,
        call: Callable[[], Call],
        afterwards: Afterwards,
        status: str,
        tier: str,
    ) -> None:
        backend.onboard("pro")
        use_card(backend, FAILING)
        # At any minute, though contracts end on the hour.
        backend.advance(FEBRUARY + timedelta(days=3, minutes=7))
        id_ = backend.subscription()["pendingOperation"]["id"]
        settlements.payment_given_up(call(), id_, afterwards)
        seen = backend.agreed()
        assert (seen.status, seen.tier, seen.paid) == (status, tier, [9])
        assert seen.credits == (0 if status == "canceled" else 1_000)
        newest = backend.get("/api/customers/ada/invoices")["data"][0]
        assert newest["stripe"]["status"] == "void"


class TestAuthentication:
    def begun(self, backend: Backend) -> Any:
        backend.onboard("pro")
        backend.advance(CHANGED)
        use_card(backend, AUTHENTICATED)
        waiting = backend.change("team", 202)
        assert waiting["operation"]["payment"]["status"] == "authentication_required"
        assert waiting["clientSecret"]
        unchanged(backend)
        return waiting["operation"]

    def test_the_upgrade_is_made_once_it_succeeds(
        self, backend: Backend, call: Callable[[], Call]
    ) -> None:
        operation = self.begun(backend)
        intent, invoice = operation["payment"]["intentId"], operation["payment"]["invoiceId"]
        # Asked again meanwhile, it is the same change.
        assert backend.change("team", 202)["operation"]["id"] == operation["id"]
        assert backend.change("free", 409)["conflicting_id"] == operation["id"]
        backend.post(f"/mock/stripe/authentications/{intent}", succeed=True)
        # Told twice, and once more when it is over.
        for _ in range(3):
            settlements.payment_changed(call(), invoice)
        upgraded(backend, charged=["9", "10.97"])

    def test_it_is_made_by_scheduled_work_where_the_webhook_got_lost(
        self, backend: Backend
    ) -> None:
        intent = self.begun(backend)["payment"]["intentId"]
        backend.post(f"/mock/stripe/authentications/{intent}", succeed=True)
        backend.advance(CHANGED + timedelta(hours=2))
        upgraded(backend, charged=["9", "10.97"])

    def test_it_fails(self, backend: Backend, call: Callable[[], Call]) -> None:
        operation = self.begun(backend)
        intent = operation["payment"]["intentId"]
        backend.post(f"/mock/stripe/authentications/{intent}", succeed=False)
        settlements.payment_changed(call(), operation["payment"]["invoiceId"])
        assert backend.get(f"/api/operations/{operation['id']}")["status"] == "failed"
        unchanged(backend)

    def test_nobody_completes_it(self, backend: Backend) -> None:
        operation = self.begun(backend)
        backend.advance(CHANGED + timedelta(days=1))
        over = backend.get(f"/api/operations/{operation['id']}")
        assert (over["status"], over["error"]["code"]) == ("failed", "expired")
        unchanged(backend)

    def test_it_is_taken_back(self, backend: Backend) -> None:
        operation = self.begun(backend)
        over = backend.post(f"/api/operations/{operation['id']}/cancel")
        assert (over["status"], over["error"]["code"]) == ("failed", "abandoned")
        unchanged(backend)
        backend.post(f"/api/operations/{operation['id']}/cancel", 409)
        backend.post(f"/api/operations/{operation['id']}/retry", 409)


class TestWithoutCard:
    def test_onboarding_waits_for_one(self, backend: Backend) -> None:
        waiting = backend.onboard("pro", card=None, status=202)
        assert waiting["operation"]["payment"]["status"] == "payment_method_required"
        assert backend.subscription()["status"] == "incomplete"
        setup = backend.post("/api/customers/ada/setup-intents", 201)
        assert setup["clientSecret"]
        backend.post("/api/customers/ada/payment-methods", 400, setupIntentId=setup["id"])
        # What the browser does with the secret.
        backend.stripe.setup_intents.confirm(setup["id"], {"payment_method": "pm_card_visa"})
        added = backend.post("/api/customers/ada/payment-methods", 201, setupIntentId=setup["id"])
        assert (added["last4"], added["default"]) == ("4242", True)
        seen = backend.agreed()
        assert (seen.status, seen.paid, seen.credits) == ("active", [9], 10_000)

    def test_the_way_to_pay_of_a_plan_is_replaced_before_it_goes(self, backend: Backend) -> None:
        backend.onboard("pro")
        [first] = backend.get("/api/customers/ada/payment-methods")["data"]
        path = "/api/customers/ada/payment-methods"
        backend.delete(f"{path}/{first['id']}", 409)
        second = backend.post(path, 201, paymentMethodId="pm_card_mastercard", default=False)
        assert second["default"] is False
        backend.post(f"{path}/{second['id']}/default")
        backend.delete(f"{path}/{first['id']}", 204)
        [left] = backend.get(path)["data"]
        assert (left["id"], left["brand"], left["default"]) == (second["id"], "mastercard", True)
        backend.delete(f"{path}/{first['id']}", 404)


class TestOnTheWay:
    def test_a_payment_that_is_processing(
        self, stage: Stage, backend: Backend, call: Callable[[], Call]
    ) -> None:
        begun: list[str] = []

        def begin(real: Callable[..., Invoice], id_: str, **_: Any) -> Invoice:
            begun.append(id_)
            return seen(stripe.invoice, id_)

        def seen(real: Callable[..., Invoice], id_: str) -> Invoice:
            invoice = real(id_)
            if id_ not in begun or invoice.payment is None:
                return invoice
            payment = replace(invoice.payment, status=PaymentStatus.PROCESSING)
            return replace(invoice, payment=payment)

        backend.onboard("pro")
        backend.advance(CHANGED)
        stripe = connections.stripe(call())
        with bent(stage, pay=begin, invoice=seen):
            waiting = backend.change("team", 202)["operation"]
            invoice_id = waiting["payment"]["invoiceId"]
            assert waiting["payment"]["status"] == "processing"
            settlements.payment_changed(call(), invoice_id)
            # Two days are no reason to give it up: the bank has the money.
            backend.advance(CHANGED + timedelta(days=2))
            unchanged(backend)
        stripe.pay(invoice_id, payment_method=None, off_session=True, key="bank")
        settlements.payment_changed(call(), invoice_id)
        upgraded(backend, charged=["9", "10.97"])

    def test_the_answer_gets_lost_after_booking(self, stage: Stage, backend: Backend) -> None:
        def lost(real: Callable[..., Invoice], *args: Any, **kwargs: Any) -> Invoice:
            real(*args, **kwargs)
            raise Away("Stripe", "no answer in time")

        backend.onboard("pro")
        backend.advance(CHANGED)
        with bent(stage, pay=lost):
            begun = backend.change("team", 202)["operation"]
        assert (begun["status"], begun["error"]["code"]) == ("running", "unavailable")
        backend.advance(CHANGED + timedelta(minutes=10))
        upgraded(backend, charged=["9", "10.97"])

    def test_the_webhook_comes_before_the_answer(
        self, stage: Stage, backend: Backend, call: Callable[[], Call]
    ) -> None:
        def told_first(real: Callable[..., Invoice], id_: str, **kwargs: Any) -> Invoice:
            paid = real(id_, **kwargs)
            # The operation runs: whoever asked goes on with it, and the webhook leaves it alone.
            settlements.payment_changed(call(), id_)
            return paid

        backend.onboard("pro")
        backend.advance(CHANGED)
        with bent(stage, pay=told_first):
            assert backend.change("team")["operation"]["status"] == "done"
        upgraded(backend, charged=["9", "10.97"])

    def test_stripe_is_slow(self, stage: Stage, backend: Backend) -> None:
        def slow(real: Callable[..., Invoice], *args: Any, **kwargs: Any) -> Invoice:
            stage.clock.advance(seconds=11)
            return real(*args, **kwargs)

        backend.onboard("pro")
        backend.advance(CHANGED)
        with bent(stage, create_invoice=slow):
            begun = backend.change("team", 202)["operation"]
        assert (begun["status"], begun["step"]) == ("running", "line")
        backend.advance(CHANGED + timedelta(minutes=10))
        upgraded(backend, charged=["9", "10.97"])

    def test_stripe_is_away_for_long(self, stage: Stage, backend: Backend) -> None:
        def away(real: Callable[..., Invoice], *args: Any, **kwargs: Any) -> Invoice:
            raise Away("Stripe", "down")

        backend.onboard("pro")
        with bent(stage, create_invoice=away):
            id_ = backend.change("team", 202)["operation"]["id"]
            backend.advance(NOON + timedelta(days=1))
            [stuck] = backend.get("/api/operations", status="stuck")["data"]
        assert (stuck["id"], stuck["step"], stuck["tries"]) == (id_, "invoice", 10)
        done = backend.post(f"/api/operations/{id_}/retry")
        assert done["status"] == "done"
        assert backend.get("/api/operations")["data"] == []
        assert backend.agreed().tier == "team"

    def test_what_was_paid_for_nothing_is_given_back(self, stage: Stage, backend: Backend) -> None:
        backend.onboard("pro")
        backend.advance(CHANGED)
        # Somebody archived the package since the catalogue was applied.
        for package in backend.metronome.v1.packages.list():
            if package.name == "Team":
                backend.metronome.v1.packages.archive(package_id=package.id)
        refused = backend.change("team", 422)
        assert refused["operation"]["payment"]["status"] == "refunded"
        seen = backend.agreed()
        assert (seen.tier, seen.contracts, seen.fees) == ("pro", [("Pro", True)], [9])
        [refund] = backend.stripe.refunds.list({}).data
        assert refund.amount == 1097

    def test_credit_that_was_used_for_nothing_is_given_back(self, backend: Backend) -> None:
        backend.onboard("team")
        backend.change("pro", when="now")
        # 29 - 9 to their credit, which would pay for the upgrade.
        for package in backend.metronome.v1.packages.list():
            if package.name == "Team":
                backend.metronome.v1.packages.archive(package_id=package.id)
        refused = backend.change("team", 422)
        assert refused["operation"]["payment"]["status"] == "refunded"
        customer = backend.stripe.customers.retrieve(backend.stripe_customer())
        assert customer.balance == -2000
        seen = backend.agreed()
        assert (seen.tier, seen.paid, seen.credits) == ("pro", [29], 10_000)


def test_a_double_click_is_one_change(backend: Backend) -> None:
    backend.onboard("pro")
    backend.advance(CHANGED)

    def click(_: int) -> tuple[int, str | None]:
        body = {"entityId": "ada", "newTier": "team"}
        reply = backend.http.post("/api/tier/change", json=body)
        return reply.status_code, (reply.json().get("operation") or {}).get("id")

    with ThreadPoolExecutor(6) as pool:
        clicks = list(pool.map(click, range(6)))
    # Whoever came later is told of the same change, or that it is made.
    assert {status for status, _ in clicks} <= {200, 202, 409}, clicks
    assert len({id_ for _, id_ in clicks if id_ is not None}) == 1
    upgraded(backend, charged=["9", "10.97"])


def test_many_callers_at_once_do_not_wait_for_each_other(backend: Backend) -> None:
    backend.post("/api/catalog/apply")

    def onboard(number: int) -> int:
        entity = {"id": f"e{number}", "type": "user", "name": "E", "email": "e@example.com"}
        return backend.http.post("/api/onboard", json={"entity": entity}).status_code

    # More than there are threads for callers, and each of them calls the same server.
    with ThreadPoolExecutor(36) as pool:
        assert set(pool.map(onboard, range(36))) == {201}
