"""The log of changes: who changed what, read on and on, and whether it is as it was written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from backbeat.api.operations import LEGACY, OPERATIONS
from backbeat.application import audit, audit_sealing, sandboxes
from backbeat.models.audit import AuditRecord, AuditSeal
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Delete, Item, Key, Put
from tests.integration.conftest import Stage
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, Example
from tests.integration.product import DEMO, Product, TestClock, World
from tests.integration.store import Crash, WatchedStore

LOGS = "/v1/auditLogs"

READS = {
    *(operation.id for operation in (*OPERATIONS, *LEGACY) if operation.method == "GET"),
    *("getProduct-v1", "listProducts-v1", "getRateCard-v1", "listRateCards-v1", "getRates-v1"),
    *("getRateSchedule-v1", "getRateCardNamedSchedule-v1", "getContractNamedSchedule-v1"),
    *("getCustomerNamedSchedule-v1", "listContractsNamedSchedules-v1", "getContract-v1"),
    *("listContracts-v1", "getContract-v2", "listContracts-v2", "getContractEditHistory-v2"),
    *("getContractRateSchedule-v1", "getSubscriptionQuantityHistory-v1", "getPackage-v1"),
    *("getSubscriptionSeatsHistory-v1", "listPackages-v1", "listContractsOnPackage-v1"),
    *("listCustomerCommits-v1", "listCustomerCredits-v1", "listCustomerBalances-v1"),
    *("getNetBalance-v1", "listSeatBalances-v1", "getSeatsUsage-v1", "getPagedUsage-v1"),
    *("getUsageBatch-v1", "searchEvents-v1", "listSpendBreakdownInvoices-v1", "listPayments-v1"),
    *("previewCustomerEvents-v1", "getCustomerAlert-v1", "listCustomerAlerts-v1"),
    *("getNotificationConfig-v2", "listOffsetNotificationConfigs-v2"),
    *("listSystemNotificationConfigs-v2", "listConfiguredBillingProviders-v1"),
    *("listCustomFieldKeys-v1", "listCreditGrants-v1", "listCreditLedgerEntries-v1"),
    *("getCustomerBillingProviderConfigurations-v1", "listGrants", "listEntries"),
    *("getCustomerRevenueSystemConfigurations-v1", "embeddableDashboard-v1"),
}
"""Operations that change nothing, most of them by POST."""

OWNER = f"t{sha256(DEMO.encode()).hexdigest()[:16]}"

NOT_IN_THE_LOG = {
    "ingest-v1": "usage is a log of its own",
    "ingestOlder": "the same",
    "deleteCustomFields-v1": "the example takes away what is not there",
    "integrationCloudwatchLogger-v1": "writes a line into another log",
}


def entries(product: Product, *, token: str = DEMO, **query: str) -> list[dict[str, Any]]:
    """Returns the whole log, page by page."""
    page = product.get(LOGS, token=token, **query).body
    found: list[dict[str, Any]] = []
    while page["data"]:
        found += page["data"]
        page = product.get(LOGS, token=token, next_page=page["next_page"]).body
    return found


class Watched:
    """What is new in the log."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._before = {entry["id"] for entry in entries(product)}

    def added(self) -> list[dict[str, Any]]:
        return [entry for entry in entries(self._product) if entry["id"] not in self._before]


def told(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["resource_type"], entry["action"]


def test_an_entry_says_who_changed_what_when_and_in_which_request(product: Product) -> None:
    product.post("/mock/clock", {"now": "2025-03-01T12:00:00Z"})
    customer = product.request(
        "POST", "/v1/customers", {"name": "Acme"}, headers={"user-agent": "shop/1.0"}
    ).data["id"]
    [entry] = product.get(LOGS).data
    assert (entry["resource_type"], entry["resource_id"]) == ("customer", customer)
    assert (entry["action"], entry["status"]) == ("create", "success")
    assert entry["timestamp"] == "2025-03-01T12:00:00+00:00"
    assert entry["request"].keys() == {"id", "ip", "user_agent"}
    assert entry["request"]["ip"] == "203.0.113.7"
    assert entry["request"]["user_agent"] == "shop/1.0"
    # The token itself is not told.
    assert entry["actor"]["name"] == f"Token {OWNER[1:9]}"
    assert entry["description"] == f"create customer {customer} by createCustomer-v1"


CHANGING = [
    pytest.param(example, id=example.name)
    for example in EXAMPLES
    if example.status == 200
    and example.method != "GET"
    and example.path.startswith(("/v1/", "/v2/"))
    and example.name.split()[0] not in {*READS, *NOT_IN_THE_LOG}
    and '"preview": true' not in str(example.body).lower()
]


@pytest.mark.parametrize("example", CHANGING)
def test_every_change_is_in_the_log(example: Example, product: Product, estate: Estate) -> None:
    log = Watched(product)
    assert example.send(product, estate).status == 200
    added = log.added()
    assert added
    assert {entry["request"]["id"] for entry in added} == {added[0]["request"]["id"]}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=example.name)
        for example in EXAMPLES
        if example.name.split()[0] in {*READS, *NOT_IN_THE_LOG}
    ],
)
def test_what_changes_nothing_is_not(example: Example, product: Product, estate: Estate) -> None:
    log = Watched(product)
    example.send(product, estate)
    assert log.added() == []


