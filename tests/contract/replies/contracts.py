"""Contracts and packages: what works, and what is refused."""

from collections.abc import Callable
from typing import Any, Final

from tests.contract.replies.cases import (
    BAD_REQUEST,
    INVALID,
    NO_CUSTOMER,
    UNKNOWN,
    Refusal,
    Success,
    posted,
)
from tests.contract.replies.world import (
    END,
    JSON,
    START,
    STRIPE,
    USD,
    World,
    access_schedule,
    due,
    schedule,
    subscription,
)


def contract_of(world: World, **changes: object) -> JSON:
    return {"customer_id": world.customer, "starting_at": "2025-03-01T00:00:00Z", **changes}


def customer_and_contract(world: World, **contract: object) -> JSON:
    return {
        "customer": {
            "name": "Joined",
            "ingest_aliases": [world.new("alias")],
            "custom_fields": {"tier": "gold"},
        },
        "contract": {"starting_at": START, "rate_card_id": world.rate_card, **contract},
    }


def edits_of(world: World) -> JSON:
    """Returns one of each change that needs nothing that is there."""
    return {
        "uniqueness_key": world.new("edit"),
        "add_overrides": [
            {
                "type": "MULTIPLIER",
                "multiplier": 0.9,
                "starting_at": START,
                "override_specifiers": [{"product_id": world.product}],
            }
        ],
        "add_scheduled_charges": [
            {
                "product_id": world.fixed_product,
                "name": "Setup",
                "schedule": due("2025-04-01", amount=500),
                "custom_fields": {"ledger": "7"},
            }
        ],
        "add_discounts": [
            {"product_id": world.fixed_product, "schedule": due("2025-04-01", amount=5)}
        ],
        "add_professional_services": [service_of(world)],
        "add_reseller_royalties": [
            {"reseller_type": "GCP", "fraction": 0.1, "netsuite_reseller_id": "r",
             "starting_at": START, "gcp_options": {"gcp_account_id": "1"},
 "applicable_product_tags": ["llm"]}
        ],
        "add_subscriptions": [
            subscription(world.seat_product, name="Seats", initial_quantity=2),
            subscription(world.seat_product, quantity_management_mode="SEAT_BASED",
                         seat_config={"seat_group_key": "user", "initial_seat_ids": ["a"]}),
        ],
        "add_recurring_commits": [recurring_of(world, invoice_amount=price_of(90))],
        "add_recurring_credits": [recurring_of(world, specifiers=[{"product_tags": ["llm"]}])],
        "add_prepaid_balance_threshold_configuration": prepaid_of(world),
        "add_spend_threshold_configuration": spend_of(world),
        "add_commits": [
            {**world.commit, "invoice_schedule": due("2025-05-01", amount=80),
             "rollover_fraction": 0.5, "netsuite_sales_order_id": "SO8"},
            # Unrestricted, they would be drawn by the subscription, and could not be archived.
            {**world.commit, "type": "POSTPAID", "applicable_product_tags": ["llm"],
             "invoice_schedule": due("2026-02-01", amount=1000)},
        ],
        "add_credits": [
            credit_of(world),
            credit_of(world, name="Second", applicable_product_tags=["llm"]),
        ],
        "update_contract_name": "Renamed",
        "update_contract_end_date": END,
        "update_net_payment_terms_days": 7,
    }  # fmt: skip


def price_of(amount: int) -> JSON:
    return {"unit_price": amount, "quantity": 1, "credit_type_id": USD}


def recurring_of(world: World, **changes: object) -> JSON:
    """Returns a recurring credit that says what it can."""
    return {
        "product_id": world.fixed_product,
        "name": "Monthly",
        "description": "For 2025",
        "access_amount": price_of(100),
        "priority": 1,
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "recurrence_frequency": "MONTHLY",
        "proration": "FIRST",
        "rate_type": "LIST_RATE",
        "rollover_fraction": 0.5,
        "starting_at": "2025-03-01T00:00:00Z",
        "ending_before": "2025-12-01T00:00:00Z",
        "hierarchy_configuration": {
            "child_access": {"type": "CONTRACT_IDS", "contract_ids": [UNKNOWN]}
        },
        **changes,
    }


