"""What the handlers ask of the providers, through the official SDKs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from backbeat.adapters.metronome.sdk import MetronomeSdk
from backbeat.adapters.stripe.amounts import from_integer, to_integer
from backbeat.adapters.stripe.gateway import StripeGateway
from backbeat.ports.metronome import NewContract, NewFee, NewPackage
from backbeat.ports.providers import Access, Away, Refused
from backbeat.ports.stripe import Invoice, InvoiceStatus, NewLine, PaymentStatus
from tests.integration.conftest import NOON

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
FEBRUARY = NOON.replace(month=2)


@pytest.mark.parametrize(
    ("amount", "currency", "integer"),
    [("10.97", "usd", 1097), ("290", "USD", 29000), ("500", "jpy", 500), ("1.230", "kwd", 1230)],
)
def test_amounts_go_both_ways(amount: str, currency: str, integer: int) -> None:
    assert to_integer(Decimal(amount), currency) == integer
    assert from_integer(integer, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"), [("10.967", "usd"), ("0.5", "jpy"), ("1.234", "kwd")]
)
def test_amounts_are_never_rounded_there(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        to_integer(Decimal(amount), currency)


class TestMetronome:
    def test_a_package_grants_credits_which_end_with_the_contract(
        self, metronome_port: MetronomeSdk
    ) -> None:
        port = metronome_port
        product, fee = port.create_product("Credits"), port.create_product("Fee")
        card = port.create_rate_card("Plans", "plans")
        assert port.rate_cards() == {"plans": card}
        assert port.pricing_units()["USD (cents)"] == USD
        package = port.create_package(
            NewPackage("Pro", "pro-1", card, product, USD, Decimal(10_000))
        )
        assert port.packages() == {"pro-1": package}
        customer = port.create_customer("Ada", "ada")
        assert port.customer_by_alias("ada") == customer
        assert port.customer_by_alias("bob") is None
        with pytest.raises(Refused) as taken:
            port.create_customer("Ada", "ada")
        assert taken.value.status == 409

        wanted = NewContract(customer, NOON, "Pro", "key", package_id=package)
        contract = port.create_contract(wanted)
        with pytest.raises(Refused):
            port.create_contract(wanted)
        [held] = port.contracts(customer)
        assert (held.id, held.uniqueness_key, held.package_id) == (contract, "key", package)
        assert (held.starting_at, held.ending_before, held.archived) == (NOON, None, False)

        # The next month's is listed already; nothing of it can be spent.
        ahead, credit = port.credits(customer)
        assert (ahead.balance, ahead.starting_at) == (Decimal(0), FEBRUARY)
        assert (credit.granted, credit.balance, credit.contract_id) == (
            Decimal(10_000),
            Decimal(10_000),
            contract,
        )
        assert (credit.starting_at, credit.ending_before) == (NOON, FEBRUARY)
        charge = NewFee(customer, contract, fee, "Pro, monthly", NOON, Decimal(900), "fee")
        port.add_fee(charge)
        with pytest.raises(Refused):
            port.add_fee(charge)
        assert [
            (one.total, one.status) for one in port.invoices(customer) if one.type == "SCHEDULED"
        ] == [(Decimal(900), "FINALIZED")]

        later = NOON + timedelta(hours=1)
        port.end_credits(customer, contract, credit.id, later)
        port.end_credits(customer, contract, credit.id, later)
        port.end_contract(customer, contract, later)
        assert [(one.id, one.ending_before) for one in port.credits(customer)] == [
            (credit.id, later)
        ]
        [held] = port.contracts(customer)
        assert held.ending_before == later
        port.archive_contract(customer, contract)
        [held] = port.contracts(customer)
        assert held.archived


class TestStripe:
    def test_an_invoice_is_paid_once(self, stripe_port: StripeGateway) -> None:
        port = stripe_port
        customer = _customer(port, "pm_card_visa")
        invoice = _invoice(port, customer, "10.97")
        assert (invoice.status, invoice.total) == (InvoiceStatus.OPEN, Decimal("10.97"))
        for _ in range(2):
            paid = port.pay(invoice.id, payment_method=None, off_session=True, key="pay")
            assert (paid.status, paid.amount_paid) == (InvoiceStatus.PAID, Decimal("10.97"))
            assert paid.payment is not None
            assert paid.payment.status is PaymentStatus.SUCCEEDED
        assert port.pay(invoice.id, payment_method=None, off_session=True, key="2") == paid
        with pytest.raises(Refused):
            port.void(invoice.id, key="void")
        [listed] = port.invoices(customer)
        assert listed.payment is not None
        assert listed.payment.status is PaymentStatus.SUCCEEDED
        # Lists leave out what only a browser needs.
        assert replace(listed, payment=paid.payment) == paid

    def test_a_decline_leaves_it_open_with_the_reason(self, stripe_port: StripeGateway) -> None:
        port = stripe_port
        customer = _customer(port, "pm_card_chargeCustomerFail")
        invoice = _invoice(port, customer, "9")
        tried = port.pay(invoice.id, payment_method=None, off_session=False, key="pay")
        assert tried.status is InvoiceStatus.OPEN
        assert tried.payment is not None
        assert tried.payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
        assert tried.payment.error_code == "generic_decline"
        [listed] = port.invoices(customer)
        assert listed == tried
        assert port.void(invoice.id, key="void").status is InvoiceStatus.VOID
        assert port.void(invoice.id, key="void again").status is InvoiceStatus.VOID

    def test_authentication_is_asked_for_where_somebody_is_there(
        self, stripe_port: StripeGateway
    ) -> None:
        customer = _customer(stripe_port, "pm_card_authenticationRequired")
        invoice = _invoice(stripe_port, customer, "9")
        tried = stripe_port.pay(invoice.id, payment_method=None, off_session=False, key="pay")
        assert tried.payment is not None
        assert tried.payment.status is PaymentStatus.REQUIRES_ACTION
        assert tried.payment.client_secret

    def test_without_a_card_nothing_is_paid(self, stripe_port: StripeGateway) -> None:
        customer = _customer(stripe_port, None)
        invoice = _invoice(stripe_port, customer, "9")
        tried = stripe_port.pay(invoice.id, payment_method=None, off_session=False, key="pay")
        assert tried.payment is not None
        assert tried.payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD

    def test_credit_is_used_by_the_next_invoice(self, stripe_port: StripeGateway) -> None:
        customer = _customer(stripe_port, None)
        stripe_port.credit(customer, Decimal(9), currency="usd", description="Back", key="c")
        assert stripe_port.balance(customer) == 9
        assert stripe_port.was_credited(customer, "Back")
        assert not stripe_port.was_credited(customer, "Bac")
        invoice = _invoice(stripe_port, customer, "9")
        assert (invoice.status, invoice.amount_due) == (InvoiceStatus.PAID, Decimal(0))
        assert stripe_port.balance(customer) == 0

    def test_customers_and_cards(self, stripe_port: StripeGateway) -> None:
        port = stripe_port
        customer = _customer(port, "pm_card_visa")
        found = port.customer_with(email="ada@example.com", metadata={"entity_id": "ada"})
        assert found == customer
        assert port.customer_with(email="ada@example.com", metadata={"entity_id": "eve"}) is None
        saved = port.create_setup_intent(customer, payment_method=None, key="setup")
        assert saved.client_secret
        assert port.setup_intent(saved.id) == saved
        [card] = port.cards(customer)
        assert (card.brand, card.last4, card.type) == ("visa", "4242", "card")
        assert port.default_card(customer) == card.id
        port.detach(card.id, key="detach")
        assert port.cards(customer) == []
        port.delete_customer(customer, key="delete")
        port.delete_customer(customer, key="delete again")


def test_nobody_answers(origin: str) -> None:
    nowhere = MetronomeSdk(Access("http://127.0.0.1:9", "x"))
    with pytest.raises(Away):
        nowhere.products()


def _customer(port: StripeGateway, card: str | None) -> str:
    customer = port.create_customer(
        name="Ada", email="ada@example.com", metadata={"entity_id": "ada"}, key="customer"
    )
    if card is not None:
        attached = port.attach(customer, card, key="attach")
        port.set_default_card(customer, attached.id, key="default")
    return customer


def _invoice(port: StripeGateway, customer: str, amount: str) -> Invoice:
    draft = port.create_invoice(customer, currency="usd", metadata={"operation": "o"}, key="i")
    assert draft.status is InvoiceStatus.DRAFT
    line = NewLine("Pro", Decimal(amount), NOON, FEBRUARY)
    for _ in range(2):
        port.add_line(draft.id, customer, line, currency="usd", key="line")
    return port.finalize(draft.id, key="finalize")