def test_a_refused_change_is_not_in_the_log(product: Product) -> None:
    product.post("/v1/customers", {"name": "Acme", "ingest_aliases": ["a"]})
    assert product.post("/v1/customers", {"name": "B", "ingest_aliases": ["a"]}).status == 409
    assert [told(entry) for entry in entries(product)] == [("customer", "create")]


def test_a_change_and_its_entry_are_written_at_once(product: Product, store: WatchedStore) -> None:
    def die() -> None:
        raise Crash

    store.before = die
    with pytest.raises(Crash):
        product.post("/v1/customers", {"name": "Acme"})
    store.before = lambda: None
    assert (entries(product), product.get("/v1/customers").data) == ([], [])
    store.after = die
    with pytest.raises(Crash):
        product.post("/v1/customers", {"name": "Acme"})
    store.after = lambda: None
    [customer] = product.get("/v1/customers").data
    [entry] = entries(product)
    assert entry["resource_id"] == customer["id"]


def test_jobs_are_put_down_to_the_product(product: Product, world: World, clock: TestClock) -> None:
    # January is final a day after it ended.
    clock.set(datetime(2025, 2, 3, tzinfo=UTC))
    product.tick()
    product.work_off_jobs()
    [*_, entry] = entries(product)
    assert (*told(entry), entry["resource_id"]) == ("invoice", "create", world.invoice_id)
    assert entry["actor"] == {"id": "backbeat", "name": "Backbeat"}
    assert entry["request"]["id"]


def test_values_taken_off_a_thing_change_it(product: Product, estate: Estate) -> None:
    values = {"entity": "customer", "entity_id": estate["customer_id"]}
    product.post("/v1/customFields/setValues", {**values, "custom_fields": {"tier": "gold"}})
    log = Watched(product)
    product.post("/v1/customFields/deleteValues", {**values, "keys": ["tier"]})
    [entry] = log.added()
    assert (*told(entry), entry["resource_id"]) == ("customer", "update", estate["customer_id"])


def test_deletions_and_secrets_are_in_the_log(product: Product) -> None:
    product.post("/webhooks/subscriptions", {"target": "https://example.com/hook"})
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "one"})
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "two"})
    product.request("DELETE", "/webhooks/subscriptions")
    found = entries(product)
    assert [told(entry) for entry in found] == [
        ("webhook_target", "create"),
        ("webhook_secret", "create"),
        ("webhook_secret", "update"),
        ("webhook_target", "delete"),
    ]
    # A secret lies in no transaction: what is told of it is told before.
    assert [entry["status"] for entry in found] == ["success", "pending", "pending", "success"]
    assert "two" not in str(found)


def test_filters(product: Product) -> None:
    for month in ("2025-01-01", "2025-02-01", "2025-03-01"):
        product.post("/mock/clock", {"now": f"{month}T00:00:00Z"})
        customer = product.post("/v1/customers", {"name": month}).data["id"]
    product.post(f"/v1/customers/{customer}/setName", {"name": "Acme"})

    def times(**query: str) -> list[str]:
        return [entry["timestamp"][:10] for entry in entries(product, **query)]

    assert times(starting_on="2025-02-01T00:00:00Z", ending_before="2025-03-01T00:00:00Z") == [
        "2025-02-01"
    ]
    assert times(sort="date_desc", limit="1") == [
        *("2025-03-01", "2025-03-01", "2025-02-01", "2025-01-01")
    ]
    of_one = entries(product, resource_type="customer", resource_id=customer, limit="1")
    assert [told(entry) for entry in of_one] == [("customer", "create"), ("customer", "update")]
    assert entries(product, resource_type="contract", resource_id=customer) == []


def test_a_reader_goes_on_where_it_was(product: Product, clock: TestClock) -> None:
    """The cursor of an empty page shows what comes later, each entry once."""
    cursor = product.get(LOGS).body["next_page"]
    shown: list[str] = []
    for number in range(12):
        # Some within the time that entries may take to appear, some beyond it.
        clock.advance(seconds=number)
        product.post("/v1/customers", {"name": f"{number}"})
        page = product.get(LOGS, next_page=cursor).body
        shown += [entry["id"] for entry in page["data"]]
        cursor = page["next_page"]
    assert len(shown) == len(set(shown)) == 12
    assert product.get(LOGS, next_page=cursor).data == []


