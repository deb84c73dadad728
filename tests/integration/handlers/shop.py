"""A product's backend that bills through the handlers, and what all systems say about an entity."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import stripe
from metronome import Metronome

CARD = "pm_card_visa"


@dataclass
class Agreement:
    """What the handlers, Metronome and Stripe say about one entity, side by side.

    Amounts are decimals, in dollars; they are not typed, so that tests may compare whole numbers.
    """

    status: str
    tier: str
    listed: tuple[str, str]
    credits: Any
    metronome_credits: Any
    contracts: list[tuple[str, bool]]
    paid: list[Any]
    fees: list[Any]


class Backend:
    """Calls the handlers over HTTP."""

    def __init__(self, http: httpx.Client, metronome: Metronome, account: Any) -> None:
        self.http = http
        self.metronome = metronome
        self.stripe = account

    def move_into(self, token: str) -> None:
        """Goes on in another sandbox."""
        self.http.headers["authorization"] = f"Bearer {token}"
        origin = str(self.http.base_url).rstrip("/")
        self.metronome = self.metronome.with_options(bearer_token=token)
        self.stripe = stripe.StripeClient(
            f"sk_test_{token}", base_addresses={"api": f"{origin}/stripe"}
        ).v1

    def post(self, path: str, status: int | None = 200, **body: Any) -> Any:
        reply = self.http.post(path, json=body)
        assert status in (None, reply.status_code), reply.text
        return _exact(reply)

    def get(self, path: str, expected: int = 200, /, **query: str) -> Any:
        reply = self.http.get(path, params=query)
        assert reply.status_code == expected, reply.text
        return _exact(reply)

    def delete(self, path: str, status: int) -> Any:
        reply = self.http.delete(path)
        assert reply.status_code == status, reply.text
        return _exact(reply)

    def onboard(
        self, tier: str = "free", *, card: str | None = CARD, status: int = 201, **body: Any
    ) -> Any:
        entity = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
        wanted: dict[str, Any] = {
            "entity": entity,
            "tier": tier,
            "billingPeriod": "monthly",
            **body,
        }
        if card is not None:
            wanted["paymentMethodId"] = card
        return self.post("/api/onboard", status, **wanted)

    def change(self, tier: str, status: int = 200, **body: Any) -> Any:
        return self.post("/api/tier/change", status, entityId="ada", newTier=tier, **body)

    def preview(self, tier: str, **body: Any) -> Any:
        return self.post("/api/tier/preview", entityId="ada", newTier=tier, **body)

    def subscription(self) -> Any:
        return self.get("/api/subscription/ada")

    def advance(self, to: datetime) -> None:
        self.post("/mock/clock", now=to.astimezone(UTC).isoformat())

    def freeze(self, at: datetime) -> None:
        self.advance(at)

    def stripe_customer(self) -> str:
        id_: str = self.get("/api/onboarding/ada")["stripeCustomerId"]
        return id_

    def charges(self) -> list[Decimal]:
        """Returns what Stripe took, in dollars, oldest first."""
        listed = self.stripe.charges.list({"customer": self.stripe_customer(), "limit": 100})
        paid = [charge.amount for charge in listed.data if charge.status == "succeeded"]
        return [Decimal(amount) / 100 for amount in reversed(paid)]

    def agreed(self) -> Agreement:
        """Returns what every system says now."""
        subscription = self.subscription()
        [row] = self.get("/api/customers", search="ada")["data"]
        customer = self.get("/api/onboarding/ada")["metronomeCustomerId"]
        now = datetime.fromisoformat(self.get("/mock/clock")["data"]["now"])
        granted = [
            credit
            for credit in self.metronome.v1.customers.credits.list(
                customer_id=customer, include_contract_credits=True, include_balance=True
            )
            for item in (credit.access_schedule.schedule_items if credit.access_schedule else [])
            if item.starting_at <= now < item.ending_before
        ]
        contracts = self.metronome.v1.contracts.list(customer_id=customer).data
        fees = sorted(
            self.metronome.v1.customers.invoices.list(
                customer_id=customer, type="SCHEDULED", status="FINALIZED"
            ),
            # Of one instant there may be two, whose order means nothing.
            key=lambda one: (one.issued_at or now, one.total),
        )
        return Agreement(
            status=subscription["status"],
            tier=subscription["tier"],
            listed=(row["tier"], row["status"]),
            credits=subscription["creditsBalance"],
            metronome_credits=sum((Decimal(str(one.balance)) for one in granted), Decimal(0)),
            contracts=[
                (str(one.current.name), one.current.ending_before is None)
                for one in sorted(contracts, key=lambda one: one.initial.starting_at)
            ],
            paid=self.charges(),
            fees=[Decimal(str(one.total)) / 100 for one in fees],
        )


def _exact(reply: httpx.Response) -> Any:
    import json

    return json.loads(reply.text, parse_float=Decimal) if reply.text else None
