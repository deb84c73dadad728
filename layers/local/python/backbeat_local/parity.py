"""The parity demonstration: one month of usage, told three ways, that must come to the same.

Usage is sent to Backbeat, with a repeat and a late event among it; Backbeat tells Stripe, and
Stripe bills. In the end the ledger, Stripe's meter and the invoice have to name one quantity, and
Backbeat's own rating core and the invoice one amount.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from urllib.parse import quote

from backbeat.domain.periods import add_months
from backbeat.models.period import Period
from backbeat.ports.meters import StripeMeters
from backbeat.ports.providers import Access
from backbeat.ports.rehearsal import Rehearsal
from backbeat_local.client import Http

CENTS: Final = Decimal("0.4")
"""The price of a unit."""
EXPECTED: Final = Decimal(425)
"""100 + 250 + 75; the second 100 is the first one again."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Parity:
    """What each place came to. Quantities in units, amounts in cents."""

    accepted: int
    duplicates: int
    ledger: Decimal
    stripe: Decimal
    invoiced: Decimal
    rated_cents: Decimal
    invoiced_cents: int
    invoice_status: str
    finalized: bool

    @property
    def problems(self) -> list[str]:
        """What does not agree; empty where all does."""
        rounded = int(self.rated_cents.quantize(Decimal(1), ROUND_HALF_UP))
        checks = [
            (self.accepted == 3, f"accepted {self.accepted} events instead of 3"),
            (self.duplicates == 1, f"found {self.duplicates} repeats instead of 1"),
            (self.ledger == EXPECTED, f"the ledger has {self.ledger} instead of {EXPECTED}"),
            (self.stripe == EXPECTED, f"Stripe has counted {self.stripe} instead of {EXPECTED}"),
            (
                self.invoiced == EXPECTED,
                f"the invoice bills {self.invoiced} instead of {EXPECTED}",
            ),
            (
                rounded == self.invoiced_cents,
                f"rated at {self.rated_cents} cents, and billed at {self.invoiced_cents}",
            ),
            (
                self.invoice_status in ("open", "paid"),
                f"the invoice is {self.invoice_status}",
            ),
            (self.finalized, "the period could not be finalized"),
        ]
        return [problem for holds, problem in checks if not holds]


def show(http: Http, access: Access, *, start: datetime, name: str, say: Say) -> Parity:
    """Plays a month from `start` on, an hour; what was made is removed again.

    `name` is what it is called everywhere; nothing else may have it.

    Raises:
        Refused: Backbeat would not do something.
        ProviderError: Stripe would not.
        TimeoutError: Stripe took too long.
    """
    # Stripe's SDK takes long to import, and no other command needs it.
    from backbeat.adapters.stripe.meters import StripeMeterGateway
    from backbeat.adapters.stripe.rehearsal import StripeRehearsal

    stripe = StripeRehearsal(access, name)
    try:
        return _show(
            http,
            StripeMeterGateway(access),
            stripe,
            start=start,
            name=name,
            say=say,
            # The double counts at once.
            is_patient=access.base_url.endswith("stripe.com"),
        )
    finally:
        say("removing what was made")
        stripe.clean_up()


def _show(
    http: Http,
    meters: StripeMeters,
    stripe: Rehearsal,
    *,
    start: datetime,
    name: str,
    say: Say,
    is_patient: bool,
) -> Parity:
    period = Period(start, add_months(start, 1))
    used_at = start + timedelta(hours=72)
    say(f"a month from {start.isoformat()}: clock, customer, meter, price and subscription")
    http.post("/mock/clock", {"now": start.isoformat()})
    stripe.begin(start, cents=str(CENTS))
    customer_id, mapping_id = _set_up(http, stripe, start, name)
    http.post("/mock/clock", {"now": used_at.isoformat()})
    stripe.advance(used_at)
    say("usage: 100 and 250, the 100 again, and 75 that come 42 hours late")
    answer = http.post("/metering/v1/events/ingest", {"events": _usage(name, used_at)})
    say("telling Stripe")
    http.post("/metering/v1/pushes", {"mapping_id": mapping_id})
    # Stripe takes its time to count; what it never counts is for the comparison to show.
    stripe.comes_true(lambda: meters.total(stripe.meter_id, stripe.customer_id, period) == EXPECTED)
    end = period.ending_before + timedelta(hours=25)
    say("the month ends")
    http.post("/mock/clock", {"now": end.isoformat()})
    stripe.advance(end)
    if is_patient:
        stripe.comes_true(lambda: _is_billed(meters, stripe, period))
    say("reconciling")
    return _compared(http, period, customer_id, mapping_id, answer)


