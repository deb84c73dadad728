"""Commits, credits and their balances: what works, and what is refused."""

from typing import Final

from backbeat.domain.identity import derived_id
from tests.contract.replies.cases import (
    BAD_REQUEST,
    INVALID,
    NO_CUSTOMER,
    UNKNOWN,
    Refusal,
    Success,
    posted,
)
from tests.contract.replies.contracts import prepaid_of
from tests.contract.replies.world import END, JSON, START, USD, World


def commit_of(world: World, **changes: object) -> JSON:
    return {**world.commit, "customer_id": world.customer, **changes}


def credit_of(world: World, **changes: object) -> JSON:
    wanted = {name: value for name, value in world.commit.items() if name != "type"}
    return {**wanted, "customer_id": world.customer, **changes}


def everything(world: World) -> JSON:
    """Returns the terms of a balance that may be left out."""
    return {
        "name": "Paid ahead",
        "description": "For 2025",
        "rate_type": "COMMIT_RATE",
        "specifiers": [
            {
                "product_tags": ["llm"],
                "pricing_group_values": {"model": "a"},
                "presentation_group_values": {"region": "eu"},
            }
        ],
        "custom_fields": {"order": "7"},
        "uniqueness_key": world.new("balance"),
    }


def entry_of(world: World, amount: int) -> JSON:
    """Returns an entry for a new customer's commit, as requests name it."""
    customer_id, commit = world.new_commit()
    return {
        "customer_id": customer_id,
        "id": commit["id"],
        "segment_id": commit["access_schedule"]["schedule_items"][0]["id"],
        "amount": amount,
        "reason": "Goodwill",
    }


def corrected(world: World) -> str:
    """Returns a customer whose commit has a manual entry."""
    entry = entry_of(world, -10)
    world.call("addManualBalanceLedgerEntry-v1", body=entry)
    return str(entry["customer_id"])


def mixed(world: World) -> str:
    """Returns a customer with a commit and a credit that say everything."""
    customer_id = world.new_customer()
    wanted = {**everything(world), "customer_id": customer_id}
    world.call("createCustomerCommit-v1", body={**commit_of(world), **wanted})
    wanted = {**everything(world), "customer_id": customer_id, "rate_type": "LIST_RATE"}
    world.call("createCustomerCredit-v1", body={**credit_of(world), **wanted})
    return customer_id


def recharging(world: World) -> JSON:
    """Returns how requests name a contract that waits for a recharge to be paid elsewhere."""
    return world.new_contract(prepaid_balance_threshold_configuration=prepaid_of(world))


def waiting(world: World) -> str:
    """Returns the charge that a contract waits for."""
    return derived_id("workflow", recharging(world)["contract_id"], 1)


def commit_named(world: World) -> JSON:
    """Returns how requests name a commit."""
    customer_id, commit = world.new_commit()
    return {"customer_id": customer_id, "commit_id": commit["id"]}


def credit_named(world: World) -> JSON:
    """Returns how requests name a credit."""
    customer_id = world.new_customer()
    wanted = credit_of(world, customer_id=customer_id)
    return {
        "customer_id": customer_id,
        "credit_id": world.make("createCustomerCredit-v1", **wanted),
    }


def segment_of(world: World, commit: JSON) -> str:
    [shown] = world.call("listCustomerCommits-v1", body={"customer_id": commit["customer_id"]})
    return str(shown["access_schedule"]["schedule_items"][0]["id"])


def postpaid_named(world: World) -> JSON:
    """Returns how requests name a postpaid commit of a contract."""
    schedule = {"schedule_items": [{"timestamp": END, "amount": 1000}]}
    postpaid = {**world.commit, "type": "POSTPAID", "invoice_schedule": schedule}
    names = world.new_contract(commits=[postpaid])
    [shown] = world.read(names)["commits"]
    return {**names, "commit_id": shown["id"]}