def test_an_entry_that_is_written_late_is_not_missed(
    product: Product, clock: TestClock, stage: Stage
) -> None:
    """Of two changes the one that began first may be written last."""
    late = clock.now()
    clock.advance(seconds=3)
    product.post("/v1/customers", {"name": "first to be written"})
    page = product.get(LOGS).body
    assert len(page["data"]) == 1
    now = clock.now()
    clock.set(late)
    product.post("/v1/customers", {"name": "began before"})
    clock.set(now)
    follow = product.get(LOGS, next_page=page["next_page"]).body
    assert len(follow["data"]) == 1
    assert follow["data"][0]["id"] != page["data"][0]["id"]
    assert product.get(LOGS, next_page=follow["next_page"]).data == []


def test_many_changes_in_one_transaction_are_each_found_by_their_thing(
    product: Product, estate: Estate
) -> None:
    """With what belongs to them, 44 commits and their contract leave no room for 45 records."""
    commits = [
        {
            "type": "PREPAID",
            "product_id": estate["setup_product_id"],
            "name": f"{number}",
            "access_schedule": {
                "schedule_items": [
                    {
                        "amount": 1,
                        "starting_at": "2025-01-01T00:00:00Z",
                        "ending_before": "2026-01-01T00:00:00Z",
                    }
                ]
            },
        }
        for number in range(44)
    ]
    body = {
        "customer_id": estate["customer_id"],
        "starting_at": "2025-01-01T00:00:00Z",
        "commits": commits,
    }
    log = Watched(product)
    created = product.post("/v1/contracts/create", body)
    assert created.status == 200, created
    made = [entry for entry in log.added() if entry["resource_type"] == "commit"]
    assert len(made) == 44
    listed = {
        "customer_id": estate["customer_id"],
        "include_contract_commits": True,
    }
    [shown, *_] = product.post("/v1/contracts/customerCommits/list", listed).data
    assert shown["id"] in {entry["resource_id"] for entry in made}
    for id_ in (made[0]["resource_id"], made[-1]["resource_id"]):
        [entry] = entries(product, resource_type="commit", resource_id=id_)
        assert told(entry) == ("commit", "create")


# Verification


@pytest.fixture
def sealed(product: Product, clock: TestClock, stage: Stage) -> Stage:
    """Three hours with two changes each, two of them sealed."""
    for _ in range(3):
        for name in ("one", "two"):
            product.post("/v1/customers", {"name": name})
        clock.advance(hours=1)
    # 20 minutes into the next hour: the third hour is over, and 15 minutes more.
    clock.advance(minutes=-40)
    product.tick()
    return stage


def verified(stage: Stage, noted_head: str | None = None) -> audit.Verification:
    call = sandboxes.call_of(stage.product.services, OWNER)
    return audit.verify(call, noted_head=noted_head)


def broken(stage: Stage) -> tuple[str, str | None, int | None]:
    """Returns what is wrong, where, and which seal shows it."""
    found = verified(stage).broken
    assert found is not None
    return found.reason, found.position, found.seal


def stored(stage: Stage, model: type[AuditRecord] | type[AuditSeal]) -> list[Item]:
    """Returns the items of the log, oldest first."""
    found = stage.store.items_of(OWNER, limit=1000)
    return sorted(
        (one for one in found if one.entity == model.__name__), key=lambda one: one.key.sk
    )


def rewrite(stage: Stage, item: Item, old: str, new: str) -> None:
    assert old.encode() in item.doc
    changed = replace(item, doc=item.doc.replace(old.encode(), new.encode()))
    stage.store.inner.transact([Put(changed)])


def test_an_untouched_log_is_intact(sealed: Stage) -> None:
    found = verified(sealed)
    assert found.broken is None
    # The hours from 12:00 and 13:00 are over; it is 14:20.
    assert (found.seals, found.sealed_records, found.unsealed_records) == (2, 4, 2)
    assert found.sealed_until == datetime(2025, 1, 15, 14, tzinfo=UTC)


def test_sealing_again_seals_nothing_twice(sealed: Stage, clock: TestClock) -> None:
    sealed.product.tick()
    assert verified(sealed).seals == 2
    clock.advance(hours=1)
    sealed.product.tick()
    found = verified(sealed)
    assert (found.seals, found.unsealed_records, found.broken) == (3, 0, None)


