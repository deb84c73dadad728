"""Worked examples of scheduled charges (16.7), and what else the rules of section 10 say."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from backbeat.ports.http import HttpReply
from tests.integration.worked.world import JSON, World, lines, places

JANUARY = "2025-01-01T00:00:00Z"
UNKNOWN = "11111111-1111-4111-8111-111111111111"


class Charges:
    """A world with a customer, a fixed product and, if wanted, usage."""

    def __init__(self, now: str = JANUARY) -> None:
        self.world = World(now)
        self.customer = self.world.customer("acme")
        self.product = self.world.product(type="FIXED", name="Setup", tags=["fees"])
        self.contract = ""

    def agree(self, card: str | None = None, start: str = JANUARY, **terms: object) -> str:
        """Creates the contract and returns its id."""
        self.contract = self.world.contract(self.customer, card, start, **terms)
        return self.contract

    def charge(self, *items: JSON, **fields: object) -> JSON:
        """Returns a charge as a request names it."""
        return {"product_id": self.product, "schedule": {"schedule_items": list(items)}, **fields}

    def recurring(self, **schedule: object) -> JSON:
        """Returns a recurring charge as a request names it."""
        return {"product_id": self.product, "schedule": {"recurring_schedule": schedule}}

    def card(self, price: object = 1) -> str:
        """Returns a rate card with one usage product."""
        card = self.world.rate_card()
        self.world.rate(card, self.world.product(self.world.metric()), price=price)
        return card

    def scheduled(self) -> list[JSON]:
        """Returns the scheduled invoices by issue date."""
        return self.world.invoices(self.customer, type="SCHEDULED")

    def read(self) -> JSON:
        """Returns the contract in its newer form."""
        body = {"customer_id": self.customer, "contract_id": self.contract}
        found: JSON = self.world.post("/v2/contracts/get", body)
        return found

    def edit(self, **changes: object) -> None:
        """Edits the contract."""
        body = {"customer_id": self.customer, "contract_id": self.contract, **changes}
        self.world.post("/v2/contracts/edit", body)

    def refused(self, **changes: object) -> str:
        """Tries to edit the contract, expects 400, and returns the message."""
        body = {"customer_id": self.customer, "contract_id": self.contract, **changes}
        return str(self.world.refused("/v2/contracts/edit", body)["message"])


def at(day: str, amount: object = None, **fields: object) -> JSON:
    """Returns a dated amount as a request names it."""
    given = {} if amount is None else {"amount": amount}
    return {"timestamp": f"{day}T00:00:00Z", **given, **fields}


def dated(invoices: list[JSON]) -> list[tuple[str, object]]:
    """Returns issue day and total of each invoice."""
    return [(invoice["issued_at"][:10], invoice["total"]) for invoice in invoices]


def test_we_57_quarterly_schedule() -> None:
    charges = Charges("2024-10-01T00:00:00Z")
    charges.agree(
        start="2024-11-01T00:00:00Z",
        scheduled_charges=[
            charges.recurring(
                starting_at="2024-11-01T00:00:00Z",
                ending_before="2025-11-01T00:00:00Z",
                frequency="QUARTERLY",
                amount=100000,
                amount_distribution="EACH",
            )
        ],
    )

    invoices = charges.scheduled()
    # Every third month while before the end: four of them, 400000 in total.
    assert dated(invoices) == [
        ("2024-11-01", 100000),
        ("2025-02-01", 100000),
        ("2025-05-01", 100000),
        ("2025-08-01", 100000),
    ]
    assert {invoice["status"] for invoice in invoices} == {"DRAFT"}
    charges.world.clock("2025-02-01T00:00:00Z")
    # Decision D-51: final exactly on time.
    assert [invoice["status"] for invoice in charges.scheduled()] == [
        "FINALIZED",
        "FINALIZED",
        "DRAFT",
        "DRAFT",
    ]


@pytest.mark.parametrize(
    ("distribution", "first", "last", "total"),
    [
        # 100000 / 12 each.
        ("DIVIDED", Decimal("8333.3333333333"), Decimal("8333.3333333333"), Decimal(100000)),
        # Decision D-39: 11 × 8333 = 91663, the last takes the other 8337.
        ("DIVIDED_ROUNDED", 8333, 8337, Decimal(100000)),
    ],
)
def test_we_58_distribution(
    distribution: str, first: Decimal, last: Decimal, total: Decimal
) -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[
            charges.recurring(
                starting_at=JANUARY,
                ending_before="2026-01-01T00:00:00Z",
                frequency="MONTHLY",
                amount=100000,
                amount_distribution=distribution,
            )
        ]
    )

    amounts = [invoice["total"] for invoice in charges.scheduled()]
    assert [places(amount) for amount in amounts] == [first] * 11 + [last]
    assert places(sum(Decimal(amount) for amount in amounts)) == total


def test_a_divided_quantity_adds_up_to_the_whole() -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[
            charges.recurring(
                starting_at=JANUARY,
                ending_before="2025-04-01T00:00:00Z",
                frequency="MONTHLY",
                unit_price=10,
                quantity=3,
                amount_distribution="DIVIDED",
            )
        ]
    )
    # 3 x 10 = 30 over 3 months; 3 x 3.33... would never come to it.
    assert [invoice["total"] for invoice in charges.scheduled()] == [10, 10, 10]


def test_we_58_semi_annual_clamps_from_the_origin() -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[
            charges.recurring(
                starting_at="2025-01-31T00:00:00Z",
                ending_before="2026-02-28T00:00:00Z",
                frequency="SEMI_ANNUAL",
                amount=1,
                amount_distribution="EACH",
            )
        ]
    )

    assert [day for day, _ in dated(charges.scheduled())] == [
        "2025-01-31",
        "2025-07-31",
        "2026-01-31",
    ]


def test_we_59_charge_on_the_day_a_usage_period_ends_joins_it() -> None:
    charges = Charges()
    charges.agree(
        charges.card(),
        scheduled_charges_on_usage_invoices="ALL",
        scheduled_charges=[charges.charge(at("2025-02-01", 2500), at("2025-03-01", 9))],
    )
    charges.world.use("acme", 5000, "2025-01-01T00:00:00Z")
    charges.world.clock("2025-02-01T12:00:00Z")

    january = charges.world.draft(charges.customer, ending_before="2025-02-02T00:00:00Z")
    assert lines(january, "type", "total") == [("usage", 5000), ("scheduled", 2500)]
    assert january["total"] == 7500
    assert charges.scheduled() == []
    item, _ = charges.read()["scheduled_charges"][0]["schedule"]["schedule_items"]
    assert item["invoice_id"] == january["id"]
    february = charges.world.draft(charges.customer, starting_on="2025-02-01T00:00:00Z")
    assert lines(february, "type", "total") == [("usage", 0), ("scheduled", 9)]


def test_we_59_charge_on_another_day_has_its_own_invoice() -> None:
    charges = Charges()
    charges.agree(
        charges.card(),
        scheduled_charges_on_usage_invoices="ALL",
        scheduled_charges=[charges.charge(at("2025-01-15", 2500))],
    )
    charges.world.use("acme", 5000, "2025-01-01T00:00:00Z")
    charges.world.clock("2025-01-16T00:00:00Z")

    [invoice] = charges.scheduled()
    assert (invoice["total"], invoice["status"]) == (2500, "FINALIZED")
    assert charges.world.draft(charges.customer)["total"] == 5000


def test_we_59_charges_of_one_date_share_an_invoice() -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[
            charges.charge(at("2025-01-15", 2500), name="Licence"),
            charges.charge(at("2025-01-15", unit_price=500, quantity=2)),
        ]
    )

    [invoice] = charges.scheduled()
    # The name of the charge, else its product's.
    assert lines(invoice, "name", "quantity", "unit_price", "total") == [
        ("Licence", 1, 2500, 2500),
        ("Setup", 2, 500, 1000),
    ]
    assert invoice["total"] == 3500


def test_charge_for_a_usage_period_that_is_final_has_its_own_invoice() -> None:
    charges = Charges("2025-02-10T00:00:00Z")
    charges.agree(charges.card(), scheduled_charges_on_usage_invoices="ALL")

    charges.edit(add_scheduled_charges=[charges.charge(at("2025-02-01", 2500))])

    # January was final on 2 February.
    [january] = charges.world.invoices(charges.customer, type="USAGE", status="FINALIZED")
    assert january["total"] == 0
    [invoice] = charges.scheduled()
    assert (invoice["status"], invoice["issued_at"], invoice["total"]) == (
        "FINALIZED",
        "2025-02-01T00:00:00+00:00",
        2500,
    )


def test_we_60_discount() -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[charges.charge(at("2025-01-15", 10000))],
        discounts=[charges.charge(at("2025-01-15", 1500))],
    )

    [invoice] = charges.scheduled()
    # Decision D-40: a negative line.
    assert lines(invoice, "total") == [(10000,), (-1500,)]
    assert invoice["total"] == 8500
    [discount] = charges.read()["discounts"]
    assert invoice["line_items"][1]["discount_id"] == discount["id"]
    assert discount["schedule"]["schedule_items"][0]["amount"] == 1500


def test_we_68_reseller_royalty() -> None:
    charges = Charges()
    charges.agree(
        scheduled_charges=[charges.charge(at("2025-01-15", 100000))],
        reseller_royalties=[
            {
                "reseller_type": "AWS",
                "fraction": 0.05,
                "netsuite_reseller_id": "r-1",
                "applicable_product_tags": ["fees"],
                "starting_at": JANUARY,
                "aws_options": {"aws_account_number": "42"},
            }
        ],
    )

    [invoice] = charges.scheduled()
    # Decision D-41: recorded, not taken off.
    assert invoice["total"] == 100000
    assert invoice["reseller_royalty"] == {
        "reseller_type": "AWS",
        "fraction": "0.05",
        "netsuite_reseller_id": "r-1",
        "aws_options": {"aws_account_number": "42"},
    }
    [royalty] = charges.read()["reseller_royalties"]
    assert royalty["reseller_type"] == "AWS"
    assert [segment["fraction"] for segment in royalty["segments"]] == [Decimal("0.05")]


def test_finalizing_tells_subscribers_in_time_order() -> None:
    charges = Charges()
    charges.agree(
        charges.card(),
        scheduled_charges=[charges.charge(at("2025-01-20", 1), at("2025-02-02", 2))],
    )
    ids = [invoice["id"] for invoice in charges.scheduled()]
    usage = charges.world.draft(charges.customer)["id"]

    told = _Subscriber(charges.world)
    charges.world.clock("2025-02-02T00:00:00Z")

    # The usage invoice of January is final on 2 February too; usage comes first.
    assert told.finalized == [ids[0], usage, ids[1]]


def test_charge_in_the_past_is_final_at_once() -> None:
    charges = Charges("2025-03-10T00:00:00Z")
    charges.agree(scheduled_charges=[charges.charge(at("2025-01-15", 700))])

    [invoice] = charges.scheduled()
    assert (invoice["status"], invoice["issued_at"]) == ("FINALIZED", "2025-01-15T00:00:00+00:00")
    assert "start_timestamp" not in invoice
    found = charges.world.get(f"/v1/customers/{charges.customer}/invoices/{invoice['id']}")
    assert found == invoice


def test_charge_added_to_a_date_already_final_has_its_own_invoice() -> None:
    charges = Charges("2025-03-10T00:00:00Z")
    charges.agree(scheduled_charges=[charges.charge(at("2025-01-15", 700))])

    charges.edit(add_scheduled_charges=[charges.charge(at("2025-01-15", 300))])

    invoices = charges.scheduled()
    assert sorted(invoice["total"] for invoice in invoices) == [300, 700]
    assert {invoice["status"] for invoice in invoices} == {"FINALIZED"}


def test_edits_of_a_charge_change_its_drafts() -> None:
    charges = Charges()
    charges.agree(scheduled_charges=[charges.charge(at("2025-02-10", 100), at("2025-03-10", 100))])
    [charge] = charges.read()["scheduled_charges"]
    first, second = charge["schedule"]["schedule_items"]

    charges.edit(
        update_scheduled_charges=[
            {
                "scheduled_charge_id": charge["id"],
                "invoice_schedule": {
                    "add_schedule_items": [at("2025-05-10", 400)],
                    "update_schedule_items": [
                        {"id": first["id"], "timestamp": "2025-02-20T00:00:00Z", "amount": 150}
                    ],
                    "remove_schedule_items": [{"id": second["id"]}],
                },
            }
        ]
    )

    assert dated(charges.scheduled()) == [("2025-02-20", 150), ("2025-05-10", 400)]
    charges.edit(archive_scheduled_charges=[{"id": charge["id"]}])
    assert charges.scheduled() == []
    assert charges.read()["scheduled_charges"][0]["archived_at"] == "2025-01-01T00:00:00+00:00"


def test_what_is_on_a_final_invoice_stays() -> None:
    charges = Charges("2025-03-10T00:00:00Z")
    charges.agree(scheduled_charges=[charges.charge(at("2025-01-15", 700))])
    [charge] = charges.read()["scheduled_charges"]
    [item] = charge["schedule"]["schedule_items"]

    def schedule_edit(change: JSON) -> JSON:
        return {"scheduled_charge_id": charge["id"], "invoice_schedule": change}

    update = schedule_edit({"update_schedule_items": [{"id": item["id"], "amount": 1}]})
    remove = schedule_edit({"remove_schedule_items": [{"id": item["id"]}]})
    charges.refused(update_scheduled_charges=[update])
    charges.refused(update_scheduled_charges=[remove])
    charges.refused(archive_scheduled_charges=[{"id": charge["id"]}])
    charges.world.post("/v1/invoices/void", {"id": item["invoice_id"]})
    # Void: it may change or be archived, but not be removed.
    charges.refused(update_scheduled_charges=[remove])
    charges.edit(update_scheduled_charges=[update])
    made = charges.world.post("/v1/invoices/regenerate", {"id": item["invoice_id"]})
    regenerated = charges.world.get(f"/v1/customers/{charges.customer}/invoices/{made['id']}")
    assert regenerated["total"] == 1


@pytest.mark.parametrize(
    "schedule",
    [
        {},
        {"schedule_items": []},
        {"schedule_items": [at("2025-01-15")]},
        {"schedule_items": [at("2025-01-15", 1, unit_price=1, quantity=1)]},
        {"schedule_items": [at("2025-01-15", unit_price=1)]},
        {"schedule_items": [at("2025-01-15", quantity=1)]},
        {"schedule_items": [{"timestamp": "2025-01-15T00:30:00Z", "amount": 1}]},
        {
            "recurring_schedule": {
                "starting_at": JANUARY,
                "ending_before": "2026-01-01T00:00:00Z",
                "frequency": "WEEKLY",
                "amount": 1,
                "amount_distribution": "EACH",
            }
        },
        {
            "recurring_schedule": {
                "starting_at": JANUARY,
                "ending_before": JANUARY,
                "frequency": "MONTHLY",
                "amount": 1,
                "amount_distribution": "EACH",
            }
        },
    ],
)
def test_bad_schedules_are_refused(schedule: JSON) -> None:
    charges = Charges()
    body = {
        "customer_id": charges.customer,
        "starting_at": JANUARY,
        "scheduled_charges": [{"product_id": charges.product, "schedule": schedule}],
    }

    charges.world.refused("/v1/contracts/create", body)

    assert charges.world.invoices(charges.customer) == []


def test_weekly_schedules_come_with_edits() -> None:
    charges = Charges()
    charges.agree()

    charges.edit(
        add_scheduled_charges=[
            charges.recurring(
                starting_at="2025-01-06T00:00:00Z",
                ending_before="2025-01-27T00:00:00Z",
                frequency="WEEKLY",
                amount=10,
                amount_distribution="EACH",
            )
        ]
    )

    assert dated(charges.scheduled()) == [
        ("2025-01-06", 10),
        ("2025-01-13", 10),
        ("2025-01-20", 10),
    ]


def test_units_do_not_share_an_invoice() -> None:
    charges = Charges()
    euro = next(
        entry for entry in charges.world.get("/v1/credit-types/list") if entry["name"] == "EUR"
    )
    in_euro = charges.charge(at("2025-01-15", 20))
    in_euro["schedule"]["credit_type_id"] = euro["id"]

    charges.agree(scheduled_charges=[charges.charge(at("2025-01-15", 1000)), in_euro])

    assert {
        (invoice["credit_type"]["name"], invoice["total"]) for invoice in charges.scheduled()
    } == {("USD (cents)", 1000), ("EUR", 20)}


def test_professional_services_are_billed_on_request() -> None:
    charges = Charges("2025-01-10T00:00:00Z")
    product = charges.world.product(type="PRO_SERVICE", name="Migration")
    charges.agree(
        professional_services=[
            {"product_id": product, "unit_price": 100, "quantity": 10, "max_amount": 1000}
        ]
    )
    [service] = charges.read()["professional_services"]
    body = {"customer_id": charges.customer, "contract_id": charges.contract}

    def bill(day: str, **line: object) -> JSON:
        return {
            **body,
            "issued_at": f"{day}T00:00:00Z",
            "line_items": [{"professional_service_id": service["id"], **line}],
        }

    path = "/v1/contracts/scheduleProServicesInvoice"
    [now] = charges.world.post(path, bill("2025-01-10", quantity=6, metadata="phase 1"))
    [later] = charges.world.post(path, bill("2025-02-10", amount=350))

    assert (now["status"], now["type"], now["total"]) == ("FINALIZED", "SCHEDULED", 600)
    [line] = now["line_items"]
    assert (line["professional_service_id"], line["metadata"]) == (service["id"], "phase 1")
    assert (later["status"], later["total"]) == ("DRAFT", 350)
    # 600 + 350 leave 50 of 1000.
    charges.world.refused(path, bill("2025-01-10", amount=51))
    charges.world.refused(path, bill("2025-01-10", unit_price=1))
    charges.world.refused(path, {**bill("2025-01-10", amount=1), "contract_id": UNKNOWN}, 404)
    assert len(charges.scheduled()) == 2


def test_issue_date_of_a_draft_moves() -> None:
    charges = Charges()
    charges.agree(
        ending_before="2025-12-01T00:00:00Z",
        scheduled_charges=[charges.charge(at("2025-02-10", 100), at("2025-03-10", 200))],
    )
    first, second = charges.scheduled()
    path = "/v1/contracts/updateInvoiceIssueDate"

    def move(invoice: JSON, day: str) -> JSON:
        return {"invoice_id": invoice["id"], "issue_date": f"{day}T00:00:00Z"}

    assert charges.world.post(path, move(first, "2025-02-20")) == {"id": first["id"]}
    charges.world.post(path, move(second, "2025-01-01"))

    assert [(i["issued_at"][:10], i["status"], i["id"]) for i in charges.scheduled()] == [
        ("2025-01-01", "FINALIZED", second["id"]),
        ("2025-02-20", "DRAFT", first["id"]),
    ]
    charges.world.refused(path, move(second, "2025-02-20"))
    charges.world.refused(path, move(first, "2025-12-02"))
    charges.world.refused(path, {"invoice_id": UNKNOWN, "issue_date": JANUARY}, 404)
    charges.world.clock("2025-02-19T00:00:00Z")
    assert charges.scheduled()[-1]["status"] == "DRAFT"
    charges.world.clock("2025-02-20T00:00:00Z")
    assert charges.scheduled()[-1]["status"] == "FINALIZED"


def test_shortening_a_contract_removes_later_charges() -> None:
    charges = Charges()
    charges.agree(scheduled_charges=[charges.charge(at("2025-02-10", 100), at("2025-06-10", 200))])

    charges.world.post(
        "/v1/contracts/updateEndDate",
        {
            "customer_id": charges.customer,
            "contract_id": charges.contract,
            "ending_before": "2025-04-01T00:00:00Z",
        },
    )

    assert dated(charges.scheduled()) == [("2025-02-10", 100)]


class _Subscriber:
    """A webhook target in place of the network: notes which invoices it is told are final."""

    def __init__(self, world: World) -> None:
        self.finalized: list[str] = []
        world.services = replace(world.services, http=self)
        world.post("/webhooks/subscriptions", {"target": "http://subscriber.test/"})

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        """Takes one delivery."""
        notice = json.loads(body)
        if notice["type"] == "invoice.finalized":
            self.finalized.append(notice["properties"]["invoice_id"])
        return HttpReply(200, b"")