def renewed(world: World) -> str:
    """Returns a customer whose contract was renewed: a commit and a credit rolled over."""
    whole = {"rollover_fraction": 1}
    terms = {
        "commits": [{**world.commit, **whole}],
        "credits": [{name: v for name, v in {**world.commit, **whole}.items() if name != "type"}],
    }
    names = world.new_contract(**terms)
    world.make(
        "createContract-v1",
        customer_id=names["customer_id"],
        starting_at="2025-03-01T00:00:00Z",
        transition={"type": "RENEWAL", "from_contract_id": names["contract_id"]},
    )
    return str(names["customer_id"])


def edit_of_commit(world: World) -> JSON:
    """Returns every kind of change of a commit."""
    names = commit_named(world)
    item = {"amount": 5, "starting_at": START, "ending_before": END}
    return {
        **names,
        "name": "Renamed",
        "description": "Changed",
        "priority": 4,
        "rate_type": "COMMIT_RATE",
        "applicable_product_tags": ["llm"],
        "access_schedule": {
            "add_schedule_items": [item],
            "update_schedule_items": [{"id": segment_of(world, names), "amount": 200}],
        },
    }


SUCCESSES: Final[list[Success]] = [
    Success(
        "releaseExternalPaymentGateThresholdCommit-v1",
        "paid",
        posted(
            "releaseExternalPaymentGateThresholdCommit-v1",
            lambda w: {"workflow_id": waiting(w), "outcome": "paid"},
        ),
    ),
    Success(
        "updateActiveRechargeConfig-v1",
        "off",
        posted(
            "updateActiveRechargeConfig-v1",
            lambda w: {"customer_id": recharging(w)["customer_id"], "enabled": False},
        ),
    ),
    Success(
        "editCommit-v2",
        "every kind of change",
        lambda w: w.sdk.v2.contracts.edit_commit(**edit_of_commit(w)),
    ),
    Success(
        "editCredit-v2",
        "its priority",
        lambda w: w.sdk.v2.contracts.edit_credit(**credit_named(w), priority=2),
    ),
    Success(
        "archiveCommit-v2",
        "unused",
        posted("archiveCommit-v2", commit_named),
    ),
    Success(
        "archiveCredit-v2",
        "unused",
        posted("archiveCredit-v2", credit_named),
    ),
    Success(
        "updateCommitEndDate-v1",
        "earlier",
        lambda w: w.sdk.v1.customers.commits.update_end_date(
            **commit_named(w), access_ending_before="2025-06-01T00:00:00Z"
        ),
    ),
    Success(
        "updateCreditEndDate-v1",
        "earlier",
        lambda w: w.sdk.v1.customers.credits.update_end_date(
            **credit_named(w), access_ending_before="2025-06-01T00:00:00Z"
        ),
    ),
    Success(
        "disableCommitTrueup-v1",
        "of a contract's commit",
        posted("disableCommitTrueup-v1", postpaid_named),
    ),
    Success(
        "listCustomerBalances-v1",
        "what rolled over",
        lambda w: w.sdk.v1.contracts.list_balances(
            customer_id=renewed(w),
            include_contract_balances=True,
            include_balance=True,
            include_ledgers=True,
        ),
    ),
    Success(
        "createCustomerCommit-v1",
        "prepaid",
        lambda w: w.sdk.v1.customers.commits.create(**commit_of(w, customer_id=w.new_customer())),
    ),
    Success(
        "createCustomerCommit-v1",
        "with everything",
        lambda w: w.sdk.v1.customers.commits.create(
            **commit_of(w, **everything(w), applicable_contract_ids=[w.contract])
        ),
    ),
    Success(
        "createCustomerCredit-v1",
        "with everything",
        lambda w: w.sdk.v1.customers.credits.create(**credit_of(w, **everything(w))),
    ),
    Success(
        "listCustomerCommits-v1",
        "with what they say and are worth",
        lambda w: w.sdk.v1.customers.commits.list(
            customer_id=mixed(w), include_balance=True, include_ledgers=True
        ),
    ),
    Success(
        "listCustomerCommits-v1",
        "of contracts too",
        lambda w: w.sdk.v1.customers.commits.list(
            customer_id=w.full_customer,
            include_contract_commits=True,
            include_balance=True,
            include_ledgers=True,
            covering_date="2025-03-01T00:00:00Z",
        ),
    ),
    Success(
        "listCustomerCommits-v1",
        "with a manual entry",
        lambda w: w.sdk.v1.customers.commits.list(customer_id=corrected(w), include_ledgers=True),
    ),
    Success(
        "listCustomerCredits-v1",
        "with what they say and are worth",
        lambda w: w.sdk.v1.customers.credits.list(
            customer_id=mixed(w), include_balance=True, include_ledgers=True
        ),
    ),
    Success(
        "listCustomerCredits-v1",
        "of contracts too",
        lambda w: w.sdk.v1.customers.credits.list(
            customer_id=w.full_customer,
            include_contract_credits=True,
            include_balance=True,
            include_ledgers=True,
        ),
    ),
    Success(
        "listCustomerBalances-v1",
        "both kinds",
        lambda w: w.sdk.v1.contracts.list_balances(
            customer_id=w.full_customer,
            include_contract_balances=True,
            include_balance=True,
            include_ledgers=True,
            limit=1,
        ),
    ),
    Success(
        "listCustomerBalances-v1",
        "both kinds with what they say",
        lambda w: w.sdk.v1.contracts.list_balances(customer_id=mixed(w), include_ledgers=True),
    ),
    Success(
        "getNetBalance-v1",
        "everything",
        lambda w: w.sdk.v1.contracts.get_net_balance(customer_id=w.full_customer),
    ),
    Success(
        "getNetBalance-v1",
        "filtered",
        lambda w: w.sdk.v1.contracts.get_net_balance(
            customer_id=w.full_customer,
            credit_type_id=USD,
            filters=[{"balance_types": ["CREDIT"], "custom_fields": {"order": "7"}}],
            invoice_inclusion_mode="FINALIZED",
        ),
    ),
    Success(
        "listSeatBalances-v1",
        "what seats have",
        lambda w: w.sdk.v1.contracts.list_seat_balances(**w.full),
    ),
    Success(
        "listSeatBalances-v1",
        "with parts and ledgers, a page",
        lambda w: w.sdk.v1.contracts.list_seat_balances(
            **w.full,
            subscription_ids=[w.seats("SEAT_BASED")["subscription_id"]],
            include_credits_and_commits=True,
            include_ledgers=True,
            starting_at="2025-01-01T00:00:00Z",
            limit=1,
        ),
    ),
    Success(
        "addManualBalanceLedgerEntry-v1",
        "less",
        lambda w: w.sdk.v1.contracts.add_manual_balance_entry(**entry_of(w, -10)),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    *(
        Refusal(
            operation,
            "unknown customer",
            400,
            "CustomerNotFound",
            UNKNOWN,
            lambda w, named=named: {"body": {**named(w), "customer_id": UNKNOWN}},  # type: ignore[misc]
        )
        for operation, named in (
            ("editCommit-v2", commit_named),
            ("editCredit-v2", credit_named),
            ("archiveCommit-v2", commit_named),
            ("archiveCredit-v2", credit_named),
        )
    ),
    *(
        Refusal(
            operation,
            "unknown balance",
            *BAD_REQUEST,
            UNKNOWN,
            lambda w, name=name: {"body": {"customer_id": w.customer, name: UNKNOWN}},  # type: ignore[misc]
        )
        for operation, name in (
            ("editCommit-v2", "commit_id"),
            ("editCredit-v2", "credit_id"),
            ("archiveCommit-v2", "commit_id"),
            ("archiveCredit-v2", "credit_id"),
        )
    ),
    Refusal(
        "updateCommitEndDate-v1",
        "unknown commit",
        404,
        "BalanceNotFound",
        UNKNOWN,
        lambda w: {"body": {**commit_named(w), "commit_id": UNKNOWN, "access_ending_before": END}},
    ),
    Refusal(
        "updateCreditEndDate-v1",
        "later than before",
        *INVALID,
        "access_ending_before",
        lambda w: {"body": {**credit_named(w), "access_ending_before": "2027-01-01T00:00:00Z"}},
    ),
    Refusal(
        "disableCommitTrueup-v1",
        "a prepaid commit",
        *INVALID,
        "POSTPAID",
        lambda w: {
            "body": {
                **w.full,
                "commit_id": next(
                    one["id"] for one in w.read(w.full)["commits"] if one["type"] == "PREPAID"
                ),
            }
        },
    ),
    Refusal(
        "disableCommitTrueup-v1",
        "another contract's",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**postpaid_named(w), "contract_id": UNKNOWN}},
    ),
    Refusal(
        "releaseExternalPaymentGateThresholdCommit-v1",
        "unknown workflow",
        404,
        "WorkflowNotFound",
        UNKNOWN,
        lambda w: {"body": {"workflow_id": UNKNOWN, "outcome": "failed"}},
    ),
    Refusal(
        "updateActiveRechargeConfig-v1",
        "a customer without one",
        *INVALID,
        "customer_id",
        lambda w: {"body": {"customer_id": w.bare_customer, "enabled": True}},
    ),
    Refusal(
        "createCustomerCommit-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": commit_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "createCustomerCommit-v1",
        "a credit",
        *INVALID,
        "type",
        lambda w: {"body": commit_of(w, type="CREDIT")},
    ),
    Refusal(
        "createCustomerCommit-v1",
        "nothing to draw from",
        *INVALID,
        "access_schedule.schedule_items",
        lambda w: {"body": commit_of(w, access_schedule={"schedule_items": []})},
    ),
    Refusal(
        "createCustomerCredit-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": credit_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "createCustomerCredit-v1",
        "unknown product",
        *INVALID,
        UNKNOWN,
        lambda w: {"body": credit_of(w, product_id=UNKNOWN)},
    ),
    *(
        Refusal(
            operation,
            "unknown customer",
            *NO_CUSTOMER,
            lambda w: {"body": {"customer_id": UNKNOWN}},
        )
        for operation in (
            "listCustomerCommits-v1",
            "listCustomerCredits-v1",
            "listCustomerBalances-v1",
            "getNetBalance-v1",
        )
    ),
    Refusal(
        "listCustomerBalances-v1",
        "limit 26",
        *INVALID,
        "limit",
        lambda w: {"body": {"customer_id": w.customer, "limit": 26}},
    ),
    Refusal(
        "getNetBalance-v1",
        "unknown kind",
        *INVALID,
        "balance_types",
        lambda w: {"body": {"customer_id": w.customer, "filters": [{"balance_types": ["GIFT"]}]}},
    ),
    Refusal(
        "listSeatBalances-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {**w.full, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "listSeatBalances-v1",
        "a subscription without seats",
        *INVALID,
        "subscription_ids",
        lambda w: {"body": {**w.full, "subscription_ids": [w.seats()["subscription_id"]]}},
    ),
    Refusal(
        "listSeatBalances-v1",
        "a date and a span",
        *INVALID,
        "covering_date",
        lambda w: {"body": {**w.full, "covering_date": START, "starting_at": START}},
    ),
    Refusal(
        "addManualBalanceLedgerEntry-v1",
        "unknown balance",
        404,
        "BalanceNotFound",
        UNKNOWN,
        lambda w: {"body": {**entry_of(w, 1), "id": UNKNOWN}},
    ),
    Refusal(
        "addManualBalanceLedgerEntry-v1",
        "no reason",
        *INVALID,
        "reason",
        lambda w: {"body": {**entry_of(w, 1), "reason": ""}},
    ),
]