def test_a_changed_entry_is_named(sealed: Stage) -> None:
    _, second, *_ = stored(sealed, AuditRecord)
    rewrite(sealed, second, '"resource_type":"customer"', '"resource_type":"contract"')
    [entry] = from_item(second, AuditRecord).entries
    found = verified(sealed).broken
    assert found is not None
    assert (found.reason, found.position) == ("the record was changed", second.key.sk)
    assert (found.entry_ids, found.seal) == ((entry.id,), 1)


def test_a_changed_entry_is_named_though_its_own_digest_was_changed_too(sealed: Stage) -> None:
    *_, fourth, _, _ = stored(sealed, AuditRecord)
    entries_ = from_item(fourth, AuditRecord).entries
    forged = AuditRecord.of([entries_[0].model_copy(update={"actor_name": "Somebody else"})])
    doc = forged.model_dump_json(exclude_defaults=True).encode()
    sealed.store.inner.transact([Put(replace(fourth, doc=doc))])
    assert broken(sealed) == ("the record was changed", fourth.key.sk, 2)


def test_an_entry_that_is_not_sealed_yet_is_compared_with_itself(sealed: Stage) -> None:
    *_, last = stored(sealed, AuditRecord)
    rewrite(sealed, last, '"action":"create"', '"action":"delete"')
    assert broken(sealed) == ("the record was changed", last.key.sk, None)


def test_a_removed_entry_is_named(sealed: Stage) -> None:
    first, *_ = stored(sealed, AuditRecord)
    sealed.store.inner.transact([Delete(first.key)])
    assert broken(sealed) == ("the record was removed", first.key.sk, 1)


def test_an_added_entry_is_named(sealed: Stage) -> None:
    _, second, *_ = stored(sealed, AuditRecord)
    between = Key(second.key.pk, second.key.sk + "0")
    sealed.store.inner.transact([Put(replace(second, key=between))])
    assert broken(sealed) == ("the record was added after sealing", between.sk, 1)


def test_an_entry_in_an_hour_that_had_none_is_named(sealed: Stage) -> None:
    first, *_ = stored(sealed, AuditRecord)
    earlier = Key(first.key.pk, first.key.sk.replace("T12:", "T03:"))
    sealed.store.inner.transact([Put(replace(first, key=earlier))])
    assert broken(sealed) == ("the record was added after sealing", earlier.sk, None)


def test_a_changed_seal_is_named(sealed: Stage) -> None:
    first, _ = stored(sealed, AuditSeal)
    digest = from_item(first, AuditSeal).records[0].digest
    rewrite(sealed, first, digest, "0" * 64)
    assert broken(sealed) == ("the seal was changed", None, 1)


def test_a_removed_seal_is_named(sealed: Stage) -> None:
    first, _ = stored(sealed, AuditSeal)
    sealed.store.inner.transact([Delete(first.key)])
    reason, _, seal = broken(sealed)
    # What it fixed now stands in an hour that nothing fixes.
    assert (reason, seal) == ("the record was added after sealing", None)


def test_a_chain_that_was_written_anew_lacks_the_head_that_was_noted(
    sealed: Stage, clock: TestClock
) -> None:
    head = verified(sealed).head
    clock.advance(hours=1)
    sealed.product.tick()
    assert verified(sealed, head).broken is None
    found = verified(sealed, "0" * 64).broken
    assert found is not None
    assert found.reason == "the seal that was noted is missing"


@pytest.mark.parametrize("dies_before", [1, 2, 3])
def test_sealing_goes_on_after_a_crash(
    dies_before: int,
    product: Product,
    clock: TestClock,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three records, one in a seal: it dies before writing the first, second or third seal."""
    monkeypatch.setattr(audit_sealing, "_IN_A_SEAL", 1)
    for number in range(3):
        product.post("/v1/customers", {"name": f"{number}"})
    clock.advance(hours=2)
    written = stage.store.writes
    stage.store.before = _after(lambda: stage.store.writes - written == dies_before - 1)
    with pytest.raises(Crash):
        audit_sealing.seal_due(product.services)
    stage.store.before = lambda: None
    left = verified(stage)
    assert (left.broken, left.seals, left.unsealed_records) == (
        *(None, dies_before - 1),
        4 - dies_before,
    )
    audit_sealing.seal_due(product.services)
    found = verified(stage)
    assert (found.broken, found.seals, found.unsealed_records) == (None, 3, 0)


def _after(is_due: Callable[[], bool]) -> Callable[[], None]:
    def die() -> None:
        if is_due():
            raise Crash

    return die


def test_a_restored_world_brings_its_log(product: Product, sealed: Stage) -> None:
    before = entries(product)
    product.post("/mock/snapshot", {"name": "sealed"})
    product.post("/v1/customers", {"name": "afterwards"})
    product.post("/mock/restore", {"name": "sealed"})
    assert entries(product) == before
    assert verified(sealed).broken is None
    assert verified(sealed).seals == 2