def recurring_changes(contract: JSON) -> JSON:
    """Returns changes of each recurring term of a contract."""
    changed = {
        "ending_before": "2025-11-01T00:00:00Z",
        "access_amount": {"unit_price": 50, "quantity": 2},
        "rate_type": "COMMIT_RATE",
    }
    return {
        "update_recurring_commits": [
            {"recurring_commit_id": one["id"], "invoice_amount": {"unit_price": 45}, **changed}
            for one in contract["recurring_commits"]
        ],
        "update_recurring_credits": [
            {"recurring_credit_id": one["id"], **changed} for one in contract["recurring_credits"]
        ],
    }


def spend_of(world: World, **commit: object) -> JSON:
    """Returns a threshold of spend that charges nobody yet."""
    return {
        "is_enabled": True,
        "threshold_amount": 1000000,
        "commit": {
            "product_id": world.fixed_product,
            "name": "Spend",
            "description": "So far",
            "priority": 7,
            **commit,
        },
        "payment_gate_config": {
            "payment_gate_type": "STRIPE",
            "tax_type": "PRECALCULATED",
            "stripe_config": {"payment_type": "INVOICE", "invoice_metadata": {"team": "a"}},
            "precalculated_tax_config": {"tax_amount": 7, "tax_name": "VAT"},
        },
        "discount_configuration": {"payment_fraction": 0.9},
    }


def prepaid_of(world: World, **changes: object) -> JSON:
    """Returns a threshold of prepaid balance that is collected elsewhere."""
    return {
        "is_enabled": True,
        "threshold_amount": 500,
        "recharge_to_amount": 2500,
        "commit": {
            "product_id": world.fixed_product,
            "specifiers": [{"product_tags": ["llm"]}],
        },
        "payment_gate_config": {"payment_gate_type": "EXTERNAL"},
        **changes,
    }


def credit_of(world: World, **fields: object) -> JSON:
    credit = {name: value for name, value in world.commit.items() if name != "type"}
    return {**credit, **fields}


def service_of(world: World) -> JSON:
    return {
        "product_id": world.service_product,
        "unit_price": 100,
        "quantity": 10,
        "max_amount": 1000,
        "description": "Two days",
        "custom_fields": {"ticket": "7"},
    }


def edited(world: World) -> JSON:
    """Returns how requests name a contract to which every kind of change was made."""
    names = world.new_contract()
    world.call("editContract-v2", body={**names, **edits_of(world)})
    world.call("editContract-v2", body={**names, **later_edits(world.read(names))})
    held = world.read(names)
    world.call("editContract-v2", body={**names, **balance_edits(world, held)})
    world.call("setUsageFilter-v1", body={**names, **filter_of()})
    end = {"ending_before": "2027-01-01T00:00:00Z"}
    world.call("updateContractEndDate-v1", body={**names, **end})
    return names


def balance_edits(world: World, contract: JSON) -> JSON:
    """Returns changes of a contract's commits and credits: one of each kind."""
    commit, *other_commits = [
        one for one in contract["commits"] if "recurring_commit_id" not in one
    ]
    credit, *other_credits = [
        one for one in contract["credits"] if "recurring_credit_id" not in one
    ]
    [segment] = commit["access_schedule"]["schedule_items"]
    [payment] = commit["invoice_schedule"]["schedule_items"]
    terms = {
        "name": "Renamed",
        "description": "Changed",
        "priority": 3,
        "rate_type": "COMMIT_RATE",
        "rollover_fraction": 0.25,
        "netsuite_sales_order_id": "SO9",
        "specifiers": [{"product_tags": ["llm"]}],
        "product_id": world.fixed_product,
    }
    access = {"add_schedule_items": access_schedule(5)["schedule_items"]}
    return {
        "update_commits": [
            {
                "commit_id": commit["id"],
                **terms,
                "access_schedule": {
                    **access,
                    "update_schedule_items": [{"id": segment["id"], "amount": 200}],
                },
                "invoice_schedule": {
                    **{"add_schedule_items": due("2025-04-01", amount=7)["schedule_items"]},
                    "update_schedule_items": [{"id": payment["id"], "amount": 90}],
                },
            }
        ],
        "update_credits": [{"credit_id": credit["id"], **terms, "access_schedule": access}],
        "archive_commits": [{"id": one["id"]} for one in other_commits],
        "archive_credits": [{"id": one["id"]} for one in other_credits],
    }