def _set_up(http: Http, stripe: Rehearsal, start: datetime, name: str) -> tuple[str, str]:
    """Makes counter, price, contract and mapping; returns the customer's and the mapping's id."""
    at = start.isoformat()
    counter = http.post("/metering/v1/counters", {"name": name, "aggregation": "sum"})["data"]
    product = http.post(
        "/v1/contract-pricing/products/create",
        {"name": name, "type": "USAGE", "billable_metric_id": counter["billable_metric_id"]},
    )["data"]
    card = http.post("/v1/contract-pricing/rate-cards/create", {"name": name})["data"]
    http.post(
        "/v1/contract-pricing/rate-cards/addRate",
        {
            "rate_card_id": card["id"],
            "product_id": product["id"],
            "starting_at": at,
            "entitled": True,
            "rate_type": "FLAT",
            "price": CENTS,
        },
    )
    customer = http.post("/v1/customers", {"name": name, "ingest_aliases": [name]})["data"]
    http.post(
        "/v1/contracts/create",
        {
            "customer_id": customer["id"],
            "rate_card_id": card["id"],
            "starting_at": at,
            "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        },
    )
    mapping = http.post(
        "/metering/v1/mappings",
        {
            "metric": name,
            "customer_ref": name,
            "stripe": {"meter_id": stripe.meter_id, "stripe_customer_id": stripe.customer_id},
            "anchor": at,
            "starting_at": at,
        },
    )["data"]
    return customer["id"], mapping["id"]


def _usage(name: str, now: datetime) -> list[dict[str, Any]]:
    def event(quantity: int, hours_ago: int, key: str) -> dict[str, Any]:
        return {
            "metric": name,
            "customer_ref": name,
            "quantity": quantity,
            "ts": (now - timedelta(hours=hours_ago)).isoformat(),
            "idempotency_key": f"{name}-{key}",
        }

    return [event(100, 2, "1"), event(250, 1, "2"), event(100, 2, "1"), event(75, 42, "late")]


def _compared(
    http: Http,
    period: Period,
    customer_id: str,
    mapping_id: str,
    answer: Any,
) -> Parity:
    asked = {"mapping_id": mapping_id, "period_start": period.starting_at.isoformat()}
    closed = http.request("POST", "/metering/v1/periods/finalize", asked)
    report = closed.body.get("data") or _explained(http, asked)
    lines = report["invoices"]
    listed = http.get(f"/v1/customers/{quote(customer_id)}/invoices", status="FINALIZED")["data"]
    return Parity(
        accepted=answer["accepted"],
        duplicates=answer["duplicates"],
        ledger=Decimal(report["totals"]["local"]),
        stripe=Decimal(report["totals"]["stripe"] or 0),
        invoiced=sum((Decimal(line["quantity"]) for line in lines), Decimal(0)),
        rated_cents=sum((Decimal(invoice["total"]) for invoice in listed), Decimal(0)),
        invoiced_cents=sum(line["amount"] for line in lines),
        invoice_status=", ".join(sorted({line["status"] for line in lines})) or "missing",
        finalized=closed.status == 200,
    )


def _is_billed(meters: StripeMeters, stripe: Rehearsal, period: Period) -> bool:
    billed = meters.billed(stripe.meter_id, stripe.customer_id, period)
    return any(line.is_final for line in billed)


def _explained(http: Http, asked: dict[str, str]) -> Any:
    return http.get("/metering/v1/reconciliation/explain", **asked)["data"]
