"""Many at once change one contract, and draw one commit: nothing is lost, nothing drawn twice."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from backbeat import bootstrap
from tests.integration.conftest import Stage
from tests.integration.product import Product, Reply, World

T = TypeVar("T")

FEBRUARY = datetime(2025, 2, 3, tzinfo=UTC)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Makes all calls at the same time, each in a thread of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def fixed(product: Product) -> str:
    body = {"name": "Purchase", "type": "FIXED"}
    id_: str = product.post("/v1/contract-pricing/products/create", body).data["id"]
    return id_


def access(amount: int) -> dict[str, Any]:
    item = {
        "amount": amount,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    return {"schedule_items": [item]}


def balances(product: Product, customer_id: str) -> list[Any]:
    body = {
        "customer_id": customer_id,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    found: list[Any] = product.post("/v1/contracts/customerBalances/list", body).data
    return found


def test_twenty_edits_of_one_contract(product: Product, world: World) -> None:
    """Ten add a commit, ten raise the one there was: all twenty are there."""
    names = {"customer_id": world.customer_id, "contract_id": world.contract_id}
    purchase = fixed(product)

    def added(name: str, amount: int) -> dict[str, Any]:
        return {
            "type": "PREPAID",
            "name": name,
            "product_id": purchase,
            "access_schedule": access(amount),
        }

    oldest = {**added("first", 100), "priority": 1}
    product.post("/v2/contracts/edit", {**names, "add_commits": [oldest]})
    [first] = balances(product, world.customer_id)
    [segment] = first["access_schedule"]["schedule_items"]
    entry = {
        **names,
        "id": first["id"],
        "segment_id": segment["id"],
        "amount": 1,
        "reason": "one more",
    }

    def edit(number: int) -> Callable[[], Reply]:
        commits = [added(f"commit {number}", number)]
        return lambda: product.post("/v2/contracts/edit", {**names, "add_commits": commits})

    def enter() -> Reply:
        return product.post("/v1/contracts/addManualBalanceLedgerEntry", entry)

    replies = at_once([*(edit(number) for number in range(1, 11)), *[enter] * 10])
    assert {reply.status for reply in replies} == {200}
    found = {one["name"]: one["balance"] for one in balances(product, world.customer_id)}
    # World's usage: 3 calls at 2 cents and 30 tokens at half a cent are 21, drawn from the first.
    drawn = 21
    assert found.pop("first") == 100 + 10 - drawn
    assert found == {f"commit {number}": number for number in range(1, 11)}
    history = product.post("/v2/contracts/getEditHistory", names).data
    assert len(history) == 11


def test_a_commit_that_many_contracts_finalize_on(stage: Stage, world: World) -> None:
    """Five contracts draw one commit at once; the outcome is that of one after the other."""
    one_by_one = _finalized(stage, "one", together=False)
    together = _finalized(stage, "all", together=True)
    assert one_by_one == together
    totals, ledger = together
    # Each uses 3 calls at 2 cents and 30 tokens at half a cent: 21, and five times that is 105.
    assert sum(totals) == 105 - 80
    assert sum(amount for type_, amount in ledger if "DEDUCTION" in type_) == -80


def _finalized(stage: Stage, token: str, *, together: bool) -> Any:
    product, clock = stage.product, stage.clock
    clock.set(datetime(2025, 1, 15, 12, tzinfo=UTC))
    own = World.build(product, token)

    def post(path: str, body: object) -> Any:
        return product.post(path, body, token=token).data

    purchase = post("/v1/contract-pricing/products/create", {"name": "P", "type": "FIXED"})["id"]
    commit = {
        "customer_id": own.customer_id,
        "type": "PREPAID",
        "priority": 1,
        "product_id": purchase,
        "access_schedule": access(80),
    }
    post("/v1/contracts/customerCommits/create", commit)
    for hour in range(1, 5):
        contract = {
            "customer_id": own.customer_id,
            "rate_card_id": own.rate_card_id,
            "starting_at": f"2025-01-01T{hour:02}:00:00Z",
        }
        post("/v1/contracts/create", contract)
    clock.set(FEBRUARY)
    product.tick()
    queue = product.services.job_queue
    # Five contracts' usage: fewer than one batch holds.
    messages = queue.receive(limit=10, wait_seconds=0, visibility_seconds=600)
    assert len(messages) >= 5
    with bootstrap.using(product.services):
        runs = [partial(product.run_job, message) for message in messages]
        if together:
            at_once(runs)
        else:
            for run in runs:
                run()
    # Those that others got in the way of are run again when their lease is over.
    for _ in range(5):
        clock.advance(minutes=16)
        product.tick()
        product.work_off_jobs()
    path = f"/v1/customers/{own.customer_id}/invoices"
    final = product.get(path, token=token, status="FINALIZED", type="USAGE").data
    assert len(final) == 5
    body = {"customer_id": own.customer_id, "include_balance": True, "include_ledgers": True}
    [shown] = post("/v1/contracts/customerBalances/list", body)
    assert shown["balance"] == sum(entry["amount"] for entry in shown["ledger"]) == 0
    by_invoice = {entry["invoice_id"] for entry in shown["ledger"] if "invoice_id" in entry}
    drawing = {
        one["id"]
        for one in final
        if any(line["type"] == "applied_commit_or_credit" for line in one["line_items"])
    }
    assert by_invoice == drawing
    ledger = sorted((entry["type"], entry["amount"]) for entry in shown["ledger"])
    return sorted(one["total"] for one in final), ledger