def later_edits(contract: JSON) -> JSON:
    """Returns changes of what a contract has; the name is taken away."""
    [charge], [override] = contract["scheduled_charges"], contract["overrides"]
    counted, seated = contract["subscriptions"]
    if counted["quantity_management_mode"] == "SEAT_BASED":
        counted, seated = seated, counted
    [item] = charge["schedule"]["schedule_items"]
    at = "2025-03-10T00:00:00Z"
    return {
        "remove_overrides": [{"id": override["id"]}],
        "update_scheduled_charges": [
            {
                "scheduled_charge_id": charge["id"],
                "netsuite_sales_order_id": "SO1",
                "invoice_schedule": {
                    "add_schedule_items": [{"timestamp": "2025-05-01T00:00:00Z", "amount": 7}],
                    "update_schedule_items": [{"id": item["id"], "unit_price": 250, "quantity": 2}],
                },
            }
        ],
        "update_subscriptions": [
            {
                "subscription_id": counted["id"],
                "quantity_updates": [
                    {"starting_at": at, "quantity": 5},
                    {"starting_at": "2025-03-11T00:00:00Z", "quantity_delta": 1},
                ],
            },
            {
                "subscription_id": seated["id"],
                "ending_before": "2025-12-01T00:00:00Z",
                "seat_updates": {
                    "add_seat_ids": [{"seat_ids": ["b"], "starting_at": at}],
                    "remove_seat_ids": [{"seat_ids": ["a"], "starting_at": at}],
                    "add_unassigned_seats": [{"quantity": 2, "starting_at": at}],
                    "remove_unassigned_seats": [{"quantity": 1, "starting_at": at}],
                },
            },
        ],
        **recurring_changes(contract),
        "update_prepaid_balance_threshold_configuration": {
            "is_enabled": False,
            "threshold_amount": 600,
            "commit": {"specifiers": None, "applicable_product_tags": ["llm"], "priority": None},
        },
        "update_spend_threshold_configuration": {
            "threshold_amount": 2000000,
            "discount_configuration": None,
        },
        "update_contract_name": None,
    }


def filter_of(**changes: object) -> JSON:
    return {
        "group_key": "region",
        "group_values": ["eu"],
        "starting_at": "2025-04-01T00:00:00Z",
        **changes,
    }


def amended(world: World) -> JSON:
    names = world.new_contract()
    world.call("amendContract-v1", body={**names, **amendment_of(world)})
    return names


def amendment_of(world: World) -> JSON:
    terms = edits_of(world)
    return {
        "starting_at": "2025-03-01T00:00:00Z",
        "overrides": terms["add_overrides"],
        "scheduled_charges": terms["add_scheduled_charges"],
        "discounts": terms["add_discounts"],
        "professional_services": terms["add_professional_services"],
        "reseller_royalties": terms["add_reseller_royalties"],
        "salesforce_opportunity_id": "006",
        "netsuite_sales_order_id": "SO1",
    }


def archived(world: World) -> JSON:
    names = world.new_contract()
    world.call("archiveContract-v1", body={**names, "void_invoices": True})
    return names


def with_service(world: World, **changes: object) -> JSON:
    """Returns a bill for part of a professional service, as requests name it."""
    names = world.new_contract(professional_services=[service_of(world)])
    [service] = world.read(names)["professional_services"]
    line = {"professional_service_id": service["id"], "quantity": 2, "metadata": "May", **changes}
    return {**names, "issued_at": "2025-03-20T00:00:00Z", "line_items": [line]}


def with_charge(world: World) -> JSON:
    """Returns how requests name a contract with a charge that is to come."""
    charge = {"product_id": world.fixed_product, "schedule": due("2025-04-01", amount=5)}
    return world.new_contract(scheduled_charges=[charge])


