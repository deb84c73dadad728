"""Lines into invoices: identity, dates, total."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import invoicing
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineItem
from backbeat.models.money import USD
from tests.unit.builders import contract, customer, period, utc

JANUARY = period("2025-01-01", "2025-02-01")
FEBRUARY = period("2025-02-01", "2025-03-01")


def line(total: str | Decimal) -> LineItem:
    return LineItem.model_validate(
        {
            "id": "line",
            "type": "usage",
            "name": "Calls",
            "product_id": "p",
            "product_type": "UsageProductListItem",
            "quantity": Decimal(1),
            "unit_price": Decimal(total),
            "total": Decimal(total),
            "credit_type": USD,
            "starting_at": JANUARY.starting_at,
            "ending_before": JANUARY.ending_before,
        }
    )


def draft(*totals: str | Decimal) -> Invoice:
    agreement = contract("2025-01-01").model_copy(
        update={"net_payment_terms_days": 30, "custom_fields": {"deal": "7"}}
    )
    return invoicing.draft(
        agreement,
        customer("customer-1", custom_fields={"tier": "gold"}),
        JANUARY,
        credit_type=USD,
        lines=lambda _: [line(total) for total in totals],
    )


def test_a_draft_says_whose_it_is_what_it_covers_and_when_it_will_be_final() -> None:
    invoice = draft("70")
    assert (invoice.customer_id, invoice.contract_id) == ("customer-1", "contract-1")
    assert (invoice.type, invoice.status) == (InvoiceType.USAGE, InvoiceStatus.DRAFT)
    assert invoice.start_timestamp == utc("2025-01-01")
    assert invoice.end_timestamp == utc("2025-02-01")
    # 24 hours after the end (WE-41).
    assert invoice.issued_at == utc("2025-02-02")
    assert invoice.net_payment_terms_days == 30
    assert invoice.customer_custom_fields == {"tier": "gold"}
    assert invoice.contract_custom_fields == {"deal": "7"}


def test_the_total_is_the_unrounded_sum_of_the_lines() -> None:
    # 308.64175 + 0.002 - 5 = 303.64375
    assert draft("308.64175", "0.002", "-5").total == Decimal("303.64375")
    # 10^28 + 10^-9 has 38 digits.
    assert draft("1" + 28 * "0", "0.000000001").total == Decimal("1" + 28 * "0" + ".000000001")
    assert draft().total == 0


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.decimals(-(10**12), 10**12, places=9), max_size=20))
def test_line_totals_sum_to_the_invoice_in_any_order(totals: list[Decimal]) -> None:
    assert draft(*totals).total == draft(*totals[::-1]).total == sum(totals)


def test_finalizing_changes_the_status_and_says_when_and_nothing_else() -> None:
    invoice = draft("70")
    later = invoice.issued_at + timedelta(minutes=5)
    final = invoicing.finalize(invoice, at=later)
    assert final.status is InvoiceStatus.FINALIZED
    assert final.finalized_at == later
    assert final.model_copy(update={"status": InvoiceStatus.DRAFT, "finalized_at": None}) == invoice


def test_a_period_has_one_invoice_id_for_ever() -> None:
    # Decision D-11: computing the draft again, with other lines, gives the same invoice.
    assert draft("70").id == draft("71").id == invoicing.usage_invoice_id("contract-1", JANUARY)
    ids = {
        invoicing.usage_invoice_id(contract_id, month)
        for contract_id in ("contract-1", "contract-2")
        for month in (JANUARY, FEBRUARY)
    }
    assert len(ids) == 4


def test_lines_are_given_the_invoices_id() -> None:
    asked: list[str] = []

    def lines(invoice_id: str) -> list[LineItem]:
        asked.append(invoice_id)
        return []

    invoice = invoicing.draft(
        contract("2025-01-01"), customer(), JANUARY, credit_type=USD, lines=lines
    )
    assert asked == [invoice.id]


def test_the_cut_off_of_a_short_last_period() -> None:
    # WE-35: a contract that ends on 20 November is final on the 21st.
    assert invoicing.finalizes_at(period("2024-11-01", "2024-11-20")) == utc("2024-11-21")