def imported(world: World, **changes: object) -> Any:
    """Returns an invoice of the time before, as requests name it."""
    names = world.new_contract(
        starting_at="2025-01-01T00:00:00Z",
        usage_statement_schedule={
            "frequency": "MONTHLY",
            "invoice_generation_starting_at": "2025-03-01T00:00:00Z",
        },
    )
    january = {
        "inclusive_start_date": "2025-01-01T00:00:00Z",
        "exclusive_end_date": "2025-02-01T00:00:00Z",
    }
    day = {
        "inclusive_start_date": "2025-01-01T00:00:00Z",
        "exclusive_end_date": "2025-01-02T00:00:00Z",
    }
    return {
        **names,
        "credit_type_id": USD,
        "issue_date": "2025-02-02T00:00:00Z",
        **january,
        "billable_status": "unbillable",
        "breakdown_granularity": "DAY",
        "usage_line_items": [
            {"product_id": world.product, **january, "quantity": 5},
            {
                "product_id": world.grouped_product,
                **january,
                "subtotals_with_quantity": [{**day, "quantity": 1000}],
                "pricing_group_values": {"model": "a"},
                "presentation_group_values": {"region": "eu"},
            },
        ],
        **changes,
    }


def package_of(world: World) -> JSON:
    """Returns a package with everything, as the SDK names it."""
    return {
        "name": "Pro",
        "contract_name": "Pro contract",
        "uniqueness_key": world.new("package"),
        "rate_card_id": world.rate_card,
        "aliases": [{"name": world.new("alias"), "starting_at": START, "ending_before": END}],
        "duration": {"value": 12, "unit": "MONTHS"},
        "net_payment_terms_days": 14,
        "multiplier_override_prioritization": "LOWEST_MULTIPLIER",
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "overrides": [
            {
                "type": "OVERWRITE",
                "override_specifiers": [{"product_id": world.product}],
                "overwrite_rate": {"rate_type": "FLAT", "price": 1},
                "starting_at_offset": {"value": 0, "unit": "DAYS"},
            }
        ],
        "recurring_commits": [package_recurring_of(world, invoice_amount=price_of(90))],
        "recurring_credits": [package_recurring_of(world)],
        "commits": [package_commit_of(world)],
        "credits": [
            {
                "product_id": world.fixed_product,
                "access_schedule": {"schedule_items": [PACKAGE_SEGMENT]},
            }
        ],
        "spend_threshold_configuration": spend_of(world),
    }


PACKAGE_SEGMENT: Final[JSON] = {
    "amount": 100,
    "starting_at_offset": {"value": 0, "unit": "DAYS"},
    "duration": {"value": 6, "unit": "MONTHS"},
}


def package_commit_of(world: World) -> JSON:
    """Returns a commit with relative dates."""
    item = {"unit_price": 10, "quantity": 9, "date_offset": {"value": 0, "unit": "DAYS"}}
    return {
        "type": "PREPAID",
        "name": "Annual",
        "description": "With the package",
        "product_id": world.fixed_product,
        "priority": 1,
        "rate_type": "LIST_RATE",
        "rollover_fraction": 0.5,
        "access_schedule": {"schedule_items": [PACKAGE_SEGMENT]},
        "invoice_schedule": {"schedule_items": [item], "do_not_invoice": True},
        "specifiers": [{"product_id": world.product}],
    }


def package_recurring_of(world: World, **changes: object) -> JSON:
    """Returns a recurring credit with relative dates."""
    wanted = recurring_of(world, duration={"value": 6, "unit": "MONTHS"}, **changes)
    dated = {"starting_at", "ending_before", "hierarchy_configuration"}
    offset = {"value": 1, "unit": "MONTHS"}
    kept = {name: value for name, value in wanted.items() if name not in dated}
    return {**kept, "starting_at_offset": offset}


def archived_package(world: World) -> str:
    package_id = world.make("createPackage-v1", name="Gone")
    world.call("archivePackage-v1", body={"package_id": package_id})
    return package_id


def on_package(world: World) -> JSON:
    """Returns how requests name a contract made from the package."""
    customer_id = world.new_customer(customer_billing_provider_configurations=[STRIPE])
    body = {"customer_id": customer_id, "package_id": world.package, "starting_at": START}
    return {"customer_id": customer_id, "contract_id": world.make("createContract-v1", **body)}


def renewed(world: World) -> JSON:
    """Returns how requests name a contract that another one follows."""
    names = world.new_contract()
    transition = {"type": "RENEWAL", "from_contract_id": names["contract_id"]}
    body = {
        "customer_id": names["customer_id"], "starting_at": END, "transition": transition
    }  # fmt: skip
    world.make("createContract-v1", **body)
    return names


def child(world: World) -> JSON:
    """Returns how requests name a contract below another."""
    parent = world.new_contract(hierarchy_configuration={})
    return world.new_contract(hierarchy_configuration={"parent": parent, "payer": "SELF"})


def parent(world: World) -> JSON:
    """Returns how requests name a contract above another."""
    names = world.new_contract(
        hierarchy_configuration={"parent_behavior": {"invoice_consolidation_type": "CONCATENATE"}}
    )
    place = {"parent": names, "payer": "PARENT", "usage_statement_behavior": "CONSOLIDATE"}
    world.new_contract(hierarchy_configuration=place)
    return names


CONTRACTS: Final[dict[str, Callable[[World], JSON]]] = {
    "with every kind of term": lambda w: w.full,
    "edited": edited,
    "amended": amended,
    "archived": archived,
    "made from a package": on_package,
    "followed by another": renewed,
    "above another": parent,
    "below another": child,
}


SUCCESSES: Final[list[Success]] = [
    Success(
        "createContract-v1",
        "with everything",
        lambda w: w.sdk.v1.contracts.create(
            customer_id=w.bare_customer,
            rate_card_id=w.rate_card,
            starting_at="2025-03-01T00:00:00Z",
            ending_before="2026-03-01T00:00:00Z",
            name="Bare 2025",
            uniqueness_key=w.new("bare"),
            usage_statement_schedule={
                "frequency": "MONTHLY",
                "day": "CUSTOM_DATE",
                "billing_anchor_date": "2025-03-15T00:00:00Z",
                "invoice_generation_starting_at": "2025-03-15T00:00:00Z",
            },
            net_payment_terms_days=14,
            custom_fields={"deal": "8"},
        ),
    ),
    Success(
        "getContract-v1",
        "running",
        lambda w: w.sdk.v1.contracts.retrieve(customer_id=w.customer, contract_id=w.contract),
    ),
    Success(
        "getContract-v1",
        "ended, without a card",
        lambda w: w.sdk.v1.contracts.retrieve(customer_id=w.customer, contract_id=w.ended_contract),
    ),
    Success("listContracts-v1", "all", lambda w: w.sdk.v1.contracts.list(customer_id=w.customer)),
    Success(
        "getContract-v2",
        "running",
        lambda w: w.sdk.v2.contracts.retrieve(customer_id=w.customer, contract_id=w.contract),
    ),
    Success(
        "getContract-v2",
        "ended, without a card",
        lambda w: w.sdk.v2.contracts.retrieve(customer_id=w.customer, contract_id=w.ended_contract),
    ),
    Success(
        "listContracts-v2",
        "covering a date",
        lambda w: w.sdk.v2.contracts.list(
            customer_id=w.customer, covering_date="2025-03-01T00:00:00Z"
        ),
    ),
    *(
        Success(
            "getContract-v1",
            what,
            lambda w, of=of: w.sdk.v1.contracts.retrieve(**of(w)),  # type: ignore[misc]
        )
        for what, of in CONTRACTS.items()
    ),
    *(
        Success(
            "getContract-v2",
            what,
            lambda w, of=of: w.sdk.v2.contracts.retrieve(**of(w)),  # type: ignore[misc]
        )
        for what, of in CONTRACTS.items()
    ),
    Success(
        "getContract-v2",
        "as it was",
        lambda w: w.sdk.v2.contracts.retrieve(**w.full, as_of_date="2025-02-05T00:00:00Z"),
    ),
    Success(
        "listContracts-v1",
        "with every kind of term",
        lambda w: w.sdk.v1.contracts.list(customer_id=w.full_customer, include_archived=True),
    ),
    Success(
        "listContracts-v2",
        "with every kind of term",
        lambda w: w.sdk.v2.contracts.list(customer_id=w.full_customer, include_archived=True),
    ),
    Success(
        "createCustomerWithContract-v1",
        "both",
        posted("createCustomerWithContract-v1", lambda w: customer_and_contract(w, name="Joined")),
    ),
    Success(
        "editContract-v2",
        "every kind of addition",
        lambda w: w.sdk.v2.contracts.edit(**w.new_contract(), **edits_of(w)),
    ),
    Success(
        "getContractEditHistory-v2",
        "every kind of change",
        lambda w: w.sdk.v2.contracts.get_edit_history(**edited(w)),
    ),
    Success(
        "getContractEditHistory-v2",
        "no change",
        lambda w: w.sdk.v2.contracts.get_edit_history(**w.new_contract()),
    ),
    Success(
        "amendContract-v1",
        "with every kind of term",
        lambda w: w.sdk.v1.contracts.amend(**w.new_contract(), **amendment_of(w)),
    ),
    Success(
        "archiveContract-v1",
        "with its invoices",
        lambda w: w.sdk.v1.contracts.archive(**w.new_contract(), void_invoices=True),
    ),
    Success(
        "updateContractEndDate-v1",
        "later",
        lambda w: w.sdk.v1.contracts.update_end_date(**w.new_contract(), ending_before=END),
    ),
    Success(
        "setUsageFilter-v1",
        "from a date on",
        lambda w: w.sdk.v1.contracts.set_usage_filter(**w.new_contract(), **filter_of()),
    ),
    Success(
        "getContractRateSchedule-v1",
        "now",
        lambda w: w.sdk.v1.contracts.retrieve_rate_schedule(**w.full),
    ),
    Success(
        "getContractRateSchedule-v1",
        "selected, at a date",
        lambda w: w.sdk.v1.contracts.retrieve_rate_schedule(
            **w.full,
            at="2025-03-01T00:00:00Z",
            selectors=[{"product_id": w.product}],
            limit=1,
        ),
    ),
    Success(
        "getSubscriptionQuantityHistory-v1",
        "of a quantity",
        lambda w: w.sdk.v1.contracts.retrieve_subscription_quantity_history(**w.seats()),
    ),
    Success(
        "getSubscriptionSeatsHistory-v1",
        "all",
        lambda w: w.sdk.v1.contracts.get_subscription_seats_history(**w.seats("SEAT_BASED")),
    ),
    Success(
        "getSubscriptionSeatsHistory-v1",
        "at a date",
        lambda w: w.sdk.v1.contracts.get_subscription_seats_history(
            **w.seats("SEAT_BASED"), covering_date="2025-03-01T00:00:00Z", limit=1
        ),
    ),
    Success(
        "scheduleProServicesInvoice-v1",
        "by quantity",
        lambda w: w.sdk.v1.contracts.schedule_pro_services_invoice(**with_service(w)),
    ),
    Success(
        "updateInvoiceIssueDate-v1",
        "later",
        posted(
            "updateInvoiceIssueDate-v1",
            lambda w: {
                "invoice_id": w.invoice(with_charge(w), type="SCHEDULED"),
                "issue_date": "2025-04-05T00:00:00Z",
            },
        ),
    ),
    Success(
        "createHistoricalContractUsageInvoices-v1",
        "a preview",
        lambda w: w.sdk.v1.contracts.create_historical_invoices(
            preview=True, invoices=[imported(w)]
        ),
    ),
    Success(
        "createHistoricalContractUsageInvoices-v1",
        "for good",
        lambda w: w.sdk.v1.contracts.create_historical_invoices(
            preview=False, invoices=[imported(w, custom_fields={"memo": "7"})]
        ),
    ),
    Success(
        "getContractNamedSchedule-v1",
        "one value",
        lambda w: w.sdk.v1.contracts.rate_cards.named_schedules.retrieve(
            customer_id=w.customer,
            contract_id=w.contract,
            schedule_name="limits",
            properties={"region": "eu"},
        ),
    ),
    Success(
        "updateContractNamedSchedule-v1",
        "until a date",
        lambda w: w.sdk.v1.contracts.rate_cards.named_schedules.update(
            **w.new_contract(), **schedule(value=7, ending_before=END)
        ),
    ),
    Success(
        "listContractsNamedSchedules-v1",
        "one",
        lambda w: w.sdk.v1.contracts.rate_cards.named_schedules.list(
            customer_id=w.customer, limit=1
        ),
    ),
    Success(
        "createPackage-v1",
        "with everything",
        lambda w: w.sdk.v1.packages.create(**package_of(w)),
    ),
    Success(
        "getPackage-v1",
        "with charges and subscriptions",
        lambda w: w.sdk.v1.packages.retrieve(package_id=w.package),
    ),
    Success(
        "getPackage-v1",
        "with a price of its own",
        lambda w: w.sdk.v1.packages.retrieve(
            package_id=w.make("createPackage-v1", **package_of(w))
        ),
    ),
    Success(
        "getPackage-v1",
        "bare and archived",
        lambda w: w.sdk.v1.packages.retrieve(package_id=archived_package(w)),
    ),
    Success(
        "listPackages-v1",
        "all",
        lambda w: w.sdk.v1.packages.list(archive_filter="ALL", limit=2),
    ),
    Success(
        "archivePackage-v1",
        "fresh",
        lambda w: w.sdk.v1.packages.archive(
            package_id=w.make("createPackage-v1", name="Short-lived")
        ),
    ),
    Success(
        "createContract-v1",
        "from a package",
        lambda w: w.sdk.v1.contracts.create(
            customer_id=w.full_customer, package_alias="starter", starting_at="2025-03-01T00:00:00Z"
        ),
    ),
    Success(
        "listContractsOnPackage-v1",
        "one",
        lambda w: w.sdk.v1.packages.list_contracts_on_package(
            package_id=(on_package(w), w.package)[1], limit=1
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "createContract-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": contract_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "createContract-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": contract_of(w, rate_card_id=UNKNOWN)},
    ),
    Refusal(
        "createContract-v1",
        "no start",
        *INVALID,
        "starting_at",
        lambda w: {"body": {"customer_id": w.customer}},
    ),
    Refusal(
        "createContract-v1",
        "not on the hour",
        *INVALID,
        "starting_at",
        lambda w: {"body": contract_of(w, starting_at="2025-03-01T00:00:01Z")},
    ),
    Refusal(
        "createContract-v1",
        "ends before it starts",
        *INVALID,
        "ending_before",
        lambda w: {"body": contract_of(w, ending_before="2025-03-01T00:00:00Z")},
    ),
    Refusal(
        "createContract-v1",
        "a uniqueness key that is taken",
        409,
        "Conflict",
        "This uniqueness key has already been used.",
        lambda w: {"body": contract_of(w, uniqueness_key="acme-2025")},
    ),
    Refusal(
        "getContract-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": w.customer, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "getContract-v1",
        "another customer's",
        404,
        "ContractNotFound",
        "contract",
        lambda w: {"body": {"customer_id": w.bare_customer, "contract_id": w.contract}},
    ),
    Refusal(
        "getContract-v2",
        "unknown contract",
        400,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": w.customer, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v2",
        "unknown customer",
        400,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v2",
        "two filters that exclude each other",
        *INVALID,
        "covering_date",
        lambda w: {
            "body": {
                "customer_id": w.customer,
                "covering_date": "2025-03-01T00:00:00Z",
                "starting_at": "2025-03-01T00:00:00Z",
            }
        },
    ),
    Refusal(
        "createContract-v1",
        "more than a package allows",
        *INVALID,
        "name: not allowed with a package",
        lambda w: {"body": contract_of(w, package_id=w.package, name="A")},
    ),
    Refusal(
        "createCustomerWithContract-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": customer_and_contract(w, rate_card_id=UNKNOWN)},
    ),
    Refusal(
        "createCustomerWithContract-v1",
        "no customer",
        *INVALID,
        "customer",
        lambda w: {"body": {"contract": {"starting_at": START}}},
    ),
    Refusal(
        "editContract-v2",
        "unknown customer",
        404,
        "NotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "customer_id": UNKNOWN}},
    ),
    Refusal(
        "editContract-v2",
        "unknown contract",
        400,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "editContract-v2",
        "an override that is not there",
        *BAD_REQUEST,
        UNKNOWN,
        lambda w: {"body": {**w.full, "remove_overrides": [{"id": UNKNOWN}]}},
    ),
    Refusal(
        "editContract-v2",
        "a commit that is not there",
        *BAD_REQUEST,
        UNKNOWN,
        lambda w: {"body": {**w.full, "archive_commits": [{"id": UNKNOWN}]}},
    ),
    Refusal(
        "getContractEditHistory-v2",
        "unknown contract",
        400,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "amendContract-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, "starting_at": START}},
    ),
    Refusal(
        "archiveContract-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, "void_invoices": False}},
    ),
    Refusal(
        "archiveContract-v1",
        "without saying what becomes of invoices",
        *INVALID,
        "void_invoices",
        lambda w: {"body": w.full},
    ),
    Refusal(
        "updateContractEndDate-v1",
        "before the start",
        *INVALID,
        "ending_before",
        lambda w: {"body": {**w.full, "ending_before": START}},
    ),
    Refusal(
        "updateContractEndDate-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, "ending_before": END}},
    ),
    Refusal(
        "setUsageFilter-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, **filter_of()}},
    ),
    Refusal(
        "setUsageFilter-v1",
        "no values",
        *INVALID,
        "group_values",
        lambda w: {"body": {**w.full, **filter_of(group_values=[])}},
    ),
    Refusal(
        "getContractRateSchedule-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "getSubscriptionQuantityHistory-v1",
        "unknown subscription",
        400,
        "SubscriptionNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "subscription_id": UNKNOWN}},
    ),
    Refusal(
        "getSubscriptionSeatsHistory-v1",
        "unknown subscription",
        400,
        "SubscriptionNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "subscription_id": UNKNOWN}},
    ),
    Refusal(
        "getSubscriptionSeatsHistory-v1",
        "two filters that exclude each other",
        *INVALID,
        "covering_date",
        lambda w: {
            "body": {
                **w.full,
                "subscription_id": UNKNOWN,
                "covering_date": START,
                "starting_at": START,
            }
        },
    ),
    Refusal(
        "scheduleProServicesInvoice-v1",
        "unknown service",
        404,
        "ProfessionalServiceNotFound",
        UNKNOWN,
        lambda w: {"body": with_service(w, professional_service_id=UNKNOWN)},
    ),
    Refusal(
        "scheduleProServicesInvoice-v1",
        "neither quantity nor amount",
        *INVALID,
        "amount",
        lambda w: {"body": with_service(w, quantity=None)},
    ),
    Refusal(
        "updateInvoiceIssueDate-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"body": {"invoice_id": UNKNOWN, "issue_date": START}},
    ),
    Refusal(
        "updateInvoiceIssueDate-v1",
        "a final invoice",
        *INVALID,
        "invoice",
        lambda w: {"body": {"invoice_id": w.final_invoice, "issue_date": END}},
    ),
    Refusal(
        "createHistoricalContractUsageInvoices-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {"preview": True, "invoices": [imported(w, contract_id=UNKNOWN)]}},
    ),
    Refusal(
        "createHistoricalContractUsageInvoices-v1",
        "parts of days without saying so",
        *INVALID,
        "breakdown_granularity",
        lambda w: {
            "body": {"preview": True, "invoices": [imported(w, breakdown_granularity=None)]}
        },
    ),
    Refusal(
        "getContractNamedSchedule-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, "schedule_name": "limits"}},
    ),
    Refusal(
        "updateContractNamedSchedule-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN, **schedule(value=1)}},
    ),
    Refusal(
        "listContractsNamedSchedules-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal("createPackage-v1", "no name", *INVALID, "name", lambda w: {"body": {}}),
    Refusal(
        "createPackage-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"name": "A", "rate_card_id": UNKNOWN}},
    ),
    Refusal(
        "getPackage-v1",
        "unknown",
        404,
        "PackageNotFound",
        UNKNOWN,
        lambda w: {"body": {"package_id": UNKNOWN}},
    ),
    Refusal(
        "listPackages-v1",
        "a field in a closed body",
        *INVALID,
        "name",
        lambda w: {"body": {"name": "A"}},
    ),
    Refusal(
        "archivePackage-v1",
        "unknown",
        404,
        "PackageNotFound",
        UNKNOWN,
        lambda w: {"body": {"package_id": UNKNOWN}},
    ),
    Refusal(
        "listContractsOnPackage-v1",
        "unknown",
        400,
        "PackageNotFound",
        UNKNOWN,
        lambda w: {"body": {"package_id": UNKNOWN}},
    ),
]
